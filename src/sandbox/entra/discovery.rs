//! The discovery document of an authority (`OpenID` Connect Discovery 1.0), its keys, and which hosts are
//! authorities at all.

use http::Uri;
use serde_json::{Value, json};

use super::super::message::{Answer, Call, Origin};
use super::super::signing;
use super::super::site::Site;
use super::refusal::Refusal;
use super::{check_authority, success};

/// The names of the public cloud's sign-in service, its own first.
const PUBLIC_CLOUD: [&str; 4] =
    ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// What the token endpoint grants on.
const GRANTS: [&str; 4] = [
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
];

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
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(site, call, authority),
        "request_uri_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": GRANTS,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
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

/// Answers `/common/discovery/instance`: libraries ask it before they trust a host, and for the host's other
/// names. Some of them leave the port out.
pub(super) fn instances(call: &Call) -> Result<Answer, Refusal> {
    let name = "authorization_endpoint";
    let endpoint = call.parameter(name).ok_or_else(|| Refusal::missing(name))?;
    let endpoint: Uri = endpoint.parse().map_err(|_| Refusal::unknown_instance())?;
    let asked = endpoint.host().unwrap_or_default();
    let address = match asked {
        _ if asked.eq_ignore_ascii_case(call.origin.name()) => call.origin.address(),
        _ if PUBLIC_CLOUD.contains(&asked) => format!("https://{asked}"),
        _ => return Err(Refusal::unknown_instance()),
    };
    let tenant = endpoint.path().split('/').nth(1).unwrap_or_default();
    Ok(success(&json!({
        "tenant_discovery_endpoint": format!("{address}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": call.parameter("api-version").unwrap_or_else(|| "1.1".to_owned()),
        "metadata": clouds(&call.origin),
    })))
}

/// Describes the public cloud, and a host that is none of its names as a cloud of its own.
fn clouds(origin: &Origin) -> Vec<Value> {
    let [network, cache, ..] = PUBLIC_CLOUD;
    let public =
        json!({"preferred_network": network, "preferred_cache": cache, "aliases": PUBLIC_CLOUD});
    let (host, name) = (&origin.host, origin.name());
    let own = json!({"preferred_network": host, "preferred_cache": host, "aliases": [host, name]});
    if PUBLIC_CLOUD.contains(&name) { vec![public] } else { vec![public, own] }
}

/// Answers `/{authority}/discovery/v2.0/keys`.
pub(super) fn keys(site: &Site, call: &Call, authority: &str) -> Result<Answer, Refusal> {
    check_authority(site, authority)?;
    let key = signing::published(&issuer(site, call, authority));
    Ok(success(&json!({"keys": key.into_iter().collect::<Vec<_>>()})))
}
