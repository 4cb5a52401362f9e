//! Decides whether and when a request is sent again: pure, over values.
//!
//! Neither clock nor randomness is read here. What a service has provably not executed is sent
//! again whatever it does; anything else only if repeating it changes nothing. A request that was
//! turned away by `429` is not at fault, so that such attempts are bounded by the run's deadline
//! alone, and there is always a wait between them.

use std::time::{Duration, SystemTime};

use super::Safety;

/// How often one request is sent at most, the first time included and those that were answered by
/// `429` left out.
const MOST_ATTEMPTS: u32 = 5;

/// The longest wait before the second attempt; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// The longest wait before any attempt when the service names none.
const LONGEST_DELAY: Duration = Duration::from_secs(20);

/// By how much a wait that the service named is spread at most, so that callers do not return at
/// once; never by more than an eighth of the wait.
const SPREAD: Duration = Duration::from_millis(500);

/// The shortest wait named by a service that turns requests away; a shorter one is none.
const SHORTEST: Duration = Duration::from_millis(100);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttemptOutcome {
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

/// How often a request was sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tries {
    counted: u32,
    throttled: u32,
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

impl Tries {
    /// Returns the tries of a request that was turned away so many times before.
    pub(super) fn after_refusals(throttled: u32) -> Self {
        Self { counted: 0, throttled }
    }

    /// Returns the tries after one more that ended so.
    #[must_use]
    pub(super) fn with_outcome(self, outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Answered { status: 429, .. } => {
                Self { throttled: self.throttled.saturating_add(1), ..self }
            }
            _ => Self { counted: self.counted.saturating_add(1), ..self },
        }
    }

    /// Returns how many tries there were, whatever their end.
    pub(super) fn total_count(self) -> u32 {
        self.counted.saturating_add(self.throttled)
    }
}

impl Delay {
    /// Returns the wait at that fraction of the way, where `u32::MAX` is the whole way.
    pub(super) fn at_fraction(self, fraction: u32) -> Duration {
        let span = self.most.saturating_sub(self.least);
        self.least + span.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
    }
}

/// Decides after those tries, of which the last ended so.
pub(super) fn decide(tries: Tries, safety: Safety, outcome: AttemptOutcome) -> Decision {
    if tries.counted >= MOST_ATTEMPTS || !may_repeat(safety, outcome) {
        return Decision::Stop;
    }
    Decision::Again(delay_after(tries, outcome))
}

/// Returns how long all requests to the service are to pause, if it asks for that.
pub(super) fn shared_pause(tries: Tries, outcome: AttemptOutcome) -> Option<Delay> {
    match outcome {
        AttemptOutcome::Answered { status: 429, .. }
        | AttemptOutcome::Answered { status: 503, retry_after: Some(_) } => {
            Some(delay_after(tries, outcome))
        }
        _ => None,
    }
}

/// Returns true if a status says that the service is sent too many requests.
pub(super) fn is_throttled(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Returns true if sending again can do no harm and may help.
fn may_repeat(safety: Safety, outcome: AttemptOutcome) -> bool {
    let query = safety == Safety::Query;
    match outcome {
        // A throttled request was turned away before it was executed:
        // https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
        AttemptOutcome::Answered { status: 429, .. } | AttemptOutcome::NeverSent => true,
        AttemptOutcome::Answered { status, .. } => query && matches!(status, 408 | 502 | 503 | 504),
        AttemptOutcome::Lost => query,
        AttemptOutcome::Failed => false,
    }
}

/// Returns how long to wait: what the service asks for, else exponentially longer with full jitter.
/// Since nothing bounds how often a request is turned away by `429`, there is some wait in any
/// case.
fn delay_after(tries: Tries, outcome: AttemptOutcome) -> Delay {
    match outcome {
        AttemptOutcome::Answered { status: 429, retry_after } => {
            retry_after.filter(|wait| *wait >= SHORTEST).map_or_else(
                || {
                    let most = longest_delay(tries.throttled);
                    Delay { least: most / 2, most }
                },
                spread_delay,
            )
        }
        AttemptOutcome::Answered { retry_after: Some(wait), .. } => spread_delay(wait),
        _ => Delay { least: Duration::ZERO, most: longest_delay(tries.counted) },
    }
}

/// Spreads a wait that the service named a little.
fn spread_delay(least: Duration) -> Delay {
    Delay { least, most: least.saturating_add(SPREAD.min(least / 8)) }
}

/// Returns the longest wait after that many tries.
fn longest_delay(tries: u32) -> Duration {
    let factor = 2_u32.saturating_pow(tries.saturating_sub(1));
    FIRST_DELAY.saturating_mul(factor).min(LONGEST_DELAY)
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
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const SAFETIES: [Safety; 3] = [Safety::Query, Safety::Command, Safety::Write];

    fn answered(status: u16) -> AttemptOutcome {
        let retry_after = None;
        AttemptOutcome::Answered { status, retry_after }
    }

    fn turned_away(retry_after: u64) -> AttemptOutcome {
        let retry_after = Some(Duration::from_millis(retry_after));
        AttemptOutcome::Answered { status: 429, retry_after }
    }

    /// So many tries that ended alike.
    fn tries(count: u32, outcome: AttemptOutcome) -> Tries {
        (0..count).fold(Tries::default(), |tries, _| tries.with_outcome(outcome))
    }

    fn again(safety: Safety, outcome: AttemptOutcome) -> bool {
        decide(tries(1, outcome), safety, outcome) != Decision::Stop
    }

    #[test]
    fn what_was_provably_not_executed_is_always_sent_again() {
        for safety in SAFETIES {
            assert!(again(safety, answered(429)));
            assert!(again(safety, AttemptOutcome::NeverSent));
        }
    }

    #[test]
    fn what_may_have_been_executed_is_sent_again_only_if_it_changes_nothing() {
        for outcome in [408, 502, 503, 504].map(answered).into_iter().chain([AttemptOutcome::Lost])
        {
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
            assert!(!again(safety, AttemptOutcome::Failed));
        }
    }

    #[test]
    fn attempts_are_few() {
        for outcome in [AttemptOutcome::Lost, AttemptOutcome::NeverSent, answered(503)] {
            let decisions =
                (1..=9).map(|count| decide(tries(count, outcome), Safety::Query, outcome));
            assert_eq!(decisions.filter(|decision| *decision != Decision::Stop).count(), 4);
        }
    }

    #[test]
    fn attempts_that_were_turned_away_do_not_count() {
        let throttled = tries(1_000, answered(429));
        assert_ne!(decide(throttled, Safety::Command, answered(429)), Decision::Stop);
        let lost = (0..4).fold(throttled, |tries, _| tries.with_outcome(AttemptOutcome::Lost));
        assert_ne!(decide(lost, Safety::Query, AttemptOutcome::Lost), Decision::Stop);
        assert_eq!(
            decide(lost.with_outcome(AttemptOutcome::Lost), Safety::Query, AttemptOutcome::Lost),
            Decision::Stop
        );
        assert_eq!(lost.total_count(), 1_004);
    }

    #[test]
    fn the_wait_grows_and_is_spread_from_nothing_to_its_limit() {
        let lost = |count| delay_after(tries(count, AttemptOutcome::Lost), AttemptOutcome::Lost);
        let most = [1, 2, 3, 4, 30].map(|count| lost(count).at_fraction(u32::MAX).as_millis());
        assert_eq!(most, [500, 1000, 2000, 4000, 20_000]);
        assert_eq!(lost(4).at_fraction(0), Duration::ZERO);
    }

    #[test]
    fn there_is_a_growing_wait_between_attempts_that_are_turned_away() {
        for outcome in [answered(429), turned_away(0), turned_away(99)] {
            let least = [1, 2, 7, 1_000]
                .map(|count| delay_after(tries(count, outcome), outcome).at_fraction(0));
            assert_eq!(least.map(|wait| wait.as_millis()), [250, 500, 10_000, 10_000]);
        }
        assert_eq!(
            delay_after(tries(9, turned_away(100)), turned_away(100)).at_fraction(0),
            SHORTEST
        );
    }

    #[test]
    fn a_wait_that_the_service_names_is_never_cut_short() {
        for status in [429, 503] {
            let retry_after = Some(Duration::from_secs(90));
            let wait =
                delay_after(Tries::default(), AttemptOutcome::Answered { status, retry_after });
            assert_eq!(wait.at_fraction(0), Duration::from_secs(90));
            assert_eq!(wait.at_fraction(u32::MAX), Duration::from_millis(90_500));
        }
        let wait = delay_after(Tries::default(), turned_away(1_000));
        assert_eq!(wait.at_fraction(u32::MAX), Duration::from_millis(1_125));
    }

    #[test]
    fn a_service_that_is_asked_too_much_is_left_alone_by_everybody() {
        let retry_after = Some(Duration::from_secs(2));
        let unavailable = AttemptOutcome::Answered { status: 503, retry_after };
        for outcome in [answered(429), turned_away(2_000), unavailable] {
            let tries = tries(1, outcome);
            assert_eq!(
                shared_pause(tries, outcome),
                Some(delay_after(tries, outcome)),
                "{outcome:?}"
            );
        }
        for outcome in
            [answered(503), answered(502), AttemptOutcome::Lost, AttemptOutcome::NeverSent]
        {
            assert_eq!(shared_pause(tries(1, outcome), outcome), None, "{outcome:?}");
        }
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

    /// A wait that a service may name, from nothing to beyond every run.
    fn wait() -> impl Strategy<Value = Duration> {
        prop_oneof![0..3_000_u64, any::<u32>().prop_map(u64::from), 0..=300_000_000_000_000_u64]
            .prop_map(Duration::from_millis)
    }

    fn answer() -> impl Strategy<Value = AttemptOutcome> {
        let special = select(&[200_u16, 302, 401, 408, 412, 429, 500, 502, 503, 504][..]);
        let status = prop_oneof![4 => special, 1 => 100..600_u16];
        (status, option::of(wait()))
            .prop_map(|(status, retry_after)| AttemptOutcome::Answered { status, retry_after })
    }

    fn outcome() -> impl Strategy<Value = AttemptOutcome> {
        let others =
            select(&[AttemptOutcome::NeverSent, AttemptOutcome::Lost, AttemptOutcome::Failed][..]);
        prop_oneof![3 => answer(), 1 => others]
    }

    fn is_429(outcome: AttemptOutcome) -> bool {
        matches!(outcome, AttemptOutcome::Answered { status: 429, .. })
    }

    fn asked_for(outcome: AttemptOutcome) -> Option<Duration> {
        match outcome {
            AttemptOutcome::Answered { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// The tries that a client makes of a request, as long as the policy lets it.
    fn run(safety: Safety, outcomes: &[AttemptOutcome]) -> Vec<(Tries, AttemptOutcome, Decision)> {
        let mut tries = Tries::default();
        let mut made = Vec::new();
        for outcome in outcomes {
            tries = tries.with_outcome(*outcome);
            let decision = decide(tries, safety, *outcome);
            made.push((tries, *outcome, decision));
            if decision == Decision::Stop {
                break;
            }
        }
        made
    }

    proptest! {
        #[test]
        fn a_command_is_sent_again_only_if_it_was_provably_not_executed(
            outcomes in vec(outcome(), 1..40),
        ) {
            for (_, outcome, decision) in run(Safety::Command, &outcomes) {
                if decision != Decision::Stop {
                    prop_assert!(is_429(outcome) || outcome == AttemptOutcome::NeverSent, "{outcome:?}");
                }
            }
        }

        #[test]
        fn what_is_sent_again_as_a_command_is_sent_again_as_a_query(
            outcomes in vec(outcome(), 1..40),
        ) {
            let commands = run(Safety::Command, &outcomes);
            let queries = run(Safety::Query, &outcomes);
            for (command, query) in commands.iter().zip(&queries) {
                prop_assert!(command.2 == Decision::Stop || command == query);
            }
            prop_assert!(commands.len() <= queries.len());
        }

        #[test]
        fn no_more_attempts_count_than_there_may_be(
            outcomes in vec(outcome(), 1..40),
            safety in select(&SAFETIES[..]),
        ) {
            let made = run(safety, &outcomes);
            let counted = made.iter().filter(|(_, outcome, _)| !is_429(*outcome)).count();
            prop_assert!(counted <= MOST_ATTEMPTS as usize);
            prop_assert_eq!(made.last().unwrap().0.total_count() as usize, made.len());
        }

        #[test]
        fn no_wait_is_shorter_than_the_service_asks_nor_much_longer(
            outcomes in vec(outcome(), 1..40),
            fraction: u32,
        ) {
            for (_, outcome, decision) in run(Safety::Query, &outcomes) {
                let Decision::Again(delay) = decision else { continue };
                let (wait, asked) = (delay.at_fraction(fraction), asked_for(outcome).unwrap_or_default());
                prop_assert!(wait >= asked);
                prop_assert!(wait <= LONGEST_DELAY.max(asked + SPREAD), "{wait:?} for {asked:?}");
                prop_assert!(wait >= SHORTEST || !is_429(outcome), "{wait:?}");
                prop_assert!(wait >= delay.at_fraction(0) && wait <= delay.at_fraction(u32::MAX));
            }
        }

        #[test]
        fn a_wait_that_nobody_named_never_shrinks_from_try_to_try(count in 1..40_u32, lost: bool) {
            let outcome = if lost { AttemptOutcome::Lost } else { answered(429) };
            let most = |count| delay_after(tries(count, outcome), outcome).at_fraction(u32::MAX);
            prop_assert!(most(count) <= most(count + 1) && most(count + 1) <= LONGEST_DELAY);
        }

        #[test]
        fn a_pause_for_everybody_is_the_wait_of_the_request_that_brought_it_about(
            outcomes in vec(outcome(), 1..40),
        ) {
            for (tries, outcome, decision) in run(Safety::Query, &outcomes) {
                if let (Some(pause), Decision::Again(delay)) = (shared_pause(tries, outcome), decision) {
                    prop_assert_eq!(pause, delay);
                }
                prop_assert!(shared_pause(tries, outcome).is_some() || !is_429(outcome));
            }
        }

        #[test]
        fn every_text_is_a_wait_or_none(text in "\\PC*|[ 0-9+.-]*", seconds: u32) {
            let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
            let _ = retry_after(Some(&text), now);
            let read = |text: &str| retry_after(Some(text), now);
            let wait = Duration::from_secs(seconds.into());
            prop_assert_eq!(read(&format!(" {seconds} ")), Some(wait));
            prop_assert_eq!(read(&httpdate::fmt_http_date(now + wait)), Some(wait));
            let past = SystemTime::UNIX_EPOCH + wait / 4;
            prop_assert_eq!(read(&httpdate::fmt_http_date(past)), Some(Duration::ZERO));
        }
    }
}
