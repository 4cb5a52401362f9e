//! Work that may wait for another program, such as reading a pipe, while signals are heard.

use crate::model::{Exit, Failure};

/// Does the work in a thread of its own, so that a signal can end the run meanwhile.
///
/// # Errors
/// The work panicked.
pub(crate) async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let broken = |error| Failure::new(Exit::Unexpected, format!("a file was not read: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(broken)
}
