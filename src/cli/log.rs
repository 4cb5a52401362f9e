//! Options of the log.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::report::LogFormat;

/// Options of the log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Log level [default: off; with --log-file: debug].
    ///
    /// The log goes to standard error, or to the file of --log-file. No level logs a secret.
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "FLOWBIND_LOG",
        help_heading = "Messages"
    )]
    log: Option<Log>,
    /// Log format.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_short_help = true,
        env = "FLOWBIND_LOG_FORMAT",
        help_heading = "Messages"
    )]
    pub log_format: LogFormat,
    /// Append the log to this file instead of standard error.
    ///
    /// A new file is readable by its owner only.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FLOWBIND_LOG_FILE",
        help_heading = "Messages"
    )]
    pub log_file: Option<PathBuf>,
}

/// The log levels. No level logs a secret.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Log {
    /// Nothing.
    Off,
    /// Errors.
    Error,
    /// Errors and warnings.
    Warn,
    /// Also the stages of the run and their durations.
    Info,
    /// Also every request, without its secrets.
    Debug,
    /// Everything.
    Trace,
}

impl LogArgs {
    /// Returns how much is logged: the level that was given, else `debug` with `--log-file` and
    /// nothing without.
    pub fn level(&self) -> LevelFilter {
        match (self.log, &self.log_file) {
            (Some(log), _) => log.into(),
            (None, Some(_)) => LevelFilter::DEBUG,
            (None, None) => LevelFilter::OFF,
        }
    }
}

impl From<Log> for LevelFilter {
    fn from(log: Log) -> Self {
        match log {
            Log::Off => Self::OFF,
            Log::Error => Self::ERROR,
            Log::Warn => Self::WARN,
            Log::Info => Self::INFO,
            Log::Debug => Self::DEBUG,
            Log::Trace => Self::TRACE,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;
    use super::*;

    fn level(arguments: &str) -> LevelFilter {
        let words = format!("flowbind {arguments}");
        Cli::try_parse_from(words.split_whitespace()).unwrap().global.log.level()
    }

    #[test]
    fn nothing_is_logged_unless_a_level_or_a_file_is_given() {
        assert_eq!(level("plan"), LevelFilter::OFF);
        assert_eq!(level("plan --log info"), LevelFilter::INFO);
        assert_eq!(level("plan --log-file made-up.log"), LevelFilter::DEBUG);
        assert_eq!(level("--log trace plan --log-file made-up.log"), LevelFilter::TRACE);
        assert_eq!(level("plan --log off --log-file made-up.log"), LevelFilter::OFF);
    }
}
