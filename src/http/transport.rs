//! Sends requests: no more at once than the limiter lets through, again where that is safe, and not past
//! the run's deadline.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, Span};
use url::Url;
use uuid::Uuid;

use super::client::{Client, Tuning};
use super::limiter::{LimitKey, Limiter, Limiters, Permit};
use super::prepared_request::PreparedRequest;
use super::request_counts::RequestCounter;
use super::retry::{self, AttemptOutcome, Decision, Tries};
use super::{
    Answer, ExtraRoots, Method, Request, RequestCounts, Safety, SlowAnswer, TransportError,
    exchanges, slow_answers, span,
};
use crate::model::{AccessToken, CutShort, Service, ServiceWait, WaitCause, milliseconds};

/// The longest wait for a connection, which is short against that for an answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The least time that an attempt is begun for: an answer that comes later would be told as lost.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(50);

/// The header in which Dataverse recommends how many requests are sent at once
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests>).
const PARALLELISM_HINT: &str = "x-ms-dop-hint";

/// What bounds the requests of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many requests may be under way at once to one service.
    pub concurrency: usize,
    /// How long the whole run may take, from the making of the transport.
    pub deadline: Duration,
    /// How long one attempt may take, from the connection to the last byte.
    pub attempt_timeout: Duration,
    /// Whether HTTP/1.1 is spoken to services that offer HTTP/2, too.
    pub http1: bool,
}

/// Sends requests. Clones share their connections, bounds and counts.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

/// What all clones of a transport share.
struct Shared {
    client: Client,
    limiters: Limiters,
    counter: RequestCounter,
    attempt_timeout: Duration,
    deadline: Mutex<Instant>,
    /// The time for the whole run.
    limit: Duration,
    on_wait: OnceLock<OnWait>,
    on_slow_answer: OnceLock<OnSlowAnswer>,
    /// The number of writes that Dataverse may be carrying out.
    writes: AtomicUsize,
    /// The number of writes that Dataverse answered.
    answered_writes: AtomicUsize,
    /// Whether a connection was opened ahead of what needs it.
    opened_early: AtomicBool,
}

/// A command that a service may be carrying out, until this is dropped.
struct WriteInProgress<'run> {
    writes: &'run AtomicUsize,
}

/// Is told of a wait before a request is sent again.
type OnWait = Box<dyn Fn(ServiceWait) + Send + Sync>;

/// Is told of answers that take long.
type OnSlowAnswer = Box<dyn Fn(SlowAnswer<'_>) + Send + Sync>;

/// What ends the wait for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// The run's deadline, or the time of an attempt that comes sooner.
    Run,
    /// The time of the attempt alone.
    Attempt,
}

impl Default for Settings {
    /// Allows 24 requests at once, so that two runs of one user stay below the 52 that Dataverse
    /// accepts of them; ten minutes in all; and two for an attempt, as long as Dataverse itself
    /// lets an operation run
    /// (<https://learn.microsoft.com/power-apps/developer/data-platform/api-limits>).
    fn default() -> Self {
        Self {
            concurrency: 24,
            deadline: Duration::from_mins(10),
            attempt_timeout: Duration::from_mins(2),
            http1: false,
        }
    }
}

impl Transport {
    /// Makes a transport, whose deadline begins to run now.
    ///
    /// # Errors
    /// Certificates or the TLS library could not be set up.
    pub fn new(settings: Settings) -> Result<Self, TransportError> {
        Self::with_extra_roots(settings, ExtraRoots::default())
    }

    /// Makes a transport that trusts further certificates besides the system's.
    ///
    /// # Errors
    /// Certificates or the TLS library could not be set up.
    pub fn with_extra_roots(
        settings: Settings,
        extra_roots: ExtraRoots,
    ) -> Result<Self, TransportError> {
        let tuning = Tuning {
            connections: settings.concurrency,
            connect: CONNECT_TIMEOUT.min(settings.attempt_timeout),
            extra_roots,
            http1: settings.http1,
        };
        let shared = Shared {
            client: Client::new(tuning)?,
            limiters: Limiters::new(settings.concurrency),
            counter: RequestCounter::default(),
            attempt_timeout: settings.attempt_timeout,
            deadline: Mutex::new(instant_after(settings.deadline)),
            limit: settings.deadline,
            on_wait: OnceLock::new(),
            on_slow_answer: OnceLock::new(),
            writes: AtomicUsize::new(0),
            answered_writes: AtomicUsize::new(0),
            opened_early: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends a request, and again where the answer and its safety allow it. The last answer is
    /// returned whatever its status, a redirect or `429` included. A request that writes is not
    /// sent again after an answer: `429` is returned when the pause that it asks for has passed.
    ///
    /// # Errors
    /// No answer: the variants tell whether the service can have seen the request.
    pub async fn send(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
    ) -> Result<Answer, TransportError> {
        self.send_again(request, token, 0).await
    }

    /// Sends a request that was turned away `refusals` times before: the waits grow on from there.
    ///
    /// # Errors
    /// No answer: the variants tell whether the service can have seen the request.
    pub async fn send_again(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        refusals: u32,
    ) -> Result<Answer, TransportError> {
        let prepared = PreparedRequest::new(request, token)?;
        let mut tries = Tries::after_refusals(refusals);
        let mut previous = None;
        loop {
            let number = tries.total_count() + 1;
            let result = self.shared.attempt(request, &prepared, number, Bound::Run).await;
            let result = match (result, previous) {
                // It waited for its turn: what came before tells more.
                (Err(TransportError::DeadlinePassed { last: None, .. }), Some(previous)) => {
                    return self.shared.conclude(&prepared, previous);
                }
                (result, _) => result,
            };
            let outcome = retry_outcome(&result, SystemTime::now());
            tries = tries.with_outcome(outcome);
            let limiter = self.shared.limiter(request);
            let pause = retry::shared_pause(tries, outcome)
                .map(|delay| limiter.pause(delay, random_fraction()));
            let Decision::Again(delay) = retry::decide(tries, request.safety, outcome) else {
                return result;
            };
            let wait = pause.unwrap_or_else(|| delay.at_fraction(random_fraction()));
            if Instant::now() + wait >= self.shared.deadline() {
                return self.shared.conclude(&prepared, result);
            }
            self.shared.report_wait(request, wait, wait_cause(outcome));
            sleep(wait).await;
            if request.safety == Safety::Write && result.is_ok() {
                return result;
            }
            previous = Some(result);
        }
    }

    /// Sends a request exactly once, within the time of an attempt but whatever is left of the
    /// run's: for a sign-in, which waits for a person and repeats itself by its own rules.
    ///
    /// # Errors
    /// No answer: the variants tell whether the service can have seen the request.
    pub async fn send_once(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
    ) -> Result<Answer, TransportError> {
        let prepared = PreparedRequest::new(request, token)?;
        self.shared.attempt(request, &prepared, 1, Bound::Attempt).await
    }

    /// Opens a connection to a host that will be asked, while something else is done: by a request that
    /// carries no token, and whose answer is for nobody. It counts as an attempt, takes no place of
    /// others, and is made once in a run. Over plain http there is nothing worth opening early.
    pub fn open_early(&self, service: Service, origin: Url) {
        if origin.scheme() != "https" || self.shared.opened_early.swap(true, Ordering::Relaxed) {
            return;
        }
        let request = Request::query(service, Method::HEAD, origin, "/");
        let Ok(prepared) = PreparedRequest::new(&request, None) else { return };
        let (shared, span) = (Arc::clone(&self.shared), span::begin_span(&request, &prepared, 1));
        self.shared.counter.count_attempt(service);
        tokio::spawn(async move { shared.open_connection(&prepared, &span).await });
    }

    /// Sets who is told of the waits before requests are sent again, once for all who wait for the
    /// same. The first one stays.
    pub fn on_wait(&self, tell: impl Fn(ServiceWait) + Send + Sync + 'static) {
        let _ = self.shared.on_wait.set(Box::new(tell));
    }

    /// Reports a wait that a caller makes by its own rules.
    pub fn report_wait(&self, wait: ServiceWait) {
        if let Some(tell) = self.shared.on_wait.get() {
            tell(wait);
        }
    }

    /// Sets who is told, rarely, of answers that take long. The first one stays.
    pub fn on_slow_answer(&self, tell: impl Fn(SlowAnswer<'_>) + Send + Sync + 'static) {
        let _ = self.shared.on_slow_answer.set(Box::new(tell));
    }

    /// Moves the run's deadline away by the time that a person took.
    pub fn extend_deadline(&self, time: Duration) {
        let mut deadline = self.shared.lock_deadline();
        *deadline += time;
    }

    /// Waits so long at most for what a person does, which takes no time of the run: meanwhile no other
    /// request meets the deadline either.
    pub async fn while_asking<T>(&self, longest: Duration, asking: impl Future<Output = T>) -> T {
        self.extend_deadline(longest);
        let begin = Instant::now();
        let answer = asking.await;
        let unused = longest.saturating_sub(begin.elapsed());
        *self.shared.lock_deadline() -= unused;
        answer
    }

    /// Returns true if Dataverse may be carrying out a write now. Before the first attempt, and while
    /// one that was turned away waits to be sent again, it is not, as far as its answer is true.
    pub fn is_writing(&self) -> bool {
        self.shared.writes.load(Ordering::Relaxed) > 0
    }

    /// Returns how many writes Dataverse answered so far.
    pub fn answered_writes(&self) -> usize {
        self.shared.answered_writes.load(Ordering::Relaxed)
    }

    /// Returns how many attempts went to each service so far.
    pub fn counts(&self) -> RequestCounts {
        self.shared.counter.read_counts()
    }
}

impl Shared {
    /// Returns the limiter that a request shares with all others that the same limit is for.
    fn limiter(&self, request: &Request) -> Arc<Limiter> {
        self.limiters.get(LimitKey::new(request.service, &request.url))
    }

    /// Makes one attempt when the limiter lets it through.
    async fn attempt(
        &self,
        request: &Request,
        prepared: &PreparedRequest,
        number: u32,
        bound: Bound,
    ) -> Result<Answer, TransportError> {
        let end = match bound {
            Bound::Run => self.deadline(),
            Bound::Attempt => instant_after(self.attempt_timeout),
        };
        let limiter = self.limiter(request);
        let passed = || TransportError::DeadlinePassed {
            peer: prepared.peer.clone(),
            cut_short: self.cut_short(limiter.remaining_pause()),
            last: None,
        };
        let pause = limiter.remaining_pause();
        if let Some(pause) = pause.filter(|pause| Instant::now() + *pause < end) {
            self.report_wait(request, pause, WaitCause::Paused);
        }
        let permit = limiter.acquire(end - SHORTEST_ATTEMPT).await.ok_or_else(passed)?;
        // A busy machine may come back late: an attempt without time tells less than the one before.
        if end.saturating_duration_since(Instant::now()) < SHORTEST_ATTEMPT / 2 {
            return Err(passed());
        }
        self.counter.count_attempt(request.service);
        let _write = self.begin_write(request);
        let begin = Instant::now();
        // What may change something is not given up half-way for want of the run's time.
        let time = match request.safety {
            Safety::Query => self.attempt_timeout.min(end.saturating_duration_since(begin)),
            Safety::Command | Safety::Write => self.attempt_timeout,
        };
        let span = span::begin_span(request, prepared, number);
        let fetching = Box::pin(self.fetch_in_time(prepared, time).instrument(span.clone()));
        let by_run = bound == Bound::Run && request.safety == Safety::Query;
        let until = if by_run { end } else { begin + time };
        let tell = |time| self.report_slow_answer(request, prepared, time, (until, by_run));
        let result = slow_answers::report_when_slow(fetching, tell)
            .await
            .map(|answer| prepared.with_own_id(answer));
        span::end_span(&span, begin.elapsed(), &result);
        exchanges::keep(request, number, begin.elapsed(), &result);
        record_answer(&permit, &result);
        if request.safety == Safety::Write && result.is_ok() {
            self.answered_writes.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// Sends once, and waits for the whole answer no longer than that.
    async fn fetch_in_time(
        &self,
        prepared: &PreparedRequest,
        time: Duration,
    ) -> Result<Answer, TransportError> {
        let id = OnceLock::new();
        let fetched = timeout(time, self.client.fetch(prepared, &id)).await;
        fetched.unwrap_or_else(|_| Err(prepared.timed_out(id.into_inner(), time)))
    }

    /// Sends a request for the sake of its connection.
    async fn open_connection(&self, prepared: &PreparedRequest, span: &Span) {
        let begin = Instant::now();
        let fetching =
            Box::pin(self.fetch_in_time(prepared, self.attempt_timeout).instrument(span.clone()));
        span::end_span(span, begin.elapsed(), &fetching.await);
    }

    /// Counts a command to Dataverse for as long as its attempt lasts.
    fn begin_write(&self, request: &Request) -> Option<WriteInProgress<'_>> {
        let is_write = request.safety == Safety::Write && request.service == Service::Dataverse;
        is_write.then(|| WriteInProgress::begin(&self.writes))
    }

    /// Reports that an answer takes long, unless another one was just reported; until when it is waited
    /// for, and whether the run's time is what ends the wait.
    fn report_slow_answer(
        &self,
        request: &Request,
        prepared: &PreparedRequest,
        time: Duration,
        (until, by_run): (Instant, bool),
    ) {
        let Some(tell) = self.on_slow_answer.get() else { return };
        if self.limiter(request).begin_slow_report() {
            let (peer, method, template) = (&prepared.peer, &request.method, request.template);
            let left = until.saturating_duration_since(Instant::now());
            let limit = by_run.then_some(self.limit);
            tell(SlowAnswer { peer, method, template, time, left, limit });
        }
    }

    /// Reports a wait, unless it is reported already.
    fn report_wait(&self, request: &Request, wait: Duration, cause: WaitCause) {
        let service = request.service;
        let (template, wait_ms) = (request.template, milliseconds(wait));
        tracing::debug!(service = service.as_str(), template, wait_ms, "retrying after a pause");
        if let Some(tell) = self.on_wait.get()
            && self.limiter(request).begin_wait_report(wait)
        {
            tell(ServiceWait { service, time: wait, cause });
        }
    }

    /// Decides what is returned when the next attempt would come after the deadline: an answer
    /// stays one, whoever reads it explains it, and a service that cannot be reached is not one
    /// that needs time.
    fn conclude(
        &self,
        prepared: &PreparedRequest,
        result: Result<Answer, TransportError>,
    ) -> Result<Answer, TransportError> {
        match result {
            Ok(mut answer) => {
                let asked = retry::retry_after(answer.header("retry-after"), SystemTime::now());
                answer.cut_short = Some(self.cut_short(asked));
                Ok(answer)
            }
            Err(error @ TransportError::Unreachable { .. }) => Err(error),
            Err(error) => Err(TransportError::DeadlinePassed {
                peer: prepared.peer.clone(),
                cut_short: self.cut_short(None),
                last: Some(Box::new(error)),
            }),
        }
    }

    /// Describes what the run's time does not suffice for.
    fn cut_short(&self, asked: Option<Duration>) -> CutShort {
        let left = self.deadline().saturating_duration_since(Instant::now());
        CutShort { asked, left, limit: self.limit }
    }

    /// Returns the time at which the run must have ended.
    fn deadline(&self) -> Instant {
        *self.lock_deadline()
    }

    /// Locks the deadline, to read or to move: a plain value, so a panic elsewhere cannot break it.
    fn lock_deadline(&self) -> MutexGuard<'_, Instant> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'run> WriteInProgress<'run> {
    fn begin(writes: &'run AtomicUsize) -> Self {
        writes.fetch_add(1, Ordering::Relaxed);
        Self { writes }
    }
}

impl Drop for WriteInProgress<'_> {
    fn drop(&mut self) {
        self.writes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells the limiter what an answer says about how many requests its service accepts. A lost answer
/// says nothing.
fn record_answer(permit: &Permit<'_>, result: &Result<Answer, TransportError>) {
    let Ok(answer) = result else { return };
    if let Some(hint) = answer.header(PARALLELISM_HINT).and_then(|hint| hint.trim().parse().ok()) {
        permit.record_hint(hint);
    }
    if retry::is_throttled(answer.status) {
        permit.record_throttled();
    } else if answer.status < 500 {
        permit.record_success();
    }
}

/// Returns what the retry policy wants to know of an attempt.
fn retry_outcome(result: &Result<Answer, TransportError>, now: SystemTime) -> AttemptOutcome {
    match result {
        Ok(answer) => AttemptOutcome::Answered {
            status: answer.status,
            retry_after: retry::retry_after(answer.header("retry-after"), now),
        },
        Err(TransportError::Unreachable { .. }) => AttemptOutcome::NeverSent,
        Err(TransportError::Lost { .. }) => AttemptOutcome::Lost,
        Err(_) => AttemptOutcome::Failed,
    }
}

/// Returns why a request that ended so is not sent again at once.
fn wait_cause(outcome: AttemptOutcome) -> WaitCause {
    match outcome {
        AttemptOutcome::Answered { status: 429, .. } => WaitCause::Throttled,
        AttemptOutcome::Answered { status, .. } => WaitCause::Unavailable(status),
        AttemptOutcome::NeverSent => WaitCause::Unreachable,
        AttemptOutcome::Lost | AttemptOutcome::Failed => WaitCause::NoAnswer,
    }
}

/// Returns the instant after a time; a time without end is a day.
fn instant_after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + Duration::from_hours(24))
}

/// Returns a random number. The first four bytes of a version 4 UUID are random throughout:
/// <https://www.rfc-editor.org/rfc/rfc9562#section-5.4>.
fn random_fraction() -> u32 {
    Uuid::new_v4().as_fields().0
}
