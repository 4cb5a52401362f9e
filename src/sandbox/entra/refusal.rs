//! Errors of the sign-in service
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::tenant::file::RefusalReason;
use super::super::tenant::switches::{EntraSwitches, Separator};

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status.
    pub(super) status: StatusCode,
    error: Cow<'static, str>,
    code: u32,
    text: String,
    suberror: Option<Cow<'static, str>>,
    claims: Option<String>,
}

impl Refusal {
    fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: error.into(),
            code,
            text: text.into(),
            suberror: None,
            claims: None,
        }
    }

    /// Answers with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    fn with_suberror(self, suberror: &'static str) -> Self {
        Self { suberror: Some(suberror.into()), ..self }
    }

    /// Tells that a host is no authority.
    pub(super) fn unknown_instance() -> Self {
        Self::new("invalid_instance", 50049, "Unknown or invalid instance.")
    }

    /// Tells that the person has not decided yet.
    pub(super) fn pending() -> Self {
        Self::new(
            "authorization_pending",
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    }

    /// Tells that the person declined.
    pub(super) fn declined() -> Self {
        Self::new(
            "authorization_declined",
            70017,
            "OAuth 2.0 device flow error. The user declined the authorization request.",
        )
    }

    /// Tells that the code has expired.
    pub(super) fn expired() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
        Self::new("expired_token", 70020, text)
    }

    /// Tells that the code is not known.
    pub(super) fn unknown_code() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid.";
        Self::new("bad_verification_code", 70018, text)
    }

    /// Tells that the code was used.
    pub(super) fn redeemed() -> Self {
        Self::new(
            "invalid_grant",
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        )
    }

    /// Tells that the person cancelled.
    pub(super) fn cancelled() -> Self {
        let text = "User declined to consent to access the app.";
        Self::new("access_denied", 65004, text).with_suberror("cancel")
    }

    /// Tells that nobody is signed in, where no page may be shown.
    pub(super) fn nobody() -> Self {
        let text = "Session information is not sufficient for single-sign-on.";
        Self::new("login_required", 50058, text)
    }

    /// Refuses a redirect address.
    pub(super) fn redirect(uri: &str, application: Guid) -> Self {
        let text = format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{application}'. Make sure the redirect URI sent in the request matches one added to your application."
        );
        Self::new("invalid_request", 50011, text)
    }

    /// Refuses a redemption that names another redirect address than the authorization did.
    pub(super) fn other_redirect(uri: &str) -> Self {
        let text = format!(
            "The reply address '{uri}' does not match the reply address that was provided when requesting the authorization code."
        );
        Self::new("invalid_grant", 500_112, text)
    }

    /// Refuses a response type.
    pub(super) fn response_type(name: &str) -> Self {
        let text = format!("The response_type '{name}' is not supported for the application.");
        Self::new("unsupported_response_type", 700_054, text)
    }

    /// Refuses a response mode.
    pub(super) fn response_mode(name: &str) -> Self {
        let text = format!("'{name}' is not a supported value of 'response_mode' here.");
        Self::new("invalid_request", 70007, text)
    }

    /// Tells that a public client sent no code challenge.
    pub(super) fn no_challenge() -> Self {
        let text = "A public client must send a 'code_challenge' (Proof Key for Code Exchange).";
        Self::new("invalid_request", 50147, text)
    }

    /// Refuses a code challenge that is not one of S256.
    pub(super) fn challenge() -> Self {
        let text = "The 'code_challenge' is not one of the method 'S256', which has 43 characters.";
        Self::new("invalid_request", 501_491, text)
    }

    /// Tells that the verifier does not fit the challenge.
    pub(super) fn verifier() -> Self {
        let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Self::new("invalid_grant", 501_481, text)
    }

    /// Tells that an authorization code is too old.
    pub(super) fn expired_code() -> Self {
        let text = "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.";
        Self::new("invalid_grant", 70008, text)
    }

    /// Refuses an authorization code that was not issued to this client.
    pub(super) fn foreign_code() -> Self {
        let text = "The provided value for the 'code' parameter is not valid.";
        Self::new("invalid_grant", 70000, text)
    }

    /// Refuses `claims` that are not a JSON object.
    pub(super) fn claims() -> Self {
        let text = "The 'claims' parameter is not a valid JSON object.";
        Self::new("invalid_request", 900_235, text)
    }

    /// Asks to poll less often.
    pub(super) fn slow_down() -> Self {
        Self::new("slow_down", 70016, "OAuth 2.0 device flow error. Polling too frequently.")
    }

    /// Refuses a client that polls in a loop.
    pub(super) fn loop_detected() -> Self {
        Self::new(
            "invalid_grant",
            50196,
            "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
        )
    }

    /// Tells that a field is missing.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(
            "invalid_request",
            900_144,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    /// Tells that a grant is not known.
    pub(super) fn grant(name: &str) -> Self {
        Self::new(
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{name}'."),
        )
    }

    /// Tells that a method does not fit the endpoint.
    pub(super) fn method(name: &str) -> Self {
        let text = format!("Endpoint only accepts other requests. Received a {name} request.");
        Self::new("invalid_request", 900_561, text).with_status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// Tells that the directory has no such application.
    pub(super) fn unknown_application(id: &str, domain: &str) -> Self {
        let text = format!(
            "Application with identifier '{id}' was not found in the directory '{domain}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new("unauthorized_client", 700_016, text)
    }

    /// Tells that a directory does not exist.
    pub(super) fn unknown_tenant(name: &str) -> Self {
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
        );
        Self::new("invalid_tenant", 90002, text)
    }

    /// Tells that personal accounts cannot do this.
    pub(super) fn consumers() -> Self {
        Self::new(
            "invalid_request",
            9_001_023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
        )
    }

    /// Tells that the directory cannot be told from the request.
    pub(super) fn no_tenant() -> Self {
        Self::new(
            "invalid_request",
            50059,
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        )
    }

    /// Tells that a client that proved nothing must prove itself.
    pub(super) fn not_public() -> Self {
        Self::new("invalid_client", 7_000_218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
            .with_status(StatusCode::UNAUTHORIZED)
    }

    /// Tells that a public client sent a secret.
    pub(super) fn secret_sent() -> Self {
        Self::new("invalid_client", 700_025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
            .with_status(StatusCode::UNAUTHORIZED)
    }

    /// Tells that a secret is wrong.
    pub(super) fn wrong_secret(id: Guid) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
        );
        Self::new("invalid_client", 7_000_215, text).with_status(StatusCode::UNAUTHORIZED)
    }

    /// Refuses a scope.
    pub(super) fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        Self::new("invalid_scope", 70011, text)
    }

    /// Refuses `.default` beside other scopes of a resource.
    pub(super) fn mixed_default(scope: &str) -> Self {
        let text = format!(
            "The provided value for the input parameter 'scope' is not valid. One or more scopes in '{scope}' are not compatible with each other: .default scope can't be combined with resource-specific scopes."
        );
        Self::new("invalid_scope", 70011, text)
    }

    /// Refuses scopes of two resources.
    pub(super) fn two_resources(scope: &str) -> Self {
        let text = format!(
            "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
        );
        Self::new("invalid_scope", 28000, text)
    }

    /// Tells that the directory has no such resource.
    pub(super) fn unknown_resource(resource: &str, domain: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {domain}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
        );
        Self::new("invalid_resource", 500_011, text)
    }

    /// Refuses a refresh token that this sandbox did not issue.
    pub(super) fn malformed_refresh() -> Self {
        Self::new("invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid.")
    }

    /// Refuses a refresh token that is too old.
    pub(super) fn old_refresh() -> Self {
        Self::new("invalid_grant", 700_082, "The refresh token has expired due to inactivity.")
            .with_suberror("token_expired")
    }

    /// Refuses a refresh for the reason that the tenant file gives.
    pub(super) fn refresh(reason: RefusalReason, application: &str) -> Self {
        match reason {
            RefusalReason::ConsentRequired => Self::new("invalid_grant", 65001, format!("The user or administrator has not consented to use the application with ID '{application}'. Send an interactive authorization request for this user and resource.")).with_suberror("consent_required"),
            RefusalReason::Blocked => Self {
                claims: Some(policy_claims()),
                ..Self::new("invalid_grant", 53003, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.").with_suberror("message_only")
            },
            RefusalReason::SignInFrequency => Self::new("invalid_grant", 70043, "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The maximum allowed lifetime for this request is 36000.").with_suberror("token_expired"),
            RefusalReason::Revoked => Self::new("invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.").with_suberror("bad_token"),
            RefusalReason::SecondFactor => Self::new("invalid_grant", 50076, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.").with_suberror("basic_action"),
        }
    }

    /// Turns into the answer.
    pub(super) fn answer(&self, switches: &EntraSwitches, stamp: &Stamp) -> Answer {
        Answer::json(self.status, &self.body(switches, stamp))
            .with("x-ms-clitelem", &format!("1,{},0,,", self.code))
    }

    /// Turns into what an application is told by a redirect: names and values.
    pub(super) fn parameters(
        &self,
        switches: &EntraSwitches,
        stamp: &Stamp,
    ) -> Vec<(&'static str, String)> {
        let mut told = vec![("error", self.error_at_authorization().to_owned())];
        told.extend(self.suberror.as_ref().map(|suberror| ("error_subcode", suberror.to_string())));
        told.push(("error_description", self.description(switches, stamp)));
        told.push(("error_uri", self.address()));
        told.extend(self.claims.clone().map(|claims| ("claims", claims)));
        told
    }

    /// Names the error as the authorization endpoint does, which knows no `invalid_grant`
    /// (RFC 6749 section 4.1.2.1, `OpenID` Connect Core section 3.1.2.6).
    fn error_at_authorization(&self) -> &str {
        match (self.error.as_ref(), self.suberror.as_deref()) {
            ("invalid_grant", Some("basic_action")) => "interaction_required",
            ("invalid_grant", Some("consent_required")) => "consent_required",
            ("invalid_grant", _) => "access_denied",
            ("invalid_client", _) => "unauthorized_client",
            (other, _) => other,
        }
    }

    /// Prints the description, with what the request can be found by.
    pub(super) fn description(&self, switches: &EntraSwitches, stamp: &Stamp) -> String {
        let between = match switches.error_separator {
            Separator::Space => " ",
            Separator::LineBreak => "\r\n",
        };
        let parts = [
            format!("AADSTS{}: {}", self.code, self.text),
            format!("Trace ID: {}", stamp.trace),
            format!("Correlation ID: {}", stamp.correlation),
            format!("Timestamp: {}", stamp.now.spaced()),
        ];
        parts.join(between)
    }

    fn address(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.code)
    }

    fn body(&self, switches: &EntraSwitches, stamp: &Stamp) -> Value {
        let mut body = Map::new();
        body.insert("error".to_owned(), json!(self.error));
        body.insert("error_description".to_owned(), json!(self.description(switches, stamp)));
        body.insert("error_codes".to_owned(), json!([self.code]));
        body.insert("timestamp".to_owned(), json!(stamp.now.spaced()));
        body.insert("trace_id".to_owned(), json!(stamp.trace.to_string()));
        body.insert("correlation_id".to_owned(), json!(stamp.correlation));
        body.insert("error_uri".to_owned(), json!(self.address()));
        body.extend(
            self.suberror.as_ref().map(|suberror| ("suberror".to_owned(), json!(suberror))),
        );
        body.extend(self.claims.as_ref().map(|claims| ("claims".to_owned(), json!(claims))));
        Value::Object(body)
    }
}

/// What an answer can be found by.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    /// The id that the service gave the request.
    pub(super) trace: Guid,
    /// The id that the client gave it, or else one of the service's.
    pub(super) correlation: String,
    /// When.
    pub(super) now: Moment,
}

/// The claims of a policy that blocks: JSON inside text.
fn policy_claims() -> String {
    let policy = Guid::derived(&["conditional access policy"]);
    json!({"access_token": {"capolids": {"essential": true, "values": [policy]}}}).to_string()
}
