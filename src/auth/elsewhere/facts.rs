//! What a token says of itself, held against what it is wanted for.
//!
//! A token that our own authority issued on our own request is used whatever it says, since tokens
//! are the services' matter: a difference is a doubt that is told. One that was made elsewhere may
//! be anybody's for anything, so a difference refuses it before it is sent.
//! <https://learn.microsoft.com/entra/identity-platform/access-tokens>

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::api::entra::Claims;
use crate::auth::Audience;
use crate::domain::{AccessToken, Guid};

/// How far the clocks of this machine and the services may be apart.
const SKEW: Duration = Duration::from_mins(5);

/// What a token is wanted for.
#[derive(Clone, Copy, Debug)]
pub(in crate::auth) struct Wanted<'a> {
    /// The audience.
    pub(in crate::auth) audience: Audience,
    /// Its resource, as the authority names it.
    pub(in crate::auth) resource: &'a str,
    /// The tenant's id, where it is known.
    pub(in crate::auth) tenant: Option<Guid>,
}

/// Why a token is none that the audience would take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no text that could be a token.
    #[error("is no token: it is empty, or has spaces or line breaks in it")]
    Malformed,
    /// It is for another resource.
    #[error("is for `{found}`, not for `{wanted}`")]
    Resource {
        /// Whom it is for.
        found: String,
        /// Whom it should be for.
        wanted: String,
    },
    /// It is of another tenant.
    #[error("is of the tenant {found}, not of {wanted}")]
    Tenant {
        /// The tenant that it is of.
        found: String,
        /// The tenant that it should be of.
        wanted: String,
    },
    /// It is that of an application without a person.
    #[error("is that of an application without a person")]
    Application,
    /// It has expired.
    #[error("has expired")]
    Expired,
}

/// What a token told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::auth) struct Facts {
    /// Its claims; none if it cannot be read.
    pub(in crate::auth) claims: Option<Claims>,
    /// What is doubtful, as sentences.
    pub(in crate::auth) doubts: Vec<Doubt>,
}

/// Something about a token that may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auth) enum Doubt {
    /// It cannot be read.
    Unreadable,
    /// What it says does not fit.
    Unfit(Unfit),
}

/// Reads a token and holds it against what it is wanted for.
///
/// # Errors
/// It would be refused, or it was made elsewhere and does not fit.
pub(in crate::auth) fn check(
    wanted: Wanted<'_>,
    token: &AccessToken,
    elsewhere: bool,
    now: SystemTime,
) -> Result<Facts, Unfit> {
    let Some(claims) = Claims::in_token(token.expose()) else {
        return Ok(Facts { claims: None, doubts: vec![Doubt::Unreadable] });
    };
    if wanted.audience == Audience::Flow && claims.is_app_only() {
        return Err(Unfit::Application);
    }
    let unfit: Vec<Unfit> = unfit(wanted, &claims, now).collect();
    match unfit.first() {
        Some(first) if elsewhere => Err(first.clone()),
        _ => {
            let doubts = unfit.into_iter().map(Doubt::Unfit).collect();
            Ok(Facts { claims: Some(claims), doubts })
        }
    }
}

/// Everything that does not fit.
fn unfit(wanted: Wanted<'_>, claims: &Claims, now: SystemTime) -> impl Iterator<Item = Unfit> {
    let resource =
        claims.audience.as_ref().filter(|found| !is_for(found, wanted)).map(|found| {
            Unfit::Resource { found: found.clone(), wanted: wanted.resource.to_owned() }
        });
    let tenant = wanted.tenant.zip(claims.tenant.as_ref());
    let tenant = tenant.filter(|(wanted, found)| found.parse::<Guid>() != Ok(*wanted));
    let tenant = tenant
        .map(|(wanted, found)| Unfit::Tenant { found: found.clone(), wanted: wanted.to_string() });
    let expired = claims.ends().is_some_and(|end| end + SKEW < now).then_some(Unfit::Expired);
    [resource, tenant, expired].into_iter().flatten()
}

/// Whether a token is for the audience: by its resource, with or without a slash at the end, or by
/// the id of its application, as tokens of version 2.0 name it.
fn is_for(found: &str, wanted: Wanted<'_>) -> bool {
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    plain(found) == plain(wanted.resource)
        || found.eq_ignore_ascii_case(wanted.audience.application())
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => formatter.write_str("cannot be read, so it is used unchecked"),
            Self::Unfit(unfit) => {
                write!(formatter, "{unfit}; the service decides whether it takes it")
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

    fn checked(audience: Audience, elsewhere: bool, claims: &Value) -> Result<Facts, Unfit> {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let token = AccessToken::new(format!("e30.{payload}.made-up"));
        let resource = match audience {
            Audience::Dataverse => "https://contoso.example",
            Audience::Flow => "https://flow.example/",
        };
        let wanted = Wanted { audience, resource, tenant: TENANT.parse().ok() };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        check(wanted, &token, elsewhere, now)
    }

    fn doubts(audience: Audience, claims: &Value) -> Vec<String> {
        let facts = checked(audience, false, claims).unwrap();
        facts.doubts.iter().map(ToString::to_string).collect()
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
            assert!(doubts(Audience::Dataverse, &claims).is_empty(), "{name}");
        }
        let claims = json!({"aud": "7df0a125-d3be-4c96-aa54-591f83ff541c", "scp": "User"});
        assert!(doubts(Audience::Flow, &claims).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_a_doubt_in_our_own_token_and_refuses_anothers() {
        let claims =
            json!({"aud": "https://graph.example", "tid": "other", "scp": "x", "exp": 9_000});
        let doubts = doubts(Audience::Flow, &claims);
        assert_eq!(doubts.len(), 3, "{doubts:?}");
        let refused = checked(Audience::Flow, true, &claims).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "is for `https://graph.example`, not for `https://flow.example/`"
        );
        let tenant = json!({"tid": "11111111-9d0e-4b7a-8a35-5e2f6d1b9c40", "scp": "x"});
        assert!(matches!(checked(Audience::Flow, true, &tenant), Err(Unfit::Tenant { .. })));
        let expired = json!({"scp": "x", "exp": 9_699});
        assert_eq!(checked(Audience::Flow, true, &expired), Err(Unfit::Expired));
        assert!(checked(Audience::Flow, true, &json!({"scp": "x", "exp": 9_700})).is_ok());
    }

    #[test]
    fn an_application_alone_is_refused_for_the_flow_service_and_no_other() {
        let claims = json!({"idtyp": "app", "roles": ["x"]});
        assert_eq!(checked(Audience::Flow, false, &claims), Err(Unfit::Application));
        assert!(checked(Audience::Dataverse, true, &claims).is_ok());
    }

    #[test]
    fn a_token_that_cannot_be_read_is_used_with_a_doubt() {
        let wanted = Wanted { audience: Audience::Flow, resource: "x", tenant: None };
        let facts =
            check(wanted, &AccessToken::new("opaque"), true, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(facts.doubts, [Doubt::Unreadable]);
    }
}
