//! Reports answers that take long: which service owes the answer, and how much longer it is waited for.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Method, Peer};

/// How long an answer may take before it is reported.
const FIRST: Duration = Duration::from_secs(10);

/// By how much the time grows from one report to the next.
const GROWTH: u32 = 3;

/// How long nothing more is reported about a service, however many of its answers are slow.
pub(super) const QUIET_TIME: Duration = Duration::from_secs(15);

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub struct SlowAnswer<'run> {
    /// Who owes the answer.
    pub peer: &'run Peer,
    /// The method.
    pub method: &'run Method,
    /// The path, with `{name}` or `...` in the place of what varies.
    pub template: &'static str,
    /// How long the answer has taken.
    pub time: Duration,
    /// How much longer the run waits for it, by further attempts or by this one alone.
    pub left: Duration,
    /// The time for the whole run, if that is what ends the wait.
    pub limit: Option<Duration>,
}

/// Awaits the work, and reports how long it has taken after a while, and then ever more rarely.
pub(super) async fn report_when_slow<T>(
    work: impl Future<Output = T>,
    tell: impl Fn(Duration),
) -> T {
    let mut work = pin!(work);
    let (begin, mut next) = (Instant::now(), FIRST);
    loop {
        tokio::select! {
            biased;
            ended = &mut work => return ended,
            () = sleep_until(begin + next) => tell(next),
        }
        next = next.saturating_mul(GROWTH);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::sleep;

    use super::*;

    async fn told_of(seconds: u64) -> Vec<u64> {
        let told_of = Mutex::new(Vec::new());
        let tell = |time: Duration| told_of.lock().unwrap().push(time.as_secs());
        report_when_slow(sleep(Duration::from_secs(seconds)), tell).await;
        told_of.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_reported_after_a_while_and_then_rarely() {
        assert!(told_of(9).await.is_empty());
        assert_eq!(told_of(29).await, [10]);
        assert_eq!(told_of(120).await, [10, 30, 90]);
    }
}
