//! The HTTP client of `oauth2`: an adapter for the project's own transport.
//!
//! `oauth2` ends a sign-in at a 503, retries for a quarter of an hour when the network is down, and
//! drops what Entra adds to an error. So the adapter reports only four results to it: granted,
//! pending, slow down, or over. The reason for the last is kept here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::auth::exchange::normalize::{self, AnswerKind};
use crate::auth::{AuthError, SignInStep};
use crate::domain::Service;
use crate::http::{Answer, Method, Peer, Request, Transport, TransportError};

/// A function that waits for a duration: an argument, so that tests do not wait.
pub(in crate::auth) type Sleep = Arc<dyn Fn(Duration) -> SleepFuture + Send + Sync>;

/// A pending wait.
pub(in crate::auth) type SleepFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The path of a token request in logs.
pub(in crate::auth) const TOKEN_PATH: &str = "/{tenant}/oauth2/v2.0/token";

/// The media type of a request's body.
const FORM: &str = "application/x-www-form-urlencoded";

/// A header that makes Entra use this program's id of a request.
const RETURN_REQUEST_ID: HeaderName = HeaderName::from_static("return-client-request-id");

/// The number of consecutive polls without an answer after which the network counts as down: about
/// a minute and a half.
const MAX_LOST_POLLS: u32 = 5;

/// The delay after the first failed poll; it doubles with each further one.
const FIRST_POLL_DELAY: Duration = Duration::from_secs(5);

/// The maximum delay between polls if the service names none.
const MAX_POLL_DELAY: Duration = Duration::from_mins(1);

/// The HTTP client that `oauth2` uses for one step.
pub(in crate::auth) struct OauthHttp<'a> {
    transport: &'a Transport,
    step: SignInStep,
    template: &'static str,
    patience: Option<Sleep>,
    failures: AtomicU32,
    reason: Mutex<Option<AuthError>>,
    request_id: Mutex<Option<String>>,
}

impl<'a> OauthHttp<'a> {
    /// Makes a client that retries as the transport does. A refresh token or authorization code
    /// that may be used only once is sent again too if no answer came: if the first request was
    /// carried out, its tokens are lost either way.
    pub(in crate::auth) fn asking(
        transport: &'a Transport,
        step: SignInStep,
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

    /// Makes a client that polls: each request is sent once, regardless of the run's deadline, and
    /// a temporary failure looks like `authorization_pending`.
    pub(in crate::auth) fn polling(
        transport: &'a Transport,
        template: &'static str,
        sleep: Sleep,
    ) -> Self {
        Self { patience: Some(sleep), ..Self::asking(transport, SignInStep::SignIn, template) }
    }

    /// Takes the reason why the step is over, if the client knows it.
    pub(in crate::auth) fn take_reason(&self) -> Option<AuthError> {
        self.reason().take()
    }

    /// Returns the id of the last answered request.
    pub(in crate::auth) fn request_id(&self) -> Option<String> {
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request of `oauth2`, and returns the answer that `oauth2` should see.
    async fn exchange(&self, wanted: HttpRequest) -> HttpResponse {
        let Some(request) = self.request(wanted) else {
            return said("invalid_request");
        };
        let peer = Peer::of(request.service, &request.url);
        let result = match self.patience {
            Some(_) => self.transport.send_once(&request, None).await,
            None => self.transport.send(&request, None).await,
        };
        match result {
            Ok(answer) => self.answered(peer, &answer).await,
            Err(error) => self.unanswered(error).await,
        }
    }

    /// Converts a request of `oauth2`.
    fn request(&self, wanted: HttpRequest) -> Option<Request> {
        let url = wanted.uri().to_string().parse().ok()?;
        let request = Request::query(Service::Entra, Method::POST, url, self.template)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(RETURN_REQUEST_ID, HeaderValue::from_static("true"))
            .body(FORM, wanted.into_body());
        Some(request)
    }

    /// Handles an answer.
    async fn answered(&self, peer: Peer, answer: &Answer) -> HttpResponse {
        let (status, request_id) = (answer.status, answer.request_id());
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&request_id);
        let meaning = normalize::read(answer, SystemTime::now());
        if !matches!(meaning, AnswerKind::Busy(_)) {
            self.failures.store(0, Ordering::Relaxed);
            *self.reason() = None;
        }
        match meaning {
            AnswerKind::Granted(body) => response(200, body),
            // Only a device code waits for a person; for other requests these mean "not now".
            AnswerKind::Pending | AnswerKind::SlowDown if self.patience.is_none() => {
                self.over(AuthError::busy(peer, answer))
            }
            AnswerKind::Pending => said("authorization_pending"),
            AnswerKind::SlowDown => said("slow_down"),
            AnswerKind::Busy(wait) => self.hold(AuthError::busy(peer, answer), wait).await,
            AnswerKind::Refused(refusal) => self.over(AuthError::refused(self.step, refusal)),
            AnswerKind::Unreadable(source) => {
                self.over(AuthError::Unreadable { peer, status, request_id, source })
            }
        }
    }

    /// Handles a missing answer: it is temporary, unless the network is down or the request could
    /// never be sent.
    async fn unanswered(&self, error: TransportError) -> HttpResponse {
        let passing = matches!(
            error,
            TransportError::Unreachable { .. }
                | TransportError::Lost { .. }
                | TransportError::DeadlinePassed { .. }
        );
        let losses = self.failures.load(Ordering::Relaxed) + 1;
        if !passing || losses >= MAX_LOST_POLLS {
            return self.over(error.into());
        }
        self.hold(error.into(), None).await
    }

    /// Waits as the service asks, else longer with each failure (RFC 8628 section 3.5), and lets
    /// `oauth2` poll again. The reason is kept in case the code expires meanwhile.
    async fn hold(&self, reason: AuthError, wait: Option<Duration>) -> HttpResponse {
        let Some(sleep) = &self.patience else {
            return self.over(reason);
        };
        *self.reason() = Some(reason);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        let longer = FIRST_POLL_DELAY.saturating_mul(2_u32.saturating_pow(failures));
        sleep(wait.unwrap_or(longer).min(MAX_POLL_DELAY)).await;
        said("authorization_pending")
    }

    /// Keeps the reason, and ends the step.
    fn over(&self, reason: AuthError) -> HttpResponse {
        *self.reason() = Some(reason);
        said("over")
    }

    /// Locks the reason. It is a plain value, so a panic elsewhere cannot break it.
    fn reason(&self) -> MutexGuard<'_, Option<AuthError>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> AsyncHttpClient<'c> for OauthHttp<'_> {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.exchange(request).await) })
    }
}

/// Makes an answer that `oauth2` reads as an error of this name.
fn said(error: &'static str) -> HttpResponse {
    let body = format!("{{\"error\":\"{error}\"}}");
    response(400, body.into_bytes())
}

/// Makes an answer in JSON.
fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
