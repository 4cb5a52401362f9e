//! The log: events of this program alone, so that no library's log can show a secret.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes events of this program up to that level to standard error, from now on.
pub fn log_to_standard_error(level: LevelFilter) {
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    let targets = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry().with(targets).with(layer).try_init();
}
