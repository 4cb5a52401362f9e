//! A small file that is replaced as a whole, and that is the user's alone.
//!
//! On Unix the file's mode ensures this. On Windows it follows from the folder, which is below the
//! user's own application data.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::{Damage, SignInsOrigin, StoreError};
use crate::atomic_file;
use crate::atomic_file::{Exposure, NewFile};

/// The most bytes that are read.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Who may have access to a file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AllowedReaders {
    /// Its owner alone, since it is not encrypted.
    Owner,
    /// Anybody, since it is.
    Anybody,
}

/// Reads a file, or returns none if it does not exist. A symbolic link to a regular file is
/// followed.
///
/// # Errors
/// It is no regular file, too large, open to others though only its owner may have access, or it
/// cannot be read.
pub(super) fn read_file(
    path: &Path,
    access: AllowedReaders,
) -> Result<Option<SecretSlice<u8>>, StoreError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(file_error("read", path))?,
    };
    if !metadata.is_file() {
        return Err(StoreError::NotAFile { file: path.to_owned() });
    }
    let file = File::open(path).map_err(file_error("read", path))?;
    if access == AllowedReaders::Owner {
        check_owner(&file, path)?;
    }
    let mut content = Vec::new();
    let most = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut content).map_err(file_error("read", path))?;
    if content.len() > MOST_BYTES {
        let origin = SignInsOrigin::File(path.to_owned());
        return Err(StoreError::Unreadable { origin, source: Damage::Size });
    }
    Ok(Some(SecretSlice::from(content)))
}

/// Follows symbolic links to the file at their end, which need not exist. Otherwise two names of
/// one file would have two locks, and removing one name would leave the file itself.
///
/// # Errors
/// The links lead in a circle.
pub(super) fn follow_links(path: &Path) -> Result<PathBuf, StoreError> {
    atomic_file::follow_links(path).map_err(file_error("find", path))
}

/// Refuses a file that has another name by a hard link: each name would have its own lock and, from
/// the next renewal on, its own token.
///
/// # Errors
/// The file has more than one name.
#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix counts links"))]
pub(super) fn refuse_hard_links(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1) {
        return Err(StoreError::Linked { file: path.to_owned() });
    }
    Ok(())
}

/// Creates a new file beside `path` and reserves `bytes` of disk space for it, so that a later
/// replacement of `path` does not fail for lack of space.
///
/// # Errors
/// The folder cannot be written, or the disk is full.
pub(super) fn reserve_new_file(path: &Path, bytes: usize) -> Result<NewFile, StoreError> {
    let mut new = NewFile::beside(path).map_err(file_error("write beside", path))?;
    new.reserve(bytes).map_err(file_error("write beside", path))?;
    Ok(new)
}

/// Replaces a file by a new one with this content. At any time, one of the two is there in full.
///
/// # Errors
/// The file cannot be written.
pub(super) fn replace_file(
    path: &Path,
    mut new: NewFile,
    content: &[u8],
) -> Result<(), StoreError> {
    new.fill(content).map_err(file_error("write", path))?;
    new.take_name(path).map_err(file_error("replace", path))
}

/// Removes temporary files that killed runs left beside a file, and returns whether there were any.
///
/// # Errors
/// It cannot be removed.
pub(super) fn remove_leftovers(path: &Path) -> Result<bool, StoreError> {
    let swept = atomic_file::remove_leftovers(path);
    // Under this name an earlier version of the program wrote.
    Ok(remove_file(&with_added_ending(path, "new"))? || swept)
}

/// Empties a file, so that hard links to it hold nothing either, and removes it. Returns whether
/// the file existed.
///
/// # Errors
/// It cannot be removed.
pub(super) fn empty_and_remove(path: &Path) -> Result<bool, StoreError> {
    // A hard link would keep the content.
    if path.is_file() {
        let emptied = OpenOptions::new().write(true).truncate(true).open(path);
        emptied.map(drop).or_else(|error| match error.kind() {
            // The folder decides whether it can be removed.
            ErrorKind::PermissionDenied | ErrorKind::NotFound => Ok(()),
            _ => Err(file_error("empty", path)(error)),
        })?;
    }
    remove_file(path)
}

/// Removes a file, and returns whether it existed.
///
/// # Errors
/// It cannot be removed.
pub(super) fn remove_file(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file_error("remove", path)(error)),
    }
}

/// Creates the folder of a file, and the folders above it, with access for the user alone.
///
/// # Errors
/// The folder cannot be created.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let folder = atomic_file::folder(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).map_err(file_error("make", folder))
}

/// Returns the path with a dot and a further ending.
pub(super) fn with_added_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Gives access to a file that is created to its owner alone.
pub(super) fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Returns a function that turns an I/O error into the error of this action on a file.
pub(super) fn file_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> StoreError {
    let file = path.to_owned();
    move |source| StoreError::File { action, file, source }
}

/// Refuses a file that others may read or write, or that is somebody else's: it would be their
/// sign-in.
fn check_owner(opened: &File, path: &Path) -> Result<(), StoreError> {
    let file = path.to_owned();
    atomic_file::check_private(opened).map_err(|why| match why {
        Exposure::Mode(mode) => StoreError::Exposed { file, mode },
        Exposure::Owner => StoreError::Foreign { file },
        Exposure::Unknown(source) => StoreError::File { action: "read", file, source },
    })
}
