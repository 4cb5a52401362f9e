//! The requests of a sign-in, made with `oauth2`: for a device code, for tokens after its approval,
//! for tokens by a browser's code, for tokens by a refresh token, and for a token of an application
//! that signs in as itself.

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

use crate::http::{DecodeError, Peer};
use crate::model::{
    AccessToken, ClientAssertion, ClientSecret, RefreshToken, Service, note_secret,
};
use crate::services::entra::Claims;
use crate::sign_in::exchange::{OauthHttp, Sleep};
use crate::sign_in::{Application, AuthError, DeviceCodePrompt, IdTokenError};

/// The client of `oauth2`, with the fields that Entra adds.
type OauthClient = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
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
type TokenAnswer = StandardTokenResponse<TokenExtra, BasicTokenType>;

/// The maximum time between polls, which `oauth2` otherwise limits to ten seconds.
const MAX_POLL_INTERVAL: Duration = Duration::from_mins(10);

/// The parameter for the claims that a token must prove
/// (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).
const CLAIMS: &str = "claims";

/// The number of random bytes of a state or nonce.
const RANDOM_BYTES: u32 = 32;

/// The type of an assertion that proves an application's identity (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A proof in the form that is sent to Entra.
#[derive(Debug)]
pub(in crate::sign_in) enum Credential {
    /// The secret itself.
    Secret(ClientSecret),
    /// A signed token of an issuer that Entra trusts.
    Assertion(ClientAssertion),
}

/// A device code with the prompt for the person, and the secret that is polled with.
pub(in crate::sign_in) struct DeviceCode(DeviceAuthorizationResponse<DeviceExtra>);

/// A request for an authorization code, and the secrets that verify its answer.
pub(in crate::sign_in) struct AuthorizationRequest {
    address: Url,
    redirect: RedirectUrl,
    scopes: String,
    state: CsrfToken,
    nonce: CsrfToken,
    verifier: PkceCodeVerifier,
}

/// The tokens of a token endpoint's answer.
pub(in crate::sign_in) struct GrantedTokens {
    /// The access token.
    pub(in crate::sign_in) access: AccessToken,
    /// The new refresh token; none if the earlier one stays.
    pub(in crate::sign_in) refresh: Option<RefreshToken>,
    /// The lifetime of the access token, if the answer states it.
    pub(in crate::sign_in) lifetime: Option<Duration>,
    /// The id token, which names the person.
    pub(in crate::sign_in) id_token: Option<AccessToken>,
}

/// Text that is never printed.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Hidden(String);

/// Fields that Entra adds to a device code.
#[derive(Debug, Deserialize, Serialize)]
struct DeviceExtra {
    message: Option<Hidden>,
}

/// Fields that an authority adds to a token.
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
    /// There is no answer, or a refusal.
    pub(in crate::sign_in) async fn request(
        wire: &OauthHttp<'_>,
        application: &Application,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, AuthError> {
        let client = oauth_client(application);
        let mut request = client.exchange_device_code().add_scopes(split_scopes(scopes));
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire).await;
        let details: DeviceAuthorizationResponse<DeviceExtra> =
            result.map_err(|error| explain_failure(wire, application, error))?;
        note_secret(details.device_code().secret());
        Ok(Self(details))
    }

    /// Returns the prompt for the person.
    ///
    /// # Errors
    /// The page is at no host where people sign in.
    pub(in crate::sign_in) fn prompt(
        &self,
        application: &Application,
    ) -> Result<DeviceCodePrompt, AuthError> {
        let Self(details) = self;
        let message = details.extra_fields().message.as_ref();
        DeviceCodePrompt::new(
            application,
            details.verification_uri().as_str(),
            details.user_code().secret(),
            message.map(|Hidden(text)| text.as_str()),
            details.expires_in(),
        )
    }

    /// Polls until the person has decided (RFC 8628 section 3.4), or the code expires.
    ///
    /// # Errors
    /// The authority refuses, the code expires, or the network is down.
    pub(in crate::sign_in) async fn poll_for_tokens(
        &self,
        wire: &OauthHttp<'_>,
        application: &Application,
        claims: Option<&str>,
        sleep: &Sleep,
    ) -> Result<GrantedTokens, AuthError> {
        let client = oauth_client(application);
        let mut request = client
            .exchange_device_access_token(&self.0)
            .set_max_backoff_interval(MAX_POLL_INTERVAL);
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire, |time| sleep(time), None).await;
        let tokens = result.map_err(|error| explain_failure(wire, application, error))?;
        GrantedTokens::from_answer(wire, application, &tokens)
    }
}

impl AuthorizationRequest {
    /// Makes a request for an authorization code (RFC 6749 section 4.1.1) with a PKCE challenge
    /// (RFC 7636 section 4.3).
    ///
    /// # Errors
    /// The redirect address is not a URL.
    pub(in crate::sign_in) fn new(
        application: &Application,
        redirect: String,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, url::ParseError> {
        let redirect = RedirectUrl::new(redirect)?;
        let nonce = CsrfToken::new_random_len(RANDOM_BYTES);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = oauth_client(application);
        let mut request = client
            .authorize_url(|| CsrfToken::new_random_len(RANDOM_BYTES))
            .set_redirect_uri(Cow::Borrowed(&redirect))
            .set_pkce_challenge(challenge)
            .add_scopes(split_scopes(scopes))
            .add_extra_param("response_mode", "query")
            .add_extra_param("prompt", "select_account")
            .add_extra_param("nonce", nonce.secret());
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let (address, state) = request.url();
        Ok(Self { address, redirect, scopes: scopes.to_owned(), state, nonce, verifier })
    }

    /// Returns the address to open in the browser.
    pub(in crate::sign_in) fn browser_address(&self) -> &Url {
        &self.address
    }

    /// Returns the state that the answer must carry.
    pub(in crate::sign_in) fn state(&self) -> &CsrfToken {
        &self.state
    }

    /// Exchanges the browser's code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5), and
    /// checks that they belong to this request.
    ///
    /// # Errors
    /// There is no answer, a refusal, or the tokens belong to another sign-in.
    pub(in crate::sign_in) async fn redeem_code(
        self,
        wire: &OauthHttp<'_>,
        application: &Application,
        code: AuthorizationCode,
    ) -> Result<GrantedTokens, AuthError> {
        let client = oauth_client(application);
        let request = client
            .exchange_code(code)
            .set_redirect_uri(Cow::Borrowed(&self.redirect))
            .set_pkce_verifier(self.verifier)
            .add_extra_param("scope", self.scopes);
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain_failure(wire, application, error))?;
        let grant = GrantedTokens::from_answer(wire, application, &tokens)?;
        grant.check_nonce(&self.nonce).map_err(|source| AuthError::UnprovenTokens { source })?;
        Ok(grant)
    }
}

impl GrantedTokens {
    /// Asks for a token with a refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// There is no answer, or a refusal.
    pub(in crate::sign_in) async fn from_refresh_token(
        wire: &OauthHttp<'_>,
        application: &Application,
        token: &RefreshToken,
        scopes: &str,
        claims: Option<&str>,
    ) -> Result<Self, AuthError> {
        let client = oauth_client(application);
        let token = oauth2::RefreshToken::new(token.expose().to_owned());
        let mut request = client.exchange_refresh_token(&token).add_scopes(split_scopes(scopes));
        if let Some(claims) = claims {
            request = request.add_extra_param(CLAIMS, claims);
        }
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain_failure(wire, application, error))?;
        Self::from_answer(wire, application, &tokens)
    }

    /// Checks that the id token has the nonce of the request. The token came from the token
    /// endpoint over TLS, so its signature would prove nothing more.
    fn check_nonce(&self, nonce: &CsrfToken) -> Result<(), IdTokenError> {
        let token = self.id_token.as_ref().ok_or(IdTokenError::Missing)?;
        let claims = Claims::in_token(token.expose()).ok_or(IdTokenError::Unreadable)?;
        if claims.answers(nonce.secret()) { Ok(()) } else { Err(IdTokenError::Foreign) }
    }

    /// Reads the tokens from an answer.
    fn from_answer(
        wire: &OauthHttp<'_>,
        application: &Application,
        tokens: &TokenAnswer,
    ) -> Result<Self, AuthError> {
        if *tokens.token_type() != BasicTokenType::Bearer {
            return Err(unreadable_answer(wire, application, None));
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

    /// Asks for a token of the application itself (RFC 6749 section 4.4). The application proves
    /// its identity in the body: with its secret, or with an assertion (RFC 7523 section 2.2).
    ///
    /// # Errors
    /// There is no answer, or a refusal.
    pub(in crate::sign_in) async fn for_application(
        wire: &OauthHttp<'_>,
        application: &Application,
        credential: &Credential,
        scope: &str,
    ) -> Result<Self, AuthError> {
        let client = oauth_client(application).set_auth_type(AuthType::RequestBody);
        let client = match credential {
            Credential::Secret(secret) => {
                client.set_client_secret(oauth2::ClientSecret::new(secret.expose().to_owned()))
            }
            Credential::Assertion(_) => client,
        };
        let request = client.exchange_client_credentials().add_scopes(split_scopes(scope));
        let request = match credential {
            Credential::Secret(_) => request,
            Credential::Assertion(assertion) => request
                .add_extra_param("client_assertion_type", ASSERTION_TYPE)
                .add_extra_param("client_assertion", assertion.expose()),
        };
        let result = request.request_async(wire).await;
        let tokens = result.map_err(|error| explain_failure(wire, application, error))?;
        Self::from_answer(wire, application, &tokens)
    }
}

/// Makes the client of `oauth2` for an application: a public client, without a secret.
fn oauth_client(application: &Application) -> OauthClient {
    let id = oauth2::ClientId::new(application.client_id.as_str().to_owned());
    let authority = &application.authority;
    oauth2::Client::new(id)
        .set_auth_uri(AuthUrl::from_url(authority.authorize_url()))
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(authority.device_code_url()))
        .set_token_uri(TokenUrl::from_url(authority.token_url()))
}

/// Splits a list of scopes.
fn split_scopes(scopes: &str) -> impl Iterator<Item = Scope> {
    scopes.split(' ').map(|scope| Scope::new(scope.to_owned()))
}

/// Explains why a request failed. The HTTP adapter knows more than `oauth2`, whose own errors hold
/// the body; only `oauth2` knows that a code has expired or that an answer lacks a member.
fn explain_failure<E: ErrorResponse>(
    wire: &OauthHttp<'_>,
    application: &Application,
    error: RequestTokenError<Infallible, E>,
) -> AuthError {
    if let Some(reason) = wire.take_reason() {
        return reason;
    }
    match error {
        RequestTokenError::ServerResponse(_) => AuthError::Expired,
        RequestTokenError::Parse(error, _) => {
            unreadable_answer(wire, application, Some(DecodeError::from_json_error(error.inner())))
        }
        RequestTokenError::Request(_) | RequestTokenError::Other(_) => {
            unreadable_answer(wire, application, None)
        }
    }
}

/// Makes the error of an answer that is not one of OAuth 2.0.
fn unreadable_answer(
    wire: &OauthHttp<'_>,
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
