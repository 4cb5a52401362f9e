//! Discovery of the authority, limited to those that the cloud lists.

use crate::http::{Peer, Transport};
use crate::model::{Cloud, EnvironmentUrl};
use crate::services::entra::{Authority, Challenge, Tenant, ask_for_challenge};
use crate::services::read_service_error;
use crate::sign_in::AuthError;

/// Finds the authority of an environment: that of the named tenant, else the one in the
/// environment's challenge. Any server at the environment's address could send a challenge, so its
/// host must be one that the cloud lists.
///
/// # Errors
/// There is no answer or no challenge, the environment refuses everybody, or the cloud does not list
/// the authority.
pub async fn discover_authority(
    transport: &Transport,
    environment: &EnvironmentUrl,
    cloud: &Cloud,
    tenant: Option<Tenant>,
) -> Result<Authority, AuthError> {
    if let Some(tenant) = tenant {
        return authority_of_tenant(environment, cloud, tenant);
    }
    let authority = ask_for_authority(transport, environment).await?;
    if !cloud.trusts_authority(authority.origin(), environment) {
        let port = authority.origin().port().map_or_else(String::new, |port| format!(":{port}"));
        let host = authority.origin().host_str().unwrap_or_default();
        return Err(AuthError::UntrustedAuthority {
            host: format!("{host}{port}"),
            environment: environment.to_string(),
            known: cloud.authorities().to_vec(),
        });
    }
    Ok(authority)
}

/// Reads the name or id of a tenant.
///
/// # Errors
/// The text is malformed.
pub fn parse_tenant(text: &str) -> Result<Tenant, AuthError> {
    text.parse().map_err(|source| AuthError::MalformedTenant { text: text.to_owned(), source })
}

/// Returns the authority of a named tenant, without a request.
fn authority_of_tenant(
    environment: &EnvironmentUrl,
    cloud: &Cloud,
    tenant: Tenant,
) -> Result<Authority, AuthError> {
    let origin = match cloud.default_authority() {
        _ if environment.is_loopback() => environment.origin().to_owned(),
        Some(host) => format!("https://{host}"),
        None => return Err(AuthError::NoAuthority),
    };
    let origin = origin.parse().map_err(|_| AuthError::NoAuthority)?;
    Ok(Authority::new(&origin, tenant))
}

/// Asks the environment for its authority.
async fn ask_for_authority(
    transport: &Transport,
    environment: &EnvironmentUrl,
) -> Result<Authority, AuthError> {
    let request = ask_for_challenge(environment).map_err(|_| AuthError::NoAuthority)?;
    let answer = transport.send(&request, None).await?;
    let (status, peer) = (answer.status, Peer::at_url(request.service, &request.url));
    let error = read_service_error(request.service, &answer, "a challenge to sign in");
    let is_explained = status == 501 || (status != 429 && error.cause().is_some());
    match Challenge::from_answer(&answer) {
        _ if matches!(status, 429 | 500..) && !is_explained => {
            Err(AuthError::service_busy(peer, &answer))
        }
        Some(challenge) => Ok(challenge.authority),
        None if is_explained || status == 403 => {
            Err(AuthError::EnvironmentRefused { error: Box::new(error) })
        }
        None => {
            let (environment, request_id) = (environment.to_string(), answer.request_id());
            Err(AuthError::NoChallenge { environment, status, request_id })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_tenant, *};
    use crate::http::Settings;
    use crate::http::testing::{Reply, Server};
    use crate::model::Clouds;

    async fn discover(
        reply: Reply,
        tenant: Option<&str>,
    ) -> (Result<Authority, AuthError>, Server) {
        let server = Server::start(move |_, _| reply.clone()).await;
        let clouds = Clouds::embedded().unwrap();
        let transport = Transport::new(Settings::default()).unwrap();
        let environment = server.url("/").as_str().parse().unwrap();
        let cloud = clouds.for_environment(&environment).unwrap();
        let named = tenant.map(|text| text.parse().unwrap());
        let found = discover_authority(&transport, &environment, cloud, named).await;
        (found, server)
    }

    fn challenge(address: &str) -> Reply {
        let value = format!("Bearer authorization_uri={address}, resource_id=https://x.example/");
        Reply::json(401, "").with("www-authenticate", &value)
    }

    /// Discovers the authority of an environment that names a path of its own address.
    async fn discover_own(path: &'static str) -> (Result<Authority, AuthError>, Server) {
        let server = Server::start(move |_, received| {
            challenge(&format!("http://{}{path}", received.headers("host")[0]))
        })
        .await;
        let clouds = Clouds::embedded().unwrap();
        let transport = Transport::new(Settings::default()).unwrap();
        let environment = server.url("/").as_str().parse().unwrap();
        let cloud = clouds.for_environment(&environment).unwrap();
        let found = discover_authority(&transport, &environment, cloud, None).await;
        (found, server)
    }

    #[tokio::test]
    async fn a_challenge_that_leads_to_another_port_of_this_machine_is_refused() {
        let (found, _server) = discover(challenge("http://127.0.0.1:9/t-1/oauth2/x"), None).await;
        assert!(matches!(found, Err(AuthError::UntrustedAuthority { .. })), "{found:?}");
    }

    #[tokio::test]
    async fn an_environments_challenge_names_the_authority() {
        let (found, server) = discover_own("/t-1/oauth2/authorize").await;
        assert_eq!(found.unwrap().to_string(), server.url("/t-1").to_string());
        let received = server.received().remove(0);
        assert_eq!(received.line, "GET /api/data/v9.2/ HTTP/1.1");
        assert!(received.headers("authorization").is_empty());
    }

    #[tokio::test]
    async fn an_environment_that_lets_nobody_in_is_told_by_its_cause() {
        let body = r#"{"error":{"code":"0x80095ffe","message":"blocked"}}"#;
        let (found, _server) = discover(Reply::json(403, body), None).await;
        let AuthError::EnvironmentRefused { error } = found.unwrap_err() else { panic!() };
        assert!(error.cause().unwrap().meaning.contains("IP firewall"));
        let (found, _server) = discover(Reply::json(403, "<html></html>"), None).await;
        let AuthError::EnvironmentRefused { error } = found.unwrap_err() else { panic!() };
        assert!(!error.documented);
        let (found, _server) = discover(Reply::json(404, ""), None).await;
        assert!(matches!(found.unwrap_err(), AuthError::NoChallenge { status: 404, .. }));
    }

    #[tokio::test]
    async fn a_challenge_that_leads_elsewhere_is_refused() {
        let address = "https://login.microsoftonline.com.example.com/t-1/oauth2/authorize";
        let (found, _server) = discover(challenge(address), None).await;
        let error = found.unwrap_err();
        assert!(matches!(error, AuthError::UntrustedAuthority { .. }), "{error:?}");
        assert!(error.to_string().contains("login.microsoftonline.com.example.com"));
    }

    #[tokio::test]
    async fn an_environment_that_does_not_challenge_says_what_it_answered() {
        let (found, _server) = discover(Reply::redirect("https://x.example/"), None).await;
        let error = found.unwrap_err();
        assert!(error.to_string().contains("302"), "{error}");
    }

    #[tokio::test]
    async fn a_named_tenant_needs_no_challenge_and_must_be_one() {
        let (found, server) = discover(Reply::Drop, Some("contoso.example")).await;
        assert_eq!(found.unwrap().origin(), &server.url("/"));
        assert!(server.received().is_empty());
        assert!(matches!(parse_tenant("../x"), Err(AuthError::MalformedTenant { .. })));
    }
}
