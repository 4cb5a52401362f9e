//! Reads which privileges the signed-in user holds.

use std::collections::BTreeSet;

use super::error::DiscoverError;
use super::reader::Reader;
use crate::services::ApiError;
use crate::services::dataverse::MOST_PRIVILEGES;

/// Reads which of those privileges the signed-in user holds, in lower case. Returns none if the
/// environment does not tell: a plan can be made without it, and a write that lacks a privilege is
/// refused then.
///
/// # Errors
/// The environment cannot be reached or throttles the run, or nobody is signed in any more.
pub(crate) async fn held_privileges(
    reader: &Reader<'_>,
    names: &[String],
) -> Result<Option<BTreeSet<String>>, DiscoverError> {
    match read(reader, names).await {
        Ok(held) => Ok(Some(held)),
        Err(DiscoverError::Api(error)) if !is_throttling(&error) => {
            tracing::info!(%error, "the environment does not tell the privileges of the user");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Checks whether the environment throttled the run until its time was up.
fn is_throttling(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(error) if error.is_throttled())
}

async fn read(reader: &Reader<'_>, names: &[String]) -> Result<BTreeSet<String>, DiscoverError> {
    let user = reader.user_id().await?;
    let mut held = BTreeSet::new();
    for names in names.chunks(MOST_PRIVILEGES) {
        let some = reader.held_privileges(user, names).await?;
        held.extend(some.iter().map(|name| name.to_lowercase()));
    }
    Ok(held)
}
