//! The words of the program as types: names, ids, addresses, secrets.
//!
//! Each type is parsed once, by its `FromStr`, and is valid from then on. Nothing here does
//! input or output, knows a clock or waits, except [`Stage`], which logs how long work took.

mod callback;
mod cloud;
mod cut_short;
mod desired;
mod docs_page;
mod document;
mod environment;
mod error_cause;
mod escaped;
mod event;
mod exit;
mod failure;
mod fingerprint;
mod id;
mod json_syntax;
mod known_secrets;
mod milliseconds;
mod name;
mod nearest;
mod noted_names;
mod observed;
mod pointer;
mod printable;
mod problem;
mod secret;
mod sentence;
mod service;
mod service_error;
mod stage;
#[cfg(test)]
mod testing;
mod unmasked_names;
mod wait;
mod wrap;

pub use callback::{
    CallbackUrl, CallbackUrlError, Oddities, StoredUrl, TriggerKey, UrlAccess, UrlForm, UrlParts,
    UrlView, is_https_or_loopback, is_loopback,
};
pub use cloud::{Cloud, Clouds, FlowEndpoint};
pub use cut_short::CutShort;
pub use desired::{
    Binding, Desired, Flow, FlowIndex, KeyValue, ManifestPosition, Missing, Record, Selector,
    SignedUrls, Target, TargetIdentity,
};
pub(crate) use docs_page::docs_page;
pub use document::{DocumentError, DocumentKind};
pub use environment::{EnvironmentUrl, EnvironmentUrlError};
pub use error_cause::{ErrorCause, Waiting, known_causes};
pub use escaped::escape_markup;
pub use event::{Event, Listener, Notify};
pub use exit::Exit;
pub use failure::Failure;
pub use fingerprint::Fingerprint;
pub use id::{EnvironmentId, Guid, GuidError, ResourceId, RowId, WorkflowId};
pub use json_syntax::missing_in_json;
pub use known_secrets::{cover_secrets, note_secret};
pub use milliseconds::milliseconds;
pub use name::{LogicalName, NameError, SchemaName, TriggerName};
pub use nearest::{did_you_mean, nearest};
pub use noted_names::{note_desired_names, note_name, note_observed_names};
pub use observed::{
    Callback, Column, ColumnType, Definition, FlowState, InactiveKey, KnownNames, NoTrigger,
    Observed, ObservedFlow, ReadResult, Reading, Row, Suspension, Table, TableKind, Targets,
    Trigger, ValueRow, Variable, VariableType, Workflow, WritePrivileges,
};
pub use pointer::{JsonPointer, PointerError};
pub use printable::{escape_hidden, is_hidden, is_name, printable, printable_path};
pub use problem::{Code, Problem};
pub use secret::{
    AccessToken, CertificatePem, ClientAssertion, ClientSecret, EntityTag, OWN_SECRETS,
    RefreshToken, Signature, StoredText,
};
pub use sentence::error_chain;
pub use service::Service;
pub use service_error::ServiceError;
pub use stage::Stage;
pub use wait::{ServiceWait, WaitCause};
pub use wrap::wrap;
