//! The beginning and the end of the log.

use std::fs::{self, File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::cli::LogArgs;
use crate::model::{Exit, Failure, milliseconds};
use crate::report::{lost_log, start_log};

/// Begins the log, before anything is contacted.
pub(crate) fn begin(args: &LogArgs) -> Result<(), Failure> {
    let level = args.level();
    if level == LevelFilter::OFF {
        return Ok(());
    }
    let file = args.log_file.as_deref().map(open).transpose()?;
    start_log(level, args.log_format, file);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        os = std::env::consts::OS,
        architecture = std::env::consts::ARCH,
        "started"
    );
    Ok(())
}

/// Ends the log. Returns a failure if the log file is incomplete: a successful run then ends with
/// exit code 1, as for a report that cannot be written.
pub(crate) fn end(args: &LogArgs, exit: Exit, elapsed: Duration) -> Option<Failure> {
    tracing::info!(exit_code = exit as u8, duration_ms = milliseconds(elapsed), "ended");
    let file = args.log_file.as_deref()?;
    let why = lost_log()?;
    let is_empty = fs::symlink_metadata(file).is_ok_and(|log| log.is_file() && log.len() == 0);
    if is_empty {
        let _ = fs::remove_file(file);
    }
    let lacks = if is_empty { "could not be written" } else { "is incomplete" };
    let message = format!("the log file `{}` {lacks}: {why}", file.display());
    Some(
        Failure::new(Exit::Unexpected, message).hint("the result of the run itself is shown above"),
    )
}

fn open(path: &Path) -> Result<File, Failure> {
    append(path).map_err(|error| {
        let message = format!(
            "the log file `{}` cannot be written: {error}; nothing was contacted",
            path.display()
        );
        Failure::new(Exit::Usage, message)
            .hint("name a writable file with --log-file or FLOWBIND_LOG_FILE, or omit the option")
    })
}

/// Opens a file for appending. A new file is readable by its owner only.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}
