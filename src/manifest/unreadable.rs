//! A manifest that could not be read at all.

use std::io::{Error, ErrorKind};

use super::show::{printable, quoted};
use crate::model::{Code, Problem};

/// Builds the problem of a file that could not be read, with what to do about it.
pub fn unreadable(file_name: &str, error: &Error) -> Problem {
    let file = quoted(file_name);
    let (message, hint) = match error.kind() {
        ErrorKind::NotFound => (
            format!("the file {file} was not found"),
            "name your manifest with `--manifest FILE`, or write one with `flowbind init`",
        ),
        ErrorKind::PermissionDenied => (
            format!("this user may not read the file {file}"),
            "give this user the right to read it, or name another with `--manifest FILE`",
        ),
        ErrorKind::IsADirectory => (
            format!("{file} is a directory"),
            "name the file in it, such as `--manifest deploy/flowbind.toml`",
        ),
        _ => (
            format!("the file {file} cannot be read: {}", printable(&error.to_string())),
            "check the path, or name another file with `--manifest FILE`",
        ),
    };
    Problem {
        code: Code::ManifestUnreadable,
        address: None,
        message,
        hint: hint.to_owned(),
        site: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_remedy() {
        let hint = |kind: ErrorKind| unreadable("flowbind.toml", &kind.into()).hint;
        assert!(hint(ErrorKind::NotFound).contains("flowbind init"));
        assert!(hint(ErrorKind::PermissionDenied).contains("right to read"));
        assert!(hint(ErrorKind::IsADirectory).contains("deploy/flowbind.toml"));
        assert!(hint(ErrorKind::TimedOut).contains("check the path"));
    }

    #[test]
    fn a_name_that_would_reach_for_the_terminal_is_made_visible() {
        let problem = unreadable("a\u{1b}[2J.toml", &ErrorKind::NotFound.into());
        assert_eq!(problem.message, r"the file `a\u{1b}[2J.toml` was not found");
    }
}
