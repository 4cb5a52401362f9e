//! Files that are written as a whole: a reader finds the earlier file or the new one, and never a
//! part of one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::{NamedTempFile, TempPath};

/// What a new file's name ends with until it has the name that it is for.
const NEW: &str = ".new";

/// The most links that are followed to a file.
const MOST_LINKS: usize = 40;

/// How long another program that holds a file is waited for, such as a scanner of viruses.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a file is not its owner's alone.
#[derive(Debug)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix tells whose a file is"))]
pub(crate) enum Exposure {
    /// Others may read or write it: its mode.
    Mode(u32),
    /// It belongs to another user.
    Owner,
    /// That cannot be told.
    Unknown(io::Error),
}

/// Makes a file that is not there, its owner's alone, so that it is there whole or not at all.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is something of that name; whatever else the system says.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    remove_leftovers(path);
    let mut new = NewFile::beside(path)?;
    new.fill(content)?;
    new.take_free_name(path)
}

/// Puts a file in the place of an earlier one, whose permissions it gets. A link is followed.
///
/// # Errors
/// The file or its folder cannot be written.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &follow_links(path)?;
    let permissions = fs::metadata(path)?.permissions();
    remove_leftovers(path);
    let mut new = NewFile::beside(path)?;
    new.fill(content)?;
    new.permit(permissions)?;
    new.take_name(path)
}

/// Writes a file without secrets: creates it if missing, else replaces it. A link is followed.
///
/// # Errors
/// The file or its folder cannot be written; the earlier file is there still.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &follow_links(path)?;
    if path.exists() {
        return replace(path, content);
    }
    // Only the system knows with which permissions a new file of this user begins.
    drop(File::create_new(path)?);
    replace(path, content).inspect_err(|_| drop(fs::remove_file(path)))
}

/// Opens a file that is written from its beginning, and empties it; creates it if missing.
///
/// # Errors
/// The file or its folder cannot be written.
pub(crate) fn open_empty(path: &Path) -> io::Result<File> {
    retry_while(is_held, || File::create(path)).map_err(with_holder)
}

/// Makes sure that a file can be made in the folder of that path. A link is followed.
///
/// # Errors
/// It cannot.
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    NewFile::beside(&follow_links(path)?).map(drop)
}

/// Reads a file of `most` bytes at most.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if it holds more; whatever else the system says.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_open(&File::open(path)?, most)
}

/// Reads a file that is open, of `most` bytes at most.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_open(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// Finds the file that a path leads to by links; it may not be there yet.
///
/// # Errors
/// The links form a loop.
pub(crate) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links form a loop"))
}

/// Makes sure that nobody but its owner, who runs this program, may read or write a file.
///
/// # Errors
/// Others may, or may have.
#[cfg(unix)]
pub(crate) fn check_private(file: &File) -> Result<(), Exposure> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = file.metadata().map_err(Exposure::Unknown)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & !0o700 != 0 {
        return Err(Exposure::Mode(mode));
    }
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if is_own { Ok(()) } else { Err(Exposure::Owner) }
}

/// Takes any file: who may read it is a matter of its folder.
#[cfg(not(unix))]
pub(crate) fn check_private(_: &File) -> Result<(), Exposure> {
    Ok(())
}

/// Removes what programs that were killed while they wrote a file left beside it, and tells whether
/// there was anything.
pub(crate) fn remove_leftovers(path: &Path) -> bool {
    let Ok(path) = follow_links(path) else { return false };
    let Some(name) = path.file_name() else { return false };
    let Ok(entries) = fs::read_dir(folder(&path)) else { return false };
    let left = entries
        .filter_map(Result::ok)
        .filter(|entry| is_left(&name.to_string_lossy(), &entry.file_name().to_string_lossy()));
    left.filter(|entry| remove_unlocked(&entry.path())).count() > 0
}

/// Returns the folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// A new file beside another, its owner's alone, which is removed unless it takes the other's name. It is
/// locked for as long as its program lives, which tells it from one that a killed program left.
#[derive(Debug)]
pub(crate) struct NewFile(NamedTempFile);

impl NewFile {
    /// Makes an empty file beside that one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn beside(path: &Path) -> io::Result<Self> {
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}{NEW}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&new)?;
        let file = NamedTempFile::from_parts(file, TempPath::try_from_path(new)?);
        // Where the file system has no locks, a sweep finds none that it could take either.
        let _ = file.as_file().try_lock();
        Ok(Self(file))
    }

    /// Makes sure that the disk has room for that many bytes.
    ///
    /// # Errors
    /// It has not.
    pub(crate) fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        self.fill(&vec![b' '; bytes])
    }

    /// Replaces the content of the file and syncs it to the disk.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub(crate) fn fill(&mut self, content: &[u8]) -> io::Result<()> {
        let file = self.0.as_file_mut();
        file.rewind()?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        file.sync_all()
    }

    fn permit(&self, permissions: Permissions) -> io::Result<()> {
        self.0.as_file().set_permissions(permissions)
    }

    /// Takes the name of the other file, which is gone then.
    ///
    /// # Errors
    /// The other file cannot be replaced.
    pub(crate) fn take_name(self, path: &Path) -> io::Result<()> {
        let mut new = Some(self.0);
        retry_while(is_held, || named(&mut new, |file| file.persist(path))).map_err(with_holder)?;
        // The file is in its place, whatever becomes of the folder.
        let _ = sync_folder(path);
        Ok(())
    }

    /// Takes a name that nothing has. Where the file system cannot do so in one step, the name is taken
    /// by an empty file first.
    fn take_free_name(self, path: &Path) -> io::Result<()> {
        let mut new = Some(self.0);
        match named(&mut new, |file| file.persist_noclobber(path)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                File::create_new(path)?;
                retry_while(is_held, || named(&mut new, |file| file.persist(path)))
                    .inspect_err(|_| drop(fs::remove_file(path)))?;
            }
            named => named?,
        }
        sync_folder(path)
    }
}

/// Gives a file its name; if that fails, it can be tried again.
fn named(
    new: &mut Option<NamedTempFile>,
    name: impl FnOnce(NamedTempFile) -> Result<File, tempfile::PersistError>,
) -> io::Result<()> {
    let file = new.take().ok_or(ErrorKind::NotFound)?;
    name(file).map(drop).map_err(|failed| {
        *new = Some(failed.file);
        failed.error
    })
}

/// Tries for a while, as long as the failure may pass.
fn retry_while<T>(
    may_pass: impl Fn(&io::Error) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error) if may_pass(&error) && begin.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// Tells whether another program holds a file, as on Windows: access denied, or a sharing violation.
fn is_held(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

/// Adds to the error of a file that another program may hold what can be done.
fn with_holder(error: io::Error) -> io::Error {
    if !is_held(&error) {
        return error;
    }
    let message = format!("{error}; close the program that holds it, or check who may write it");
    io::Error::new(error.kind(), message)
}

/// Tells whether a file's name is that of another, a process id, and [`NEW`].
fn is_left(name: &str, file: &str) -> bool {
    let rest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let id = rest.and_then(|rest| rest.strip_suffix(NEW)).unwrap_or_default();
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes a regular file that no living program holds, and tells whether it did.
fn remove_unlocked(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
        && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
        && fs::remove_file(path).is_ok()
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
        create(&path, b"one").unwrap();
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
        assert_eq!(create(&path, b"two").unwrap_err().kind(), ErrorKind::AlreadyExists);
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
        let living = NewFile::beside(&path).unwrap();
        assert!(remove_leftovers(&path) && !remove_leftovers(&path));
        assert!(living.0.path().exists(), "a living program holds it");
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

    #[cfg(unix)]
    #[test]
    fn what_links_lead_to_is_replaced_and_the_links_stay() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        fs::write(path("inner/file"), "one").unwrap();
        symlink("inner/file", path("near")).unwrap();
        symlink(path("near"), path("far")).unwrap();
        replace(&path("far"), b"two").unwrap();
        assert_eq!(fs::read(path("inner/file")).unwrap(), b"two");
        assert!(path("far").is_symlink() && path("near").is_symlink());
        symlink("round", path("round")).unwrap();
        assert!(replace(&path("round"), b"two").is_err());
        assert_eq!(follow_links(&path("not there")).unwrap(), path("not there"));
    }

    #[test]
    fn a_file_whose_folder_takes_none_is_noticed_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_folder(&folder.path().join("no-such-folder/file")).is_err());
        check_folder(&folder.path().join("file")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn room_that_was_reserved_is_filled_with_what_is_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut new = NewFile::beside(&path).unwrap();
        new.reserve(10_000).unwrap();
        new.fill(b"short").unwrap();
        new.take_name(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_another_program_holds_is_tried_again_and_what_cannot_pass_is_not() {
        let fails = || io::Error::from(ErrorKind::PermissionDenied);
        for (may_pass, attempts) in [(true, 3), (false, 1)] {
            let mut count = 0;
            let done = retry_while(
                |_| may_pass,
                || {
                    count += 1;
                    if count < 3 { Err(fails()) } else { Ok(()) }
                },
            );
            assert_eq!((done.is_ok(), count), (may_pass, attempts));
        }
    }
}
