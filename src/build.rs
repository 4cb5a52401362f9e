//! Tells the compiler which commit the program is built from, for `flowbind --version`, and where
//! the pages of its documentation are.
//!
//! `FLOWBIND_REPOSITORY`, or else `repository` in `Cargo.toml`, is the web address of the repository.
//! Without one, messages name a page by its title alone.
//!
//! `FLOWBIND_COMMIT` and `FLOWBIND_COMMIT_DATE` say so where there is no repository, as in a container.
//! Else Git is asked; where neither knows, such as in an archive of the source, it is `unknown`.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    for name in ["FLOWBIND_COMMIT", "FLOWBIND_COMMIT_DATE", "FLOWBIND_REPOSITORY"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = commit_from_variables().or_else(asked).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=FLOWBIND_VERSION={version} (commit {commit})");
    let documentation = Documentation::at(&repository(), &version);
    println!("cargo:rustc-env=FLOWBIND_DOCUMENTATION={}", documentation.begin);
    println!("cargo:rustc-env=FLOWBIND_PAGE_BEFORE={}", documentation.before_page);
    println!("cargo:rustc-env=FLOWBIND_PAGE_AFTER={}", documentation.after_page);
}

/// The parts of which messages compose the address, or the title, of a page of documentation.
struct Documentation {
    /// The page to begin with.
    begin: String,
    /// The text before the name of a page.
    before_page: String,
    /// The text after the name of a page.
    after_page: &'static str,
}

impl Documentation {
    /// Returns the names of the pages at a repository's web address; an empty address names none.
    fn at(repository: &str, version: &str) -> Self {
        if repository.is_empty() {
            return Self {
                begin: "README.md of the release archive".to_owned(),
                before_page: "the documentation, page `".to_owned(),
                after_page: "`",
            };
        }
        let tree = format!("{repository}/blob/v{version}");
        Self {
            begin: format!("{tree}/README.md"),
            before_page: format!("{tree}/docs/"),
            after_page: ".md",
        }
    }
}

/// Returns the web address of the repository; empty if there is none.
fn repository() -> String {
    let variable = |name| env::var(name).ok().filter(|value| value.starts_with("https://"));
    let address = variable("FLOWBIND_REPOSITORY").or_else(|| variable("CARGO_PKG_REPOSITORY"));
    address.unwrap_or_default().trim().trim_end_matches('/').to_owned()
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
