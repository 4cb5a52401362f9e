//! The reason why a request is not retried: the run has too little time left.

use std::fmt;
use std::time::Duration;

/// The reason why a request is not retried: the run has too little time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutShort {
    /// How long the service asked to wait before that, if it did.
    pub asked: Option<Duration>,
    /// How much of the run's time was left.
    pub left: Duration,
    /// The time for the whole run, as `--timeout` says it.
    pub limit: Duration,
}

impl CutShort {
    /// Says what the service asked for, to follow the service's name. Returns none if it asked for nothing.
    pub fn demand(self) -> Option<String> {
        let (asked, limit) = (self.asked?, self.limit.as_secs_f32());
        let seconds = asked.as_secs_f32().round();
        if asked > self.limit {
            let past = format!("longer than the {limit} s of `--timeout`");
            return Some(format!("asked to wait {seconds} s, {past}"));
        }
        let left = self.left.as_secs();
        let rest = format!("only {left} s of the {limit} s of `--timeout` were left");
        Some(format!("asked to wait {seconds} s, but {rest}"))
    }
}

impl CutShort {
    /// Says when to run again. Returns none if the service did not say how long to wait.
    pub fn next_run(self) -> Option<String> {
        let seconds = self.asked?.as_secs_f32().ceil();
        Some(format!(
            "run again in {seconds} s, or give the run more time with `--timeout 30m` or FLOWBIND_TIMEOUT"
        ))
    }
}

impl fmt::Display for CutShort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.demand() {
            Some(demand) => write!(formatter, "it {demand}"),
            None => write!(
                formatter,
                "the {} s of `--timeout` leave no time for a retry",
                self.limit.as_secs_f32()
            ),
        }
    }
}
