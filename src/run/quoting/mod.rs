//! Words of a command line to paste, quoted for the shells of this system.

mod posix;
mod windows;

/// Quotes a word for a shell of this system, and escapes characters that could control a terminal.
pub(super) fn quote(word: &str) -> String {
    if cfg!(windows) { windows::quote(word) } else { posix::quote(word) }
}
