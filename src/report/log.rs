//! The log: events of this program alone, so that no library's log can show a secret.

use std::fs::File;
use std::io::{self, Write};
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::report::pipeline::runner::without_commands;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines of text.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Standard error without runner commands. The log writes whole events.
struct FilteredStderr;

impl Write for FilteredStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(without_commands(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The first error in writing the log file.
static LOST: OnceLock<String> = OnceLock::new();

/// The log file. Remembers the first error, since nobody checks the results of writing to a log.
struct LogFile(File);

impl Write for &LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&self.0).write_all(bytes);
        written.inspect_err(|error| drop(LOST.set(error.to_string()))).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.0).flush()
    }
}

/// Returns the first error in writing the log file, if there was one.
pub(crate) fn lost_log() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// Starts the log: writes this program's events up to `level` to the file, or to standard error
/// without a file.
pub(crate) fn start_log(level: LevelFilter, format: LogFormat, file: Option<File>) {
    let writer = match file {
        Some(file) => BoxMakeWriter::new(std::sync::Arc::new(LogFile(file))),
        None => BoxMakeWriter::new(|| FilteredStderr),
    };
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let targets = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry().with(targets).with(layer).try_init();
}
