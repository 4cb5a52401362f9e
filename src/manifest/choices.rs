//! The words of each key that is a choice, with what each means.

use crate::model::{FlowEndpoint, Missing, SignedUrls};

/// The values of `signed-urls`.
pub(super) const SIGNED_URLS: &[(&str, SignedUrls)] =
    &[("refuse", SignedUrls::Refuse), ("warn", SignedUrls::Warn), ("allow", SignedUrls::Allow)];

/// The values of `flow-api`.
pub(super) const FLOW_APIS: &[(&str, FlowEndpoint)] =
    &[("classic", FlowEndpoint::Classic), ("environment", FlowEndpoint::Environment)];

/// The values of `federation`.
pub(super) const FEDERATIONS: &[(&str, FederationKind)] = &[
    ("github", FederationKind::GitHub),
    ("azure-devops", FederationKind::AzureDevOps),
    ("kubernetes", FederationKind::Kubernetes),
];

/// The values of `missing`, for a record that does not exist.
pub(super) const MISSING: &[(&str, Missing)] =
    &[("fail", Missing::Fail), ("create", Missing::Create)];

/// Whoever runs the pipeline, by name alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FederationKind {
    GitHub,
    AzureDevOps,
    Kubernetes,
}
