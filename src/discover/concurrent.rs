//! Reads that run at once.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::error::DiscoverError;

/// The maximum number of reads begun at once: as many as the transport runs concurrently. More
/// would only wait for their turn, and take memory.
pub(super) const AT_ONCE: usize = 64;

/// Waits for all of these reads, at most `most` at once. The results are in no particular order.
pub(super) async fn all_of<T>(
    reads: impl Iterator<Item: Future<Output = Result<T, DiscoverError>>>,
    most: usize,
) -> Result<Vec<T>, DiscoverError> {
    stream::iter(reads).buffer_unordered(most).try_collect().await
}
