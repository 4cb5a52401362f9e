//! The remote services as plain values: what to send, and what an answer means.
//!
//! Nothing here sends anything, and nothing here knows of manifests or plans.

pub mod dataverse;
pub mod entra;
mod error;
pub mod flow;
pub mod trigger;

pub use error::{ApiError, read_service_error};
