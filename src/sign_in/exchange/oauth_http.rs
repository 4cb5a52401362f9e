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

use crate::http::{Answer, Method, Peer, Request, Transport, TransportError};
use crate::model::{Service, ServiceWait, WaitCause};
use crate::sign_in::exchange::normalize;
use crate::sign_in::exchange::normalize::AnswerKind;
use crate::sign_in::{AuthError, SignInStep};

/// A function that waits for a duration: an argument, so that tests do not wait.
pub(in crate::sign_in) type Sleep = Arc<dyn Fn(Duration) -> SleepFuture + Send + Sync>;

/// A pending wait.
pub(in crate::sign_in) type SleepFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The path of a token request in logs.
pub(in crate::sign_in) const TOKEN_PATH: &str = "/{tenant}/oauth2/v2.0/token";

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
pub(in crate::sign_in) struct OauthHttp<'a> {
    transport: &'a Transport,
    step: SignInStep,
    path_template: &'static str,
    polling: Option<Polling>,
    failed_polls: AtomicU32,
    reason: Mutex<Option<AuthError>>,
    request_id: Mutex<Option<String>>,
}

/// What a client needs that polls with a code.
struct Polling {
    sleep: Sleep,
    lifetime: Duration,
}

impl<'a> OauthHttp<'a> {
    /// Makes a client that retries as the transport does. A refresh token or authorization code
    /// that may be used only once is sent again too if no answer came: if the first request was
    /// carried out, its tokens are lost either way.
    pub(in crate::sign_in) fn with_retries(
        transport: &'a Transport,
        step: SignInStep,
        path_template: &'static str,
    ) -> Self {
        Self {
            transport,
            step,
            path_template,
            polling: None,
            failed_polls: AtomicU32::new(0),
            reason: Mutex::new(None),
            request_id: Mutex::new(None),
        }
    }

    /// Makes a client that polls with a code of this lifetime: each request is sent once, regardless
    /// of the run's deadline, and a temporary failure looks like `authorization_pending`.
    pub(in crate::sign_in) fn for_polling(
        transport: &'a Transport,
        path_template: &'static str,
        sleep: Sleep,
        lifetime: Duration,
    ) -> Self {
        Self {
            polling: Some(Polling { sleep, lifetime }),
            ..Self::with_retries(transport, SignInStep::SignIn, path_template)
        }
    }

    /// Takes the reason why the step is over, if the client knows it.
    pub(in crate::sign_in) fn take_reason(&self) -> Option<AuthError> {
        self.lock_reason().take()
    }

    /// Returns the id of the last answered request.
    pub(in crate::sign_in) fn request_id(&self) -> Option<String> {
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request of `oauth2`, and returns the answer that `oauth2` should see.
    async fn send_request(&self, wanted: HttpRequest) -> HttpResponse {
        let Some(request) = self.convert_request(wanted) else {
            return error_response("invalid_request");
        };
        let peer = Peer::at_url(request.service, &request.url);
        let result = match self.polling {
            Some(_) => self.transport.send_once(&request, None).await,
            None => self.transport.send(&request, None).await,
        };
        match result {
            Ok(answer) => self.handle_answer(peer, &answer).await,
            Err(error) => self.handle_failure(error).await,
        }
    }

    /// Converts a request of `oauth2`.
    fn convert_request(&self, wanted: HttpRequest) -> Option<Request> {
        let url = wanted.uri().to_string().parse().ok()?;
        let request = Request::query(Service::Entra, Method::POST, url, self.path_template)
            .with_header(ACCEPT, HeaderValue::from_static("application/json"))
            .with_header(RETURN_REQUEST_ID, HeaderValue::from_static("true"))
            .with_body(FORM, wanted.into_body());
        Some(request)
    }

    /// Handles an answer.
    async fn handle_answer(&self, peer: Peer, answer: &Answer) -> HttpResponse {
        let (status, request_id) = (answer.status, answer.request_id());
        self.request_id.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&request_id);
        let kind = normalize::read_answer(answer, SystemTime::now());
        if !matches!(kind, AnswerKind::Busy(_)) {
            self.failed_polls.store(0, Ordering::Relaxed);
            *self.lock_reason() = None;
        }
        match kind {
            AnswerKind::Granted(body) => json_response(200, body),
            // Only a device code waits for a person; for other requests these mean "not now".
            AnswerKind::Pending | AnswerKind::SlowDown if self.polling.is_none() => {
                self.end_with(AuthError::service_busy(peer, answer))
            }
            AnswerKind::Pending => error_response("authorization_pending"),
            AnswerKind::SlowDown => error_response("slow_down"),
            AnswerKind::Busy(wait) => {
                self.delay_next_poll(AuthError::service_busy(peer, answer), wait).await
            }
            AnswerKind::Refused(refusal) => {
                self.end_with(AuthError::from_refusal(self.step, refusal))
            }
            AnswerKind::Unreadable(source) => {
                self.end_with(AuthError::Unreadable { peer, status, request_id, source })
            }
        }
    }

    /// Handles a missing answer: it is temporary, unless the network is down or the request could
    /// never be sent.
    async fn handle_failure(&self, error: TransportError) -> HttpResponse {
        let passing = matches!(
            error,
            TransportError::Unreachable { .. }
                | TransportError::Lost { .. }
                | TransportError::DeadlinePassed { .. }
        );
        let losses = self.failed_polls.load(Ordering::Relaxed) + 1;
        if !passing || losses >= MAX_LOST_POLLS {
            return self.end_with(error.into());
        }
        self.delay_next_poll(error.into(), None).await
    }

    /// Waits as the service asks, else longer with each failure (RFC 8628 section 3.5), and lets
    /// `oauth2` poll again. The reason is kept in case the code expires meanwhile. The sign-in ends
    /// at once if the code would expire before the end of the wait.
    async fn delay_next_poll(&self, reason: AuthError, wait: Option<Duration>) -> HttpResponse {
        let Some(Polling { sleep, lifetime }) = &self.polling else {
            return self.end_with(reason);
        };
        if let Some(time) = wait {
            if time >= *lifetime {
                return self.end_with(reason);
            }
            let cause = wait_cause(&reason);
            self.transport.report_wait(ServiceWait { service: Service::Entra, time, cause });
        }
        *self.lock_reason() = Some(reason);
        let failed_polls = self.failed_polls.fetch_add(1, Ordering::Relaxed);
        let longer = FIRST_POLL_DELAY.saturating_mul(2_u32.saturating_pow(failed_polls));
        sleep(wait.unwrap_or_else(|| longer.min(MAX_POLL_DELAY))).await;
        error_response("authorization_pending")
    }

    /// Keeps the reason, and ends the step.
    fn end_with(&self, reason: AuthError) -> HttpResponse {
        *self.lock_reason() = Some(reason);
        error_response("over")
    }

    /// Locks the reason. It is a plain value, so a panic elsewhere cannot break it.
    fn lock_reason(&self) -> MutexGuard<'_, Option<AuthError>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'c> AsyncHttpClient<'c> for OauthHttp<'_> {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.send_request(request).await) })
    }
}

/// Returns why the next poll is delayed.
fn wait_cause(reason: &AuthError) -> WaitCause {
    match reason {
        AuthError::Busy { status: 429, .. } => WaitCause::Throttled,
        AuthError::Busy { status, .. } => WaitCause::Unavailable(*status),
        _ => WaitCause::NoAnswer,
    }
}

/// Makes an answer that `oauth2` reads as an error of this name.
fn error_response(error: &'static str) -> HttpResponse {
    let body = format!("{{\"error\":\"{error}\"}}");
    json_response(400, body.into_bytes())
}

/// Makes an answer in JSON.
fn json_response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
