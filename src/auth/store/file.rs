//! A small file that is replaced as a whole, and that is the user's alone.
//!
//! On Unix that is said by modes. On Windows it follows from the folder, which is below the
//! user's own application data.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::{Damage, Origin, StoreError};

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

/// Puts a file in the place of an earlier one, so that at any time one of the two is there whole.
/// A link is replaced, and not what it points to.
///
/// # Errors
/// The folder or the file cannot be written.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let new = beside(path, "new");
    write_new(&new, content)?;
    fs::rename(&new, path).map_err(|source| {
        let _ = fs::remove_file(&new);
        failed("replace", path)(source)
    })?;
    // The file is in its place, whatever becomes of the folder.
    let _ = sync_folder(path);
    Ok(())
}

/// Writes a file that is not there yet, to the disk. What an interrupted run left there is
/// removed, and a link is not followed.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    remove(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let file = private(&mut options).open(path);
    let written = file.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(failed("write", path))
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
    let folder = folder(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).map_err(failed("make", folder))
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
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
#[cfg(unix)]
fn check_owner(file: &File, path: &Path) -> Result<(), StoreError> {
    let metadata = file.metadata().map_err(failed("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & !0o700 != 0 {
        return Err(StoreError::Exposed { file: path.to_owned(), mode });
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(StoreError::Foreign { file: path.to_owned() });
    }
    Ok(())
}

/// Takes any file: who may read it is a matter of its folder.
#[cfg(not(unix))]
fn check_owner(_: &File, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Lets the new name of a file outlast a loss of power.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = folder(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("write", folder))
}

/// Leaves the folder to the file system, which takes no such request.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), StoreError> {
    Ok(())
}
