//! Errors of the Flow API and of the trigger addresses.

use http::StatusCode;
use serde_json::json;

use super::super::guid::Guid;
use super::super::message::Answer;
use super::super::tenant::switches::NotOwnerStatus;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Fault {
    /// Makes any fault.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Tells that there is no token.
    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "MissingAuthenticationToken",
            "Authentication failed. The 'Authorization' header is missing.",
        )
    }

    /// Tells that the cloud's API cannot find the environment's region.
    pub(super) fn unknown_region() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "MacroRegionDerivationFailed",
            "Failed to derive the macro region of the environment's location 'europe'.",
        )
    }

    /// Tells that a token is not good.
    pub(super) fn bad_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "AuthenticationFailed",
            "Authentication failed. The access token is invalid or has expired.",
        )
    }

    /// Tells that a token is for another service.
    pub(super) fn wrong_audience(audience: &str) -> Self {
        let message = format!(
            "Authentication failed. The access token has been obtained for wrong audience or resource '{audience}'."
        );
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationTokenAudience", message)
    }

    /// Tells that a token acts for nobody.
    pub(super) fn without_scope() -> Self {
        let message = "The x-ms-client-scope header must not be null or empty.";
        Self::new(StatusCode::UNAUTHORIZED, "ClientScopeAuthorizationFailed", message)
    }

    /// Tells that a flow was never turned on, which this service does not do for the first time.
    pub(super) fn unpublished(id: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "CannotStartUnpublishedSolutionFlow",
            format!(
                "The solution flow '{id}' cannot be started because it has not been published."
            ),
        )
    }

    /// Tells that an environment is not one of this person's.
    pub(super) fn environment(id: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "EnvironmentAccessDenied",
            format!("Access to the environment '{id}' is denied."),
        )
    }

    /// Tells that the version is missing.
    pub(super) fn no_version() -> Self {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        Self::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message)
    }

    /// Tells that the version is not known.
    pub(super) fn version(version: &str) -> Self {
        let message = format!(
            "The api-version '{version}' is invalid. The supported versions are '2016-11-01-beta,2016-11-01,1'."
        );
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message)
    }

    /// Tells that a flow has no such run, as the service behind the Flow API does.
    pub(super) fn no_run(flow: &str, run: &str) -> Self {
        let message = format!("The workflow '{flow}' run '{run}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "WorkflowRunNotFound", message).wrapped()
    }

    /// Tells that a path leads nowhere.
    pub(super) fn path(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFound",
            format!("No HTTP resource was found that matches the path '{path}'."),
        )
    }

    /// Tells that a method does not fit the path.
    pub(super) fn method(method: &str) -> Self {
        let message = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// Tells that the person does not own the flow, or that there is none: the service does not tell them apart.
    pub(super) fn not_owner(user: Guid, flow: &str, status: NotOwnerStatus) -> Self {
        let status = match status {
            NotOwnerStatus::Forbidden => StatusCode::FORBIDDEN,
            NotOwnerStatus::Unauthorized => StatusCode::UNAUTHORIZED,
            NotOwnerStatus::NotFound => StatusCode::NOT_FOUND,
        };
        let message = format!(
            "The caller with object id '{user}' does not have permission for connection '{flow}' under Api 'shared_logicflows'."
        );
        Self::new(status, "ConnectionAuthorizationFailed", message)
    }

    /// Tells that a flow does not exist.
    pub(super) fn no_flow(flow: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "FlowNotFound", format!("Could not find flow '{flow}'."))
    }

    /// Tells that a trigger is not one that is called by an address.
    pub(super) fn blocked(trigger_type: &str) -> Self {
        let message = format!(
            "The list callback url operation is blocked for triggers of type '{trigger_type}'."
        );
        Self::new(StatusCode::BAD_REQUEST, "ListCallbackUrlOperationBlocked", message)
    }

    /// Puts the error of the service behind this one into its text.
    pub(super) fn wrapped(&self) -> Self {
        let inner = self.body();
        let message = format!("Request to Azure Resource Manager failed with error: '{inner}'.");
        Self::new(self.status, "AzureResourceManagerRequestFailed", message)
    }

    fn body(&self) -> serde_json::Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }

    /// Turns into the answer.
    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &self.body())
    }
}
