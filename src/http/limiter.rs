//! Limits how many requests are under way at once, and pauses all of them when a service asks for that.
//!
//! A service is sent the configured maximum at once. When it turns requests away, nothing is sent for as
//! long as it asks (`Retry-After`), and fewer are sent at once from then on (`concurrency`).
//!
//! The end of a pause is drawn once: different runs come back one after the other, but what one run
//! sends comes back together. Else the first to come back, if it is turned away, would hold up all
//! the others, and the run would crawl.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};
use url::{Position, Url};

use super::concurrency::{Concurrency, Sent};
use super::retry::Delay;
use super::slow_answers::QUIET_TIME;
use crate::model::Service;

/// Waits that end within this time of each other are one wait to a person.
const SAME_WAIT: Duration = Duration::from_secs(1);

/// Whom a service counts requests for: requests with one key share one limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LimitKey {
    service: Service,
    /// The host and port, where each has a limit of its own.
    host: Option<String>,
}

/// The limiters of all keys.
pub(super) struct Limiters {
    maximum: usize,
    by_key: Mutex<HashMap<LimitKey, Arc<Limiter>>>,
}

/// Limits the requests of one key.
pub(super) struct Limiter {
    permits: Semaphore,
    state: Mutex<State>,
}

/// Allows one request to be under way until it is dropped.
pub(super) struct Permit<'limiter> {
    limiter: &'limiter Limiter,
    slot: Option<SemaphorePermit<'limiter>>,
    sent: Sent,
}

/// What is known of the service.
struct State {
    concurrency: Concurrency,
    /// How many permits there are, taken ones included.
    permits: usize,
    /// The end of the pause.
    pause_end: Option<Instant>,
    /// The end of the wait that was last reported.
    reported_wait_end: Option<Instant>,
    /// When a slow answer may be reported again.
    next_slow_report: Option<Instant>,
}

impl LimitKey {
    /// Returns the key of requests to a service at an address. Dataverse limits a user in each
    /// organisation, which has a host of its own. The others limit an identity, whatever the host: the
    /// Flow service counts over all environments. A run has one identity at each service.
    pub(super) fn new(service: Service, url: &Url) -> Self {
        let host = match service {
            Service::Dataverse => Some(url[Position::BeforeHost..Position::AfterPort].to_owned()),
            Service::Entra | Service::Flow | Service::Trigger | Service::Pipeline => None,
        };
        Self { service, host }
    }
}

impl Limiters {
    /// Makes limiters that never let more than `maximum` requests of a key through at once.
    pub(super) fn new(maximum: usize) -> Self {
        Self { maximum, by_key: Mutex::default() }
    }

    /// Returns the limiter of a key, made when the key is first used.
    pub(super) fn get(&self, key: LimitKey) -> Arc<Limiter> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(by_key.entry(key).or_insert_with(|| Arc::new(Limiter::new(self.maximum))))
    }
}

impl Limiter {
    /// Makes a limiter that never lets more than `maximum` requests through at once.
    pub(super) fn new(maximum: usize) -> Self {
        let concurrency = Concurrency::new(maximum.min(Semaphore::MAX_PERMITS));
        let permits = concurrency.limit();
        let state = State {
            concurrency,
            permits,
            pause_end: None,
            reported_wait_end: None,
            next_slow_report: None,
        };
        Self { permits: Semaphore::new(permits), state: Mutex::new(state) }
    }

    /// Waits for a permit and for the end of a pause. Returns none if that is not before `end`.
    pub(super) async fn acquire(&self, end: Instant) -> Option<Permit<'_>> {
        loop {
            // The semaphore is never closed, so the inner error cannot come.
            let permit = timeout_at(end, self.permits.acquire()).await.ok()?.ok()?;
            let sent = self.lock().concurrency.sent();
            let mut permit = Permit { limiter: self, slot: Some(permit), sent };
            self.wait_out_pause(end).await?;
            let state = self.lock();
            // The limit may have fallen meanwhile: then the permit goes with the drop.
            if state.permits <= state.concurrency.limit() {
                permit.sent = state.concurrency.sent();
                drop(state);
                return Some(permit);
            }
        }
    }

    /// Waits for the end of a pause. Returns none if that is not before `end`.
    async fn wait_out_pause(&self, end: Instant) -> Option<()> {
        while let Some(pause_end) = self.pause_end() {
            if pause_end >= end {
                return None;
            }
            sleep_until(pause_end).await;
        }
        // A sleep may end up to a millisecond late.
        (Instant::now() < end).then_some(())
    }

    /// Pauses all requests for at least the least of `delay`, and returns for how long. The fraction
    /// says where between its least and its most the pause ends, unless a pause that is under way
    /// lasts long enough.
    pub(super) fn pause(&self, delay: Delay, fraction: u32) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        let running = state.pause_end.filter(|end| *end >= now + delay.at_fraction(0));
        let end = running.unwrap_or_else(|| now + delay.at_fraction(fraction));
        state.pause_end = Some(end);
        end - now
    }

    /// Returns how much longer requests are paused, if they are.
    pub(super) fn remaining_pause(&self) -> Option<Duration> {
        self.pause_end().map(|end| end - Instant::now())
    }

    /// Returns true if a wait is not yet reported, and notes it as reported.
    pub(super) fn begin_wait_report(&self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        let is_new = state.reported_wait_end.is_none_or(|reported| reported + SAME_WAIT < end);
        if is_new {
            state.reported_wait_end = Some(end);
        }
        is_new
    }

    /// Returns true if a slow answer may be reported now, and notes it as reported.
    pub(super) fn begin_slow_report(&self) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let is_due = state.next_slow_report.is_none_or(|next| next <= now);
        if is_due {
            state.next_slow_report = Some(now + QUIET_TIME);
        }
        is_due
    }

    /// Returns the end of the pause, unless it has passed.
    fn pause_end(&self) -> Option<Instant> {
        let now = Instant::now();
        self.lock().pause_end.filter(|end| *end > now)
    }

    /// Applies a change to what is known of the service, and to the number of permits with it.
    /// Permits in use are taken away when they are dropped.
    fn update(&self, change: impl FnOnce(&mut Concurrency)) {
        let mut state = self.lock();
        change(&mut state.concurrency);
        let limit = state.concurrency.limit();
        if limit > state.permits {
            self.permits.add_permits(limit - state.permits);
            state.permits = limit;
        } else {
            state.permits -= self.permits.forget_permits(state.permits - limit);
        }
    }

    /// Locks the state: plain values, so a panic elsewhere cannot break it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Notes that the service did its work.
    pub(super) fn record_success(&self) {
        self.limiter.update(|concurrency| concurrency.record_success(self.sent));
    }

    /// Notes that the service turned the request away.
    pub(super) fn record_throttled(&self) {
        self.limiter.update(|concurrency| concurrency.record_throttled(self.sent));
    }

    /// Notes how many requests at once the service recommends.
    pub(super) fn record_hint(&self, hint: usize) {
        self.limiter.update(|concurrency| concurrency.hint = hint.max(1));
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        if state.permits > state.concurrency.limit() {
            state.permits -= 1;
            self.slot.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::time::sleep;

    use super::*;
    use crate::http::retry::{self, AttemptOutcome, Tries};

    const TOO_MANY: AttemptOutcome =
        AttemptOutcome::Answered { status: 429, retry_after: Some(Duration::from_secs(1)) };

    fn pause() -> Delay {
        retry::shared_pause(Tries::default().with_outcome(TOO_MANY), TOO_MANY).unwrap()
    }

    fn key(service: Service, url: &str) -> LimitKey {
        LimitKey::new(service, &url.parse().unwrap())
    }

    #[test]
    fn an_organisation_has_a_limit_of_its_own_and_an_identity_has_one_at_all_hosts_of_flows() {
        let (one, other) = ("https://one.crm4.dynamics.com/a", "https://other.crm4.dynamics.com/a");
        assert_ne!(key(Service::Dataverse, one), key(Service::Dataverse, other));
        assert_eq!(key(Service::Dataverse, one), key(Service::Dataverse, &format!("{one}/b?c")));
        assert_eq!(key(Service::Flow, one), key(Service::Flow, other));
        assert_ne!(key(Service::Flow, one), key(Service::Entra, one));
        let limiters = Limiters::new(2);
        let first = limiters.get(key(Service::Flow, one));
        assert!(Arc::ptr_eq(&first, &limiters.get(key(Service::Flow, other))));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_let_through_before_the_end_of_a_pause_which_is_drawn_once() {
        for (fraction, expected) in [(0, 1_000), (u32::MAX, 1_125)] {
            let limiter = Limiter::new(4);
            let begin = Instant::now();
            assert_eq!(limiter.pause(pause(), fraction).as_millis(), expected);
            // Another request that was turned away then too.
            assert_eq!(limiter.pause(pause(), u32::MAX / 2).as_millis(), expected);
            let end = begin + Duration::from_mins(1);
            let all = (0..4).map(|_| async {
                let _permit = limiter.acquire(end).await.unwrap();
                begin.elapsed().as_millis()
            });
            assert_eq!(join_all(all).await, [expected; 4]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_past_the_end_is_not_sat_through() {
        let limiter = Limiter::new(4);
        limiter.pause(pause(), 0);
        let begin = Instant::now();
        assert!(limiter.acquire(begin + Duration::from_millis(500)).await.is_none());
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(limiter.acquire(begin + Duration::from_secs(2)).await.is_some());
        assert_eq!(begin.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_grows_and_does_not_shrink() {
        let limiter = Limiter::new(4);
        let begin = Instant::now();
        let long =
            AttemptOutcome::Answered { status: 429, retry_after: Some(Duration::from_secs(30)) };
        limiter.pause(retry::shared_pause(Tries::default(), long).unwrap(), 0);
        limiter.pause(pause(), 0);
        assert!(limiter.acquire(begin + Duration::from_mins(1)).await.is_some());
        assert_eq!(begin.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn one_pause_is_reported_once() {
        let limiter = Limiter::new(4);
        let wait = Duration::from_secs(20);
        assert!(limiter.begin_wait_report(wait));
        assert!(!limiter.begin_wait_report(wait + Duration::from_millis(500)));
        assert!(limiter.begin_wait_report(wait * 2));
        sleep(wait * 2).await;
        assert!(limiter.begin_wait_report(wait));
    }

    #[tokio::test(start_paused = true)]
    async fn permits_that_are_given_up_while_waiting_are_not_lost() {
        let limiter = Limiter::new(1);
        let end = Instant::now() + Duration::from_mins(1);
        let permit = limiter.acquire(end).await;
        let waiting = timeout_at(Instant::now() + SAME_WAIT, limiter.acquire(end)).await;
        assert!(waiting.is_err());
        drop(permit);
        assert!(limiter.acquire(end).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_takes_permits_away_and_gives_them_back() {
        let limiter = Limiter::new(8);
        let end = Instant::now() + SAME_WAIT;
        let mut permits = Vec::new();
        permits.push(limiter.acquire(end).await.unwrap());
        permits[0].record_hint(2);
        permits.push(limiter.acquire(end).await.unwrap());
        assert!(limiter.acquire(end).await.is_none());
        permits[0].record_hint(50);
        let end = Instant::now() + SAME_WAIT;
        for _ in 2..8 {
            permits.push(limiter.acquire(end).await.unwrap());
        }
        assert!(limiter.acquire(end).await.is_none());
    }

    /// Asks for pauses, each after a while, and then for a permit. Returns the earliest time that is
    /// right, and when the permit was given, both from the beginning.
    async fn entered(
        limiter: &Limiter,
        pauses: &[(u64, u64, u32)],
        time: Duration,
    ) -> (Duration, Option<Duration>) {
        let begin = Instant::now();
        let mut earliest = Duration::ZERO;
        for (after, wait, fraction) in pauses {
            sleep(Duration::from_millis(*after)).await;
            let retry_after = Some(Duration::from_millis(*wait));
            let outcome = AttemptOutcome::Answered { status: 429, retry_after };
            limiter.pause(
                retry::shared_pause(Tries::default().with_outcome(outcome), outcome).unwrap(),
                *fraction,
            );
            earliest = earliest.max(begin.elapsed() + Duration::from_millis(*wait));
        }
        let permit = limiter.acquire(begin + time).await;
        (earliest, permit.map(|_| begin.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_let_through_by_a_sleep_that_ends_late() {
        let pauses = [(1_762, 860, 3_675_692_961)];
        let (earliest, entered) =
            entered(&Limiter::new(4), &pauses, Duration::from_millis(2_715)).await;
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
            let (earliest, entered) = runtime.block_on(entered(&Limiter::new(4), &pauses, time));
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
