//! Journal files: created before anything is sent, completed after the write, and opened to undo
//! it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretSlice};

use crate::apply::ApplyError;
use crate::atomic_file;
use crate::atomic_file::Exposure;
use crate::cli::ConnectArgs;
use crate::discover::{Reader, find_journal_rows};
use crate::model::{
    Desired, DocumentError, Exit, Failure, Observed, RowId, error_chain, printable_path,
};
use crate::plan::Plan;
use crate::plan::journal::{Journal, JournalFile, JournalHead, record};
use crate::report::Console;
use crate::run::next_command::NextCommand;
use crate::run::secret_variable::not_set;
use crate::run::token_store::{STORE_KEY, store_key};
use crate::sign_in::{StoreDecryptError, StoreError, StoreKey, is_encrypted};

/// The maximum size of a journal, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The message for a journal whose completion was interrupted.
pub(crate) const INCOMPLETE: &str = "\nThe journal does not contain the ids of the new rows. A rollback finds them by their keys.\n";

/// The hint for a journal that cannot be written.
const WRITABLE: &str = "name a file in a writable folder with --journal";

/// The hint for a file that is not a journal.
const WRITTEN: &str = "name a file that `flowbind apply --journal` wrote";

/// The hint for a journal that cannot be decrypted.
const KEY: &str = "set FLOWBIND_STORE_KEY to the key that the apply used";

/// A journal to be kept: its file does not exist yet, and its key is known unless it is plain.
pub(crate) struct NewJournal {
    path: PathBuf,
    key: Option<StoreKey>,
}

/// A journal that is kept.
pub(crate) struct KeptJournal {
    file: NewJournal,
    journal: Journal,
}

impl NewJournal {
    /// Checks, before anything is contacted, that the journal can be kept there.
    pub(crate) fn check(file: &JournalFile) -> Result<Self, Failure> {
        let shown = file.path.display();
        atomic_file::remove_leftovers(&file.path);
        if fs::symlink_metadata(&file.path).is_ok() {
            return Err(is_there(&file.path));
        }
        if !atomic_file::folder(&file.path).is_dir() {
            let message = format!("the folder of the journal `{shown}` does not exist");
            return Err(Failure::new(Exit::Usage, message)
                .hint("create the folder, or name another file with --journal"));
        }
        atomic_file::check_folder(&file.path).map_err(|error| {
            let message =
                format!("the journal `{shown}` cannot be written: {error}; nothing was contacted");
            Failure::new(Exit::Usage, message).hint(WRITABLE)
        })?;
        let key = if file.plain { None } else { Some(key_to_seal(&file.path)?) };
        Ok(Self { path: file.path.clone(), key })
    }

    /// Saves in the journal the current values of what a plan will change.
    pub(crate) fn keep(
        self,
        head: JournalHead,
        desired: &Desired,
        observed: &Observed,
        plan: &Plan,
        console: &Console,
    ) -> Result<KeptJournal, Failure> {
        let journal = record(head, desired, observed, plan)
            .map_err(|error| Failure::from_error(Exit::Unexpected, &error).nothing_written())?;
        let content = self.content(&journal).map_err(|error| self.unwritten(&error))?;
        atomic_file::create(&self.path, content.expose_secret()).map_err(|error| {
            match error.kind() {
                ErrorKind::AlreadyExists => is_there(&self.path).nothing_written(),
                _ => self.unwritten(&error),
            }
        })?;
        let how = if self.key.is_some() { "encrypted" } else { "not encrypted" };
        let shown = printable_path(&self.path);
        console.line(&format!("Saved the current values in the journal {shown} ({how})."));
        Ok(KeptJournal { file: self, journal })
    }

    /// Returns the content of the journal's file, encrypted if there is a key.
    fn content(&self, journal: &Journal) -> io::Result<SecretSlice<u8>> {
        let plain = journal.to_json();
        let content = match &self.key {
            Some(key) => {
                key.encrypt_authenticated(plain.expose_secret()).map_err(io::Error::other)?.into()
            }
            None => plain,
        };
        if content.expose_secret().len() as u64 > MOST_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        let message = format!("the journal `{}` cannot be written: {error}", self.path.display());
        Failure::new(Exit::Unexpected, message).nothing_written().hint(WRITABLE)
    }
}

impl KeptJournal {
    /// Adds the ids of the created rows. A failure is only a warning: without the ids, a rollback
    /// finds the rows by their keys.
    pub(crate) async fn complete(self, reader: &Reader<'_>, console: &Console) {
        if self.journal.is_complete() {
            return;
        }
        let found = find_journal_rows(reader, &self.journal.rows)
            .await
            .map_err(|error| error_chain(&error));
        let completed = found.and_then(|found| {
            let journal = self.journal.completed(&found);
            drop(found);
            let content = self.file.content(&journal);
            let replaced = content
                .and_then(|content| atomic_file::replace(&self.file.path, content.expose_secret()));
            replaced.map_err(|error| error.to_string())
        });
        if let Err(reason) = completed {
            console.line(&format!(
                "warning: the journal does not contain the ids of the new rows ({reason}). A rollback finds them by their keys."
            ));
        }
    }

    /// Removes the journal of an apply that is known to have written nothing; notes the ids of new
    /// rows that their keys do not find.
    pub(crate) fn not_applied(self, error: &ApplyError, console: &Console) {
        if error.is_nothing_written() {
            self.discard(console);
        } else if let ApplyError::Altered { created, .. } = error {
            let ids = created.iter().filter_map(|row| Some((row.write, row.id?)));
            self.note_ids(&ids.collect::<Vec<_>>());
        }
    }

    /// Adds the ids of new rows, by their positions. If that fails, the journal stays as it was.
    fn note_ids(self, ids: &[(usize, RowId)]) {
        let journal = self.journal.with_ids(ids);
        let content = self.file.content(&journal);
        let noted = content
            .and_then(|content| atomic_file::replace(&self.file.path, content.expose_secret()));
        if let Err(error) = noted {
            tracing::warn!(%error, "the journal does not contain the ids of the new rows");
        }
    }

    /// Removes the journal of an apply that changed nothing.
    pub(crate) fn discard(self, console: &Console) {
        if fs::remove_file(&self.file.path).is_ok() {
            console.message("This run changed nothing, so the journal was removed.\n");
        }
    }
}

/// Marks a journal as rolled back. A failure to do so is only a warning.
pub(crate) fn mark_rolled_back(
    file: &JournalFile,
    journal: &Journal,
    time: String,
    console: &Console,
) {
    let mut journal = journal.clone();
    journal.head.rolled_back = Some(time);
    let key = if file.plain { Ok(None) } else { store_key() };
    let spent = key.map_err(|failure| failure.message).and_then(|key| {
        let rewritten = NewJournal { path: file.path.clone(), key };
        let content = rewritten.content(&journal).map_err(|error| error.to_string())?;
        atomic_file::replace(&file.path, content.expose_secret()).map_err(|error| error.to_string())
    });
    if let Err(reason) = spent {
        console.line(&format!(
            "warning: the journal cannot be marked as rolled back ({reason}). Remove it."
        ));
    }
}

/// Reads a journal. The command line says if it is encrypted, never the file itself: otherwise,
/// someone who replaces an encrypted file with a plain one would decide what is restored.
pub(crate) fn open(file: &JournalFile, connect: &ConnectArgs) -> Result<Journal, Failure> {
    let path = &file.path;
    atomic_file::remove_leftovers(path);
    let unreadable = |error: io::Error| {
        let message = format!("the journal `{}` cannot be read: {error}", path.display());
        Failure::new(Exit::Usage, message).hint(WRITTEN)
    };
    let opened = File::open(path).map_err(unreadable)?;
    let content = atomic_file::read_open(&opened, MOST_BYTES).map_err(unreadable)?;
    let content = SecretSlice::from(content);
    let content = content.expose_secret();
    let parse = |text: &[u8]| Journal::from_json(text).map_err(|error| unusable(path, &error));
    match (file.plain, is_encrypted(content)) {
        (false, true) => parse(unsealed(path, content)?.expose_secret()),
        (true, false) => {
            atomic_file::check_private(&opened).map_err(|why| exposed(path, &why))?;
            parse(content)
        }
        (false, false) => Err(parse(content).err().unwrap_or_else(|| not_encrypted(path, connect))),
        (true, true) => Err(encrypted(path, connect)),
    }
}

/// Decrypts a journal with the key of this process.
fn unsealed(path: &Path, content: &[u8]) -> Result<SecretSlice<u8>, Failure> {
    let key = store_key()?.ok_or_else(|| {
        let message =
            format!("the journal `{}` is encrypted, but {}", path.display(), not_set(STORE_KEY));
        Failure::new(Exit::Usage, message).hint(KEY)
    })?;
    key.decrypt_authenticated(content).map_err(|shut| shut_out(path, shut))
}

/// Refuses a plain file where an encrypted one is meant.
fn not_encrypted(path: &Path, connect: &ConnectArgs) -> Failure {
    let message = format!(
        "the journal `{}` is not encrypted, but there is no `plain:` before its path; nothing was contacted",
        path.display()
    );
    let file = JournalFile { path: path.to_owned(), plain: true };
    let plain = NextCommand::command("rollback").journal(&file).with_connect_options(connect);
    Failure::new(Exit::Usage, message)
        .hint("if the apply wrote an encrypted journal, someone has replaced the file: do not roll it back")
        .hint(format!("if the apply used `--journal plain:`, and nobody else could write to the file since: `{plain}`"))
}

/// Refuses an encrypted file where a plain one is meant.
fn encrypted(path: &Path, connect: &ConnectArgs) -> Failure {
    let message = format!(
        "the journal `{}` is encrypted, but there is `plain:` before its path; nothing was contacted",
        path.display()
    );
    let file = JournalFile { path: path.to_owned(), plain: false };
    let sealed = NextCommand::command("rollback").journal(&file).with_connect_options(connect);
    Failure::new(Exit::Usage, message).hint(format!("set FLOWBIND_STORE_KEY, and run `{sealed}`"))
}

fn shut_out(path: &Path, shut: StoreDecryptError) -> Failure {
    let message = format!("the journal `{}` cannot be opened: {shut}", path.display());
    let hint = match shut {
        StoreDecryptError::Key => KEY,
        StoreDecryptError::Damage(_) => "use the unmodified file of the apply",
    };
    Failure::new(Exit::Usage, message).hint(hint)
}

fn unusable(path: &Path, error: &DocumentError) -> Failure {
    let message = format!("the journal `{}` cannot be used: {error}", path.display());
    let hint = match error {
        DocumentError::Version { .. } => "use the flowbind version that wrote it",
        DocumentError::Malformed { .. }
        | DocumentError::Kind(_)
        | DocumentError::Inconsistent { .. } => {
            "name a file that `flowbind apply --journal` wrote, unmodified"
        }
    };
    Failure::new(Exit::Usage, message).hint(hint)
}

/// Returns the key that encrypts a journal.
fn key_to_seal(path: &Path) -> Result<StoreKey, Failure> {
    store_key()?.ok_or_else(|| {
        let key = not_set(STORE_KEY);
        let message = format!(
            "the journal has to be encrypted, as it holds previous values, but {key}; nothing was contacted"
        );
        let hints = StoreError::MissingKey.hints();
        Failure { hints, ..Failure::new(Exit::Usage, message) }.hint(format!(
            "or write it without encryption, readable by you only: `--journal plain:{}`",
            path.display()
        ))
    })
}

/// Refuses to overwrite the journal of an earlier apply.
fn is_there(path: &Path) -> Failure {
    let message = format!("the journal `{}` already exists and is not overwritten", path.display());
    let failure = Failure::new(Exit::Usage, message);
    if path.is_dir() {
        return failure
            .hint(format!("for a new file in this folder: `--journal {}/`", path.display()));
    }
    failure.hint("name another file with --journal, such as `{time}.journal`, or move this one; `flowbind rollback` undoes the apply that wrote it")
}

/// Refuses an unencrypted journal that other users may read or write.
fn exposed(path: &Path, why: &Exposure) -> Failure {
    let shown = path.display();
    let (message, hint) = match why {
        Exposure::Mode(mode) => (
            format!("other users may read or write the journal `{shown}`: its mode is {mode:03o}"),
            format!("make it private: `chmod 600 {shown}`"),
        ),
        Exposure::Owner => (
            format!("the journal `{shown}` belongs to another user, who may have changed it"),
            "name a journal that you own".to_owned(),
        ),
        Exposure::Unknown(error) => {
            (format!("the journal `{shown}` cannot be read: {error}"), WRITTEN.to_owned())
        }
    };
    Failure::new(Exit::Usage, message).hint(hint)
}
