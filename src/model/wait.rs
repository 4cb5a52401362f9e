//! A wait before the next request to a service.

use std::fmt;
use std::time::Duration;

use super::Service;

/// A wait before the next request to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceWait {
    /// The service.
    pub service: Service,
    /// How long.
    pub time: Duration,
    /// Why.
    pub cause: WaitCause,
}

/// Why a run waits before the next request to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCause {
    /// The service throttles requests.
    Throttled,
    /// The service answered that it is unavailable or that it failed, with this status.
    Unavailable(u16),
    /// The service asked for a pause in an answer to another request.
    Paused,
    /// There was no whole answer.
    NoAnswer,
    /// There was no connection.
    Unreachable,
}

impl fmt::Display for WaitCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => formatter.write_str("is throttling (429)"),
            Self::Unavailable(status) => write!(formatter, "is unavailable ({status})"),
            Self::Paused => formatter.write_str("asked for a pause"),
            Self::NoAnswer => formatter.write_str("did not answer"),
            Self::Unreachable => formatter.write_str("cannot be reached"),
        }
    }
}
