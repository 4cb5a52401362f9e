//! The HTTP client that `oauth2` is given: the project's own transport behind an adapter.
//!
//! `oauth2` ends a sign-in at a 503, repeats one for a quarter of an hour into a dead network,
//! and drops what Entra adds to an error. So it is only told what leads it on: granted, pending,
//! slow down, or over. The reason for the latter is kept here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::auth::exchange::mend::{self, Meaning};
use crate::auth::{AuthError, Step};
use crate::domain::Service;
use crate::http::{Answer, Method, Peer, Request, Transport, TransportError};

/// Waits that long. An argument, so that tests do not wait.
pub(in crate::auth) type Sleep = Arc<dyn Fn(Duration) -> Waiting + Send + Sync>;

/// A wait under way.
pub(in crate::auth) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The path that logs show for the request of a token.
pub(in crate::auth) const TOKEN: &str = "/{tenant}/oauth2/v2.0/token";

/// The media type of what is sent and, as JSON, of what is handed to `oauth2`.
const FORM: &str = "application/x-www-form-urlencoded";

/// Asks Entra to take our id of a request for its own.
const RETURN_ID: HeaderName = HeaderName::from_static("return-client-request-id");

/// How many polls may fail one after the other without an answer before the network counts as
/// dead: about a minute and a half.
const MOST_LOSSES: u32 = 5;

/// How long polling is held back after the first failure; it doubles with each further one.
const FIRST_HOLD: Duration = Duration::from_secs(5);

/// How long polling is held back at most when the service names no time.
const LONGEST_HOLD: Duration = Duration::from_mins(1);

/// The transport as `oauth2` sees it, for one step.
pub(in crate::auth) struct Wire<'a> {
    transport: &'a Transport,
    step: Step,
    template: &'static str,
    patience: Option<Sleep>,
    failures: AtomicU32,
    reason: Mutex<Option<AuthError>>,
    request_id: Mutex<Option<String>>,
}

impl<'a> Wire<'a> {
    /// Asks, with the transport's own retries. What can be used but once (a refresh token at some
    /// authorities, an authorization code at all) is sent again as well when no answer came: if the
    /// first one was carried out, its tokens are lost and the next run would do the same.
    pub(in crate::auth) fn asking(
        transport: &'a Transport,
        step: Step,
        template: &'static str,
    ) -> Self {
        Self {
            transport,
            step,
            template,
            patience: None,
            failures: AtomicU32::new(0),
            reason: Mutex::new(None),
            request_id: Mutex::new(None),
        }
    }

    /// Polls: each request is sent once, whatever the run's deadline, and a failure that passes
    /// looks as if the person had not decided yet.
    pub(in crate::auth) fn polling(
        transport: &'a Transport,
        template: &'static str,
        sleep: Sleep,
    ) -> Self {
        Self { patience: Some(sleep), ..Self::asking(transport, Step::SignIn, template) }
    }

    /// Why it is over, if that is known here.
    pub(in crate::auth) fn take_reason(&self) -> Option<AuthError> {
        self.reason().take()
    }

    /// The id of the request that was answered last.
    pub(in crate::auth) fn request_id(&self) -> Option<String> {
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends what `oauth2` wants to send and tells it how to go on.
    async fn exchange(&self, wanted: HttpRequest) -> HttpResponse {
        let Some(request) = self.request(wanted) else {
            return said("invalid_request");
        };
        let peer = Peer::at_url(request.service, &request.url);
        let result = match self.patience {
            Some(_) => self.transport.send_once(&request, None).await,
            None => self.transport.send(&request, None).await,
        };
        match result {
            Ok(answer) => self.answered(peer, &answer).await,
            Err(error) => self.unanswered(error).await,
        }
    }

    /// The request in our own form.
    fn request(&self, wanted: HttpRequest) -> Option<Request> {
        let url = wanted.uri().to_string().parse().ok()?;
        let request = Request::query(Service::Entra, Method::POST, url, self.template)
            .with_header(ACCEPT, HeaderValue::from_static("application/json"))
            .with_header(RETURN_ID, HeaderValue::from_static("true"))
            .with_body(FORM, wanted.into_body());
        Some(request)
    }

    /// Goes on after an answer.
    async fn answered(&self, peer: Peer, answer: &Answer) -> HttpResponse {
        let (status, request_id) = (answer.status, answer.request_id());
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&request_id);
        let meaning = mend::read(answer, SystemTime::now());
        if !matches!(meaning, Meaning::Busy(_)) {
            self.failures.store(0, Ordering::Relaxed);
            *self.reason() = None;
        }
        match meaning {
            Meaning::Granted(body) => response(200, body),
            // Only a code waits for somebody: to any other request these mean "not now".
            Meaning::Pending | Meaning::SlowDown if self.patience.is_none() => {
                self.over(AuthError::busy(peer, answer))
            }
            Meaning::Pending => said("authorization_pending"),
            Meaning::SlowDown => said("slow_down"),
            Meaning::Busy(wait) => self.hold(AuthError::busy(peer, answer), wait).await,
            Meaning::Refused(refusal) => self.over(AuthError::refused(self.step, refusal)),
            Meaning::Unreadable(source) => {
                self.over(AuthError::Unreadable { peer, status, request_id, source })
            }
        }
    }

    /// Goes on after no answer: that passes, unless the network is dead or the request could
    /// never be sent.
    async fn unanswered(&self, error: TransportError) -> HttpResponse {
        let passing = matches!(
            error,
            TransportError::Unreachable { .. }
                | TransportError::Lost { .. }
                | TransportError::DeadlinePassed { .. }
        );
        let losses = self.failures.load(Ordering::Relaxed) + 1;
        if !passing || losses >= MOST_LOSSES {
            return self.over(error.into());
        }
        self.hold(error.into(), None).await
    }

    /// Waits as the service asks, else longer with each failure (RFC 8628 section 3.5), and
    /// leads on. The reason is kept in case that the code expires meanwhile.
    async fn hold(&self, reason: AuthError, wait: Option<Duration>) -> HttpResponse {
        let Some(sleep) = &self.patience else {
            return self.over(reason);
        };
        *self.reason() = Some(reason);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        let longer = FIRST_HOLD.saturating_mul(2_u32.saturating_pow(failures));
        sleep(wait.unwrap_or(longer).min(LONGEST_HOLD)).await;
        said("authorization_pending")
    }

    /// Keeps the reason and leads no further.
    fn over(&self, reason: AuthError) -> HttpResponse {
        *self.reason() = Some(reason);
        said("over")
    }

    /// The reason, to read or to set: a plain value, so a panic elsewhere cannot break it.
    fn reason(&self) -> MutexGuard<'_, Option<AuthError>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire<'_> {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.exchange(request).await) })
    }
}

/// An answer that `oauth2` takes for an error of that name.
fn said(error: &'static str) -> HttpResponse {
    let body = format!("{{\"error\":\"{error}\"}}");
    response(400, body.into_bytes())
}

/// An answer in JSON.
fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
