//! The word of whoever runs the pipeline, which Entra takes for a proof:
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>.
//!
//! It lasts for minutes, so it is asked for anew whenever a token is.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::{Means, PrincipalError};
use crate::auth::AuthError;
use crate::domain::{AccessToken, ClientAssertion, Service, is_private};
use crate::http::{Answer, DecodeError, Method, Peer, Request, Transport};

/// The version of the request to Azure DevOps.
const API_VERSION: &str = "7.1";

/// Has Azure DevOps refuse a request where it would lead a browser to a sign-in page.
const NO_SIGN_IN_PAGE: HeaderName = HeaderName::from_static("x-tfs-fedauthredirect");

/// The longest token that is read from a file, in bytes.
const MOST_TOKEN_BYTES: u64 = 64 * 1024;

/// Whoever runs the pipeline, and how to ask them who we are.
#[derive(Clone, Debug)]
pub enum Federation {
    /// GitHub Actions:
    /// <https://docs.github.com/actions/reference/security/oidc>.
    GitHub {
        /// Where to ask, `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: Url,
        /// What allows to ask, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        request_token: AccessToken,
    },
    /// Azure Pipelines:
    /// <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>.
    AzureDevOps {
        /// Where to ask, `SYSTEM_OIDCREQUESTURI`.
        url: Url,
        /// What allows to ask, `SYSTEM_ACCESSTOKEN`.
        access_token: AccessToken,
        /// The id of the service connection that Entra knows.
        service_connection: String,
    },
    /// A file that somebody keeps up to date, as Kubernetes does.
    File {
        /// The file, `AZURE_FEDERATED_TOKEN_FILE`.
        path: PathBuf,
    },
}

impl Federation {
    /// The address in a variable of the pipeline.
    ///
    /// # Errors
    /// It is none, or neither https nor on this machine.
    pub fn address(variable: &str, text: &str) -> Result<Url, PrincipalError> {
        let url = Url::parse(text.trim()).ok().filter(is_private);
        url.ok_or_else(|| PrincipalError::NoAddress { variable: variable.to_owned() })
    }

    /// The token by which Entra knows this pipeline, for that audience.
    ///
    /// # Errors
    /// No answer, or one without a token; no file, or an empty one.
    pub(super) async fn assertion(
        &self,
        transport: &Transport,
        audience: &str,
    ) -> Result<ClientAssertion, AuthError> {
        match self {
            Self::GitHub { url, request_token } => {
                let request = to_github(url, audience);
                ask(transport, &request, request_token, Means::GitHub, "value").await
            }
            Self::AzureDevOps { url, access_token, service_connection } => {
                let request = to_azure_devops(url, service_connection);
                ask(transport, &request, access_token, Means::AzureDevOps, "oidcToken").await
            }
            Self::File { path } => Ok(from_file(path)?),
        }
    }
}

/// The request to GitHub.
fn to_github(url: &Url, audience: &str) -> Request {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("audience", audience);
    let request = Request::get(Service::Pipeline, url, "/{github}");
    request.with_header(ACCEPT, HeaderValue::from_static("application/json"))
}

/// The request to Azure DevOps, which knows one audience only and is not told it.
fn to_azure_devops(url: &Url, service_connection: &str) -> Request {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("api-version", API_VERSION)
        .append_pair("serviceConnectionId", service_connection);
    Request::query(Service::Pipeline, Method::POST, url, "/{azure-devops}/oidctoken")
        .with_header(ACCEPT, HeaderValue::from_static("application/json"))
        .with_header(NO_SIGN_IN_PAGE, HeaderValue::from_static("Suppress"))
        .with_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

/// Sends a request and reads the token that is the member of that name.
async fn ask(
    transport: &Transport,
    request: &Request,
    token: &AccessToken,
    means: Means,
    member: &str,
) -> Result<ClientAssertion, AuthError> {
    let peer = Peer::at_url(request.service, &request.url);
    let answer = transport.send(request, Some(token)).await?;
    if matches!(answer.status, 408 | 429 | 500..) {
        return Err(AuthError::busy(peer, &answer));
    }
    let status = answer.status;
    let refused = |source| PrincipalError::NoToken { means, peer, status, source };
    if !answer.is_success() {
        return Err(refused(None).into());
    }
    match token_in(&answer, member) {
        Ok(Some(token)) => Ok(token),
        Ok(None) => Err(refused(None).into()),
        Err(error) => Err(refused(Some(error)).into()),
    }
}

/// The member of that name, if it is a text with something in it.
fn token_in(answer: &Answer, member: &str) -> Result<Option<ClientAssertion>, DecodeError> {
    let body: Map<String, Value> = answer.json()?;
    let text = body.get(member).and_then(Value::as_str).map(str::trim);
    Ok(text.filter(|text| !text.is_empty()).map(ClientAssertion::new))
}

/// The token in a file, as it is now.
fn from_file(path: &Path) -> Result<ClientAssertion, PrincipalError> {
    let unreadable = |source| PrincipalError::TokenFile { path: path.to_path_buf(), source };
    let text = text_of(path).map_err(unreadable)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is empty")));
    }
    Ok(ClientAssertion::new(token))
}

/// The text of a file, up to more than a token is long.
fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_TOKEN_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
