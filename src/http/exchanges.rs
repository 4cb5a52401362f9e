//! Keeps what a maintainer needs of each attempt of a run, without values and names.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::shape::BodyShape;
use super::{Answer, Request, TransportError};
use crate::model::milliseconds;

/// The most attempts that are kept.
const MOST: usize = 20_000;

/// The attempts so far; not there unless they are kept.
static KEPT: OnceLock<Kept> = OnceLock::new();

/// The attempts, and when the first could begin.
struct Kept {
    begin: Instant,
    exchanges: Mutex<Vec<Exchange>>,
}

/// One attempt of a request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exchange {
    service: &'static str,
    method: String,
    template: &'static str,
    attempt: u32,
    ended_after_ms: u64,
    duration_ms: u64,
    status: Option<u16>,
    failure: Option<&'static str>,
    retry_after_s: Option<u64>,
    bytes: Option<usize>,
    codes: Vec<String>,
    statuses_of_parts: Vec<u16>,
    shapes: Vec<Value>,
}

/// Begins to keep the attempts of this process.
pub fn keep_exchanges() {
    KEPT.get_or_init(|| Kept { begin: Instant::now(), exchanges: Mutex::default() });
}

/// Returns the attempts that were kept.
pub fn kept_exchanges() -> Vec<Exchange> {
    let Some(kept) = KEPT.get() else { return Vec::new() };
    kept.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps an attempt, if attempts are kept.
pub(super) fn keep(
    request: &Request,
    attempt: u32,
    elapsed: Duration,
    result: &Result<Answer, TransportError>,
) {
    let Some(kept) = KEPT.get() else { return };
    let answer = result.as_ref().ok();
    let shape = answer.map(|answer| BodyShape::of(&answer.body)).unwrap_or_default();
    let retry_after = answer.and_then(|answer| answer.header("retry-after"));
    let exchange = Exchange {
        service: request.service.as_str(),
        method: request.method.to_string(),
        template: request.template,
        attempt,
        ended_after_ms: milliseconds(kept.begin.elapsed()),
        duration_ms: milliseconds(elapsed),
        status: answer.map(|answer| answer.status),
        failure: result.as_ref().err().map(failure),
        retry_after_s: retry_after.and_then(|seconds| seconds.trim().parse().ok()),
        bytes: answer.map(|answer| answer.body.len()),
        codes: shape.codes.into_iter().collect(),
        statuses_of_parts: shape.statuses,
        shapes: shape.members,
    };
    let mut exchanges = kept.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
    if exchanges.len() < MOST {
        exchanges.push(exchange);
    }
}

/// Returns the kind of an error, without the host that it names.
fn failure(error: &TransportError) -> &'static str {
    match error {
        TransportError::Setup { .. } => "setup",
        TransportError::PlainHttp { .. } => "plain-http",
        TransportError::Unreachable { .. } => "unreachable",
        TransportError::Untrusted { .. } => "certificate-not-trusted",
        TransportError::Lost { .. } => "lost",
        TransportError::TooLarge { .. } => "too-large",
        TransportError::DeadlinePassed { .. } => "timeout",
    }
}
