//! Scripted faults: the first requests that match are answered by them.

use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use serde_json::json;

use super::message::{Answer, Call};
use super::tenant::file::{FaultFile, ServiceName};

/// The faults of a tenant, with how often each was met.
#[derive(Debug)]
pub(crate) struct Faults(Vec<(FaultFile, AtomicU32)>);

/// A fault that a request meets.
#[derive(Debug)]
pub(crate) struct Struck {
    /// The answer.
    pub(crate) answer: Answer,
    /// Whether the request is carried out first.
    pub(crate) executed: bool,
}

impl Faults {
    /// Arms the faults.
    pub(crate) fn new(faults: &[FaultFile]) -> Self {
        Self(faults.iter().map(|fault| (fault.clone(), AtomicU32::new(0))).collect())
    }

    /// Finds the fault that a request meets, which is counted.
    pub(crate) fn strike(&self, service: Option<ServiceName>, call: &Call) -> Option<Struck> {
        self.0.iter().filter(|(fault, _)| matches(fault, service, call)).find_map(|(fault, met)| {
            let before = met.fetch_add(1, Ordering::Relaxed);
            let strikes = before >= fault.after && before - fault.after < fault.times;
            strikes.then(|| Struck { answer: answer(fault), executed: fault.executed })
        })
    }
}

fn matches(fault: &FaultFile, service: Option<ServiceName>, call: &Call) -> bool {
    let address = format!("{}?{}", call.path, call.query);
    Some(fault.service) == service
        && fault
            .method
            .as_ref()
            .is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()))
        && fault.path_contains.as_ref().is_none_or(|part| address.contains(part))
}

fn answer(fault: &FaultFile) -> Answer {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match (fault.service, fault.status) {
        (ServiceName::Dataverse, 429) => error(
            "0x80072322",
            "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
        ),
        (ServiceName::Flow | ServiceName::Trigger, 429) => error(
            "TooManyConcurrentRequests",
            "Combined execution time of incoming HTTP requests for identity 'sandbox' exceeded limit of '10000000' over time window of '00:05:00'. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
        ),
        (ServiceName::Dataverse, 400..500) => error("0x80040216", "An unexpected error occurred."),
        (ServiceName::Flow | ServiceName::Trigger, 400..500) => {
            error("RequestFailed", "The request failed.")
        }
        (ServiceName::Entra, 429) => Answer::empty(status),
        // Gateways answer in HTML.
        _ => Answer::text(
            status,
            "text/html; charset=us-ascii",
            "<html><head><title>Service Unavailable</title></head><body><h2>Service Unavailable</h2></body></html>",
        ),
    };
    let mut answer = Answer { status, ..body };
    if let Some(seconds) = fault.retry_after {
        answer.set("retry-after", &seconds.to_string());
    }
    answer
}

fn error(code: &str, message: &str) -> Answer {
    Answer::json(StatusCode::OK, &json!({"error": {"code": code, "message": message}}))
}
