//! Why a plan is not carried out, or not known to be.

use crate::auth::SendError;
use crate::discover::DiscoverError;
use crate::domain::ServiceError;
use crate::plan::{Divergence, Plan};
use crate::problem::Problem;

use super::{Extent, Share};

/// Why a plan is not carried out, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The service refused, and nothing was written.
    #[error("{0}")]
    Refused(ServiceError),
    /// Somebody else wrote after the targets were read, and nothing was written.
    #[error("somebody else wrote to a target after it was read: {fault}")]
    Conflict {
        /// What the service said.
        fault: ServiceError,
        /// The targets that are not as they were; none if they are, or could not be read.
        both: Vec<Divergence>,
        /// What a plan of the targets as they are now cannot overcome.
        problems: Vec<Problem>,
    },
    /// The write did not reach the service, or there was no token to write with.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The answer to the write was lost, and reading shows that nothing was written.
    #[error("{cause}; reading back shows that it is not in")]
    NotWritten {
        /// How it was lost.
        cause: String,
    },
    /// Some change sets are in, and the next one is not.
    #[error("written in part: {share}, in the order of the plan, and the next is not: {cause}")]
    Partial {
        /// How much is in.
        share: Share,
        /// Why the next is not.
        cause: String,
        /// Which targets are in, as reading found them; none if they could not be read.
        extent: Option<Extent>,
    },
    /// Somebody interrupted the run, and nothing was written.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// Somebody interrupted the run before its outcome was known.
    #[error(
        "outcome unknown: the run was interrupted while {doubt}{}",
        share.map(|share| format!("; before that, {share}")).unwrap_or_default()
    )]
    Abandoned {
        /// What is not known.
        doubt: &'static str,
        /// How much is known to be in, if there are several change sets.
        share: Option<Share>,
    },
    /// Something was or may have been written, and reading back does not show what was planned.
    #[error("outcome unknown: {cause}, but reading back shows something else than was planned")]
    Unknown {
        /// What happened.
        cause: String,
        /// What would still have to be done.
        after: Box<Plan>,
    },
    /// Something was or may have been written, and reading back failed.
    #[error("outcome unknown: {cause}, but reading back failed")]
    Unverified {
        /// What happened.
        cause: String,
        /// Why reading back failed.
        #[source]
        source: DiscoverError,
    },
}

impl ApplyError {
    /// Whether waiting may tell more of what is in.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Abandoned { .. })
    }
}
