//! Whether and when a request is sent again: a pure decision over values.
//!
//! Neither clock nor randomness is read here. What a service has provably not executed is sent
//! again whatever it does; anything else only if repeating it changes nothing.

use std::time::{Duration, SystemTime};

use super::Safety;

/// How often one request is sent at most, the first time included.
const MOST_ATTEMPTS: u32 = 5;

/// The longest wait before the second attempt; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// The longest wait before any attempt when the service names none.
const LONGEST_DELAY: Duration = Duration::from_secs(20);

/// By how much a wait that the service named is spread, so that callers do not return at once.
const SPREAD: Duration = Duration::from_millis(500);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service answered.
    Answered {
        /// The status.
        status: u16,
        /// How long the service asks to wait.
        retry_after: Option<Duration>,
    },
    /// No connection came about.
    NeverSent,
    /// It was sent, or may have been, and no whole answer came.
    Lost,
    /// It failed in a way that would repeat itself.
    Failed,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send again after a delay.
    Again(Delay),
    /// Leave it at that.
    Stop,
}

/// A wait between a least and a most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delay {
    least: Duration,
    most: Duration,
}

impl Delay {
    /// The wait at that fraction of the way, where `u32::MAX` is the whole way.
    pub(super) fn at(self, fraction: u32) -> Duration {
        let span = self.most.saturating_sub(self.least);
        self.least + span.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
    }
}

/// Decides after attempt number `attempt`, counted from 1.
pub(super) fn decide(attempt: u32, safety: Safety, outcome: Outcome) -> Decision {
    if attempt >= MOST_ATTEMPTS || !may_repeat(safety, outcome) {
        return Decision::Stop;
    }
    Decision::Again(delay(attempt, outcome))
}

/// Whether sending again can do no harm and may help.
fn may_repeat(safety: Safety, outcome: Outcome) -> bool {
    let query = safety == Safety::Query;
    match outcome {
        // A throttled request was turned away before it was executed:
        // https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
        Outcome::Answered { status: 429, .. } | Outcome::NeverSent => true,
        Outcome::Answered { status, .. } => query && matches!(status, 408 | 502 | 503 | 504),
        Outcome::Lost => query,
        Outcome::Failed => false,
    }
}

/// How long to wait: what the service asks for, else exponentially longer with full jitter.
fn delay(attempt: u32, outcome: Outcome) -> Delay {
    if let Outcome::Answered { retry_after: Some(least), .. } = outcome {
        let most = least.saturating_add(SPREAD.min(least));
        return Delay { least, most };
    }
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let most = FIRST_DELAY.saturating_mul(factor).min(LONGEST_DELAY);
    let least = Duration::ZERO;
    Delay { least, most }
}

/// Reads `Retry-After`: seconds, or a date of HTTP
/// ([RFC 9110 section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
pub fn retry_after(value: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = value?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAFETIES: [Safety; 2] = [Safety::Query, Safety::Command];

    fn answered(status: u16) -> Outcome {
        let retry_after = None;
        Outcome::Answered { status, retry_after }
    }

    fn again(safety: Safety, outcome: Outcome) -> bool {
        decide(1, safety, outcome) != Decision::Stop
    }

    #[test]
    fn what_was_provably_not_executed_is_always_sent_again() {
        for safety in SAFETIES {
            assert!(again(safety, answered(429)));
            assert!(again(safety, Outcome::NeverSent));
        }
    }

    #[test]
    fn what_may_have_been_executed_is_sent_again_only_if_it_changes_nothing() {
        for outcome in [408, 502, 503, 504].map(answered).into_iter().chain([Outcome::Lost]) {
            assert!(again(Safety::Query, outcome), "{outcome:?}");
            assert!(!again(Safety::Command, outcome), "{outcome:?}");
        }
    }

    #[test]
    fn other_answers_are_final() {
        for safety in SAFETIES {
            for status in [200, 204, 302, 400, 401, 403, 404, 412, 500, 501] {
                assert!(!again(safety, answered(status)), "{status}");
            }
            assert!(!again(safety, Outcome::Failed));
        }
    }

    #[test]
    fn attempts_are_few() {
        let decisions = (1..=9).map(|attempt| decide(attempt, Safety::Query, Outcome::Lost));
        let again = decisions.filter(|decision| *decision != Decision::Stop);
        assert_eq!(again.count(), 4);
    }

    #[test]
    fn the_wait_grows_and_is_spread_from_nothing_to_its_limit() {
        let most = [1, 2, 3, 4, 30].map(|attempt| delay(attempt, Outcome::Lost).at(u32::MAX));
        assert_eq!(most.map(|wait| wait.as_millis()), [500, 1000, 2000, 4000, 20_000]);
        assert_eq!(delay(4, Outcome::Lost).at(0), Duration::ZERO);
    }

    #[test]
    fn a_wait_that_the_service_names_is_never_cut_short() {
        let retry_after = Some(Duration::from_secs(90));
        let wait = delay(1, Outcome::Answered { status: 429, retry_after });
        assert_eq!(wait.at(0), Duration::from_secs(90));
        assert_eq!(wait.at(u32::MAX), Duration::from_millis(90_500));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let read = |text| retry_after(Some(text), now).map(|wait| wait.as_secs());
        assert_eq!(read("17"), Some(17));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for text in ["", "-1", "soon", "1.5"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
