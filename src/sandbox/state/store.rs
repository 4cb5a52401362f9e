//! Where the state lives: in memory, or in a file that several sandboxes may share.
//!
//! The file is the database. A request that may change it holds an exclusive lock on the file beside it from
//! reading to writing, and the new content replaces the old by a rename, so that neither a second process nor
//! a kill at any moment can leave a mixture.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::error::SandboxError;
use super::super::tenant::Tenant;
use super::{Database, seed};

/// The longest wait for another sandbox's lock, which is held for one request.
const LONGEST_LOCK: Duration = Duration::from_secs(10);

/// The longest wait for a program that holds the file on Windows, such as a scanner.
const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// Where a sandbox keeps its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    /// In memory, for as long as the server runs.
    Memory,
    /// In this file, from run to run.
    File(PathBuf),
}

/// The state, and where it is kept.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    file: Option<StateFile>,
}

impl Store {
    /// Opens the state, or begins it from the tenant; tells whether a state of another tenant was given up.
    pub(crate) fn open(
        location: &StateLocation,
        tenant: &Tenant,
    ) -> Result<(Self, bool), SandboxError> {
        let StateLocation::File(path) = location else {
            return Ok((Self { database: seed::database(tenant), file: None }, false));
        };
        let mut file = StateFile::new(path)?;
        let _lock = file.lock()?;
        let stored = file.read()?;
        let known = stored.is_some();
        let kept = stored
            .filter(|database| database.tenant == tenant.digest && database.format == seed::FORMAT);
        let anew = known && kept.is_none();
        let database = match kept {
            Some(database) => database,
            None => file.begin(seed::database(tenant))?,
        };
        Ok((Self { database, file: Some(file) }, anew))
    }

    /// Lets `work` see the newest state.
    pub(crate) fn read<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T,
    ) -> Result<T, SandboxError> {
        if let Some(file) = &mut self.file {
            file.refresh(&mut self.database)?;
        }
        Ok(work(&mut self.database))
    }

    /// Lets `work` change a copy of the newest state, which is thrown away.
    pub(crate) fn rehearse<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T,
    ) -> Result<T, SandboxError> {
        self.read(|database| work(&mut database.clone()))
    }

    /// Lets `work` change the newest state, alone among all processes; what it changed is on disk afterwards.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T,
    ) -> Result<T, SandboxError> {
        let Some(file) = &mut self.file else {
            return Ok(work(&mut self.database));
        };
        let _lock = file.lock()?;
        file.refresh(&mut self.database)?;
        let before = self.database.clone();
        let result = work(&mut self.database);
        if self.database.revision != before.revision
            && let Err(error) = file.write(&self.database)
        {
            self.database = before;
            return Err(error);
        }
        Ok(result)
    }
}

/// The file of a state, with the content that was last seen in it.
struct StateFile {
    path: PathBuf,
    seen: Vec<u8>,
}

impl fmt::Debug for StateFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StateFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StateFile {
    fn new(path: &Path) -> Result<Self, SandboxError> {
        // Reading a device or a pipe may have no end.
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(failed("read", path)(error));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_folder(folder).map_err(failed("create the folder of", folder))?;
        }
        Ok(Self { path: path.to_owned(), seen: Vec::new() })
    }

    /// Waits for the exclusive lock, which lasts until the file returned is dropped.
    fn lock(&self) -> Result<File, SandboxError> {
        let path = beside(&self.path, "lock");
        let file =
            private().truncate(false).open(&path).map_err(failed("open the lock of", &path))?;
        wait_for(&file).map_err(failed("lock", &path))?;
        Ok(file)
    }

    fn read(&mut self) -> Result<Option<Database>, SandboxError> {
        match patiently(|| fs::read(&self.path)) {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => {
                let database = self.parse(&bytes)?;
                self.seen = bytes;
                Ok(Some(database))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &self.path)(error)),
        }
    }

    /// Replaces `database` when the file holds something else than was last seen.
    fn refresh(&mut self, database: &mut Database) -> Result<(), SandboxError> {
        let bytes = match patiently(|| fs::read(&self.path)) {
            Ok(bytes) => bytes,
            // Emptied while this server runs: its next change writes the file again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        if bytes == self.seen {
            return Ok(());
        }
        let newer = self.parse(&bytes)?;
        if newer.tenant != database.tenant {
            return Err(SandboxError::StateTaken { path: self.path.clone() });
        }
        *database = newer;
        self.seen = bytes;
        Ok(())
    }

    fn parse(&self, bytes: &[u8]) -> Result<Database, SandboxError> {
        serde_json::from_slice(bytes)
            .map(Database::indexed)
            .map_err(|source| SandboxError::StateCorrupt { path: self.path.clone(), source })
    }

    fn begin(&mut self, database: Database) -> Result<Database, SandboxError> {
        self.write(&database)?;
        Ok(database)
    }

    fn write(&mut self, database: &Database) -> Result<(), SandboxError> {
        let bytes = serde_json::to_vec(database).map_err(SandboxError::StateEncoding)?;
        replace(&self.path, &bytes).map_err(failed("write", &self.path))?;
        self.seen = bytes;
        Ok(())
    }
}

/// Removes the state file; tells whether there was one. A damaged file is removed too.
pub fn reset(path: impl AsRef<Path>) -> Result<bool, SandboxError> {
    let path = path.as_ref();
    if !path.exists() {
        return Ok(false);
    }
    let file = StateFile::new(path)?;
    let _lock = file.lock()?;
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

/// Writes a new file in the same folder, makes sure that it is on disk, and lets it take the old one's place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    patiently(|| write_new(&new, bytes))
        .and_then(|()| patiently(|| fs::rename(&new, path)))
        .inspect_err(|_| drop(fs::remove_file(&new)))?;
    sync_folder(path)
}

/// Tries for a while, as long as another program holds the file: access denied, or a sharing violation.
fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error)
                if cfg!(windows)
                    && matches!(error.raw_os_error(), Some(5 | 32))
                    && begin.elapsed() < LONGEST_HOLD =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Writes a file to the disk.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::State { operation, path, source }
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    options
}

#[cfg(unix)]
fn create_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Takes the exclusive lock; a holder that does not let go, as one that was stopped, is not waited
/// for without end.
fn wait_for(file: &File) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begin.elapsed() < LONGEST_LOCK => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::ResourceBusy.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
