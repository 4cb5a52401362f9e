//! Exit codes: the contract that pipelines script against.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Agreed, applied, planned, or drifted.
    Done = 0,
    /// An unexpected failure.
    Unexpected = 1,
    /// Changes are pending, or something drifted; only with `--detailed-exitcode`.
    ChangesPending = 2,
    /// A usage or manifest error; nothing was contacted.
    Usage = 3,
    /// Not signed in, or sign-in refused.
    SignIn = 4,
    /// Refused: a problem, a policy, a privilege, or a guard that no longer holds; nothing was
    /// written.
    Refused = 5,
    /// A service was unreachable, or throttled past the deadline; nothing was written.
    Unreachable = 6,
    /// A write was sent and could not be verified.
    Unknown = 7,
    /// A flow was not ready when the wait for it was over; nothing was written.
    NotReady = 8,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Every way to end, in the order of the codes.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Unexpected,
        Self::ChangesPending,
        Self::Usage,
        Self::SignIn,
        Self::Refused,
        Self::Unreachable,
        Self::Unknown,
        Self::NotReady,
        Self::Interrupted,
    ];

    /// Returns the number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
