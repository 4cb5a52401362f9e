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
}

impl Failure {
    /// A failure of that kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new() }
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

    /// The same failure, which says that nothing was written.
    #[must_use]
    pub fn nothing_written(self) -> Self {
        let message = self.message.trim_end_matches(['.', ' ']);
        Self { message: format!("{message}; nothing was written"), ..self }
    }

    /// The run was interrupted before anything was written.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was written")
    }
}
