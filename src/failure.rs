//! The one failure of a run: of what kind it is, what happened, and what to type next.

use std::error::Error;

use crate::domain::sentence;
use crate::exit::Exit;

/// Why a run ended early.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub exit: Exit,
    /// What happened, causes included, as one sentence.
    pub message: String,
    /// What to do about it, most likely first.
    pub hints: Vec<String>,
    /// Whether the run's time was all that was wanting.
    pub timed_out: bool,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new(), timed_out: false }
    }

    /// A failure that an error and its causes put into words.
    pub fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        Self::new(exit, sentence(error))
    }

    /// The same failure with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same failure, for want of the run's time.
    #[must_use]
    pub fn timed_out(self) -> Self {
        Self { timed_out: true, ..self }
    }

    /// The same failure, which says that nothing was written.
    #[must_use]
    pub fn nothing_written(self) -> Self {
        let message = self.message.trim_end_matches(['.', ' ']);
        Self { message: format!("{message}; nothing was written"), ..self }
    }

    /// How a run that wrote nothing for this reason ended, as a headline.
    pub fn headline(&self) -> &'static str {
        match self.exit {
            Exit::Interrupted => "Interrupted",
            Exit::Unreachable if self.timed_out => "Timed out",
            Exit::Unreachable => "Service unavailable",
            Exit::SignIn => "Not signed in",
            Exit::Usage => "Not begun",
            Exit::Unexpected => "Failed",
            Exit::NotReady => "Not ready",
            Exit::Done | Exit::ChangesPending | Exit::Refused | Exit::Unknown => "Refused",
        }
    }

    /// The run was interrupted before anything was written.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was written")
    }
}
