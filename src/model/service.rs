//! The remote services by name.

use std::fmt;

/// The remote services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Sign-in and tokens.
    Entra,
    /// Flows, variables and records as rows.
    Dataverse,
    /// The callback URLs.
    Flow,
    /// The address that runs a flow.
    Trigger,
    /// Whoever tells Entra which pipeline this is.
    Pipeline,
}

impl Service {
    /// Returns the stable word for the service in machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Dataverse => "dataverse",
            Self::Flow => "flow",
            Self::Trigger => "trigger",
            Self::Pipeline => "pipeline",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Entra => "Entra",
            Self::Dataverse => "Dataverse",
            Self::Flow => "the Flow service",
            Self::Trigger => "the flow's trigger",
            Self::Pipeline => "the pipeline's identity provider",
        })
    }
}
