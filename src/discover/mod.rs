//! Gathers everything that a plan needs to know. Reads only.
//!
//! What does not depend on each other is asked for at once: the environment's id and the token of
//! the Flow service beside the flows, the URLs of some flows beside the other flows, the targets
//! beside all of them. How many requests are under way is the transport's matter.

mod flow_endpoints;
mod flows;
mod inventory;
mod journal_rows;
pub(crate) mod probe;
mod reader;
mod subjects;
mod targets;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::http::TransportError;
use crate::model::{Desired, EnvironmentId, Event, Listener, Observed};
use crate::services::ApiError;
use crate::services::flow::FlowApi;
use crate::sign_in::{AuthError, SendError};

pub(crate) use inventory::http_flows;
pub(crate) use journal_rows::{environment_id, find};
pub(crate) use reader::Reader;
pub(crate) use subjects::subjects;
pub(crate) use targets::reread;

/// How many reads are begun before the first of them ends: as many as may be under way at most.
/// More would only wait for their turn, and take memory.
const AT_ONCE: usize = 64;

/// Why reading could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// There was no token to ask with.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The answer was none that a plan could be made of.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<SendError> for DiscoverError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Auth(error) => Self::Auth(error),
            SendError::Transport(error) => Self::Transport(error),
        }
    }
}

/// An environment as it was found.
pub(crate) struct Discovery {
    /// The id that the Flow service knows it by.
    pub environment_id: EnvironmentId,
    /// Its flows and targets.
    pub observed: Observed,
    /// The way by which the Flow service served it.
    pub flow_api: Option<FlowApi>,
}

/// Reads the environment. The id is asked for unless it is known.
///
/// # Errors
/// The first answer without which no plan can be made. Whatever a plan can name as a problem,
/// such as a flow that is not there, is no error.
pub(crate) async fn observe(
    reader: &Reader<'_>,
    desired: &Desired,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<Discovery, DiscoverError> {
    listener
        .tell(Event::Discovering { flows: desired.flows.len(), targets: desired.bindings.len() });
    let flows = Box::pin(flows::observe(reader, desired, known_id, listener));
    let targets = targets::observe(reader, desired);
    let (found, targets) = tokio::try_join!(flows, targets)?;
    let observed = Observed { flows: found.flows, targets };
    Ok(Discovery { environment_id: found.id, observed, flow_api: found.flow_api })
}

/// Waits for all of these reads, of which so many are begun at once. What they bring is in no order.
async fn all_of<T>(
    reads: impl Iterator<Item: Future<Output = Result<T, DiscoverError>>>,
    most: usize,
) -> Result<Vec<T>, DiscoverError> {
    stream::iter(reads).buffer_unordered(most).try_collect().await
}
