//! Errors of the sign-in service
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::tenant::sign_in::SignInRefusal;
use super::super::tenant::switches::{EntraSwitches, Separator};
use super::codes;

/// The code of a request that a Conditional Access policy blocks.
pub(super) const BLOCKED: u32 = 53003;

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

    /// Refuses with a code and what usually comes with it.
    pub(super) fn coded(number: u32) -> Self {
        let Some(known) = codes::find(number) else {
            return Self::new("invalid_request", number, "The request was refused.");
        };
        Self {
            status: StatusCode::from_u16(known.status).unwrap_or(StatusCode::BAD_REQUEST),
            suberror: known.suberror.map(Cow::Borrowed),
            claims: (number == BLOCKED).then(policy_claims),
            ..Self::new(known.error, number, known.text)
        }
    }

    /// Answers with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Tells that a host is no authority.
    pub(super) fn unknown_instance() -> Self {
        Self::new("invalid_instance", 50049, "Unknown or invalid instance.")
    }

    /// Tells that the person has not decided yet.
    pub(super) fn pending() -> Self {
        Self::coded(70016)
    }

    /// Tells that the person declined.
    pub(super) fn declined() -> Self {
        Self::coded(70017)
    }

    /// Tells that the code has expired.
    pub(super) fn expired() -> Self {
        Self::coded(70020)
    }

    /// Tells that the code is not known.
    pub(super) fn unknown_code() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid.";
        Self::new("bad_verification_code", 70018, text)
    }

    /// Tells that the code was used.
    pub(super) fn redeemed() -> Self {
        Self::coded(54005)
    }

    /// Tells that the person cancelled.
    pub(super) fn cancelled() -> Self {
        Self::coded(65004)
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
        Self::coded(70000)
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
        Self::coded(50196)
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
        Self::coded(9_001_023)
    }

    /// Tells that the directory cannot be told from the request.
    pub(super) fn no_tenant() -> Self {
        Self::coded(50059)
    }

    /// Tells that a client that proved nothing must prove itself.
    pub(super) fn not_public() -> Self {
        Self::coded(7_000_218)
    }

    /// Tells that a public client sent a secret.
    pub(super) fn secret_sent() -> Self {
        Self::coded(700_025)
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
        Self::coded(9_002_313)
    }

    /// Refuses a refresh token that is too old.
    pub(super) fn old_refresh() -> Self {
        Self::coded(700_082)
    }

    /// Refuses a kind of client assertion.
    pub(super) fn assertion_type(kind: &str) -> Self {
        let text = format!("The client_assertion_type '{kind}' is not supported.");
        Self::new("invalid_request", 90023, text)
    }

    /// Refuses a client assertion that is no JWT, or lacks what it needs.
    pub(super) fn malformed_assertion() -> Self {
        let text = "Invalid JWT token: the client assertion is malformed, or has no identifier.";
        Self::new("invalid_client", 50027, text).with_status(StatusCode::UNAUTHORIZED)
    }

    /// Refuses an assertion that its issuer did not make.
    pub(super) fn forged() -> Self {
        Self::new("invalid_client", 50013, "Assertion failed signature validation.")
            .with_status(StatusCode::UNAUTHORIZED)
    }

    /// Tells which part of an assertion no federated credential of the application has.
    pub(super) fn federated(number: u32, part: &str, value: &str) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion {part} '{value}'. Check the Subject, Audience and Issuer of the federated identity credential against the assertion."
        );
        Self { text, ..Self::coded(number) }
    }

    /// Refuses a refresh token that was revoked.
    pub(super) fn revoked() -> Self {
        Self::coded(50173)
    }

    /// Refuses as the tenant file says; what it leaves out is what usually comes with the code.
    pub(super) fn scripted(script: &SignInRefusal) -> Self {
        let usual = Self::coded(script.code);
        let status = script.status.and_then(|status| StatusCode::from_u16(status).ok());
        Self {
            status: status.unwrap_or(usual.status),
            error: script.error.clone().map_or(usual.error, Cow::Owned),
            code: script.code,
            text: script.description.clone().unwrap_or(usual.text),
            suberror: script.suberror.clone().map(Cow::Owned).or(usual.suberror),
            claims: script.claims.clone().or(usual.claims),
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
