//! Files that are written as a whole: at any time the earlier one or the new one is there, and never
//! a part of one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Makes a file that is not there, its owner's alone, so that it is there whole or not at all.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is something of that name; whatever else the system says.
pub fn make(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = written_beside(path, content, None)?;
    let named = name(&new, path);
    let _ = fs::remove_file(&new);
    named?;
    sync_folder(path)
}

/// Puts a file in the place of an earlier one, whose permissions it gets.
///
/// # Errors
/// The file or its folder cannot be written.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    let new = written_beside(path, content, Some(permissions))?;
    fs::rename(&new, path).inspect_err(|_| drop(fs::remove_file(&new)))?;
    sync_folder(path)
}

/// The folder of a file.
pub fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Gives a file a further name that nothing has. Where the file system has no such links, the
/// name is taken by an empty file first.
fn name(new: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(new, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            File::create_new(path)?;
            fs::rename(new, path)
        }
        linked => linked,
    }
}

/// A new file beside another, on the disk, with those permissions, else its owner's alone.
fn written_beside(
    path: &Path,
    content: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<PathBuf> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(content)
        .and_then(|()| permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions)))
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(fs::remove_file(&new)))?;
    Ok(new.into())
}

/// Lets the new name of a file outlast a loss of power.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// Leaves the folder to the file system, which takes no such request.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_never_in_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        make(&path, b"one").unwrap();
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
        assert_eq!(make(&path, b"two").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o640));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
