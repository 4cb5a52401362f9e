//! Lets as many requests to one service through at once as its pace allows, and none while the
//! service wants to be left alone.
//!
//! The end of a pause is drawn once: different runs come back one after the other, but what one run
//! sends comes back together. Else the first to come back, if it is turned away, would hold up all
//! the others, and the run would crawl.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pace::{Pace, Sent};
use super::retry::Delay;
use super::silence::QUIET;

/// Waits that end within this time of each other are one wait to a person.
const SAME_WAIT: Duration = Duration::from_secs(1);

/// The way to one service.
pub(super) struct Gate {
    places: Semaphore,
    state: Mutex<State>,
}

/// What is known of the service.
struct State {
    pace: Pace,
    /// How many places there are, taken ones included.
    places: usize,
    /// How many requests are under way.
    under_way: usize,
    /// Until when nothing is sent.
    pause: Option<Instant>,
    /// Until when a person knows that the run waits.
    told: Option<Instant>,
    /// Until when nothing more is said of answers that are out.
    quiet: Option<Instant>,
}

/// A place among the requests under way, which becomes free when it is dropped.
pub(super) struct Place<'gate> {
    gate: &'gate Gate,
    permit: Option<SemaphorePermit<'gate>>,
    /// What was under way when the request was let through; none before.
    sent: Option<Sent>,
}

impl Gate {
    /// A gate that never lets more than so many through at once.
    pub(super) fn new(ceiling: usize) -> Self {
        let pace = Pace::new(ceiling.min(Semaphore::MAX_PERMITS));
        let places = pace.limit();
        let state = State { pace, places, under_way: 0, pause: None, told: None, quiet: None };
        Self { places: Semaphore::new(places), state: Mutex::new(state) }
    }

    /// Waits for a place and for the end of a pause; none if that is not before `end`.
    pub(super) async fn enter(&self, end: Instant) -> Option<Place<'_>> {
        loop {
            // The semaphore is never closed, so the inner error cannot come.
            let permit = timeout_at(end, self.places.acquire()).await.ok()?.ok()?;
            let mut place = Place { gate: self, permit: Some(permit), sent: None };
            self.sit_through(end).await?;
            let mut state = self.lock();
            // A place may have been taken away while its holder waited: then it goes with the drop.
            if state.places <= state.pace.limit() {
                state.under_way += 1;
                let under_way = state.under_way;
                place.sent = Some(state.pace.sent(under_way));
                self.adapt(&mut state);
                drop(state);
                return Some(place);
            }
        }
    }

    /// Waits for the end of a pause; none if that is not before `end`.
    async fn sit_through(&self, end: Instant) -> Option<()> {
        while let Some(until) = self.paused() {
            if until >= end {
                return None;
            }
            sleep_until(until).await;
        }
        // A sleep may end up to a millisecond late.
        (Instant::now() < end).then_some(())
    }

    /// Has nobody send anything for at least the least of a delay, and answers for how long. The
    /// fraction says where between its least and its most the pause ends, unless one that is on
    /// lasts long enough.
    pub(super) fn pause(&self, delay: Delay, fraction: u32) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        let on = state.pause.filter(|until| *until >= now + delay.at(0));
        let until = on.unwrap_or_else(|| now + delay.at(fraction));
        state.pause = Some(until);
        until - now
    }

    /// Whether a person does not know yet that the run waits for so long.
    pub(super) fn is_news(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        let news = state.told.is_none_or(|told| told + SAME_WAIT < until);
        if news {
            state.told = Some(until);
        }
        news
    }

    /// Whether it is time to say that an answer is out.
    pub(super) fn may_tell_of_silence(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let may = state.quiet.is_none_or(|until| until <= now);
        if may {
            state.quiet = Some(now + QUIET);
        }
        may
    }

    /// How long the service wants to be left alone from now on, if it does.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.paused().map(|until| until - Instant::now())
    }

    /// The end of the pause that is on.
    fn paused(&self) -> Option<Instant> {
        let now = Instant::now();
        self.lock().pause.filter(|until| *until > now)
    }

    /// Makes room, if there is more to be made. Room that is taken away goes with its place.
    fn adapt(&self, state: &mut State) {
        let limit = state.pace.limit();
        if limit > state.places {
            self.places.add_permits(limit - state.places);
            state.places = limit;
        } else {
            state.places -= self.places.forget_permits(state.places - limit);
        }
    }

    /// The state: plain values, so a panic elsewhere cannot break it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Takes in that the service did its work.
    pub(super) fn on_success(&self) {
        let mut state = self.gate.lock();
        // A place that somebody waits for is given to them at once and never seen as free.
        let used_up = self.gate.places.available_permits() == 0;
        if let Some(sent) = self.sent {
            state.pace.on_success(sent, used_up);
        }
        self.gate.adapt(&mut state);
    }

    /// Takes in that the service is asked too much.
    pub(super) fn on_throttled(&self) {
        let mut state = self.gate.lock();
        if let Some(sent) = self.sent {
            state.pace.on_throttled(sent);
        }
        self.gate.adapt(&mut state);
    }

    /// Takes in how many requests at once the service recommends.
    pub(super) fn on_hint(&self, hint: usize) {
        let mut state = self.gate.lock();
        state.pace.on_hint(hint);
        self.gate.adapt(&mut state);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.under_way -= usize::from(self.sent.is_some());
        if state.places > state.pace.limit() {
            state.places -= 1;
            self.permit.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;
    use crate::http::Safety;
    use crate::http::retry::{self, Decision, Outcome, Tries};

    const DONE: Outcome = Outcome::Answered { status: 200, retry_after: None };
    const TOO_MANY: Outcome =
        Outcome::Answered { status: 429, retry_after: Some(Duration::from_secs(1)) };

    /// Where between its least and its most a wait ends.
    const HALFWAY: u32 = u32::MAX / 2;

    fn pause() -> Delay {
        retry::pause(Tries::default().and(TOO_MANY), TOO_MANY).unwrap()
    }

    /// A service that works on so many requests at once and turns away the others.
    struct Service {
        most: usize,
        latency: Duration,
        under_way: Cell<usize>,
        asked: Cell<usize>,
        turned_away: Cell<usize>,
        /// Every so many requests are turned away, whatever is under way; none with 0.
        nth: usize,
    }

    impl Service {
        fn new(most: usize) -> Self {
            let latency = Duration::from_millis(50);
            let zero = || Cell::new(0);
            Self { most, latency, under_way: zero(), asked: zero(), turned_away: zero(), nth: 0 }
        }

        async fn ask(&self) -> Outcome {
            self.asked.set(self.asked.get() + 1);
            let chance = self.nth > 0 && self.asked.get().is_multiple_of(self.nth);
            if chance || self.under_way.get() >= self.most {
                self.turned_away.set(self.turned_away.get() + 1);
                sleep(self.latency).await;
                return TOO_MANY;
            }
            self.under_way.set(self.under_way.get() + 1);
            sleep(self.latency).await;
            self.under_way.set(self.under_way.get() - 1);
            DONE
        }

        /// Sends one request by way of a gate until it is done.
        async fn send(&self, gate: &Gate, end: Instant) {
            let mut tries = Tries::default();
            loop {
                let place = gate.enter(end).await.unwrap();
                let outcome = self.ask().await;
                tries = tries.and(outcome);
                if outcome == DONE {
                    return place.on_success();
                }
                place.on_throttled();
                drop(place);
                let wait = gate.pause(retry::pause(tries, outcome).unwrap(), HALFWAY);
                let decision = retry::decide(tries, Safety::Query, outcome);
                assert_ne!(decision, Decision::Stop);
                sleep(wait).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_let_through_before_the_end_of_a_pause_which_is_drawn_once() {
        for (fraction, expected) in [(0, 1_000), (u32::MAX, 1_125)] {
            let gate = Gate::new(4);
            let begin = Instant::now();
            assert_eq!(gate.pause(pause(), fraction).as_millis(), expected);
            // Another request that was turned away then too.
            assert_eq!(gate.pause(pause(), u32::MAX / 2).as_millis(), expected);
            let end = begin + Duration::from_mins(1);
            let all = (0..4).map(|_| async {
                let _place = gate.enter(end).await.unwrap();
                begin.elapsed().as_millis()
            });
            assert_eq!(join_all(all).await, [expected; 4]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_past_the_end_is_not_sat_through() {
        let gate = Gate::new(4);
        gate.pause(pause(), 0);
        let begin = Instant::now();
        assert!(gate.enter(begin + Duration::from_millis(500)).await.is_none());
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(gate.enter(begin + Duration::from_secs(2)).await.is_some());
        assert_eq!(begin.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_grows_and_does_not_shrink() {
        let gate = Gate::new(4);
        let begin = Instant::now();
        let long = Outcome::Answered { status: 429, retry_after: Some(Duration::from_secs(30)) };
        gate.pause(retry::pause(Tries::default(), long).unwrap(), 0);
        gate.pause(pause(), 0);
        assert!(gate.enter(begin + Duration::from_mins(1)).await.is_some());
        assert_eq!(begin.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn one_pause_is_told_of_once() {
        let gate = Gate::new(4);
        let wait = Duration::from_secs(20);
        assert!(gate.is_news(wait));
        assert!(!gate.is_news(wait + Duration::from_millis(500)));
        assert!(gate.is_news(wait * 2));
        sleep(wait * 2).await;
        assert!(gate.is_news(wait));
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_are_given_up_while_waiting_are_not_lost() {
        let gate = Gate::new(1);
        let end = Instant::now() + Duration::from_mins(1);
        let place = gate.enter(end).await;
        let waiting = timeout_at(Instant::now() + SAME_WAIT, gate.enter(end)).await;
        assert!(waiting.is_err());
        drop(place);
        assert!(gate.enter(end).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_takes_places_away_and_gives_them_back() {
        let gate = Gate::new(8);
        let end = Instant::now() + SAME_WAIT;
        let mut places = Vec::new();
        places.push(gate.enter(end).await.unwrap());
        places[0].on_hint(2);
        places.push(gate.enter(end).await.unwrap());
        assert!(gate.enter(end).await.is_none());
        places[0].on_hint(50);
        let end = Instant::now() + SAME_WAIT;
        for _ in 2..8 {
            places.push(gate.enter(end).await.unwrap());
        }
        assert!(gate.enter(end).await.is_none());
    }

    /// Here a refusal costs a second, in which the service would have served up to 400 requests.
    #[tokio::test(start_paused = true)]
    async fn a_service_that_throttles_serves_two_thousand_requests_with_few_refusals() {
        for most in [1_u32, 2, 3, 4, 6, 8, 12, 16, 20, 23, 24] {
            let (gate, service) = (Gate::new(24), Service::new(most as usize));
            let begin = Instant::now();
            let end = begin + Duration::from_hours(1);
            join_all((0..2_000).map(|_| service.send(&gate, end))).await;
            let best = service.latency * 2_000 / most;
            let ratio = begin.elapsed().as_secs_f64() / best.as_secs_f64();
            let refused = service.turned_away.get();
            assert!(ratio < 1.3 && refused < 32, "{most}: {ratio:.2}, {refused} refusals");
        }
    }

    /// Where refusals have nothing to do with how many requests there are, there are many at once
    /// between the pauses: one at a time would take half an hour.
    #[tokio::test(start_paused = true)]
    async fn two_thousand_requests_of_which_every_second_is_turned_away_end_in_time() {
        let gate = Gate::new(24);
        let service = Service { nth: 2, ..Service::new(usize::MAX) };
        let begin = Instant::now();
        let end = begin + Duration::from_hours(1);
        join_all((0..2_000).map(|_| service.send(&gate, end))).await;
        let taken = begin.elapsed().as_secs();
        assert!(taken < 400, "{taken} s");
    }

    /// Asks a gate for pauses, each after a while, and then enters; answers the earliest time that
    /// is right, and when the gate let it through, both from the beginning.
    async fn entered(
        gate: &Gate,
        pauses: &[(u64, u64, u32)],
        time: Duration,
    ) -> (Duration, Option<Duration>) {
        let begin = Instant::now();
        let mut earliest = Duration::ZERO;
        for (after, wait, fraction) in pauses {
            sleep(Duration::from_millis(*after)).await;
            let retry_after = Some(Duration::from_millis(*wait));
            let outcome = Outcome::Answered { status: 429, retry_after };
            gate.pause(retry::pause(Tries::default().and(outcome), outcome).unwrap(), *fraction);
            earliest = earliest.max(begin.elapsed() + Duration::from_millis(*wait));
        }
        let place = gate.enter(begin + time).await;
        (earliest, place.map(|_| begin.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_let_through_by_a_sleep_that_ends_late() {
        let pauses = [(1_762, 860, 3_675_692_961)];
        let (earliest, entered) =
            entered(&Gate::new(4), &pauses, Duration::from_millis(2_715)).await;
        assert!(earliest < Duration::from_millis(2_715));
        assert_eq!(entered, None);
    }

    proptest! {
        #[test]
        fn nobody_is_let_through_before_any_service_asked_nor_after_the_end(
            pauses in vec((0..2_000_u64, 0..9_000_u64, any::<u32>()), 0..6),
            time in 0..20_000_u64,
        ) {
            let time = Duration::from_millis(time);
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            let (earliest, entered) = runtime.block_on(entered(&Gate::new(4), &pauses, time));
            if let Some(entered) = entered {
                prop_assert!(entered >= earliest && entered < time);
            } else {
                // A pause is an eighth longer at most than it was asked for, and half a second.
                let most = earliest + earliest / 8 + Duration::from_millis(500);
                let slept: u64 = pauses.iter().map(|(after, ..)| after).sum();
                prop_assert!(most >= time || Duration::from_millis(slept) >= time);
            }
        }
    }
}
