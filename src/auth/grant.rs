//! The three exchanges of a sign-in, as `oauth2` makes them: a device code, the token that
//! follows its approval, and a token from a refresh token.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, DeviceAuthorizationResponse, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ErrorResponse, ExtraDeviceAuthorizationFields, ExtraTokenFields, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::principal::Credential;
use super::wire::{Sleep, Wire};
use super::{Application, AuthError, Prompt};
use crate::domain::{AccessToken, RefreshToken, Service};
use crate::http::{DecodeError, Peer};

/// The client of `oauth2` with the fields that Entra adds.
type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A token answer.
type Tokens = StandardTokenResponse<TokenExtra, BasicTokenType>;

/// How much the time between polls may grow, which `oauth2` otherwise cuts to ten seconds.
const LONGEST_BACKOFF: Duration = Duration::from_mins(10);

/// What an assertion is that proves who an application is (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long a token is taken to last when the answer does not tell.
const USUAL_LIFETIME: Duration = Duration::from_hours(1);

/// A device code with what a person has to be told: the secret half of the pair is inside.
pub(super) struct DeviceCode(DeviceAuthorizationResponse<DeviceExtra>);

/// What a token endpoint granted.
pub(super) struct Grant {
    /// The token for the audience that was asked for.
    pub(super) access: AccessToken,
    /// The token for what comes later; none if the earlier one stays.
    pub(super) refresh: Option<RefreshToken>,
    /// How long the access token lasts.
    pub(super) lifetime: Duration,
    /// Who signed in, as a token for ourselves.
    pub(super) id_token: Option<AccessToken>,
}

/// Text that is not printed.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Hidden(String);

/// What Entra adds to a device code.
#[derive(Debug, Deserialize, Serialize)]
struct DeviceExtra {
    message: Option<Hidden>,
}

/// What an authority adds to a token.
#[derive(Debug, Deserialize, Serialize)]
struct TokenExtra {
    id_token: Option<Hidden>,
}

impl ExtraDeviceAuthorizationFields for DeviceExtra {}

impl ExtraTokenFields for TokenExtra {}

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

impl DeviceCode {
    /// Asks for a code (RFC 8628 section 3.1).
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(super) async fn ask(
        wire: &Wire<'_>,
        application: &Application,
        scopes: &str,
    ) -> Result<Self, AuthError> {
        let client = client(application);
        let request = client.exchange_device_code().add_scopes(each(scopes));
        let result = request.request_async(wire).await;
        result.map(Self).map_err(|error| explain(wire, application, error))
    }

    /// What the person has to be told.
    ///
    /// # Errors
    /// The page is not one that a person should be sent to.
    pub(super) fn prompt(&self) -> Result<Prompt, AuthError> {
        let Self(details) = self;
        let message = details.extra_fields().message.as_ref();
        Prompt::new(
            details.verification_uri().as_str(),
            details.user_code().secret(),
            message.map(|Hidden(text)| text.as_str()),
            details.expires_in(),
        )
    }

    /// Polls until the person has decided (RFC 8628 section 3.4), or the code expires.
    ///
    /// # Errors
    /// A refusal, an expired code or a dead network.
    pub(super) async fn poll(
        &self,
        wire: &Wire<'_>,
        application: &Application,
        sleep: &Sleep,
    ) -> Result<Grant, AuthError> {
        let client = client(application);
        let request =
            client.exchange_device_access_token(&self.0).set_max_backoff_interval(LONGEST_BACKOFF);
        let result = request.request_async(wire, |time| sleep(time), None).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        Grant::of(application, &tokens)
    }
}

impl Grant {
    /// Asks for a token by means of a refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(super) async fn refresh(
        wire: &Wire<'_>,
        application: &Application,
        token: &RefreshToken,
        scopes: &str,
    ) -> Result<Self, AuthError> {
        let client = client(application);
        let token = oauth2::RefreshToken::new(token.expose().to_owned());
        let request = client.exchange_refresh_token(&token).add_scopes(each(scopes));
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        Self::of(application, &tokens)
    }

    /// Takes over what is needed.
    fn of(application: &Application, tokens: &Tokens) -> Result<Self, AuthError> {
        if *tokens.token_type() != BasicTokenType::Bearer {
            return Err(unreadable(application, None));
        }
        let refresh = tokens.refresh_token();
        let id_token = tokens.extra_fields().id_token.as_ref();
        Ok(Self {
            access: AccessToken::new(tokens.access_token().secret().as_str()),
            refresh: refresh.map(|token| RefreshToken::new(token.secret().as_str())),
            lifetime: tokens.expires_in().unwrap_or(USUAL_LIFETIME),
            id_token: id_token.map(|Hidden(text)| AccessToken::new(text.as_str())),
        })
    }
}

impl Grant {
    /// Asks for a token for the application itself (RFC 6749 section 4.4), which proves who it
    /// is in the body: by its secret, or by an assertion (RFC 7523 section 2.2).
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(super) async fn for_application(
        wire: &Wire<'_>,
        application: &Application,
        credential: &Credential,
        scope: &str,
    ) -> Result<Self, AuthError> {
        let client = client(application).set_auth_type(AuthType::RequestBody);
        let client = match credential {
            Credential::Secret(secret) => {
                client.set_client_secret(oauth2::ClientSecret::new(secret.expose().to_owned()))
            }
            Credential::Assertion(_) => client,
        };
        let request = client.exchange_client_credentials().add_scopes(each(scope));
        let request = match credential {
            Credential::Secret(_) => request,
            Credential::Assertion(assertion) => request
                .add_extra_param("client_assertion_type", ASSERTION_TYPE)
                .add_extra_param("client_assertion", assertion.expose()),
        };
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        Self::of(application, &tokens)
    }
}

/// The client of `oauth2` for an application. It has no secret: it is a public client.
fn client(application: &Application) -> Client {
    let id = oauth2::ClientId::new(application.client_id.as_str().to_owned());
    let authority = &application.authority;
    oauth2::Client::new(id)
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(authority.device_code_url()))
        .set_token_uri(TokenUrl::from_url(authority.token_url()))
}

/// Each scope of a list.
fn each(scopes: &str) -> impl Iterator<Item = Scope> {
    scopes.split(' ').map(|scope| Scope::new(scope.to_owned()))
}

/// Tells why an exchange failed. The adapter knows it better than `oauth2`, whose own errors
/// hold the body; what it alone knows is that a code has expired, and what a grant lacks.
fn explain<E: ErrorResponse>(
    wire: &Wire<'_>,
    application: &Application,
    error: RequestTokenError<Infallible, E>,
) -> AuthError {
    if let Some(reason) = wire.take_reason() {
        return reason;
    }
    match error {
        RequestTokenError::ServerResponse(_) => AuthError::Expired,
        RequestTokenError::Parse(error, _) => {
            unreadable(application, Some(DecodeError::of(error.inner())))
        }
        RequestTokenError::Request(_) | RequestTokenError::Other(_) => {
            unreadable(application, None)
        }
    }
}

/// Tells that a grant is none.
fn unreadable(application: &Application, source: Option<DecodeError>) -> AuthError {
    AuthError::Unreadable {
        peer: Peer::of(Service::Entra, application.authority.origin()),
        status: 200,
        source,
    }
}
