//! The answer of a request that a fault strikes.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::super::message::{Answer, Damage};
use super::super::tenant::fault::{Action, FaultFile};
use super::super::tenant::file::ServiceName;
use super::super::throttle;
use super::multipart;

/// A page as gateways send it.
const UNAVAILABLE: &str = "<html><head><title>Service Unavailable</title></head><body><h2>Service Unavailable</h2></body></html>";
/// A page as captive portals and proxies send it.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to this network</h1></body></html>\n";
/// JSON that ends too early.
const BROKEN_JSON: &str = "{\"value\": [{\"name\": \"made-up\", ";

/// Answers a request that a fault strikes; `real` is what it would have been answered by, if it was carried out.
pub(crate) fn struck(fault: &FaultFile, real: Answer) -> Answer {
    let Some(action) = fault.action else { return refusal(fault) };
    match action {
        Action::Reset => damaged(real, Damage::Reset),
        Action::Close => damaged(real, Damage::Close),
        Action::Truncate => damaged(real, Damage::Truncated),
        Action::Garbage => damaged(real, Damage::Garbage),
        Action::Oversized => damaged(real, Damage::Endless),
        Action::SlowDrip => damaged(real, Damage::Drip(fault.pause())),
        Action::Delay => Answer { held: real.held + fault.pause(), ..real },
        Action::Html => Answer::text(StatusCode::OK, "text/html; charset=utf-8", PAGE),
        Action::InvalidJson => {
            Answer::text(StatusCode::OK, "application/json; charset=utf-8", BROKEN_JSON)
        }
        Action::Empty => Answer::empty(StatusCode::OK),
        Action::Redirect => {
            let location = fault.location.as_deref().unwrap_or_default();
            Answer::empty(StatusCode::FOUND).with("location", location)
        }
        Action::WrongContentType => real.with("content-type", "application/octet-stream"),
        Action::DuplicatePart
        | Action::WrongContentIdOrder
        | Action::MissingPart
        | Action::BrokenBoundary => multipart::spoilt(action, real),
    }
}

fn damaged(real: Answer, damage: Damage) -> Answer {
    Answer { damage: Some(damage), ..real }
}

/// Answers with the status, as the service does unless the fault says otherwise.
fn refusal(fault: &FaultFile) -> Answer {
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Answer { status, ..body(fault, status) };
    if let Some(seconds) = fault.retry_after {
        answer.set("retry-after", &seconds.to_string());
    }
    if let Some(seconds) = fault.retry_after_date {
        let moment = SystemTime::now().checked_add(Duration::from_secs(seconds));
        let moment = moment.unwrap_or(SystemTime::UNIX_EPOCH);
        answer.set("retry-after", &httpdate::fmt_http_date(moment));
    }
    if let Some(content_type) = &fault.content_type {
        answer.set("content-type", content_type);
    }
    answer.headers.extend(further(fault));
    answer
}

fn body(fault: &FaultFile, status: StatusCode) -> Answer {
    let Some(body) = &fault.body else { return usual(fault.service, status) };
    let text = Bytes::from(body.clone());
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    let media_type = if is_json { "application/json" } else { "text/plain" };
    Answer::text(status, &format!("{media_type}; charset=utf-8"), text)
}

fn further(fault: &FaultFile) -> HeaderMap {
    let headers = fault.headers.iter();
    headers
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}

/// What the service itself answers with a status.
fn usual(service: ServiceName, status: StatusCode) -> Answer {
    match (service, status.as_u16()) {
        (_, 200..400) | (ServiceName::Entra, 429) => Answer::empty(status),
        (ServiceName::Dataverse, 429) => throttle::too_many_requests(6000, 300),
        (ServiceName::Flow | ServiceName::Trigger, 429) => throttle::too_busy(10_000_000, 300),
        (ServiceName::Dataverse, 400..500) => error("0x80040216", "An unexpected error occurred."),
        (ServiceName::Flow | ServiceName::Trigger, 400..500) => {
            error("RequestFailed", "The request failed.")
        }
        // Gateways answer in HTML.
        _ => Answer::text(status, "text/html; charset=us-ascii", UNAVAILABLE),
    }
}

fn error(code: &str, message: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({"error": {"code": code, "message": message}}))
}
