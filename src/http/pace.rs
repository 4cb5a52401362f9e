//! How many requests a service is sent at once: a pure decision over what it answered.
//!
//! It begins with what services are known to bear. If the service turns none of them away, every
//! further answer makes room for one request more. Once it has, the number is halved and grows by one
//! with each round of answers, up to just below what was too much; past that only now and then, ever
//! more rarely, since a service that is pushed further makes the caller wait.
//!
//! Nothing is sent while the service wants to be left alone, but what is under way then is answered,
//! and tells how many the service bore together. That is what it is sent from then on, but no less than
//! a fifth of what was tried, unless it is all of that: then the service has less to give than before. A service that twice in a row turns
//! away a good part of what it bore just before, or turns away even one request at a time, does so for
//! another reason than how many there are: then slowing down further would not help, and for a while
//! only the pauses that it asks for hold the run back.

use std::collections::VecDeque;
use std::mem;

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
const SPARED: u32 = 8;

/// How many times in a row a service turns away a good part of what it bore just before, if the reason
/// is another than how many there are.
const IN_VAIN: u32 = 2;

/// By what the number is divided at most at once. Other runs may share the limit: then what one of
/// them bore in a wave is luck.
const MOST_CUT: usize = 5;

/// The number of requests that a service may be sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// How many requests the service bore together when it turned away others; 0 before.
    borne: usize,
    /// How many times in a row it did not help to send no more than were borne.
    in_vain: u32,
    wave: Wave,
}

/// The requests that are sent between two pauses. Those that were under way together are turned away
/// together, which is one reason to slow down and not many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wave {
    number: u64,
    /// The largest number of requests that were under way.
    tried: usize,
    /// How many requests were sent of which nothing is remembered any more.
    forgotten: usize,
    /// For each request that was sent after those, how many that were under way then were served.
    served: VecDeque<usize>,
    /// The largest number of requests that were under way together and were all served.
    borne: usize,
    /// How many requests were answered, by the service's work or by a refusal.
    answered: usize,
    /// What was too much when the first was turned away, 0 if that was not the reason; none before.
    too_many: Option<usize>,
}

/// Which request it was that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    wave: u64,
    /// How many requests of its wave were sent before it.
    nth: usize,
}

impl Wave {
    /// Remembers a request that is sent as one of so many under way, and forgets the first if that
    /// makes more than so many.
    fn send(&mut self, under_way: usize, most: usize) -> Sent {
        self.tried = self.tried.max(under_way);
        self.served.push_back(0);
        if self.served.len() > most {
            self.served.pop_front();
            self.forgotten += 1;
        }
        Sent { wave: self.number, nth: self.forgotten + self.served.len() - 1 }
    }

    /// Whether everything that was tried was of this wave, and is answered.
    fn is_over(&self) -> bool {
        let sent = self.forgotten + self.served.len();
        self.answered == sent && self.tried <= sent
    }

    /// Takes in that a request was served: it was under way when those after it were sent.
    fn serve(&mut self, sent: Sent) {
        self.answered += 1;
        for served in self.served.iter_mut().skip(sent.nth.saturating_sub(self.forgotten)) {
            *served += 1;
            self.borne = self.borne.max(*served);
        }
    }
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
            answers: 0,
            patience: PATIENCE,
            spared: 0,
            borne: 0,
            in_vain: 0,
            wave: Wave::default(),
        }
    }

    /// How many requests may be under way at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.min(self.hint)
    }

    /// What is to be remembered of a request which is sent now, as one of so many under way.
    pub(super) fn sent(&mut self, under_way: usize) -> Sent {
        if self.wave.too_many.is_some() {
            self.begin_wave();
        }
        self.wave.send(under_way, self.ceiling.saturating_mul(2))
    }

    /// Takes in that the service did its work, and whether as many requests as may be were under
    /// way: what is not used up tells nothing of what more would do.
    pub(super) fn on_success(&mut self, sent: Sent, used_up: bool) {
        if sent.wave == self.wave.number {
            self.wave.serve(sent);
            self.settle();
        }
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
        if sent.wave != self.wave.number {
            return;
        }
        self.wave.answered += 1;
        if self.wave.too_many.is_some() {
            return;
        }
        self.wave.too_many = Some(0);
        self.answers = 0;
        match (self.spared, self.limit().min(self.wave.tried)) {
            // A lone request tells nothing of how many there may be; the pause alone answers it.
            (0, 1) if self.limit() > 1 => (),
            (0, 1) => self.stop_halving(),
            (0, too_many) => self.halve(too_many),
            _ => self.spared -= 1,
        }
        self.settle();
    }

    /// Takes in how many requests at once the service recommends.
    pub(super) fn on_hint(&mut self, hint: usize) {
        self.hint = hint.max(1);
    }

    /// Begins anew, and halves nothing for a while.
    fn stop_halving(&mut self) {
        self.in_vain = 0;
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
        self.wave.too_many = Some(too_many);
        self.limit = (too_many / 2).max(1);
    }

    /// Goes on with as many as the service bore together, if that is fewer than were too much, and at
    /// least half: whatever is still under way, the service bears so many.
    fn settle(&mut self) {
        let borne = self.wave.borne;
        if self.wave.too_many.is_some_and(|too_many| (self.limit..too_many).contains(&borne)) {
            self.limit = borne;
            self.too_many = Some(borne + 1);
        }
    }

    /// Begins a wave with no more than were borne together in the last one, if all of that was
    /// answered and the number was the reason.
    fn begin_wave(&mut self) {
        let number = self.wave.number.wrapping_add(1);
        let last = mem::replace(&mut self.wave, Wave { number, ..Wave::default() });
        if !last.is_over() || last.too_many == Some(0) {
            return;
        }
        let was_in_vain = last.tried <= self.borne && last.borne <= last.tried * 3 / 4;
        self.in_vain = if was_in_vain { self.in_vain + 1 } else { 0 };
        self.borne = last.borne;
        if self.in_vain == IN_VAIN {
            self.stop_halving();
        } else if last.borne > 0 {
            self.limit = self.limit.min(last.borne.max(last.tried / MOST_CUT));
        }
    }

    /// How many answers make room for one request more.
    fn answers_to_grow(&self) -> usize {
        match self.too_many {
            None if self.limit > FIRST => 1,
            None => FIRST,
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
            Said::Done(used_up) => succeed_once(pace, *used_up),
            Said::TooMany => refuse(pace),
            Said::Hint(hint) => pace.on_hint(*hint),
        }
    }

    /// A request that is sent with as many under way as may be.
    fn full(pace: &mut Pace) -> Sent {
        pace.sent(pace.limit())
    }

    /// Sends so many requests at once, of which so many are served and the others turned away.
    fn send_at_once(pace: &mut Pace, sent: usize, served: usize) {
        let all: Vec<_> = (1..=sent).map(|under_way| pace.sent(under_way)).collect();
        let (served, refused) = all.split_at(served);
        for sent in refused {
            pace.on_throttled(*sent);
        }
        for sent in served {
            pace.on_success(*sent, false);
        }
    }

    /// How many requests at once the next wave begins with.
    fn goes_on_with(pace: &Pace) -> usize {
        let mut next = pace.clone();
        next.sent(1);
        next.limit()
    }

    /// One request that is served.
    fn succeed_once(pace: &mut Pace, used_up: bool) {
        let sent = full(pace);
        pace.on_success(sent, used_up);
    }

    /// One request that is turned away.
    fn refuse(pace: &mut Pace) {
        let sent = full(pace);
        pace.on_throttled(sent);
    }

    /// So many answers of a service that is kept as busy as it may be.
    fn succeed(pace: &mut Pace, answers: usize) {
        for _ in 0..answers {
            succeed_once(pace, true);
        }
    }

    #[test]
    fn it_begins_with_what_services_bear_and_reaches_the_ceiling() {
        let mut pace = Pace::new(32);
        succeed(&mut pace, 23);
        assert_eq!(pace.limit(), 24);
        succeed(&mut pace, 8);
        assert_eq!(pace.limit(), 32);
        assert_eq!(Pace::new(3).limit(), 3);
    }

    #[test]
    fn requests_that_were_turned_away_together_slow_down_once() {
        let mut pace = Pace::new(24);
        let sent = full(&mut pace);
        for _ in 0..8 {
            pace.on_throttled(sent);
        }
        assert_eq!(pace.limit(), 12);
        refuse(&mut pace);
        assert_eq!(pace.limit(), 6);
    }

    #[test]
    fn what_was_borne_together_is_gone_on_with_and_half_if_nothing_was() {
        for (served, expected) in [(23, 23), (17, 17), (12, 12), (11, 11), (5, 5), (1, 4), (0, 12)]
        {
            let mut pace = Pace::new(32);
            send_at_once(&mut pace, 24, served);
            assert_eq!(goes_on_with(&pace), expected, "{served}");
        }
    }

    #[test]
    fn half_of_what_was_tried_is_gone_on_with_while_some_of_it_is_not_answered() {
        let mut pace = Pace::new(32);
        let all: Vec<_> = (1..=24).map(|under_way| pace.sent(under_way)).collect();
        all[..5].iter().for_each(|sent| pace.on_success(*sent, false));
        all[5..23].iter().for_each(|sent| pace.on_throttled(*sent));
        assert_eq!(goes_on_with(&pace), 12);
    }

    #[test]
    fn a_service_that_turns_away_what_it_bore_before_is_not_slowed_down_for() {
        let mut pace = Pace::new(32);
        for (sent, served, expected) in [(24, 11, 11), (11, 6, 6), (6, 3, 24)] {
            send_at_once(&mut pace, sent, served);
            assert_eq!(goes_on_with(&pace), expected, "{sent}");
        }
    }

    #[test]
    fn a_lone_request_that_is_turned_away_tells_nothing_of_how_many_there_may_be() {
        let mut pace = Pace::new(32);
        send_at_once(&mut pace, 1, 0);
        assert_eq!((goes_on_with(&pace), pace.spared), (24, 0));
    }

    #[test]
    fn a_service_that_bears_a_little_less_than_before_is_slowed_down_for() {
        let mut pace = Pace::new(32);
        for (sent, served) in [(24, 16), (16, 14), (14, 12), (12, 10)] {
            send_at_once(&mut pace, sent, served);
            assert_eq!(goes_on_with(&pace), served);
        }
    }

    #[test]
    fn a_service_that_bore_as_many_before_has_less_to_give() {
        let mut pace = Pace::new(24);
        send_at_once(&mut pace, 24, 24);
        refuse(&mut pace);
        assert_eq!((pace.too_many, pace.limit()), (Some(24), 12));
    }

    #[test]
    fn what_was_borne_one_after_the_other_was_not_borne_together() {
        let mut pace = Pace::new(24);
        for _ in 0..100 {
            send_at_once(&mut pace, 1, 1);
        }
        send_at_once(&mut pace, 24, 15);
        assert_eq!((pace.too_many, pace.limit()), (Some(16), 15));
        assert!(pace.wave.served.len() <= 48);
    }

    #[test]
    fn it_comes_back_to_what_was_just_not_too_much_and_stays_there_for_long() {
        let mut pace = Pace::new(24);
        refuse(&mut pace);
        succeed(&mut pace, (12..23).sum());
        assert_eq!(pace.limit(), 23);
        succeed(&mut pace, 23 * PATIENCE - 1);
        assert_eq!(pace.limit(), 23);
        succeed(&mut pace, 1);
        assert_eq!(pace.limit(), 24);
        refuse(&mut pace);
        assert_eq!((pace.limit(), pace.patience), (12, 2 * PATIENCE));
    }

    #[test]
    fn a_service_that_turns_away_one_request_at_a_time_is_not_slowed_down_for() {
        let mut pace = Pace::new(32);
        for expected in [12, 6, 3, 1, 24] {
            refuse(&mut pace);
            assert_eq!(pace.limit(), expected);
        }
        for _ in 0..SPARED {
            refuse(&mut pace);
            assert_eq!(pace.limit(), 24);
        }
        succeed(&mut pace, FIRST + 7);
        assert_eq!(pace.limit(), 32);
        refuse(&mut pace);
        assert_eq!(pace.limit(), 16);
    }

    #[test]
    fn what_is_not_used_up_does_not_grow() {
        let mut pace = Pace::new(32);
        for _ in 0..100 {
            succeed_once(&mut pace, false);
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
                let sent = full(&mut pace);
                let before = pace.limit();
                match said {
                    Said::Done(used_up) => {
                        pace.on_success(sent, *used_up);
                        prop_assert!(pace.limit() >= before);
                    }
                    Said::TooMany => {
                        pace.on_throttled(sent);
                        prop_assert!(before == 1 || pace.limit() <= before);
                    }
                    Said::Hint(hint) => pace.on_hint(*hint),
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
            let late = Sent { wave: u64::MAX, nth: 0 };
            for _ in 0..ceiling * ceiling * MOST_PATIENCE {
                pace.on_success(late, true);
            }
            prop_assert_eq!(pace.limit(), ceiling);
        }
    }
}
