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
use super::counts::Counter;
use super::limiter::{LimitKey, Limiter, Limiters, Permit};
use super::parcel::Parcel;
use super::retry::{self, Decision, Outcome, Tries};
use super::{Answer, Counts, Method, Request, Safety, Silence, TransportError, Trust};
use super::{silence, span};
use crate::domain::{AccessToken, CutShort, Service, milliseconds};

/// The longest wait for a connection, which is short against that for an answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The least time that an attempt is begun for: an answer that comes later would be told as lost.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(10);

/// The header in which Dataverse recommends how many requests are sent at once
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests>).
const PARALLELISM_HINT: &str = "x-ms-dop-hint";

/// What bounds the requests of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many requests may be under way at once to one service, however well it bears them.
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
    counter: Counter,
    attempt_timeout: Duration,
    deadline: Mutex<Instant>,
    /// The time for the whole run.
    limit: Duration,
    on_wait: OnceLock<OnWait>,
    on_silence: OnceLock<OnSilence>,
    /// How many commands to Dataverse a service may be carrying out.
    writes: AtomicUsize,
    /// Whether a connection was opened ahead of what needs it.
    opened_early: AtomicBool,
}

/// A command that a service may be carrying out, until this is dropped.
struct UnderWay<'run> {
    writes: &'run AtomicUsize,
}

/// Who is told of a wait before a request is sent again.
type OnWait = Box<dyn Fn(Service, Duration) + Send + Sync>;

/// Who is told of answers that are out for a while.
type OnSilence = Box<dyn Fn(Silence<'_>) + Send + Sync>;

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
        Self::trusting(settings, Trust::default())
    }

    /// Makes a transport that trusts further certificates besides the system's.
    ///
    /// # Errors
    /// Certificates or the TLS library could not be set up.
    pub fn trusting(settings: Settings, trust: Trust) -> Result<Self, TransportError> {
        let tuning = Tuning {
            connections: settings.concurrency,
            connect: CONNECT_TIMEOUT.min(settings.attempt_timeout),
            trust,
            http1: settings.http1,
        };
        let shared = Shared {
            client: Client::new(tuning)?,
            limiters: Limiters::new(settings.concurrency),
            counter: Counter::default(),
            attempt_timeout: settings.attempt_timeout,
            deadline: Mutex::new(after(settings.deadline)),
            limit: settings.deadline,
            on_wait: OnceLock::new(),
            on_silence: OnceLock::new(),
            writes: AtomicUsize::new(0),
            opened_early: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends a request, and again where the answer and its safety allow it. The last answer is
    /// returned whatever its status, a redirect or `429` included.
    ///
    /// # Errors
    /// No answer: the variants tell whether the service can have seen the request.
    pub async fn send(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
    ) -> Result<Answer, TransportError> {
        let parcel = Parcel::new(request, token)?;
        let mut tries = Tries::default();
        let mut previous = None;
        loop {
            let number = tries.all() + 1;
            let result = self.shared.attempt(request, &parcel, number, Bound::Run).await;
            let result = match (result, previous) {
                // It waited for its turn: what came before tells more.
                (Err(TransportError::DeadlinePassed { last: None, .. }), Some(previous)) => {
                    return self.shared.conclude(&parcel, previous);
                }
                (result, _) => result,
            };
            let outcome = outcome(&result, SystemTime::now());
            tries = tries.and(outcome);
            let limiter = self.shared.limiter(request);
            let pause = retry::pause(tries, outcome).map(|delay| limiter.pause(delay, random()));
            let Decision::Again(delay) = retry::decide(tries, request.safety, outcome) else {
                return result;
            };
            let wait = pause.unwrap_or_else(|| delay.at(random()));
            if Instant::now() + wait >= self.shared.deadline() {
                return self.shared.conclude(&parcel, result);
            }
            self.shared.tell_of(request, wait);
            previous = Some(result);
            sleep(wait).await;
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
        let parcel = Parcel::new(request, token)?;
        self.shared.attempt(request, &parcel, 1, Bound::Attempt).await
    }

    /// Opens a connection to a host that will be asked, while something else is done: by a request that
    /// carries no token, and whose answer is for nobody. It counts as an attempt, takes no place of
    /// others, and is made once in a run. Over plain http there is nothing worth opening early.
    pub fn open_early(&self, service: Service, origin: Url) {
        if origin.scheme() != "https" || self.shared.opened_early.swap(true, Ordering::Relaxed) {
            return;
        }
        let request = Request::query(service, Method::HEAD, origin, "/");
        let Ok(parcel) = Parcel::new(&request, None) else { return };
        let (shared, span) = (Arc::clone(&self.shared), span::of(&request, &parcel, 1));
        self.shared.counter.add(service);
        tokio::spawn(async move { shared.open(&parcel, &span).await });
    }

    /// Has somebody told of the waits before requests are sent again, once for all who wait for the
    /// same; the first one stays.
    pub fn on_wait(&self, tell: impl Fn(Service, Duration) + Send + Sync + 'static) {
        let _ = self.shared.on_wait.set(Box::new(tell));
    }

    /// Has somebody told of answers that are out for a while, rarely; the first one stays.
    pub fn on_silence(&self, tell: impl Fn(Silence<'_>) + Send + Sync + 'static) {
        let _ = self.shared.on_silence.set(Box::new(tell));
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

    /// Returns true if Dataverse may be carrying out a command now. Before the first attempt, and
    /// while one that was turned away waits to be sent again, it provably is not.
    pub fn is_writing(&self) -> bool {
        self.shared.writes.load(Ordering::Relaxed) > 0
    }

    /// Returns how many attempts went to each service so far.
    pub fn counts(&self) -> Counts {
        self.shared.counter.read()
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
        parcel: &Parcel,
        number: u32,
        bound: Bound,
    ) -> Result<Answer, TransportError> {
        let end = match bound {
            Bound::Run => self.deadline(),
            Bound::Attempt => after(self.attempt_timeout),
        };
        let limiter = self.limiter(request);
        let passed = || TransportError::DeadlinePassed {
            peer: parcel.peer.clone(),
            cut_short: self.cut_short(limiter.remaining_pause()),
            last: None,
        };
        let permit = limiter.acquire(end - SHORTEST_ATTEMPT).await.ok_or_else(passed)?;
        self.counter.add(request.service);
        let _under_way = self.under_way(request);
        let begin = Instant::now();
        // What may change something is not given up half-way for want of the run's time.
        let time = match request.safety {
            Safety::Query => self.attempt_timeout.min(end.saturating_duration_since(begin)),
            Safety::Command => self.attempt_timeout,
        };
        let span = span::of(request, parcel, number);
        let fetching = Box::pin(self.fetch(parcel, time).instrument(span.clone()));
        let by_run = bound == Bound::Run && request.safety == Safety::Query;
        let until = if by_run { end } else { begin + time };
        let tell = |time| self.tell_of_silence(request, parcel, time, (until, by_run));
        let result = silence::told(fetching, tell).await.map(|answer| parcel.signed(answer));
        span::end(&span, begin.elapsed(), &result);
        record(&permit, &result);
        result
    }

    /// Sends once, and waits for the whole answer no longer than that.
    async fn fetch(&self, parcel: &Parcel, time: Duration) -> Result<Answer, TransportError> {
        let id = OnceLock::new();
        let fetched = timeout(time, self.client.fetch(parcel, &id)).await;
        fetched.unwrap_or_else(|_| Err(parcel.timed_out(id.into_inner(), time)))
    }

    /// Sends a request for the sake of its connection.
    async fn open(&self, parcel: &Parcel, span: &Span) {
        let begin = Instant::now();
        let fetching = Box::pin(self.fetch(parcel, self.attempt_timeout).instrument(span.clone()));
        span::end(span, begin.elapsed(), &fetching.await);
    }

    /// Notes a command to Dataverse for as long as its attempt lasts.
    fn under_way(&self, request: &Request) -> Option<UnderWay<'_>> {
        let is_write = request.safety == Safety::Command && request.service == Service::Dataverse;
        is_write.then(|| UnderWay::begin(&self.writes))
    }

    /// Tells that an answer is out, unless somebody knows of another one; until when it is waited for,
    /// and whether that is for want of the run's time.
    fn tell_of_silence(
        &self,
        request: &Request,
        parcel: &Parcel,
        time: Duration,
        (until, by_run): (Instant, bool),
    ) {
        let Some(tell) = self.on_silence.get() else { return };
        if self.limiter(request).begin_slow_report() {
            let (peer, method, template) = (&parcel.peer, &request.method, request.template);
            let left = until.saturating_duration_since(Instant::now());
            let limit = by_run.then_some(self.limit);
            tell(Silence { peer, method, template, time, left, limit });
        }
    }

    /// Tells of a wait, unless it has been told.
    fn tell_of(&self, request: &Request, wait: Duration) {
        let service = request.service;
        let (template, wait_ms) = (request.template, milliseconds(wait));
        tracing::debug!(service = service.word(), template, wait_ms, "sending again after a pause");
        if let Some(tell) = self.on_wait.get()
            && self.limiter(request).begin_wait_report(wait)
        {
            tell(service, wait);
        }
    }

    /// Decides what is returned when the next attempt would come after the deadline: an answer
    /// stays one, whoever reads it explains it, and a service that cannot be reached is not one
    /// that needs time.
    fn conclude(
        &self,
        parcel: &Parcel,
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
                peer: parcel.peer.clone(),
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

impl<'run> UnderWay<'run> {
    fn begin(writes: &'run AtomicUsize) -> Self {
        writes.fetch_add(1, Ordering::Relaxed);
        Self { writes }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.writes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells the limiter what an answer says about how many requests its service accepts. A lost answer
/// says nothing.
fn record(permit: &Permit<'_>, result: &Result<Answer, TransportError>) {
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
fn outcome(result: &Result<Answer, TransportError>, now: SystemTime) -> Outcome {
    match result {
        Ok(answer) => Outcome::Answered {
            status: answer.status,
            retry_after: retry::retry_after(answer.header("retry-after"), now),
        },
        Err(TransportError::Unreachable { .. }) => Outcome::NeverSent,
        Err(TransportError::Lost { .. }) => Outcome::Lost,
        Err(_) => Outcome::Failed,
    }
}

/// Returns the instant after a time; a time without end is a day.
fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + Duration::from_hours(24))
}

/// Returns a random number. The first four bytes of a version 4 UUID are random throughout:
/// <https://www.rfc-editor.org/rfc/rfc9562#section-5.4>.
fn random() -> u32 {
    Uuid::new_v4().as_fields().0
}
