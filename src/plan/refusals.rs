//! What a service's refusal to show something means, and what helps.

use crate::model::ServiceError;

/// Returns a sentence about the error of a service, and a hint.
pub fn explain_refusal(error: &ServiceError) -> (String, String) {
    let hint = match (error.missing_privilege(), error.cause()) {
        (Some(privilege), _) => privilege_hint(privilege),
        (None, Some(cause)) => format!("{}: {}", cause.meaning, cause.remedy),
        (None, None) => "give the signed-in user a security role that may do this".to_owned(),
    };
    let ServiceError { service, message, code, .. } = error;
    let id = error.request_id.as_ref().map(|id| format!("; request {id}")).unwrap_or_default();
    (format!("{service} refuses: {message} ({code}{id})"), hint)
}

/// Returns the remedy for a missing privilege.
pub fn privilege_hint(privilege: &str) -> String {
    format!("give the signed-in user a security role with the privilege `{privilege}`")
}
