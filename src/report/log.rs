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

use crate::report::printed::{safe_json, safe_line};
use crate::report::terminal::progress::print_above;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines of text.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// Makes an event of the log safe to print.
    fn make_safe(self, event: &[u8]) -> String {
        let text = String::from_utf8_lossy(event);
        match self {
            Self::Text => safe_line(&text),
            Self::Json => safe_json(&text).into_owned(),
        }
    }
}

/// Standard error, and the form of the log. The log writes whole events.
struct Stderr(LogFormat);

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = self.0.make_safe(bytes);
        print_above(|| io::stderr().lock().write_all(event.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The first error in writing the log file.
static LOST: OnceLock<String> = OnceLock::new();

/// The log file. Remembers the first error, since nobody checks the results of writing to a log.
struct LogFile(File, LogFormat);

impl Write for &LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&self.0).write_all(self.1.make_safe(bytes).as_bytes());
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
        Some(file) => BoxMakeWriter::new(std::sync::Arc::new(LogFile(file, format))),
        None => BoxMakeWriter::new(move || Stderr(format)),
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
