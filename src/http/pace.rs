//! How many requests a service is sent at once: a pure decision over what it answered.
//!
//! It begins with what services are known to bear. As long as the service has turned nothing away,
//! every answer makes room for one request more. Once it has, what was too much is halved and the
//! number grows by one with each round of answers, up to just below what was too much; past that only
//! now and then, ever more rarely, since a service that is pushed further makes the caller wait.
//!
//! What was too much is told by the request itself that was turned away: as many as were under way
//! when it was sent, if the service never bore that many. If it did, it has less to give than before,
//! and what was too much is the number in force. A service that turns away even one request at a time
//! does so for another reason than how many there are: then slowing down further would not help, and
//! for a while only the pauses that it asks for hold the run back.

/// How many requests are under way at once at first: two runs of one user stay below the 52 that
/// Dataverse bears of them.
const FIRST: usize = 24;

/// How many rounds of answers pass before what was too much is tried again; twice as many each
/// time that it still is.
const PATIENCE: usize = 256;

/// The longest patience, in rounds of answers.
const MOST_PATIENCE: usize = 4_096;

/// How many times a service that turned away even one request at a time may do so again before the
/// number is halved anew.
const SPARED: u32 = 32;

/// The number of requests that a service may be sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    ceiling: usize,
    hint: usize,
    limit: usize,
    /// The smallest number that the service was known to turn away; none before it did.
    too_many: Option<usize>,
    /// The largest number that the service was known to bear.
    borne: usize,
    /// How many answers have come since the number changed.
    answers: usize,
    patience: usize,
    spared: u32,
    wave: u64,
}

/// What there was when a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// How many requests were under way, with this one.
    under_way: usize,
    /// The time between two changes for the worse. Requests that were under way together are turned
    /// away together, which is one reason to slow down and not many.
    wave: u64,
}

impl Pace {
    /// The pace of a service that was not asked yet.
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            ceiling,
            hint: usize::MAX,
            limit: FIRST.min(ceiling),
            too_many: None,
            borne: 0,
            answers: 0,
            patience: PATIENCE,
            spared: 0,
            wave: 0,
        }
    }

    /// How many requests may be under way at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.min(self.hint)
    }

    /// What is to be remembered of a request which is sent now, as one of so many under way.
    pub(super) fn sent(&self, under_way: usize) -> Sent {
        Sent { under_way, wave: self.wave }
    }

    /// Takes in that the service did its work, and whether as many requests as may be were under
    /// way: what is not used up tells nothing of what more would do.
    pub(super) fn on_success(&mut self, sent: Sent, used_up: bool) {
        self.borne = self.borne.max(sent.under_way);
        if !used_up || self.limit() >= self.ceiling.min(self.hint) {
            return;
        }
        self.answers = self.answers.saturating_add(1);
        if self.answers >= self.answers_to_grow() {
            self.limit += 1;
            self.answers = 0;
        }
    }

    /// Takes in that the service turned away a request.
    pub(super) fn on_throttled(&mut self, sent: Sent) {
        if sent.wave != self.wave {
            return;
        }
        self.wave = self.wave.wrapping_add(1);
        self.answers = 0;
        let told = Some(sent.under_way).filter(|under_way| *under_way > self.borne);
        match (self.spared, told.unwrap_or(self.limit()).min(self.limit())) {
            (0, 1) => self.stop_halving(),
            (0, too_many) => self.halve(too_many),
            _ => self.spared -= 1,
        }
    }

    /// Takes in how many requests at once the service recommends.
    pub(super) fn on_hint(&mut self, hint: usize) {
        self.hint = hint.max(1);
    }

    /// Begins anew, and halves nothing for a while.
    fn stop_halving(&mut self) {
        self.limit = FIRST.min(self.ceiling);
        self.too_many = None;
        self.spared = SPARED;
    }

    /// Slows down from what was too much.
    fn halve(&mut self, too_many: usize) {
        if self.too_many.is_some_and(|before| too_many >= before) {
            self.patience = self.patience.saturating_mul(2).min(MOST_PATIENCE);
        }
        self.too_many = Some(too_many);
        self.limit = (too_many / 2).max(1);
    }

    /// How many answers make room for one request more.
    fn answers_to_grow(&self) -> usize {
        match self.too_many {
            None => 1,
            Some(too_many) if self.limit + 1 < too_many => self.limit,
            Some(_) => self.limit.saturating_mul(self.patience),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What a service may do.
    #[derive(Clone, Debug)]
    enum Said {
        Done(bool),
        TooMany,
        Hint(usize),
    }

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            4 => any::<bool>().prop_map(Said::Done),
            1 => Just(Said::TooMany),
            1 => (0..100_usize).prop_map(Said::Hint),
        ]
    }

    fn hear(pace: &mut Pace, said: &Said) {
        match said {
            Said::Done(used_up) => pace.on_success(full(pace), *used_up),
            Said::TooMany => pace.on_throttled(full(pace)),
            Said::Hint(hint) => pace.on_hint(*hint),
        }
    }

    /// A request that is sent with as many under way as may be.
    fn full(pace: &Pace) -> Sent {
        pace.sent(pace.limit())
    }

    /// So many answers of a service that is kept as busy as it may be.
    fn succeed(pace: &mut Pace, answers: usize) {
        for _ in 0..answers {
            pace.on_success(full(pace), true);
        }
    }

    #[test]
    fn it_begins_with_what_services_bear_and_reaches_the_ceiling() {
        let mut pace = Pace::new(32);
        assert_eq!(pace.limit(), 24);
        succeed(&mut pace, 8);
        assert_eq!(pace.limit(), 32);
        assert_eq!(Pace::new(3).limit(), 3);
    }

    #[test]
    fn requests_that_were_turned_away_together_slow_down_once() {
        let mut pace = Pace::new(24);
        let sent = full(&pace);
        for _ in 0..8 {
            pace.on_throttled(sent);
        }
        assert_eq!(pace.limit(), 12);
        pace.on_throttled(full(&pace));
        assert_eq!(pace.limit(), 6);
    }

    #[test]
    fn a_request_that_is_turned_away_tells_what_is_too_much_unless_as_many_were_borne() {
        let mut pace = Pace::new(24);
        pace.on_success(pace.sent(7), true);
        pace.on_throttled(pace.sent(8));
        assert_eq!((pace.too_many, pace.limit()), (Some(8), 4));
        let mut pace = Pace::new(24);
        pace.on_success(pace.sent(16), true);
        pace.on_throttled(pace.sent(3));
        assert_eq!((pace.too_many, pace.limit()), (Some(24), 12));
    }

    #[test]
    fn it_comes_back_to_what_was_just_not_too_much_and_stays_there_for_long() {
        let mut pace = Pace::new(24);
        pace.on_throttled(full(&pace));
        succeed(&mut pace, (12..23).sum());
        assert_eq!(pace.limit(), 23);
        succeed(&mut pace, 23 * PATIENCE - 1);
        assert_eq!(pace.limit(), 23);
        succeed(&mut pace, 1);
        assert_eq!(pace.limit(), 24);
        pace.on_throttled(full(&pace));
        assert_eq!((pace.limit(), pace.patience), (12, 2 * PATIENCE));
    }

    #[test]
    fn a_service_that_turns_away_one_request_at_a_time_is_not_slowed_down_for() {
        let mut pace = Pace::new(32);
        for expected in [12, 6, 3, 1, 24] {
            pace.on_throttled(full(&pace));
            assert_eq!(pace.limit(), expected);
        }
        for _ in 0..SPARED {
            pace.on_throttled(full(&pace));
            assert_eq!(pace.limit(), 24);
        }
        succeed(&mut pace, 8);
        assert_eq!(pace.limit(), 32);
        pace.on_throttled(full(&pace));
        assert_eq!(pace.limit(), 16);
    }

    #[test]
    fn what_is_not_used_up_does_not_grow() {
        let mut pace = Pace::new(32);
        for _ in 0..100 {
            pace.on_success(full(&pace), false);
        }
        assert_eq!(pace.limit(), 24);
    }

    #[test]
    fn a_hint_holds_until_the_next_one() {
        let mut pace = Pace::new(24);
        pace.on_hint(4);
        assert_eq!(pace.limit(), 4);
        pace.on_hint(50);
        assert_eq!(pace.limit(), 24);
        pace.on_hint(0);
        assert_eq!(pace.limit(), 1);
    }

    proptest! {
        #[test]
        fn it_stays_between_one_and_the_ceiling(ceiling in 0..80_usize, all in vec(said(), 0..300)) {
            let mut pace = Pace::new(ceiling);
            for said in &all {
                hear(&mut pace, said);
                prop_assert!((1..=ceiling.max(1)).contains(&pace.limit()), "{pace:?}");
            }
        }

        #[test]
        fn no_success_slows_down_and_no_refusal_speeds_up(all in vec(said(), 0..300)) {
            let mut pace = Pace::new(32);
            for said in &all {
                let before = pace.limit();
                hear(&mut pace, said);
                match said {
                    Said::Done(_) => prop_assert!(pace.limit() >= before),
                    Said::TooMany => prop_assert!(before == 1 || pace.limit() <= before),
                    Said::Hint(_) => (),
                }
            }
        }

        #[test]
        fn it_recovers_from_everything(ceiling in 1..30_usize, all in vec(said(), 0..60)) {
            let mut pace = Pace::new(ceiling);
            for said in &all {
                hear(&mut pace, said);
            }
            pace.on_hint(usize::MAX);
            succeed(&mut pace, ceiling * ceiling * MOST_PATIENCE);
            prop_assert_eq!(pace.limit(), ceiling);
        }
    }
}
