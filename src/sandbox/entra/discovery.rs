//! The discovery document of an authority (`OpenID` Connect Discovery 1.0).

use serde_json::json;

use super::super::message::{Answer, Call};
use super::super::site::Site;
use super::refusal::Refusal;
use super::{check_authority, success};

/// Answers `/{authority}/v2.0/.well-known/openid-configuration`.
pub(super) fn document(site: &Site, call: &Call, authority: &str) -> Result<Answer, Refusal> {
    check_authority(site, authority)?;
    let origin = call.origin.address();
    let base = format!("{origin}/{authority}");
    Ok(success(&json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(site, call, authority),
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
    })))
}

/// Names the issuer: aliases leave the directory open.
fn issuer(site: &Site, call: &Call, authority: &str) -> String {
    let alias =
        ["common", "organizations"].iter().any(|alias| authority.eq_ignore_ascii_case(alias));
    let tenant =
        if alias { "{tenantid}".to_owned() } else { site.tenant.file.directory.id.to_string() };
    format!("{}/{tenant}/v2.0", call.origin.address())
}
