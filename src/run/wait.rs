//! Waits for flows that are not ready yet, as after an import that a later step completes.

use std::cell::Cell;
use std::iter;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout_at};

use crate::cli::WaitArgs;
use crate::discover::observe;
use crate::manifest::Manifest;
use crate::model::{Desired, EnvironmentId, Event, Exit, Failure, Listener, Stage};
use crate::plan::compare::review::Reviewed;
use crate::plan::{FlowsToWaitFor, flows_to_wait_for, plan};
use crate::run::connect::Connection;
use crate::run::not_ready::NotReady;
use crate::run::observation::{Observation, discover_and_plan};
use crate::run::reviewed_plan;

/// The first pause between two attempts; each further pause is twice as long.
const FIRST: Duration = Duration::from_secs(2);

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(15);

/// The options of a wait for flows: its maximum length, and the conditions to wait at all.
#[derive(Clone, Copy)]
pub(crate) struct Wait<'run> {
    longest: Duration,
    /// The reviewed plan: if it no longer holds, the run does not wait.
    reviewed: Option<&'run Reviewed>,
    /// True if problems of the targets are ignored.
    flows_alone: bool,
}

impl<'run> Wait<'run> {
    /// Reads the options of waiting; none if the run does not wait.
    pub(crate) fn from_args(args: &WaitArgs) -> Option<Self> {
        let longest = args.longest()?;
        Some(Self { longest, reviewed: None, flows_alone: false })
    }

    /// Binds the wait to a reviewed plan, if there is one.
    pub(crate) fn for_plan(self, reviewed: Option<&'run Reviewed>) -> Self {
        Self { reviewed, ..self }
    }

    /// Ignores problems of the targets, for a run that writes to no target in the environment.
    pub(crate) fn for_flows_alone(self) -> Self {
        Self { flows_alone: true, ..self }
    }

    /// Waits while flows that are not ready are the only problem of the plan, for at most the
    /// length of the wait. Then reads everything again, since it may have changed, and returns the
    /// flows that are still not ready. If a service cannot answer, the wait goes on.
    pub(crate) async fn until_ready(
        &self,
        mut found: Observation,
        manifest: &Manifest,
        connection: &Connection,
        listener: &dyn Listener,
    ) -> Result<(Observation, Option<NotReady>), Failure> {
        let desired = manifest.desired();
        let reader = connection.reader();
        let extend = |time| reader.extend_deadline(time);
        let term = WaitPeriod::begin(self.time(SystemTime::now()), &extend);
        let Some(mut lacking) = self.unready_flows(desired, &found, connection) else {
            return Ok((found, None));
        };
        loop {
            let id = found.discovery.environment_id.clone();
            Stage::Wait.log(look_at(&lacking, &id, connection, &term, listener)).await?;
            found = match discover_and_plan(connection, manifest, Some(id), &DiscardEvents).await {
                Err(failure) if may_pass(&failure) && !term.is_over() => {
                    listener.on_event(Event::LookFailed { reason: &failure.message });
                    continue;
                }
                found => found?,
            };
            lacking = match self.unready_flows(desired, &found, connection) {
                Some(lacking) if !term.is_over() => lacking,
                still => return Ok((found, still.map(|still| self.flows_not_ready(still)))),
            };
        }
    }

    /// Returns how long the run waits from now on: at most until the reviewed plan expires.
    fn time(&self, now: SystemTime) -> Duration {
        let left = self.reviewed.and_then(|reviewed| reviewed_plan::time_left(reviewed, now));
        left.map_or(self.longest, |left| left.min(self.longest))
    }

    /// Returns the flows to wait for, or none if the plan also has other problems.
    fn unready_flows(
        &self,
        desired: &Desired,
        found: &Observation,
        connection: &Connection,
    ) -> Option<FlowsToWaitFor> {
        let observed = &found.discovery.observed;
        if self.flows_alone {
            let flows = Desired { bindings: Vec::new(), ..desired.clone() };
            return flows_to_wait_for(&plan(&flows, observed, &connection.cloud), &flows, observed);
        }
        let present = reviewed_plan::present(connection, &found.discovery.environment_id);
        let moved = self.reviewed.is_some_and(|reviewed| {
            !reviewed.problems_since_review(&present, &found.plan, &reviewed_plan::now()).is_empty()
        });
        if moved { None } else { flows_to_wait_for(&found.plan, desired, observed) }
    }

    /// Returns the flows that were still not ready at the end of the wait.
    fn flows_not_ready(&self, FlowsToWaitFor { names, .. }: FlowsToWaitFor) -> NotReady {
        NotReady { names, longest: self.longest }
    }
}

/// Polls only these flows until they are ready, until one of them has another problem, or until the
/// wait is over.
async fn look_at(
    FlowsToWaitFor { desired, names }: &FlowsToWaitFor,
    id: &EnvironmentId,
    connection: &Connection,
    term: &WaitPeriod<'_>,
    listener: &dyn Listener,
) -> Result<(), Failure> {
    let reader = connection.reader();
    let look = async || {
        let observed = observe(&reader, desired, Some(id.clone()), &DiscardEvents).await?.observed;
        let plan = plan(desired, &observed, &connection.cloud);
        let unready = flows_to_wait_for(&plan, desired, &observed);
        Ok(unready.map(|unready| unready.names).unwrap_or_default())
    };
    look_again(names.clone(), term, listener, look).await
}

/// The duration of a wait. The time that the run actually waits is added to the run's timeout, like
/// the time that it waits for a person.
struct WaitPeriod<'run> {
    end: Instant,
    /// The time of the last addition to the run's timeout.
    since: Cell<Instant>,
    /// Extends the run's timeout.
    extend: &'run dyn Fn(Duration),
}

impl<'run> WaitPeriod<'run> {
    /// Begins a wait now.
    fn begin(time: Duration, extend: &'run dyn Fn(Duration)) -> Self {
        let now = Instant::now();
        Self { end: now + time, since: Cell::new(now), extend }
    }

    /// Returns the time that is left.
    fn time_left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Returns true if no time is left.
    fn is_over(&self) -> bool {
        self.time_left().is_zero()
    }

    /// Adds the time since the last call to the run's timeout.
    fn add(&self) {
        let now = Instant::now();
        (self.extend)(now - self.since.replace(now));
    }
}

/// Polls with growing pauses until no flow is left to wait for, or the time is over. An attempt
/// that is cut off by the end, or that fails and may succeed the next time, changes nothing. The
/// caller reads everything once more afterwards.
async fn look_again(
    mut names: Vec<String>,
    term: &WaitPeriod<'_>,
    listener: &dyn Listener,
    mut look: impl AsyncFnMut() -> Result<Vec<String>, Failure>,
) -> Result<(), Failure> {
    let mut told = Vec::new();
    for pause in pauses() {
        let left = term.time_left();
        if names.is_empty() || left.is_zero() {
            break;
        }
        let pause = pause.min(left);
        listener.on_event(Event::AwaitingFlows { flows: &names, pause, left, news: names != told });
        told.clone_from(&names);
        sleep(pause).await;
        term.add();
        if term.is_over() {
            break;
        }
        match timeout_at(term.end, look()).await {
            Ok(Ok(found)) => names = found,
            Ok(Err(failure)) if !may_pass(&failure) => return Err(failure),
            Ok(Err(failure)) => listener.on_event(Event::LookFailed { reason: &failure.message }),
            Err(_) => (),
        }
    }
    term.add();
    Ok(())
}

/// Returns true if the next attempt may succeed after this failure.
fn may_pass(failure: &Failure) -> bool {
    failure.exit == Exit::Unreachable
}

/// Returns the pauses between attempts: they double up to a maximum.
fn pauses() -> impl Iterator<Item = Duration> {
    iter::successors(Some(FIRST), |pause| Some(pause.saturating_mul(2).min(LONGEST)))
}

/// Discards events: a wait polls too often to report each attempt.
struct DiscardEvents;

impl Listener for DiscardEvents {
    fn on_event(&self, _: Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;

    use super::*;

    /// Notes what a wait tells: the flows, the pause and the rest of the time in seconds, and whether
    /// the flows are others than before.
    #[derive(Default)]
    struct Notes(RefCell<Vec<(String, u64, u64, bool)>>);

    impl Listener for Notes {
        fn on_event(&self, event: Event<'_>) {
            let Event::AwaitingFlows { flows, pause, left, news } = event else { panic!() };
            let note = (flows.join(" "), pause.as_secs(), left.as_secs(), news);
            self.0.borrow_mut().push(note);
        }
    }

    /// Notes why looks failed.
    #[derive(Default)]
    struct Failures(RefCell<Vec<String>>);

    impl Listener for Failures {
        fn on_event(&self, event: Event<'_>) {
            if let Event::LookFailed { reason } = event {
                self.0.borrow_mut().push(reason.to_owned());
            }
        }
    }

    fn flows(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// A wait whose looks find these flows, and then the last ones for ever; what was told, and how
    /// many seconds it took, which are those that the run was given.
    async fn wait(seconds: u64, found: &[&str]) -> (Vec<(String, u64, u64, bool)>, u64) {
        let (notes, begin) = (Notes::default(), Instant::now());
        let mut looks = found.iter().copied();
        let mut last = looks.next().unwrap();
        let first = flows(last);
        let look = async || {
            last = looks.next().unwrap_or(last);
            Ok(flows(last))
        };
        let given = Cell::new(Duration::ZERO);
        let extend = |time| given.set(given.get() + time);
        let term = WaitPeriod::begin(Duration::from_secs(seconds), &extend);
        look_again(first, &term, &notes, look).await.unwrap();
        assert_eq!(given.get(), begin.elapsed());
        (notes.0.into_inner(), begin.elapsed().as_secs())
    }

    /// A wait of a minute for a flow by these looks; how it ended, and how many seconds it took.
    async fn wait_by(
        look: impl AsyncFnMut() -> Result<Vec<String>, Failure>,
    ) -> (Option<Exit>, u64) {
        let begin = Instant::now();
        let term = WaitPeriod::begin(Duration::from_mins(1), &|_| ());
        let ended = look_again(flows("a"), &term, &DiscardEvents, look).await;
        (ended.err().map(|failure| failure.exit), begin.elapsed().as_secs())
    }

    fn note(flows: &str, pause: u64, left: u64, news: bool) -> (String, u64, u64, bool) {
        (flows.to_owned(), pause, left, news)
    }

    #[tokio::test(start_paused = true)]
    async fn the_pauses_double_up_to_a_bound_and_end_with_the_wait() {
        let (told, took) = wait(50, &["a"]).await;
        let pauses: Vec<u64> = told.iter().map(|(_, pause, ..)| *pause).collect();
        assert_eq!((pauses, took), (vec![2, 4, 8, 15, 15, 6], 50));
        assert_eq!(wait(1, &["a"]).await, (vec![note("a", 1, 1, true)], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_ends_with_the_look_that_finds_nothing_to_wait_for() {
        let (told, took) = wait(60, &["a b", "a b", "b", ""]).await;
        let expected =
            [note("a b", 2, 60, true), note("a b", 4, 58, false), note("b", 8, 54, true)];
        assert_eq!((told, took), (expected.to_vec(), 14));
        assert_eq!(wait(60, &[""]).await, (Vec::new(), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_ends_the_wait_only_if_the_next_one_would_fail_too() {
        let fails = |exit| wait_by(async move || Err(Failure::new(exit, "gone")));
        assert_eq!(fails(Exit::SignIn).await, (Some(Exit::SignIn), 2));
        assert_eq!(fails(Exit::Unreachable).await, (None, 60));
        let mut failures = 2;
        let mended = wait_by(async || {
            failures -= 1;
            if failures == 0 { Ok(Vec::new()) } else { Err(Failure::new(Exit::Unreachable, "")) }
        });
        assert_eq!(mended.await, (None, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_is_told_with_its_reason() {
        let (failures, term) =
            (Failures::default(), WaitPeriod::begin(Duration::from_secs(7), &|_| ()));
        let look = async || Err(Failure::new(Exit::Unreachable, "gone"));
        look_again(flows("a"), &term, &failures, look).await.unwrap();
        assert_eq!(failures.0.into_inner(), ["gone", "gone"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_without_an_answer_ends_with_the_wait() {
        assert_eq!(wait_by(async || pending().await).await, (None, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_run_is_given_what_passed_before_each_look_and_nothing_that_did_not() {
        let given = Cell::new(Duration::ZERO);
        let extend = |time| given.set(given.get() + time);
        let term = WaitPeriod::begin(Duration::from_mins(1), &extend);
        let mut seen = Vec::new();
        let look = async || {
            seen.push(given.get().as_secs());
            sleep(Duration::from_secs(3)).await;
            Ok(if seen.len() == 2 { Vec::new() } else { flows("a") })
        };
        look_again(flows("a"), &term, &DiscardEvents, look).await.unwrap();
        assert_eq!((seen, given.get().as_secs()), (vec![2, 9], 12));
    }

    #[test]
    fn nothing_is_waited_for_once_a_reviewed_plan_has_expired() {
        let text = r#"{"kind": "flowbind-plan", "version": 1, "changes": [], "head": {
            "made": "2026-01-31T09:00:00Z", "expires": "2026-01-31T10:00:00Z",
            "manifest-sha256": "", "environment": "", "environment-id": "",
            "user": {"name": null, "object-id": null, "tenant-id": null}}}"#;
        let reviewed = Reviewed::from_json(text.as_bytes()).unwrap();
        let expires = humantime::parse_rfc3339(&reviewed.head.expires).unwrap();
        let wait = Wait { longest: Duration::from_mins(1), reviewed: None, flows_alone: false };
        let seconds = |wait: Wait<'_>, now| wait.time(now).as_secs();
        let soon = expires - Duration::from_secs(5);
        assert_eq!(seconds(wait, soon), 60);
        let held = wait.for_plan(Some(&reviewed));
        let early = expires - Duration::from_hours(1);
        assert_eq!([early, soon, expires].map(|now| seconds(held, now)), [60, 5, 0]);
        assert_eq!(seconds(held, expires + Duration::from_secs(1)), 0);
    }

    #[test]
    fn the_end_of_the_wait_names_every_flow() {
        let over = |names| NotReady { names: flows(names), longest: Duration::from_mins(5) };
        let failure = over("Orders Returns").failure();
        assert_eq!(failure.exit, Exit::NotReady);
        assert_eq!(
            failure.message,
            "2 flows were not ready within 300 s: `Orders`, `Returns`; nothing was written"
        );
        assert!(over("Orders").failure().message.starts_with("1 flow was not ready"));
    }
}
