//! The file of deployment settings: read before anything is contacted, written at the end.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::bridge::Settings;
use crate::disk;
use crate::domain::StoredText;
use crate::exit::Exit;
use crate::failure::Failure;

/// The most bytes of such a file.
const MOST_BYTES: u64 = 16 << 20;

/// The file as it was read.
pub(super) struct SettingsFile {
    /// Where it is; a link is followed.
    path: PathBuf,
    /// What it held; none if there was no file.
    before: Option<StoredText>,
    /// What it says.
    pub(super) settings: Settings,
}

impl SettingsFile {
    /// Reads a file that is there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let content = disk::read(path, MOST_BYTES).map_err(|error| unreadable(path, &error))?;
        let settings = parse(path, &content)?;
        let before = Some(StoredText::new(settings.expose()));
        // Another file is not to take the place of a link.
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { path, before, settings })
    }

    /// Reads a file, or begins one in a folder that is there.
    pub(super) fn open_or_begin(path: &Path) -> Result<Self, Failure> {
        if fs::symlink_metadata(path).is_ok() {
            return Self::open(path);
        }
        if !disk::folder(path).is_dir() {
            let message =
                format!("there is no folder for the deployment settings `{}`", path.display());
            return Err(Failure::new(Exit::Usage, format!("{message}; nothing was contacted"))
                .hint("make the folder, or name another file by --deployment-settings"));
        }
        let settings = parse(path, Settings::NEW.as_bytes())?;
        Ok(Self { path: path.to_owned(), before: None, settings })
    }

    /// Makes sure, before anything is contacted, that the file can be written.
    pub(super) fn check_folder(&self) -> Result<(), Failure> {
        disk::check_folder(&self.path).map_err(|error| {
            let message = format!(
                "the deployment settings `{}` cannot be written: {error}; nothing was contacted",
                self.path.display()
            );
            Failure::new(Exit::Usage, message)
                .hint("name a file in a folder that you may write to by --deployment-settings")
        })
    }

    /// Whether there is no such file yet.
    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Writes what is to be there, unless somebody else wrote to the file since it was read.
    pub(super) fn write(&self, after: &StoredText) -> Result<(), Failure> {
        let content = after.expose().as_bytes();
        let Some(before) = &self.before else {
            return disk::make(&self.path, content).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => self.changed(),
                _ => self.unwritten(&error),
            });
        };
        let now = disk::read(&self.path, MOST_BYTES).map_err(|error| self.unwritten(&error))?;
        if now != before.expose().as_bytes() {
            return Err(self.changed());
        }
        disk::replace(&self.path, content).map_err(|error| self.unwritten(&error))
    }

    fn changed(&self) -> Failure {
        let message = format!(
            "somebody else wrote to the deployment settings `{}` meanwhile",
            self.path.display()
        );
        Failure::new(Exit::Refused, message).nothing_written().hint("run again")
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        let message =
            format!("the deployment settings `{}` cannot be written: {error}", self.path.display());
        Failure::new(Exit::Unexpected, message)
            .nothing_written()
            .hint("name a file that you may write to by --deployment-settings")
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
        .hint("name a file that `pac solution create-settings` or `flowbind export` made")
}
