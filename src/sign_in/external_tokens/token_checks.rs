//! Checks of a token's claims against its purpose.
//!
//! A token that the authority issued on this run's own request is used whatever its claims say,
//! since only the service decides: a difference is a warning. A token that was made elsewhere may
//! be anybody's for anything, so a difference refuses it before it is sent.
//! <https://learn.microsoft.com/entra/identity-platform/access-tokens>

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::model::{AccessToken, Guid};
use crate::services::entra::Claims;
use crate::sign_in::Audience;

/// The tolerated difference between the clocks of this machine and the services.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// The purpose of a token.
#[derive(Clone, Copy, Debug)]
pub(in crate::sign_in) struct TokenPurpose<'a> {
    /// The audience.
    pub(in crate::sign_in) audience: Audience,
    /// The audience's resource, as the authority names it.
    pub(in crate::sign_in) resource: &'a str,
    /// The tenant's id, where it is known.
    pub(in crate::sign_in) tenant: Option<Guid>,
}

/// A reason why an audience would not accept a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableToken {
    /// The text cannot be a token.
    #[error("is not a token: it is empty, or contains spaces or line breaks")]
    Malformed,
    /// The token is for another resource.
    #[error("is for `{found}`, not for `{wanted}`")]
    Resource {
        /// The token's resource.
        found: String,
        /// The expected resource.
        wanted: String,
    },
    /// The token is from another tenant.
    #[error("is from the tenant {found}, not {wanted}")]
    Tenant {
        /// The token's tenant.
        found: String,
        /// The expected tenant.
        wanted: String,
    },
    /// The token belongs to an application without a person.
    #[error("belongs to an application, not to a person")]
    Application,
    /// The token has expired.
    #[error("has expired")]
    Expired,
}

/// The result of checking a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sign_in) struct CheckedToken {
    /// The claims; none if the token cannot be read.
    pub(in crate::sign_in) claims: Option<Claims>,
    /// The possible problems.
    pub(in crate::sign_in) warnings: Vec<TokenWarning>,
}

/// A possible problem of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sign_in) enum TokenWarning {
    /// The token cannot be read.
    Unreadable,
    /// A claim does not fit the purpose.
    Mismatch(UnusableToken),
}

/// Checks a token's claims against its purpose.
///
/// # Errors
/// The service would refuse the token, or it was made elsewhere and does not fit its purpose.
pub(in crate::sign_in) fn check_token(
    wanted: TokenPurpose<'_>,
    token: &AccessToken,
    elsewhere: bool,
    now: SystemTime,
) -> Result<CheckedToken, UnusableToken> {
    let Some(claims) = Claims::in_token(token.expose()) else {
        return Ok(CheckedToken { claims: None, warnings: vec![TokenWarning::Unreadable] });
    };
    if wanted.audience == Audience::Flow && claims.is_app_only() {
        return Err(UnusableToken::Application);
    }
    let mismatches: Vec<UnusableToken> = list_mismatches(wanted, &claims, now).collect();
    match mismatches.first() {
        Some(first) if elsewhere => Err(first.clone()),
        _ => {
            let warnings = mismatches.into_iter().map(TokenWarning::Mismatch).collect();
            Ok(CheckedToken { claims: Some(claims), warnings })
        }
    }
}

/// Lists every claim that does not fit the purpose.
fn list_mismatches(
    wanted: TokenPurpose<'_>,
    claims: &Claims,
    now: SystemTime,
) -> impl Iterator<Item = UnusableToken> {
    let resource =
        claims.audience.as_ref().filter(|found| !names_resource(found, wanted)).map(|found| {
            UnusableToken::Resource { found: found.clone(), wanted: wanted.resource.to_owned() }
        });
    let tenant = wanted.tenant.zip(claims.tenant.as_ref());
    let tenant = tenant.filter(|(wanted, found)| found.parse::<Guid>() != Ok(*wanted));
    let tenant = tenant.map(|(wanted, found)| UnusableToken::Tenant {
        found: found.clone(),
        wanted: wanted.to_string(),
    });
    let expired =
        claims.ends().is_some_and(|end| end + CLOCK_SKEW < now).then_some(UnusableToken::Expired);
    [resource, tenant, expired].into_iter().flatten()
}

/// Returns true if a token's audience names the resource, with or without a slash at the end, or
/// the service's application id, as tokens of version 2.0 do.
fn names_resource(found: &str, wanted: TokenPurpose<'_>) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    plain(found) == plain(wanted.resource)
        || found.eq_ignore_ascii_case(wanted.audience.application_id())
}

impl fmt::Display for TokenWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => formatter.write_str("cannot be read, so it is used unchecked"),
            Self::Mismatch(mismatch) => {
                write!(formatter, "{mismatch}; the service may refuse it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40";

    fn checked(
        audience: Audience,
        elsewhere: bool,
        claims: &Value,
    ) -> Result<CheckedToken, UnusableToken> {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let token = AccessToken::new(format!("e30.{payload}.made-up"));
        let resource = match audience {
            Audience::Dataverse => "https://contoso.example",
            Audience::Flow => "https://flow.example/",
        };
        let wanted = TokenPurpose { audience, resource, tenant: TENANT.parse().ok() };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        check_token(wanted, &token, elsewhere, now)
    }

    fn warnings(audience: Audience, claims: &Value) -> Vec<String> {
        let facts = checked(audience, false, claims).unwrap();
        facts.warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_token_that_fits_raises_no_doubt_whatever_its_version() {
        for name in [
            "https://contoso.example",
            "https://Contoso.example/",
            "00000007-0000-0000-c000-000000000000",
        ] {
            let claims =
                json!({"aud": name, "tid": TENANT.to_uppercase(), "scp": "x", "exp": 10_000});
            assert!(warnings(Audience::Dataverse, &claims).is_empty(), "{name}");
        }
        let claims = json!({"aud": "7df0a125-d3be-4c96-aa54-591f83ff541c", "scp": "User"});
        assert!(warnings(Audience::Flow, &claims).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_a_doubt_in_our_own_token_and_refuses_anothers() {
        let claims =
            json!({"aud": "https://graph.example", "tid": "other", "scp": "x", "exp": 9_000});
        let warnings = warnings(Audience::Flow, &claims);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        let refused = checked(Audience::Flow, true, &claims).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "is for `https://graph.example`, not for `https://flow.example/`"
        );
        let tenant = json!({"tid": "11111111-9d0e-4b7a-8a35-5e2f6d1b9c40", "scp": "x"});
        assert!(matches!(
            checked(Audience::Flow, true, &tenant),
            Err(UnusableToken::Tenant { .. })
        ));
        let expired = json!({"scp": "x", "exp": 9_699});
        assert_eq!(checked(Audience::Flow, true, &expired), Err(UnusableToken::Expired));
        assert!(checked(Audience::Flow, true, &json!({"scp": "x", "exp": 9_700})).is_ok());
    }

    #[test]
    fn an_application_alone_is_refused_for_the_flow_service_and_no_other() {
        let claims = json!({"idtyp": "app", "roles": ["x"]});
        assert_eq!(checked(Audience::Flow, false, &claims), Err(UnusableToken::Application));
        assert!(checked(Audience::Dataverse, true, &claims).is_ok());
    }

    #[test]
    fn a_token_that_cannot_be_read_is_used_with_a_doubt() {
        let wanted = TokenPurpose { audience: Audience::Flow, resource: "x", tenant: None };
        let facts =
            check_token(wanted, &AccessToken::new("opaque"), true, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(facts.warnings, [TokenWarning::Unreadable]);
    }
}
