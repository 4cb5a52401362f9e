//! The exchanges of a sign-in, as `oauth2` makes them: a device code, the token that follows its
//! approval, the token that follows a browser's answer, a token from a refresh token, and one
//! for an application that signs in as itself.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, CsrfToken, DeviceAuthorizationResponse,
    DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, ErrorResponse,
    ExtraDeviceAuthorizationFields, ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::entra::Claims;
use crate::auth::exchange::{Sleep, Wire};
use crate::auth::principal::Credential;
use crate::auth::{Application, AuthError, IdTokenError, Prompt};
use crate::domain::{AccessToken, RefreshToken, Service};
use crate::http::{DecodeError, Peer};

/// The client of `oauth2` with the fields that Entra adds.
type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A token answer.
type Tokens = StandardTokenResponse<TokenExtra, BasicTokenType>;

/// How much the time between polls may grow, which `oauth2` otherwise cuts to ten seconds.
const LONGEST_BACKOFF: Duration = Duration::from_mins(10);

/// What a token must prove, as a parameter of every request for one
/// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
const CLAIMS: &str = "claims";

/// How many random bytes a state and a nonce are made of.
const RANDOM_BYTES: u32 = 32;

/// What an assertion is that proves who an application is (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A device code with what a person has to be told: the secret half of the pair is inside.
pub(in crate::auth) struct DeviceCode(DeviceAuthorizationResponse<DeviceExtra>);

/// What a browser is sent to ask for, and the secrets that stay here meanwhile.
pub(in crate::auth) struct CodeRequest {
    address: Url,
    redirect: RedirectUrl,
    scopes: String,
    state: CsrfToken,
    nonce: CsrfToken,
    verifier: PkceCodeVerifier,
}

/// What a token endpoint granted.
pub(in crate::auth) struct Grant {
    /// The token for the audience that was asked for.
    pub(in crate::auth) access: AccessToken,
    /// The token for what comes later; none if the earlier one stays.
    pub(in crate::auth) refresh: Option<RefreshToken>,
    /// How long the access token lasts, if that is told.
    pub(in crate::auth) lifetime: Option<Duration>,
    /// Who signed in, as a token for ourselves.
    pub(in crate::auth) id_token: Option<AccessToken>,
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
    pub(in crate::auth) async fn ask(
        wire: &Wire<'_>,
        application: &Application,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, AuthError> {
        let client = client(application);
        let mut request = client.exchange_device_code().add_scopes(each(scopes));
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire).await;
        result.map(Self).map_err(|error| explain(wire, application, error))
    }

    /// What the person has to be told.
    ///
    /// # Errors
    /// The page is not one that a person should be sent to.
    pub(in crate::auth) fn prompt(&self) -> Result<Prompt, AuthError> {
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
    pub(in crate::auth) async fn poll(
        &self,
        wire: &Wire<'_>,
        application: &Application,
        claims: Option<&str>,
        sleep: &Sleep,
    ) -> Result<Grant, AuthError> {
        let client = client(application);
        let mut request =
            client.exchange_device_access_token(&self.0).set_max_backoff_interval(LONGEST_BACKOFF);
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire, |time| sleep(time), None).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        Grant::of(wire, application, &tokens)
    }
}

impl CodeRequest {
    /// Makes a request for an authorization code (RFC 6749 section 4.1.1) with a challenge that
    /// only this request can meet (RFC 7636 section 4.3).
    ///
    /// # Errors
    /// The redirect address is none.
    pub(in crate::auth) fn new(
        application: &Application,
        redirect: String,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, url::ParseError> {
        let redirect = RedirectUrl::new(redirect)?;
        let nonce = CsrfToken::new_random_len(RANDOM_BYTES);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = client(application);
        let mut request = client
            .authorize_url(|| CsrfToken::new_random_len(RANDOM_BYTES))
            .set_redirect_uri(Cow::Borrowed(&redirect))
            .set_pkce_challenge(challenge)
            .add_scopes(each(scopes))
            .add_extra_param("response_mode", "query")
            .add_extra_param("prompt", "select_account")
            .add_extra_param("nonce", nonce.secret());
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let (address, state) = request.url();
        Ok(Self { address, redirect, scopes: scopes.to_owned(), state, nonce, verifier })
    }

    /// Where to send the browser.
    pub(in crate::auth) fn address(&self) -> &Url {
        &self.address
    }

    /// What the answer has to bring back.
    pub(in crate::auth) fn state(&self) -> &CsrfToken {
        &self.state
    }

    /// Exchanges the code that the browser brought (RFC 6749 section 4.1.3, RFC 7636 section
    /// 4.5), and makes sure that it was made for this request.
    ///
    /// # Errors
    /// No answer, a refusal, or tokens of another sign-in.
    pub(in crate::auth) async fn redeem(
        self,
        wire: &Wire<'_>,
        application: &Application,
        code: AuthorizationCode,
    ) -> Result<Grant, AuthError> {
        let client = client(application);
        let request = client
            .exchange_code(code)
            .set_redirect_uri(Cow::Borrowed(&self.redirect))
            .set_pkce_verifier(self.verifier)
            .add_extra_param("scope", self.scopes);
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        let grant = Grant::of(wire, application, &tokens)?;
        grant.prove(&self.nonce).map_err(|source| AuthError::Unproven { source })?;
        Ok(grant)
    }
}

impl Grant {
    /// Asks for a token by means of a refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(in crate::auth) async fn refresh(
        wire: &Wire<'_>,
        application: &Application,
        token: &RefreshToken,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, AuthError> {
        let client = client(application);
        let token = oauth2::RefreshToken::new(token.expose().to_owned());
        let mut request = client.exchange_refresh_token(&token).add_scopes(each(scopes));
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain(wire, application, error))?;
        Self::of(wire, application, &tokens)
    }

    /// Makes sure that the identity token answers the request with that nonce. It came from the
    /// token endpoint itself, so its signature says no more than the connection does.
    fn prove(&self, nonce: &CsrfToken) -> Result<(), IdTokenError> {
        let token = self.id_token.as_ref().ok_or(IdTokenError::Missing)?;
        let claims = Claims::in_token(token.expose()).ok_or(IdTokenError::Unreadable)?;
        if claims.answers(nonce.secret()) { Ok(()) } else { Err(IdTokenError::Foreign) }
    }

    /// Takes over what is needed.
    fn of(wire: &Wire<'_>, application: &Application, tokens: &Tokens) -> Result<Self, AuthError> {
        if *tokens.token_type() != BasicTokenType::Bearer {
            return Err(unreadable(wire, application, None));
        }
        let refresh = tokens.refresh_token();
        let id_token = tokens.extra_fields().id_token.as_ref();
        Ok(Self {
            access: AccessToken::new(tokens.access_token().secret().as_str()),
            refresh: refresh.map(|token| RefreshToken::new(token.secret().as_str())),
            lifetime: tokens.expires_in(),
            id_token: id_token.map(|Hidden(text)| AccessToken::new(text.as_str())),
        })
    }

    /// Asks for a token for the application itself (RFC 6749 section 4.4), which proves who it
    /// is in the body: by its secret, or by an assertion (RFC 7523 section 2.2).
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(in crate::auth) async fn for_application(
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
        Self::of(wire, application, &tokens)
    }
}

/// The client of `oauth2` for an application. It has no secret: it is a public client.
fn client(application: &Application) -> Client {
    let id = oauth2::ClientId::new(application.client_id.as_str().to_owned());
    let authority = &application.authority;
    oauth2::Client::new(id)
        .set_auth_uri(AuthUrl::from_url(authority.authorize_url()))
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
            unreadable(wire, application, Some(DecodeError::from_json_error(error.inner())))
        }
        RequestTokenError::Request(_) | RequestTokenError::Other(_) => {
            unreadable(wire, application, None)
        }
    }
}

/// Tells that a grant is none.
fn unreadable(
    wire: &Wire<'_>,
    application: &Application,
    source: Option<DecodeError>,
) -> AuthError {
    AuthError::Unreadable {
        peer: Peer::at_url(Service::Entra, application.authority.origin()),
        status: 200,
        request_id: wire.request_id(),
        source,
    }
}
