//! Errors of the Web API: status, code and message.
//!
//! Codes are those of <https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes>.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::message::Answer;
use super::schema::Table;

/// A refused operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The status.
    pub(crate) status: StatusCode,
    /// The code, such as `0x80040217`.
    pub(crate) code: &'static str,
    /// The message.
    pub(crate) message: String,
}

impl Fault {
    /// Makes any fault.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Refuses a URL.
    pub(crate) fn address(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "0x80060888", message)
    }

    /// Refuses a body.
    pub(crate) fn payload(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "0x80048d19", message)
    }

    /// Refuses a value.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "0x80040203", message)
    }

    /// Tells that no resource has this path.
    pub(crate) fn segment(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "0x8006088a",
            format!("Resource not found for the segment '{name}'."),
        )
    }

    /// Tells that a method does not fit the resource.
    pub(crate) fn method(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "0x8006088a", message)
    }

    /// Tells that a row does not exist.
    pub(crate) fn absent(table: &Table, id: &str) -> Self {
        let message = format!("Entity '{}' With Id = {id} Does Not Exist", table.name);
        Self::new(StatusCode::NOT_FOUND, "0x80040217", message)
    }

    /// Tells that no row has these key values.
    pub(crate) fn absent_key(table: &Table) -> Self {
        let message = format!(
            "A record with the specified key values does not exist in {} entity",
            table.name
        );
        Self::new(StatusCode::NOT_FOUND, "0x80060891", message)
    }

    /// Tells that a type has no such property.
    pub(crate) fn property(name: &str, type_name: &str) -> Self {
        Self::address(format!("Could not find a property named '{name}' on type '{type_name}'."))
    }

    /// Tells that the row's version is another one.
    pub(crate) fn version() -> Self {
        let message =
            "The version of the existing record doesn't match the RowVersion property provided.";
        Self::new(StatusCode::PRECONDITION_FAILED, "0x80060882", message)
    }

    /// Tells that the row exists.
    pub(crate) fn exists() -> Self {
        let message = "A record with matching key values already exists.";
        Self::new(StatusCode::PRECONDITION_FAILED, "0x80040237", message)
    }

    /// Prints the body.
    pub(crate) fn body(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }

    /// Turns into the answer.
    pub(crate) fn answer(&self) -> Answer {
        Answer::text(
            self.status,
            "application/json; odata.metadata=minimal",
            self.body().to_string(),
        )
        .with("odata-version", "4.0")
    }
}
