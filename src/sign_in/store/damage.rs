//! What can be wrong with the content of a file or a line of sign-ins.

/// The version of the document that this program writes.
pub(super) const VERSION: u64 = 1;

/// An error in the content of a file or a line of sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is too large to be read at all.
    #[error("it is larger than 1 MiB")]
    Size,
    /// The line is no encoding.
    #[error("it is not in base64, or a part of it is missing")]
    Base64,
    /// It is not encrypted in the way that is expected.
    #[error("it is no file of age, or it was changed")]
    Seal,
    /// It was made so that a passphrase takes very long to try.
    #[error("its passphrase takes more work to try than this program does")]
    Work,
    /// It is no document of this program.
    #[error("it is no list of sign-ins: see line {line}, column {column}")]
    Json {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// Two sign-ins have the same name.
    #[error("it names one sign-in twice")]
    Twice,
    /// It is of another version of the program.
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u64),
}
