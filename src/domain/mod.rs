//! The words of the program as types: names, ids, addresses, secrets.
//!
//! Each type is parsed once, by its `FromStr`, and is valid from then on. Nothing here does
//! input or output, knows a clock or waits.

mod callback;
mod cloud;
mod cut_short;
mod document;
mod environment;
mod escaped;
mod fingerprint;
mod id;
mod milliseconds;
mod name;
mod pointer;
mod printable;
mod secret;
mod sentence;
mod service;
mod service_error;

pub use callback::{
    CallbackUrl, CallbackUrlError, Generation, Kind, Parts, Started, UrlView, is_loopback,
    is_private,
};
pub use cloud::{Cloud, CloudProblem, CloudProblemKind, Clouds, FlowWay};
pub use cut_short::CutShort;
pub use document::{DocumentError, DocumentKind};
pub use environment::{EnvironmentUrl, EnvironmentUrlError};
pub use escaped::escaped;
pub use fingerprint::Fingerprint;
pub use id::{EnvironmentId, Guid, GuidError, ResourceId, RowId, WorkflowId};
pub use milliseconds::milliseconds;
pub use name::{LogicalName, NameError, SchemaName, TriggerName};
pub use pointer::{JsonPointer, PointerError};
pub use printable::{is_hidden, printable, printable_path, visible};
pub use secret::{
    AccessToken, CertificatePem, ClientAssertion, ClientSecret, EntityTag, OWN_SECRETS,
    RefreshToken, Signature, StoredText,
};
pub use sentence::sentence;
pub use service::Service;
pub use service_error::ServiceError;
