//! The limits that the system sets to this process.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::model::{Exit, Failure};

/// The fewest files that a run needs to have open at once: connections, and the files that it reads
/// and writes.
#[cfg(unix)]
const FEWEST_FILES: u64 = 64;

/// Checks that the process may open enough files, since it could end anywhere for want of one.
///
/// # Errors
/// It may not.
#[cfg(unix)]
pub(crate) fn check() -> Result<(), Failure> {
    use rustix::process::{Resource, getrlimit};

    match getrlimit(Resource::Nofile).current {
        Some(most) if most < FEWEST_FILES => Err(too_few(most)),
        _ => Ok(()),
    }
}

/// Checks the limits of the process. Windows sets none.
#[cfg(not(unix))]
pub(crate) fn check() -> Result<(), Failure> {
    Ok(())
}

/// Returns the failure of a process that may open at most that number of files.
#[cfg(unix)]
fn too_few(most: u64) -> Failure {
    let message = format!(
        "this process may open only {most} files at once, and flowbind needs {FEWEST_FILES}; nothing was contacted"
    );
    Failure::new(Exit::Usage, message)
        .hint("raise the limit in the shell that starts flowbind, such as by `ulimit -n 1024`")
}

/// Starts the runtime that waits for services and signals.
///
/// # Errors
/// The system refuses what it needs.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let refused = |error: io::Error| {
        Failure::new(
            Exit::Unexpected,
            format!("flowbind cannot start: {error}; nothing was contacted"),
        )
    };
    Builder::new_current_thread().enable_all().build().map_err(refused)
}
