//! A lock file, so that one run at a time on this machine changes the store.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{StoreError, file};

/// How long to wait for another run, which may itself wait for a busy authority.
const LIMIT: Duration = Duration::from_mins(10);

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Locks a file until the returned handle is dropped. The file is not removed afterwards, since two
/// runs could then lock two files of one name.
///
/// # Errors
/// Another run holds the lock for too long, or the file cannot be created.
pub(super) async fn lock_file(path: &Path) -> Result<File, StoreError> {
    // A link would have a file made wherever it points.
    if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(StoreError::NotAFile { file: path.to_owned() });
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let handle =
        file::owner_only(&mut options).open(path).map_err(file::file_error("open", path))?;
    match timeout(LIMIT, wait_for_lock(&handle, path)).await {
        Ok(taken) => taken.map(|()| handle),
        Err(_) => Err(StoreError::Busy { file: path.to_owned(), waited: LIMIT }),
    }
}

/// Tries to lock the file until it succeeds.
async fn wait_for_lock(handle: &File, path: &Path) -> Result<(), StoreError> {
    loop {
        match handle.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(file::file_error("lock", path)(source)),
        }
    }
}
