//! The option of waiting for flows.

use std::time::Duration;

use clap::Args;

use super::duration::{DAY, SECOND, duration_in};

/// The option of waiting for flows that are not ready.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait at most this time for flows that are not ready, such as 10m after an import.
    ///
    /// A flow is not ready while it is off or not yet known to the Flow service. If a flow is still
    /// not ready at the end of the wait, the run exits with code 8. Any other problem ends the run at
    /// once. 0 means no wait. The wait does not count towards --timeout.
    #[arg(long, value_name = "DURATION", value_parser = duration_in(Duration::ZERO..=DAY, SECOND), env = "FLOWBIND_WAIT_READY")]
    pub wait_ready: Option<Duration>,
}

impl WaitArgs {
    /// Returns the longest time to wait; none if a flow that is not ready is a problem at once.
    pub fn longest(&self) -> Option<Duration> {
        self.wait_ready.filter(|time| !time.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_no_time_is_none() {
        let longest = |wait_ready| WaitArgs { wait_ready }.longest();
        assert_eq!((longest(None), longest(Some(Duration::ZERO))), (None, None));
        assert_eq!(longest(Some(SECOND)), Some(SECOND));
    }
}
