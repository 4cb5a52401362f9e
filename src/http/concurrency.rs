//! Decides how many requests may be under way at once.
//!
//! When a service turns requests away, the number is halved. Each round of successes lets one request
//! more through, and if that one is too many, it is taken back. A number that was too many is tried again
//! only after many rounds. If the service turns away even one request at a time, the number is not the
//! reason: the maximum is restored, and for a while the number is not halved.

/// How many rounds of successes pass before the number that was too many is tried again.
const PATIENT_ROUNDS: usize = 256;

/// How many times a service that turned away even one request at a time may turn requests away again
/// before their number is halved anew.
const SPARED_TIMES: u32 = 20;

/// How many requests may be under way at once: a pure decision over what the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Concurrency {
    maximum: usize,
    /// How many the service recommends.
    pub(super) hint: usize,
    limit: usize,
    /// The limit after the service last turned requests away, the maximum before.
    base: usize,
    /// The smallest limit that was too many; none before the service turned requests away.
    too_many: Option<usize>,
    /// How many requests have succeeded since the limit changed.
    successes: usize,
    /// How many times the service turned requests away.
    epoch: u64,
    /// How many more times it may do so without lowering the limit.
    spared_times: u32,
}

/// When a request was sent. Requests that were under way together are turned away together, which
/// counts once: for all of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    epoch: u64,
    /// The limit at that time.
    limit: usize,
}

impl Concurrency {
    /// Begins with the maximum.
    pub(super) fn new(maximum: usize) -> Self {
        let maximum = maximum.max(1);
        Self {
            maximum,
            hint: usize::MAX,
            limit: maximum,
            base: maximum,
            too_many: None,
            successes: 0,
            epoch: 0,
            spared_times: 0,
        }
    }

    /// Returns how many requests may be under way at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.min(self.hint)
    }

    /// Returns what to remember of a request that is sent now.
    pub(super) fn sent(&self) -> Sent {
        Sent { epoch: self.epoch, limit: self.limit() }
    }

    /// Notes that a request succeeded, and grows by one after a round of successes.
    pub(super) fn record_success(&mut self, sent: Sent) {
        if sent.epoch != self.epoch || self.limit == self.maximum {
            return;
        }
        self.successes = self.successes.saturating_add(1);
        if self.successes >= self.successes_to_grow() {
            self.limit += 1;
            self.successes = 0;
        }
    }

    /// Returns how many successes make room for one request more.
    fn successes_to_grow(&self) -> usize {
        if self.too_many == Some(self.limit + 1) {
            self.limit.saturating_mul(PATIENT_ROUNDS)
        } else {
            self.limit
        }
    }

    /// Notes that a request was turned away, and lowers the limit for that, once in an epoch.
    pub(super) fn record_throttled(&mut self, sent: Sent) {
        if sent.epoch != self.epoch {
            return;
        }
        self.epoch += 1;
        self.successes = 0;
        if self.spared_times > 0 {
            self.spared_times -= 1;
        } else if sent.limit == 1 {
            self.restore_maximum();
        } else {
            self.too_many = Some(sent.limit);
            let has_grown = sent.limit > self.base;
            self.limit = if has_grown { sent.limit - 1 } else { sent.limit / 2 };
            self.base = self.limit;
        }
    }

    /// Begins anew, and does not lower the limit for a while.
    fn restore_maximum(&mut self) {
        self.limit = self.maximum;
        self.base = self.maximum;
        self.too_many = None;
        self.spared_times = SPARED_TIMES;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What a service may do with a request that is sent now.
    #[derive(Clone, Debug)]
    enum Reaction {
        Success,
        Throttled,
        Hint(usize),
    }

    fn reaction() -> impl Strategy<Value = Reaction> {
        prop_oneof![
            4 => Just(Reaction::Success),
            1 => Just(Reaction::Throttled),
            1 => (0..100_usize).prop_map(Reaction::Hint),
        ]
    }

    fn react(concurrency: &mut Concurrency, reaction: &Reaction) {
        let sent = concurrency.sent();
        match reaction {
            Reaction::Success => concurrency.record_success(sent),
            Reaction::Throttled => concurrency.record_throttled(sent),
            Reaction::Hint(hint) => concurrency.hint = (*hint).max(1),
        }
    }

    fn throttle(concurrency: &mut Concurrency) {
        react(concurrency, &Reaction::Throttled);
    }

    fn succeed(concurrency: &mut Concurrency, times: usize) {
        (0..times).for_each(|_| react(concurrency, &Reaction::Success));
    }

    #[test]
    fn requests_that_are_turned_away_together_halve_the_limit_once() {
        let mut concurrency = Concurrency::new(24);
        let together = concurrency.sent();
        for _ in 0..8 {
            concurrency.record_throttled(together);
        }
        assert_eq!(concurrency.limit(), 12);
        throttle(&mut concurrency);
        assert_eq!(concurrency.limit(), 6);
    }

    #[test]
    fn each_round_of_successes_lets_one_request_more_through_which_is_taken_back_if_too_many() {
        let mut concurrency = Concurrency::new(24);
        throttle(&mut concurrency);
        succeed(&mut concurrency, (12..20).sum());
        assert_eq!(concurrency.limit(), 20);
        throttle(&mut concurrency);
        assert_eq!(concurrency.limit(), 19);
        succeed(&mut concurrency, 19 * PATIENT_ROUNDS - 1);
        assert_eq!(concurrency.limit(), 19);
        succeed(&mut concurrency, 1);
        assert_eq!(concurrency.limit(), 20);
        succeed(&mut concurrency, (20..24).sum());
        assert_eq!(concurrency.limit(), 24);
    }

    #[test]
    fn a_service_that_turns_away_one_request_at_a_time_is_sent_the_maximum_again() {
        let mut concurrency = Concurrency::new(32);
        for expected in [16, 8, 4, 2, 1, 32] {
            throttle(&mut concurrency);
            assert_eq!(concurrency.limit(), expected);
        }
        for _ in 0..SPARED_TIMES {
            throttle(&mut concurrency);
            assert_eq!(concurrency.limit(), 32);
        }
        throttle(&mut concurrency);
        assert_eq!(concurrency.limit(), 16);
    }

    #[test]
    fn a_hint_holds_until_the_next_one() {
        let mut concurrency = Concurrency::new(24);
        for (hint, expected) in [(4, 4), (50, 24), (0, 1)] {
            react(&mut concurrency, &Reaction::Hint(hint));
            assert_eq!(concurrency.limit(), expected);
        }
    }

    proptest! {
        #[test]
        fn the_limit_stays_between_one_and_the_maximum(
            maximum in 0..80_usize,
            reactions in vec(reaction(), 0..300),
        ) {
            let mut concurrency = Concurrency::new(maximum);
            for reaction in &reactions {
                react(&mut concurrency, reaction);
                let limits = 1..=maximum.max(1);
                prop_assert!(limits.contains(&concurrency.limit()), "{concurrency:?}");
            }
        }

        #[test]
        fn no_success_lowers_the_limit_and_no_refusal_raises_it(
            reactions in vec(reaction(), 0..300),
        ) {
            let mut concurrency = Concurrency::new(32);
            for reaction in &reactions {
                let before = concurrency.limit();
                react(&mut concurrency, reaction);
                let after = concurrency.limit();
                let holds = match reaction {
                    Reaction::Success => after >= before,
                    Reaction::Throttled => before == 1 || after <= before,
                    Reaction::Hint(_) => true,
                };
                prop_assert!(holds);
            }
        }

        #[test]
        fn the_limit_recovers_from_everything(
            maximum in 1..30_usize,
            reactions in vec(reaction(), 0..60),
        ) {
            let mut concurrency = Concurrency::new(maximum);
            for reaction in &reactions {
                react(&mut concurrency, reaction);
            }
            react(&mut concurrency, &Reaction::Hint(usize::MAX));
            succeed(&mut concurrency, maximum * maximum * PATIENT_ROUNDS);
            prop_assert_eq!(concurrency.limit(), maximum);
        }
    }
}
