//! Tokens of the pipeline's identity provider, which Entra accepts as proof:
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>.
//!
//! Such a token lasts for minutes, so a new one is fetched for each proof.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::{PrincipalError, ProofKind};
use crate::http::{Answer, DecodeError, Method, Peer, Request, Transport};
use crate::model::{AccessToken, ClientAssertion, Service, is_https_or_loopback};
use crate::sign_in::AuthError;

/// The API version of the request to Azure DevOps.
const API_VERSION: &str = "7.1";

/// A header that makes Azure DevOps answer 401 instead of a redirect to its sign-in page.
const NO_SIGN_IN_PAGE: HeaderName = HeaderName::from_static("x-tfs-fedauthredirect");

/// The maximum length of a token in a file, in bytes.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// An identity provider of a pipeline, with the inputs to ask it for a token.
#[derive(Clone, Debug)]
pub enum IdentityProvider {
    /// GitHub Actions:
    /// <https://docs.github.com/actions/reference/security/oidc>.
    GitHub {
        /// The address to ask, `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: Url,
        /// The token for the request, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        request_token: AccessToken,
    },
    /// Azure Pipelines:
    /// <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>.
    AzureDevOps {
        /// The address to ask, `SYSTEM_OIDCREQUESTURI`.
        url: Url,
        /// The token for the request, `SYSTEM_ACCESSTOKEN`.
        access_token: AccessToken,
        /// The id of the service connection that Entra knows.
        service_connection: String,
    },
    /// A file that another program keeps up to date, as Kubernetes does.
    File {
        /// The file, `AZURE_FEDERATED_TOKEN_FILE`.
        path: PathBuf,
    },
}

impl IdentityProvider {
    /// Reads the address in a variable of the pipeline.
    ///
    /// # Errors
    /// The text is not an address, or it is neither https nor on this machine.
    pub fn parse_address(variable: &str, text: &str) -> Result<Url, PrincipalError> {
        let url = Url::parse(text.trim()).ok().filter(is_https_or_loopback);
        url.ok_or_else(|| PrincipalError::NoAddress { variable: variable.to_owned() })
    }

    /// Fetches the token by which Entra knows this pipeline, for an audience.
    ///
    /// # Errors
    /// There is no answer, or one without a token; or there is no file, or it is empty.
    pub(super) async fn fetch_assertion(
        &self,
        transport: &Transport,
        audience: &str,
    ) -> Result<ClientAssertion, AuthError> {
        match self {
            Self::GitHub { url, request_token } => {
                let request = github_request(url, audience);
                fetch_token(transport, &request, request_token, ProofKind::GitHub, "value").await
            }
            Self::AzureDevOps { url, access_token, service_connection } => {
                let request = azure_devops_request(url, service_connection);
                fetch_token(transport, &request, access_token, ProofKind::AzureDevOps, "oidcToken")
                    .await
            }
            Self::File { path } => Ok(read_in_thread(path.clone()).await?),
        }
    }
}

/// Makes the request to GitHub.
fn github_request(url: &Url, audience: &str) -> Request {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("audience", audience);
    let request = Request::get(Service::Pipeline, url, "/{github}");
    request.with_header(ACCEPT, HeaderValue::from_static("application/json"))
}

/// Makes the request to Azure DevOps, which issues tokens for one audience only.
fn azure_devops_request(url: &Url, service_connection: &str) -> Request {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("api-version", API_VERSION)
        .append_pair("serviceConnectionId", service_connection);
    Request::query(Service::Pipeline, Method::POST, url, "/{azure-devops}/oidctoken")
        .with_header(ACCEPT, HeaderValue::from_static("application/json"))
        .with_header(NO_SIGN_IN_PAGE, HeaderValue::from_static("Suppress"))
        .with_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

/// Sends a request, and reads the token from a member of the answer.
async fn fetch_token(
    transport: &Transport,
    request: &Request,
    token: &AccessToken,
    means: ProofKind,
    member: &str,
) -> Result<ClientAssertion, AuthError> {
    let peer = Peer::at_url(request.service, &request.url);
    let answer = transport.send(request, Some(token)).await?;
    if matches!(answer.status, 408 | 429 | 500..) {
        return Err(AuthError::service_busy(peer, &answer));
    }
    let status = answer.status;
    let refused = |source| PrincipalError::NoToken { means, peer, status, source };
    if !answer.is_success() {
        return Err(refused(None).into());
    }
    match token_member(&answer, member) {
        Ok(Some(token)) => Ok(token),
        Ok(None) => Err(refused(None).into()),
        Err(error) => Err(refused(Some(error)).into()),
    }
}

/// Returns the text of a member, if it is not empty.
fn token_member(answer: &Answer, member: &str) -> Result<Option<ClientAssertion>, DecodeError> {
    let body: Map<String, Value> = answer.json()?;
    let text = body.get(member).and_then(Value::as_str).map(str::trim);
    Ok(text.filter(|text| !text.is_empty()).map(ClientAssertion::new))
}

/// Reads the token from a file, which may be a pipe, in a thread of its own, so that a signal can
/// end the run meanwhile.
async fn read_in_thread(path: PathBuf) -> Result<ClientAssertion, PrincipalError> {
    let read = tokio::task::spawn_blocking({
        let path = path.clone();
        move || token_from_file(&path)
    });
    let unreadable = |error| PrincipalError::TokenFile { path, source: io::Error::other(error) };
    read.await.map_err(unreadable)?
}

/// Reads the token from a file.
fn token_from_file(path: &Path) -> Result<ClientAssertion, PrincipalError> {
    let unreadable = |source| PrincipalError::TokenFile { path: path.to_path_buf(), source };
    let text = read_text(path).map_err(unreadable)?;
    let token = text.trim_start_matches('\u{feff}').trim();
    if token.is_empty() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is empty")));
    }
    Ok(ClientAssertion::new(token))
}

/// Reads the text of a file, up to the maximum length of a token.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_TOKEN_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
