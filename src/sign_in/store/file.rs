//! A small file that is replaced as a whole, and that is the user's alone.
//!
//! On Unix that is said by modes. On Windows it follows from the folder, which is below the
//! user's own application data.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::{Damage, Origin, StoreError};
use crate::atomic_file;
use crate::atomic_file::{Exposure, NewFile};

/// The most bytes that are read.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Who may have access to a file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its owner alone, since it is not encrypted.
    Owner,
    /// Anybody, since it is.
    Anybody,
}

/// What a file holds; none if there is no such file. A link is followed to a regular file.
///
/// # Errors
/// It is no regular file, too large, open to others though only its owner may have access, or it
/// cannot be read.
pub(super) fn read(path: &Path, access: Access) -> Result<Option<SecretSlice<u8>>, StoreError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(failed("read", path))?,
    };
    if !metadata.is_file() {
        return Err(StoreError::NotAFile { file: path.to_owned() });
    }
    let file = File::open(path).map_err(failed("read", path))?;
    if access == Access::Owner {
        check_owner(&file, path)?;
    }
    let mut content = Vec::new();
    let most = u64::try_from(MOST_BYTES + 1).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut content).map_err(failed("read", path))?;
    if content.len() > MOST_BYTES {
        let origin = Origin::File(path.to_owned());
        return Err(StoreError::Unreadable { origin, source: Damage::Size });
    }
    Ok(Some(SecretSlice::from(content)))
}

/// Finds the file that a path leads to by links; it may not be there yet. Two names of one file would
/// else have two locks, and removing one name would leave what the other leads to.
///
/// # Errors
/// The links lead in a circle.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    atomic_file::resolved(path).map_err(failed("find", path))
}

/// Refuses a file that has another name by a hard link: each name would have its own lock and, from the
/// next renewal on, its own token.
///
/// # Errors
/// It has.
pub(super) fn check_names(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1) {
        return Err(StoreError::Linked { file: path.to_owned() });
    }
    Ok(())
}

/// Makes a new file beside another that has room for that many bytes and may take the other's name, so
/// that what comes later can be kept.
///
/// # Errors
/// The folder cannot be written, or the disk is full.
pub(super) fn reserve(path: &Path, bytes: usize) -> Result<NewFile, StoreError> {
    let mut new = NewFile::beside(path).map_err(failed("write beside", path))?;
    new.reserve(bytes).map_err(failed("write beside", path))?;
    Ok(new)
}

/// Puts a file in the place of an earlier one, so that at any time one of the two is there whole.
///
/// # Errors
/// The file cannot be written.
pub(super) fn replace(path: &Path, mut new: NewFile, content: &[u8]) -> Result<(), StoreError> {
    new.fill(content).map_err(failed("write", path))?;
    new.take_name(path).map_err(failed("replace", path))
}

/// Removes what killed runs left beside a file, and says whether there was anything.
///
/// # Errors
/// It cannot be removed.
pub(super) fn sweep(path: &Path) -> Result<bool, StoreError> {
    let swept = atomic_file::sweep(path);
    // Under this name an earlier version of the program wrote.
    Ok(remove(&beside(path, "new"))? || swept)
}

/// Removes a file and what it holds, under whatever other names, and says whether there was one.
///
/// # Errors
/// It cannot be removed.
pub(super) fn wipe(path: &Path) -> Result<bool, StoreError> {
    // A hard link would keep the content.
    if path.is_file() {
        let emptied = OpenOptions::new().write(true).truncate(true).open(path);
        emptied.map(drop).or_else(|error| match error.kind() {
            // The folder decides whether it can be removed.
            ErrorKind::PermissionDenied | ErrorKind::NotFound => Ok(()),
            _ => Err(failed("empty", path)(error)),
        })?;
    }
    remove(path)
}

/// Removes a file, and says whether there was one.
///
/// # Errors
/// It cannot be removed.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

/// Makes the folder of a file, and those above it, for the user alone.
///
/// # Errors
/// It cannot be made.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let folder = atomic_file::folder(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).map_err(failed("make", folder))
}

/// The file beside another, with a further ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Lets a file that is made be its owner's alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// The error for what could not be done to a file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
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
