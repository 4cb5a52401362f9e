//! Files that are written as a whole: at any time the earlier one or the new one is there, and never
//! a part of one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a new file's name ends with until it has the name that it is for.
const NEW: &str = ".new";

/// Makes a file that is not there, its owner's alone, so that it is there whole or not at all.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is something of that name; whatever else the system says.
pub fn make(path: &Path, content: &[u8]) -> io::Result<()> {
    sweep(path);
    let new = New::beside(path, content, None)?;
    name(&new.path, path)?;
    drop(new);
    sync_folder(path)
}

/// Puts a file in the place of an earlier one, whose permissions it gets.
///
/// # Errors
/// The file or its folder cannot be written.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    sweep(path);
    let new = New::beside(path, content, Some(permissions))?;
    fs::rename(&new.path, path)?;
    sync_folder(path)
}

/// What a file holds, of so many bytes at most.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if it holds more; whatever else the system says.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// Removes what programs that were killed while they wrote a file left beside it.
pub fn sweep(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let Ok(entries) = fs::read_dir(folder(path)) else { return };
    for entry in entries.filter_map(Result::ok) {
        if is_left(&name.to_string_lossy(), &entry.file_name().to_string_lossy()) {
            remove_unlocked(&entry.path());
        }
    }
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
            fs::rename(new, path).inspect_err(|_| drop(fs::remove_file(path)))
        }
        linked => linked,
    }
}

/// A new file beside another, on the disk, with those permissions, else its owner's alone. It is
/// locked for as long as its program lives, which tells it from one that a killed program left.
struct New {
    path: PathBuf,
    file: File,
}

impl New {
    fn beside(path: &Path, content: &[u8], permissions: Option<Permissions>) -> io::Result<Self> {
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}{NEW}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&new)?;
        let mut new = Self { path: new.into(), file };
        // Where the file system has no locks, a sweep finds none that it could take either.
        let _ = new.file.try_lock();
        new.file.write_all(content)?;
        if let Some(permissions) = permissions {
            new.file.set_permissions(permissions)?;
        }
        new.file.sync_all()?;
        Ok(new)
    }
}

impl Drop for New {
    /// Removes the name beside the other file, if the file still has it.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a file's name is that of another, a process id, and [`NEW`].
fn is_left(name: &str, file: &str) -> bool {
    let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let id = rest.and_then(|rest| rest.strip_suffix(NEW)).unwrap_or_default();
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes a regular file that no living program holds.
fn remove_unlocked(path: &Path) {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return;
    }
    if File::open(path).is_ok_and(|file| file.try_lock().is_ok()) {
        let _ = fs::remove_file(path);
    }
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

    #[test]
    fn only_what_a_killed_program_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let others = ["journal.new", "journal.x1.new", "other.12.new", "journal.12.newer"];
        for file in others.into_iter().chain(["journal.12.new"]) {
            fs::write(folder.path().join(file), "earlier values").unwrap();
        }
        let living = New::beside(&path, b"of another run", None).unwrap();
        sweep(&path);
        assert!(living.path.exists(), "a living program holds it");
        assert!(!folder.path().join("journal.12.new").exists());
        assert!(others.iter().all(|file| folder.path().join(file).exists()));
        drop(living);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len());
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
