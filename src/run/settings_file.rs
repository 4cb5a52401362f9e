//! The file of deployment settings: read before anything is contacted, written at the end.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::deployment_settings::Settings;
use crate::model::{Exit, Failure, StoredText};

/// The maximum size of the file, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// The file as it was read.
pub(crate) struct SettingsFile {
    /// The path, with links followed.
    path: PathBuf,
    /// The content as it was read; none if the file did not exist.
    before: Option<StoredText>,
    /// The parsed settings.
    pub(crate) settings: Settings,
}

impl SettingsFile {
    /// Reads an existing file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let content =
            atomic_file::read(path, MOST_BYTES).map_err(|error| unreadable(path, &error))?;
        let settings = parse(path, &content)?;
        let before = Some(StoredText::new(settings.expose()));
        // Another file is not to take the place of a link.
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { path, before, settings })
    }

    /// Reads a file, or begins a new one in an existing folder.
    pub(crate) fn open_or_begin(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok() {
            return Self::open(path);
        }
        if !atomic_file::folder(path).is_dir() {
            let message = format!(
                "the folder of the deployment settings `{}` does not exist",
                path.display()
            );
            return Err(Failure::new(Exit::Usage, format!("{message}; nothing was contacted"))
                .hint("create the folder, or name another file with --deployment-settings"));
        }
        let settings = parse(path, Settings::NEW.as_bytes())?;
        Ok(Self { path: path.to_owned(), before: None, settings })
    }

    /// Checks, before anything is contacted, that the file can be written.
    pub(crate) fn check_folder(&self) -> Result<(), Failure> {
        atomic_file::check_folder(&self.path).map_err(|error| {
            let message = format!(
                "the deployment settings `{}` cannot be written: {error}; nothing was contacted",
                self.path.display()
            );
            Failure::new(Exit::Usage, message)
                .hint("name a file in a writable folder with --deployment-settings")
        })
    }

    /// Returns true if the file does not exist yet.
    pub(crate) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Saves the new content, and fails if the file was changed since it was read.
    pub(crate) fn write(&self, after: &StoredText) -> Result<(), Failure> {
        let content = after.expose().as_bytes();
        let Some(before) = &self.before else {
            return atomic_file::create(&self.path, content).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => self.changed(),
                _ => self.unwritten(&error),
            });
        };
        let now =
            atomic_file::read(&self.path, MOST_BYTES).map_err(|error| self.unwritten(&error))?;
        if now != before.expose().as_bytes() {
            return Err(self.changed());
        }
        atomic_file::replace(&self.path, content).map_err(|error| self.unwritten(&error))
    }

    fn changed(&self) -> Failure {
        let message = format!(
            "the deployment settings `{}` were changed during the run",
            self.path.display()
        );
        Failure::new(Exit::Refused, message).nothing_written().hint("run again")
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        let message =
            format!("the deployment settings `{}` cannot be written: {error}", self.path.display());
        Failure::new(Exit::Unexpected, message)
            .nothing_written()
            .hint("name a writable file with --deployment-settings")
    }
}

fn parse(path: &Path, content: &[u8]) -> Result<Settings, Failure> {
    Settings::parse(content).map_err(|error| {
        let message = format!("the deployment settings `{}` {error}", path.display());
        Failure::new(Exit::Usage, format!("{message}; nothing was contacted")).hint(error.hint())
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("the deployment settings `{}` cannot be read: {error}", path.display());
    Failure::new(Exit::Usage, format!("{message}; nothing was contacted"))
        .hint("name a file that `pac solution create-settings` or `flowbind export` created")
}
