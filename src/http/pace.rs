//! How many requests a service is sent at once: a pure decision over what it answered.
//!
//! It begins moderately. As long as the service has turned nothing away, every answer makes room
//! for one request more. Once it has, the number is halved and grows by one with each round of
//! answers, up to just below what was too much; past that only now and then, ever more rarely,
//! since a service that is pushed further makes the caller wait. A service that turns away even one
//! request at a time does so for another reason than how many there are: then slowing down further
//! would not help, and for a while only the pauses that it asks for hold the run back.

/// How many requests are under way at once at first.
const FIRST: usize = 8;

/// How many rounds of answers pass before what was too much is tried again; twice as many each
/// time that it still is.
const PATIENCE: usize = 128;

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
    /// How many answers have come since the number changed.
    answers: usize,
    patience: usize,
    spared: u32,
    wave: Wave,
}

/// The time between two changes for the worse. Requests that were under way together are turned
/// away together, which is one reason to slow down and not many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wave(u64);

impl Pace {
    /// The pace of a service that was not asked yet.
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            ceiling,
            hint: usize::MAX,
            limit: FIRST.min(ceiling),
            too_many: None,
            answers: 0,
            patience: PATIENCE,
            spared: 0,
            wave: Wave::default(),
        }
    }

    /// How many requests may be under way at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.min(self.hint)
    }

    /// The wave that a request belongs to which is sent now.
    pub(super) fn wave(&self) -> Wave {
        self.wave
    }

    /// Takes in that the service did its work, and whether as many requests as may be were under
    /// way: what is not used up tells nothing of what more would do.
    pub(super) fn on_success(&mut self, used_up: bool) {
        if !used_up || self.limit() >= self.ceiling.min(self.hint) {
            return;
        }
        self.answers = self.answers.saturating_add(1);
        if self.answers >= self.answers_to_grow() {
            self.limit += 1;
            self.answers = 0;
        }
    }

    /// Takes in that the service turned away a request of that wave.
    pub(super) fn on_throttled(&mut self, wave: Wave) {
        if wave != self.wave {
            return;
        }
        self.wave = Wave(self.wave.0.wrapping_add(1));
        self.answers = 0;
        match (self.spared, self.limit()) {
            (0, 1) => self.stop_halving(),
            (0, limit) => self.halve(limit),
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
    fn halve(&mut self, limit: usize) {
        if self.too_many.is_some_and(|too_many| limit >= too_many) {
            self.patience = self.patience.saturating_mul(2).min(MOST_PATIENCE);
        }
        self.too_many = Some(limit);
        self.limit = (limit / 2).max(1);
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
            Said::Done(used_up) => pace.on_success(*used_up),
            Said::TooMany => pace.on_throttled(pace.wave()),
            Said::Hint(hint) => pace.on_hint(*hint),
        }
    }

    /// So many answers of a service that is kept as busy as it may be.
    fn succeed(pace: &mut Pace, answers: usize) {
        for _ in 0..answers {
            pace.on_success(true);
        }
    }

    #[test]
    fn it_begins_moderately_and_reaches_the_ceiling() {
        let mut pace = Pace::new(24);
        assert_eq!(pace.limit(), 8);
        succeed(&mut pace, 16);
        assert_eq!(pace.limit(), 24);
        assert_eq!(Pace::new(3).limit(), 3);
    }

    #[test]
    fn requests_that_were_turned_away_together_slow_down_once() {
        let mut pace = Pace::new(24);
        let wave = pace.wave();
        for _ in 0..8 {
            pace.on_throttled(wave);
        }
        assert_eq!(pace.limit(), 4);
        pace.on_throttled(pace.wave());
        assert_eq!(pace.limit(), 2);
    }

    #[test]
    fn it_comes_back_to_what_was_just_not_too_much_and_stays_there_for_long() {
        let mut pace = Pace::new(24);
        pace.on_throttled(pace.wave());
        succeed(&mut pace, 4 + 5 + 6);
        assert_eq!(pace.limit(), 7);
        succeed(&mut pace, 7 * PATIENCE - 1);
        assert_eq!(pace.limit(), 7);
        succeed(&mut pace, 1);
        assert_eq!(pace.limit(), 8);
        pace.on_throttled(pace.wave());
        assert_eq!((pace.limit(), pace.patience), (4, 2 * PATIENCE));
    }

    #[test]
    fn a_service_that_turns_away_one_request_at_a_time_is_not_slowed_down_for() {
        let mut pace = Pace::new(24);
        for expected in [4, 2, 1, 8] {
            pace.on_throttled(pace.wave());
            assert_eq!(pace.limit(), expected);
        }
        for _ in 0..SPARED {
            pace.on_throttled(pace.wave());
            assert_eq!(pace.limit(), 8);
        }
        succeed(&mut pace, 16);
        assert_eq!(pace.limit(), 24);
        pace.on_throttled(pace.wave());
        assert_eq!(pace.limit(), 12);
    }

    #[test]
    fn what_is_not_used_up_does_not_grow() {
        let mut pace = Pace::new(24);
        for _ in 0..100 {
            pace.on_success(false);
        }
        assert_eq!(pace.limit(), 8);
    }

    #[test]
    fn a_hint_holds_until_the_next_one() {
        let mut pace = Pace::new(24);
        pace.on_hint(4);
        assert_eq!(pace.limit(), 4);
        pace.on_hint(50);
        assert_eq!(pace.limit(), 8);
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
