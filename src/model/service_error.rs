//! The error that a service answers with, and predicates for what it means.

use std::fmt;

use super::{CutShort, Service};

/// Dataverse's codes for a guard that no longer holds: the row has another version.
const VERSION_MISMATCH: &[&str] = &["0x80060882"];

/// Dataverse's codes for a row whose key is taken: by an alternate key, a primary key, a unique index.
const DUPLICATE_KEY: &[&str] = &["0x80060892", "0x80040237", "0x80073002"];

/// The unique key that older organisations have over the names of variables' values.
const VALUE_NAME_KEY: &str = "ndx_envvarval_schemaname";

/// Dataverse's codes for a row that does not exist: by its key, by its id.
const ROW_NOT_FOUND: &[&str] = &["0x80060891", "0x80040217"];

/// An error that a service answered with, in the service's own words made safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The service that answered.
    pub service: Service,
    /// The status.
    pub status: u16,
    /// The service's code, such as `0x80040220`; empty if it gave none.
    pub code: String,
    /// The service's sentence.
    pub message: String,
    /// The id by which the service's operators find the request.
    pub request_id: Option<String>,
    /// Whether the answer has a shape that the services use, and is not a page of a gateway.
    pub documented: bool,
    /// What came in the place of such a shape, and what was expected.
    pub instead: Option<String>,
    /// Why the request was not sent once more, where that is for want of time alone.
    pub cut_short: Option<Box<CutShort>>,
}

impl ServiceError {
    /// Returns true if the caller may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.status == 403
    }

    /// Returns true if the service itself says that the thing does not exist. A gateway's 404 says
    /// nothing about it.
    pub fn is_not_found(&self) -> bool {
        self.status == 404 && self.documented
    }

    /// Returns true if the caller sent too many requests.
    pub fn is_throttled(&self) -> bool {
        self.status == 429
    }

    /// Returns true if a guard of a write no longer holds: the row has another version, exists
    /// already or does not exist.
    pub fn is_conflict(&self) -> bool {
        self.status == 412 || self.is_conflict_by_code()
    }

    /// Returns true if the service's code, and not the status alone, says that a guard no longer holds.
    pub fn is_conflict_by_code(&self) -> bool {
        self.is_version_mismatch() || self.is_duplicate_key() || self.is_row_not_found()
    }

    /// Returns true if the row has another version than the write expects.
    pub fn is_version_mismatch(&self) -> bool {
        self.has_code(VERSION_MISMATCH)
    }

    /// Returns true if another row has the key already.
    pub fn is_duplicate_key(&self) -> bool {
        self.has_code(DUPLICATE_KEY) || self.is_duplicate_value_name()
    }

    /// Returns true if the key that is taken is that of the name of a variable's value.
    pub fn is_duplicate_value_name(&self) -> bool {
        self.message.to_ascii_lowercase().contains(VALUE_NAME_KEY)
    }

    /// Returns true if the row that a write names does not exist.
    pub fn is_row_not_found(&self) -> bool {
        self.has_code(ROW_NOT_FOUND)
    }

    /// Returns true if the Flow service cannot find out the environment's region.
    pub fn is_unknown_region(&self) -> bool {
        self.names(&["MacroRegionDerivationFailed"])
    }

    /// Returns true if the flow has no such trigger, or was never turned on.
    pub fn is_unknown_trigger(&self) -> bool {
        self.names(&["TriggerNotFound", "WorkflowTriggerNotFound"])
    }

    /// Returns true if no flow has that id, or it is hidden from the caller.
    pub fn is_unknown_flow(&self) -> bool {
        !self.is_unknown_trigger()
            && self.names(&["FlowNotFound", "WorkflowNotFound", "ResourceNotFound"])
    }

    /// Returns true if the caller is no owner of the flow; to others than administrators an unknown
    /// flow looks the same.
    pub fn is_not_flow_owner(&self) -> bool {
        self.code == "ConnectionAuthorizationFailed"
    }

    /// Returns true if the trigger is no HTTP trigger.
    pub fn is_not_http_trigger(&self) -> bool {
        self.code == "ListCallbackUrlOperationBlocked"
    }

    /// Returns true if the caller may not use the environment.
    pub fn is_environment_denied(&self) -> bool {
        self.code == "EnvironmentAccessDenied"
    }

    /// Returns true if the code is one of those; Dataverse's hex digits are compared without case.
    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| self.code.eq_ignore_ascii_case(code))
    }

    /// Returns true if the code or the sentence has one of those words. Errors of the service behind
    /// the Flow service come as text within text.
    fn names(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.code == *word || self.message.contains(word))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} answered {}", self.service, self.status)?;
        if !self.code.is_empty() {
            write!(formatter, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        if let Some(instead) = &self.instead {
            write!(formatter, " with {instead}")?;
        }
        if let Some(id) = &self.request_id {
            write!(formatter, " (request {id})")?;
        }
        self.cut_short.as_ref().map_or(Ok(()), |cut_short| write!(formatter, "; {cut_short}"))
    }
}

#[cfg(test)]
impl ServiceError {
    /// Makes an error that the service itself sent, for tests of what becomes of it.
    pub(crate) fn for_tests(service: Service, status: u16, code: &str, message: &str) -> Self {
        Self {
            service,
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
            documented: true,
            instead: None,
            cut_short: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, code: &str, message: &str) -> ServiceError {
        ServiceError::for_tests(Service::Flow, status, code, message)
    }

    #[test]
    fn a_guard_that_no_longer_holds_is_a_conflict_whatever_broke_it() {
        for code in [VERSION_MISMATCH, DUPLICATE_KEY, ROW_NOT_FOUND].concat() {
            assert!(error(400, &code.to_uppercase().replace("0X", "0x"), "").is_conflict());
        }
        assert!(error(412, "", "").is_conflict());
        assert!(!error(403, "0x80040220", "").is_conflict());
        assert!(error(412, "0x80040237", "").is_duplicate_key());
        assert!(!error(412, "0x80060882", "").is_duplicate_key());
    }

    #[test]
    fn a_404_of_a_gateway_does_not_say_that_something_does_not_exist() {
        let gateway = ServiceError { documented: false, ..error(404, "", "") };
        assert!(error(404, "", "").is_not_found() && !gateway.is_not_found());
    }

    #[test]
    fn an_error_of_the_flow_service_is_understood_though_it_comes_as_text_within_text() {
        let wrapped = r#"Request to Azure Resource Manager failed with error: '{"error":{"code":"WorkflowTriggerNotFound","message":"gone"}}'."#;
        let wrapped = error(404, "AzureResourceManagerRequestFailed", wrapped);
        assert!(wrapped.is_unknown_trigger() && !wrapped.is_unknown_flow());
        assert!(error(404, "FlowNotFound", "").is_unknown_flow());
        assert!(error(403, "ConnectionAuthorizationFailed", "").is_not_flow_owner());
        assert!(error(400, "ListCallbackUrlOperationBlocked", "").is_not_http_trigger());
        assert!(error(403, "EnvironmentAccessDenied", "").is_environment_denied());
        let other = error(418, "Teapot", "");
        assert!(!other.is_unknown_flow() && !other.is_not_flow_owner());
        assert!(error(400, "MacroRegionDerivationFailed", "").is_unknown_region());
        assert!(!other.is_unknown_region());
    }

    #[test]
    fn the_privilege_that_is_missing_is_named() {
        let message = "Principal user (Id=1, type=8) is missing prvReadworkflow privilege (Id=88)";
        assert_eq!(error(403, "", message).missing_privilege(), Some("prvReadworkflow"));
        let custom = message.replace("workflow", "contoso_endpoint");
        assert_eq!(error(403, "", &custom).missing_privilege(), Some("prvReadcontoso_endpoint"));
    }
}
