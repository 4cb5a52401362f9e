//! The option of waiting for flows.

use std::time::Duration;

use clap::Args;

/// How long a run waits for flows that are not ready.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait for flows that are off, or that the Flow service does not know yet, for so many seconds
    /// at most, as after an import; exit with 8 if they are not ready then. Any other problem ends
    /// the run at once. The wait is not counted into --timeout.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400), env = "FLOWBIND_WAIT_READY")]
    pub wait_ready: Option<u64>,
}

impl WaitArgs {
    /// How long to wait; none if a flow that is not ready is a problem at once.
    pub fn longest(&self) -> Option<Duration> {
        self.wait_ready.map(Duration::from_secs)
    }
}
