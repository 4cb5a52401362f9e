//! The files of journals: made before anything is sent, completed once it is in, and opened to undo
//! it.

use std::fs;
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretSlice};

use super::keep::store_key;
use crate::apply::ApplyError;
use crate::auth::{Shut, StoreError, StoreKey};
use crate::discover::{Reader, find};
use crate::disk;
use crate::domain::{DocumentError, RowId, printable_path, sentence};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::{Head, Journal, JournalFile, record};
use crate::plan::Plan;
use crate::report::Console;
use crate::state::{Desired, Observed};

/// The most bytes of a journal.
const MOST_BYTES: u64 = 256 << 20;

/// With what an encrypted file begins (<https://age-encryption.org/v1>).
const SEALED: &[u8] = b"age-encryption.org/";

/// What is said of a journal whose completion was broken off.
pub(super) const INCOMPLETE: &str =
    "\nThe journal lacks the ids of the new rows; a rollback finds them by their keys.\n";

/// A journal that is to be kept: its file is not there yet, and it can be encrypted.
pub(super) struct Journaling {
    path: PathBuf,
    key: Option<StoreKey>,
}

/// A journal that is kept.
pub(super) struct Begun<'run> {
    journaling: &'run Journaling,
    journal: Journal,
}

impl Journaling {
    /// Checks, before anything is contacted, that the journal can be kept there.
    pub(super) fn of(file: &JournalFile) -> Result<Self, Failure> {
        let shown = file.path.display();
        disk::sweep(&file.path);
        if fs::symlink_metadata(&file.path).is_ok() {
            return Err(is_there(&file.path));
        }
        if !disk::folder(&file.path).is_dir() {
            let message = format!("there is no folder for the journal `{shown}`");
            return Err(Failure::new(Exit::Usage, message)
                .hint("make the folder, or name another file by --journal"));
        }
        let key = if file.plain { None } else { Some(key_to_seal(&file.path)?) };
        Ok(Self { path: file.path.clone(), key })
    }

    /// Keeps what a plan is going to change.
    pub(super) fn begin(
        &self,
        head: Head,
        desired: &Desired,
        observed: &Observed,
        plan: &Plan,
        console: &Console,
    ) -> Result<Begun<'_>, Failure> {
        let journal = record(head, desired, observed, plan)
            .map_err(|error| Failure::of(Exit::Unexpected, &error).nothing_written())?;
        let content = self.content(&journal).map_err(|error| self.unwritten(&error))?;
        disk::make(&self.path, content.expose_secret()).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => is_there(&self.path).nothing_written(),
            _ => self.unwritten(&error),
        })?;
        let how = if self.key.is_some() { "encrypted" } else { "not encrypted" };
        let shown = printable_path(&self.path);
        console.line(&format!("Kept in the journal {shown}, {how}, what is there now."));
        Ok(Begun { journaling: self, journal })
    }

    /// The journal as the file holds it.
    fn content(&self, journal: &Journal) -> io::Result<SecretSlice<u8>> {
        let plain = journal.to_json();
        let content = match &self.key {
            Some(key) => key.seal(plain.expose_secret()).map_err(io::Error::other)?.into(),
            None => plain,
        };
        if content.expose_secret().len() as u64 > MOST_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        let message = format!("the journal `{}` cannot be written: {error}", self.path.display());
        Failure::new(Exit::Unexpected, message)
            .nothing_written()
            .hint("name a file in a folder that you may write to by --journal")
    }
}

impl Begun<'_> {
    /// Adds the ids of the rows that were made. Without them a rollback finds those rows by what
    /// they were made with, so that a failure is no reason to call the apply one.
    pub(super) async fn complete(self, reader: &Reader<'_>, console: &Console) {
        if self.journal.is_complete() {
            return;
        }
        let found = find(reader, &self.journal.rows).await.map_err(|error| sentence(&error));
        let completed = found.and_then(|found| {
            let journal = self.journal.completed(&found);
            drop(found);
            let content = self.journaling.content(&journal);
            let replaced = content
                .and_then(|content| disk::replace(&self.journaling.path, content.expose_secret()));
            replaced.map_err(|error| error.to_string())
        });
        if let Err(reason) = completed {
            console.line(&format!(
                "warning: the journal lacks the ids of the new rows ({reason}); a rollback finds them by their keys."
            ));
        }
    }

    /// Removes the journal of an apply that is known to have written nothing; notes the ids of new
    /// rows that their keys do not find.
    pub(super) fn not_applied(self, error: &ApplyError, console: &Console) {
        if error.is_nothing_written() {
            self.discard(console);
        } else if let ApplyError::Altered { created, .. } = error {
            let ids = created.iter().filter_map(|row| Some((row.write, row.id?)));
            self.note_ids(&ids.collect::<Vec<_>>());
        }
    }

    /// Adds the ids of new rows, by their places. Without them the journal holds as much as before.
    fn note_ids(self, ids: &[(usize, RowId)]) {
        let journal = self.journal.with_ids(ids);
        let content = self.journaling.content(&journal);
        let noted = content
            .and_then(|content| disk::replace(&self.journaling.path, content.expose_secret()));
        if let Err(error) = noted {
            tracing::warn!(%error, "the journal lacks the ids of the new rows");
        }
    }

    /// Removes the journal of an apply that changed nothing.
    pub(super) fn discard(self, console: &Console) {
        if fs::remove_file(&self.journaling.path).is_ok() {
            console.message("The journal was removed, as this run changed nothing.\n");
        }
    }
}

/// Notes in a journal that it was rolled back. That this cannot be noted is no reason to call the
/// rollback a failure.
pub(super) fn spend(file: &JournalFile, journal: &Journal, time: String, console: &Console) {
    let mut journal = journal.clone();
    journal.head.rolled_back = Some(time);
    let spent = read(&file.path).map_err(|error| error.to_string()).and_then(|before| {
        let sealed = before.expose_secret().starts_with(SEALED);
        let key = if sealed { store_key().map_err(|failure| failure.message)? } else { None };
        let journaling = Journaling { path: file.path.clone(), key };
        let content = journaling.content(&journal).map_err(|error| error.to_string())?;
        disk::replace(&file.path, content.expose_secret()).map_err(|error| error.to_string())
    });
    if let Err(reason) = spent {
        console.line(&format!(
            "warning: the journal does not say that it was rolled back ({reason}); remove it."
        ));
    }
}

/// Reads a journal, whether or not it is encrypted.
pub(super) fn open(file: &JournalFile) -> Result<Journal, Failure> {
    let path = &file.path;
    disk::sweep(path);
    let content = read(path).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("the journal `{}` cannot be read: {error}", path.display()),
        )
        .hint("name the file that `flowbind apply --journal` kept")
    })?;
    let content = content.expose_secret();
    if !content.starts_with(SEALED) {
        check_owner(path)?;
        return Journal::from_json(content).map_err(|error| unusable(path, &error));
    }
    let key = store_key()?.ok_or_else(|| {
        let message = format!(
            "the journal `{}` is encrypted, and FLOWBIND_STORE_KEY is not set",
            path.display()
        );
        Failure::new(Exit::Usage, message)
            .hint("set FLOWBIND_STORE_KEY to the key that the apply was run with")
    })?;
    let plain = key.open(content).map_err(|shut| shut_out(path, shut))?;
    Journal::from_json(plain.expose_secret()).map_err(|error| unusable(path, &error))
}

fn shut_out(path: &Path, shut: Shut) -> Failure {
    let message = format!("the journal `{}` cannot be opened: {shut}", path.display());
    let hint = match shut {
        Shut::Key => "set FLOWBIND_STORE_KEY to the key that the apply was run with",
        Shut::Damage(_) => "take the file as the apply left it",
    };
    Failure::new(Exit::Usage, message).hint(hint)
}

fn unusable(path: &Path, error: &DocumentError) -> Failure {
    let message = format!("the journal `{}` cannot be used: {error}", path.display());
    let hint = match error {
        DocumentError::Version { .. } => "use the flowbind that kept it",
        DocumentError::Malformed { .. } | DocumentError::Kind(_) => {
            "name the file that `flowbind apply --journal` kept, as the apply left it"
        }
    };
    Failure::new(Exit::Usage, message).hint(hint)
}

/// The key for a journal.
fn key_to_seal(path: &Path) -> Result<StoreKey, Failure> {
    store_key()?.ok_or_else(|| {
        let message = "a journal holds earlier values, so it is encrypted, and FLOWBIND_STORE_KEY is not set; nothing was contacted";
        let hints = StoreError::MissingKey.hints();
        Failure { hints, ..Failure::new(Exit::Usage, message) }.hint(format!(
            "or keep it without encryption, readable by you alone: `--journal plain:{}`",
            path.display()
        ))
    })
}

/// The journal of an earlier apply is worth something.
fn is_there(path: &Path) -> Failure {
    let message =
        format!("the journal `{}` is there already, and is not overwritten", path.display());
    Failure::new(Exit::Usage, message)
        .hint("name another file by --journal, or move this one away; `flowbind rollback` undoes the apply that kept it")
}

/// What a journal's file holds.
fn read(path: &Path) -> io::Result<SecretSlice<u8>> {
    disk::read(path, MOST_BYTES).map(SecretSlice::from)
}

/// Refuses a journal without encryption that others may read or write.
#[cfg(unix)]
fn check_owner(path: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & !0o700 == 0 {
        return Ok(());
    }
    let shown = path.display();
    let message = format!("others may read or write the journal `{shown}`: its mode is {mode:03o}");
    Err(Failure::new(Exit::Usage, message)
        .hint(format!("let nobody else read it: `chmod 600 {shown}`")))
}

/// Takes any file: who may read it is a matter of its folder.
#[cfg(not(unix))]
fn check_owner(_: &Path) -> Result<(), Failure> {
    Ok(())
}
