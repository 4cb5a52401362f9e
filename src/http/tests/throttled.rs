//! The limiter against a model of a service that turns requests away, in a time that nobody waits for.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::http::Safety;
use crate::http::limiter::Limiter;
use crate::http::retry::{self, AttemptOutcome, Decision, Tries};

/// How long a service takes for an answer, give or take a tenth.
const LATENCY: Duration = Duration::from_millis(50);

/// How many requests there are.
const COUNT: u32 = 2_000;

/// How many times each case is tried, each time with other times of answers.
const SEEDS: u64 = 4;

/// What a service admits.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// Everything.
    None,
    /// So many requests at once, those that it is about to turn away included.
    AtOnce(u32),
    /// So many requests in a window of so many seconds.
    InWindow(u32, u32),
    /// All but so many of a hundred, whatever is under way.
    AllBut(u64),
}

/// A service that answers late, turns away what is past its limit, and wants to be left alone then.
struct Service {
    limit: Limit,
    random: Cell<u64>,
    /// Whether it turns requests away at once, and not after the time of an answer.
    quick: bool,
    under_way: Cell<u32>,
    /// When the window began, and how many requests came in it.
    window: Cell<(Instant, u32)>,
}

/// One run of the program.
struct Run {
    limiter: Limiter,
    /// Until when the service wants to be left alone by it.
    left_alone: Cell<Instant>,
}

impl Service {
    fn new(limit: Limit, seed: u64, quick: bool) -> Self {
        let now = Instant::now();
        Self {
            limit,
            random: Cell::new(seed),
            quick,
            under_way: Cell::default(),
            window: Cell::new((now, 0)),
        }
    }

    /// A number below that one.
    fn draw(&self, below: u64) -> u64 {
        let next = self.random.get().wrapping_mul(6_364_136_223_846_793_005);
        let next = next.wrapping_add(1_442_695_040_888_963_407);
        self.random.set(next);
        (next >> 33) % below
    }

    /// Admits a request that arrived, or returns how long it asks to be left alone.
    fn admit(&self) -> Result<(), Duration> {
        let (admitted, rest) = match self.limit {
            Limit::None => (true, 0),
            Limit::AtOnce(most) => (self.under_way.get() <= most, 1),
            Limit::AllBut(percent) => (self.draw(100) >= percent, 1),
            Limit::InWindow(most, seconds) => self.admit_in_window(most, seconds),
        };
        admitted.then_some(()).ok_or(Duration::from_secs(rest))
    }

    /// Whether there is room in the window, and how many seconds it lasts.
    fn admit_in_window(&self, most: u32, seconds: u32) -> (bool, u64) {
        let (now, window) = (Instant::now(), Duration::from_secs(seconds.into()));
        let (begin, used) = self.window.get();
        let (begin, used) = if begin + window > now { (begin, used + 1) } else { (now, 1) };
        self.window.set((begin, used));
        let rest = begin + window - now;
        (used <= most, rest.as_secs() + u64::from(rest.subsec_nanos() > 0))
    }

    /// Answers a request that is sent now. Requests do not come in the order in which they are sent,
    /// and are not answered in that in which they came.
    async fn ask(&self, run: &Run) -> AttemptOutcome {
        assert!(Instant::now() >= run.left_alone.get(), "sent before the end of a pause");
        let way = Duration::from_millis(self.draw(4));
        sleep(way).await;
        self.under_way.set(self.under_way.get() + 1);
        let admitted = self.admit();
        if admitted.is_ok() || !self.quick {
            let whole = LATENCY * 9 / 10 + Duration::from_millis(self.draw(11));
            sleep(whole.saturating_sub(way)).await;
        }
        self.under_way.set(self.under_way.get() - 1);
        let Err(rest) = admitted else {
            return AttemptOutcome::Answered { status: 200, retry_after: None };
        };
        run.left_alone.set(run.left_alone.get().max(Instant::now() + rest));
        AttemptOutcome::Answered { status: 429, retry_after: Some(rest) }
    }

    /// Sends one request of a run until it is done.
    async fn send(&self, run: &Run) {
        let limiter = &run.limiter;
        let mut tries = Tries::default();
        loop {
            let end = Instant::now() + Duration::from_hours(9);
            let permit = limiter.acquire(end).await.unwrap();
            let outcome = self.ask(run).await;
            tries = tries.with_outcome(outcome);
            if matches!(outcome, AttemptOutcome::Answered { status: 200, .. }) {
                return permit.record_success();
            }
            permit.record_throttled();
            drop(permit);
            let wait = limiter.pause(retry::shared_pause(tries, outcome).unwrap(), u32::MAX / 2);
            assert_ne!(retry::decide(tries, Safety::Query, outcome), Decision::Stop);
            sleep(wait).await;
        }
    }
}

impl Run {
    fn new(ceiling: usize) -> Self {
        Self { limiter: Limiter::new(ceiling), left_alone: Cell::new(Instant::now()) }
    }

    /// Sends so many requests.
    async fn send(&self, count: u32, service: &Service) {
        join_all((0..count).map(|_| service.send(self))).await;
    }
}

/// How long so many requests take that are sent to a new service, in seconds.
async fn taken(count: u32, ceiling: usize, limit: Limit, (seed, quick): (u64, bool)) -> f64 {
    let (run, service) = (Run::new(ceiling), Service::new(limit, seed, quick));
    let begin = Instant::now();
    run.send(count, &service).await;
    begin.elapsed().as_secs_f64()
}

/// How long so many runs take that begin half a second after each other, in seconds.
async fn taken_together(runs: u32, limit: Limit, (seed, quick): (u64, bool)) -> f64 {
    let service = Service::new(limit, seed, quick);
    let begin = Instant::now();
    let all = (0..runs).map(async |number| {
        sleep(Duration::from_millis(500) * number).await;
        Run::new(24).send(COUNT, &service).await;
    });
    join_all(all).await;
    begin.elapsed().as_secs_f64()
}

/// The mean and the largest of the times of two thousand requests over a best time.
async fn ratios(ceiling: usize, limit: Limit, best: f64) -> (f64, f64) {
    let (mut sum, mut largest) = (0.0, 0.0_f64);
    for seed in 1..=SEEDS {
        for quick in [false, true] {
            let ratio = taken(COUNT, ceiling, limit, (seed * 7_919, quick)).await / best;
            sum += ratio / 2.0;
            largest = largest.max(ratio);
        }
    }
    (sum / f64::from(u32::try_from(SEEDS).unwrap()), largest)
}

/// The least time of two thousand requests, so many at once.
fn best(at_once: u32) -> f64 {
    f64::from(COUNT) / f64::from(at_once) * LATENCY.as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_bears_so_many_at_once_is_sent_as_many_after_few_pauses() {
    for ceiling in [24, 32] {
        for most in 1..=23 {
            let (mean, largest) = ratios(ceiling, Limit::AtOnce(most), best(most)).await;
            let told = format!("{most} of {ceiling}: {mean:.3}, {largest:.3}");
            assert!(mean <= 1.5 && largest <= 1.55, "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_without_a_limit_is_kept_busy() {
    for ceiling in [8_u32, 24, 32] {
        let (_, largest) = ratios(ceiling as usize, Limit::None, best(ceiling)).await;
        assert!(largest <= 1.03, "{ceiling}: {largest:.3}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_counts_requests_in_a_window_is_sent_nearly_as_many() {
    for (most, seconds, bound) in [(200, 5, 1.2), (100, 10, 1.12), (400, 5, 1.3)] {
        let least = f64::from((COUNT - 1) / most * seconds);
        for ceiling in [24, 32] {
            let (_, largest) = ratios(ceiling, Limit::InWindow(most, seconds), least).await;
            assert!(largest <= bound, "{most} in {seconds} s, {ceiling}: {largest:.3}");
        }
    }
}

/// Where refusals have nothing to do with how many requests there are, one at a time would take
/// more than half an hour.
#[tokio::test(start_paused = true)]
async fn a_service_that_turns_away_every_second_request_is_not_asked_one_at_a_time() {
    for ceiling in [24, 32] {
        let (mean, _) = ratios(ceiling, Limit::AllBut(50), 1.0).await;
        assert!(mean <= 450.0, "{ceiling}: {mean:.0} s");
    }
}

/// Twelve a second at best, so 200 take 17 seconds.
#[tokio::test(start_paused = true)]
async fn it_takes_few_tries_to_find_out_that_fewer_at_once_do_not_help() {
    for ceiling in [24, 32] {
        let mut sum = 0.0;
        for seed in 1..=16 {
            sum += taken(200, ceiling, Limit::AllBut(50), (seed * 7_919, false)).await;
        }
        assert!(sum / 16.0 <= 27.0, "{ceiling}: {:.1} s", sum / 16.0);
    }
}

/// What one run bears of a limit is luck where others share it: none of them takes that for chance and
/// crowds out the others.
#[tokio::test(start_paused = true)]
async fn runs_that_share_a_limit_leave_each_other_room() {
    for (runs, most) in [(2, 8), (2, 20), (3, 20), (4, 52)] {
        let mut sum = 0.0;
        for seed in 1..=8 {
            sum += taken_together(runs, Limit::AtOnce(most), (seed * 7_919, seed % 2 == 0)).await;
        }
        let (mean, least) = (sum / 8.0, best(most) * f64::from(runs));
        assert!(mean <= 3.5 * least, "{runs} runs, {most}: {mean:.1} s, at best {least:.1} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_request_that_is_turned_away_does_not_cost_the_others() {
    let (run, service) = (Run::new(24), Service::new(Limit::AtOnce(0), 1, false));
    let _ = timeout(Duration::from_millis(100), run.send(1, &service)).await;
    let service = Service { limit: Limit::AtOnce(16), ..service };
    let begin = Instant::now();
    run.send(COUNT, &service).await;
    let ratio = begin.elapsed().as_secs_f64() / best(16);
    assert!(ratio <= 1.4, "{ratio:.2}");
}
