//! The one failure of a run: of what kind it is, what happened, and what to type next.

use std::error::Error;

use crate::model::{Exit, error_chain, escape_hidden, printable};

/// The most characters of a hint.
const MOST_CHARACTERS: usize = 2_000;

/// Why a run ended early.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub exit: Exit,
    /// What happened, causes included, as one sentence.
    pub message: String,
    /// What to do about it, most likely first.
    pub hints: Vec<String>,
    /// A command to type next, in a sentence.
    pub next: Option<String>,
    /// The causes of the error, as they stand in the message.
    pub causes: Option<String>,
    /// Whether the run's time was all that was wanting.
    pub timed_out: bool,
}

impl Failure {
    /// Creates a failure without hints.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hints: Vec::new(),
            next: None,
            causes: None,
            timed_out: false,
        }
    }

    /// Creates a failure whose message is an error with its causes.
    pub fn from_error(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        let causes = error.source().map(error_chain);
        Self { causes, ..Self::new(exit, error_chain(error)) }
    }

    /// Returns the message without its causes, and the causes, which are often a service's words.
    pub fn headline_and_note(&self) -> (String, Option<String>) {
        let parts = self.causes.as_deref().and_then(|causes| {
            let headline = self.message.replacen(&format!(": {causes}"), "", 1);
            (headline != self.message).then(|| (headline, Some(causes.to_owned())))
        });
        parts.unwrap_or_else(|| (self.message.clone(), None))
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets the command to type next, which was made from the command that was typed.
    #[must_use]
    pub fn with_next_command(self, hint: impl Into<String>) -> Self {
        Self { next: Some(hint.into()), ..self }
    }

    /// Returns the hints and then the command to type next, safe to print. Secrets are masked in
    /// hints but not in the command, which must work when it is typed as shown.
    pub fn help(&self) -> impl Iterator<Item = String> {
        let hints = self.hints.iter().map(|hint| printable(hint, MOST_CHARACTERS));
        hints.chain(self.next.as_deref().map(escape_hidden))
    }

    /// Marks that the run failed only because its time was up.
    #[must_use]
    pub fn timed_out(self) -> Self {
        Self { timed_out: true, ..self }
    }

    /// Adds to the message that nothing was written.
    #[must_use]
    pub fn nothing_written(self) -> Self {
        let message = self.message.trim_end_matches(['.', ' ']);
        Self { message: format!("{message}; nothing was written"), ..self }
    }

    /// Returns the headline for a run that wrote nothing and ended with this failure.
    pub fn headline(&self) -> &'static str {
        match self.exit {
            Exit::Interrupted => "Interrupted",
            Exit::Unreachable if self.timed_out => "Timed out",
            Exit::Unreachable => "Service unavailable",
            Exit::SignIn => "Not signed in",
            Exit::Usage => "Not started",
            Exit::Unexpected => "Failed",
            Exit::NotReady => "Not ready",
            Exit::Done | Exit::ChangesPending | Exit::Refused | Exit::Unknown => "Refused",
        }
    }

    /// Creates the failure of a run that was interrupted before anything was written.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was written")
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be read")]
    struct Unread(#[source] io::Error);

    #[test]
    fn the_causes_of_an_error_stand_apart_from_its_headline() {
        let error = Unread(io::Error::other("disk on fire"));
        let failure = Failure::from_error(Exit::Unexpected, &error).nothing_written();
        assert_eq!(failure.message, "the file cannot be read: disk on fire; nothing was written");
        let headline = "the file cannot be read; nothing was written".to_owned();
        assert_eq!(failure.headline_and_note(), (headline, Some("disk on fire".to_owned())));
        let alone = Failure::new(Exit::Unexpected, "made up");
        assert_eq!(alone.headline_and_note(), ("made up".to_owned(), None));
    }

    #[test]
    fn a_command_is_told_whole_and_a_hint_without_what_could_be_a_secret() {
        let path = "release-2026-11-23T02-03-04Z.json";
        let token = "aB3".repeat(15);
        let failure = Failure::new(Exit::Unknown, "unknown")
            .hint(format!("see {token}"))
            .with_next_command(format!("undo it: `flowbind rollback {path}\u{1b}`"));
        let help: Vec<String> = failure.help().collect();
        assert_eq!(
            help,
            ["see ****".to_owned(), format!("undo it: `flowbind rollback {path}\\u{{1b}}`")]
        );
    }
}
