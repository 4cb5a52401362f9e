//! Times as whole numbers.

use std::time::Duration;

/// Converts a duration to whole milliseconds, the unit of the log.
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
