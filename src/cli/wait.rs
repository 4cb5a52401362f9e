//! The option of waiting for flows.

use std::time::Duration;

use clap::Args;

/// How long a run waits for flows that are not ready.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait for flows that are off, or that the Flow service does not know yet, for so many seconds
    /// at most, as after an import; exit with 8 if they are not ready then. Any other problem ends
    /// the run at once. With 0 nothing is waited for. The wait is not counted into
    /// --timeout.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86_400), env = "FLOWBIND_WAIT_READY")]
    pub wait_ready: Option<u64>,
}

impl WaitArgs {
    /// Returns the longest time to wait; none if a flow that is not ready is a problem at once.
    pub fn longest(&self) -> Option<Duration> {
        self.wait_ready.filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_no_time_is_none() {
        let longest = |wait_ready| WaitArgs { wait_ready }.longest();
        assert_eq!((longest(None), longest(Some(0))), (None, None));
        assert_eq!(longest(Some(1)), Some(Duration::from_secs(1)));
    }
}
