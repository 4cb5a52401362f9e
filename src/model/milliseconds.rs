//! Times as whole numbers.

use std::time::Duration;

/// A time in whole milliseconds, as the log tells it.
pub fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
