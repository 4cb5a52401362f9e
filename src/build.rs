//! Tells the compiler which commit the program is built from, for `flowbind --version`.
//!
//! `FLOWBIND_COMMIT` and `FLOWBIND_COMMIT_DATE` say so where there is no repository, as in a container.
//! Else Git is asked; where neither knows, such as in an archive of the source, it is `unknown`.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    for name in ["FLOWBIND_COMMIT", "FLOWBIND_COMMIT_DATE"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = commit_from_variables().or_else(asked).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=FLOWBIND_VERSION={version} (commit {commit})");
}

/// Returns the commit that the environment variables name, with its date if they give one.
fn commit_from_variables() -> Option<String> {
    let variable = |name| env::var(name).ok().filter(|value| is_plain(value));
    let commit: String = variable("FLOWBIND_COMMIT")?.chars().take(12).collect();
    Some(match variable("FLOWBIND_COMMIT_DATE") {
        Some(date) => format!("{commit}, {date}"),
        None => commit,
    })
}

/// Returns the commit that the Git repository is at, with its date; none if this folder is not the
/// top of a repository.
fn asked() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // Git writes to this file with each commit and each checkout.
    let moves = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    let watched = if Path::new(&moves).exists() { &moves } else { "src" };
    println!("cargo:rerun-if-changed={watched}");
    git(&["log", "-1", "--abbrev=12", "--format=%h, %cs"])
}

/// Runs Git and returns its output without blanks around it; none if it failed or printed nothing.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// Returns whether a commit or a date may stand in the version: only ASCII letters, digits and
/// hyphens.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
