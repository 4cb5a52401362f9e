//! What the sandbox is steered and watched by while it runs: `/_sandbox/faults` and `/_sandbox/requests`.
//!
//! It answers nobody but programs of this machine that mean it: not a page in a browser, which sends its own
//! `Origin`, nor one that reaches the sandbox under a name of its own (DNS rebinding).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::faults::Faults;
use super::message::{Answer, Call};
use super::tenant::fault::FaultFile;
use super::traffic::Traffic;

/// A place that is not part of any service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// The armed faults.
    Faults,
    /// The counts of what arrived.
    Requests,
}

/// Answers a request.
pub(crate) fn answer(place: Control, faults: &Faults, traffic: &Traffic, call: &Call) -> Answer {
    if !is_local(call) {
        let message = "Only programs that name the sandbox by a loopback address may do this.";
        return refusal(StatusCode::FORBIDDEN, "ForeignRequest", message);
    }
    match (place, &call.method) {
        (Control::Faults, _) => script(faults, call),
        (Control::Requests, &Method::GET) => Answer::json(StatusCode::OK, &traffic.told()),
        (Control::Requests, &Method::DELETE) => {
            traffic.forget();
            Answer::json(StatusCode::OK, &traffic.told())
        }
        (Control::Requests, _) => not_allowed(call),
    }
}

/// Tells whether both the host and, if one is named, the origin are the sandbox's own.
fn is_local(call: &Call) -> bool {
    let hosts = call.headers.get_all("host");
    let own = call.origin.address();
    let mut origins = call.headers.get_all("origin").iter();
    call.origin.is_loopback()
        && hosts.iter().count() <= 1
        && hosts.iter().all(|host| host.to_str().is_ok())
        && origins.all(|origin| origin.as_bytes() == own.as_bytes())
}

/// Changes the faults as the method says, and answers with those that are armed then.
fn script(faults: &Faults, call: &Call) -> Answer {
    let changed = match call.method {
        Method::GET => Ok(()),
        Method::PUT => read_all(&call.body).map(|all| faults.replace(all)),
        Method::POST => read_one(&call.body).map(|one| faults.add(one)),
        Method::DELETE => {
            faults.replace(Vec::new());
            Ok(())
        }
        _ => return not_allowed(call),
    };
    match changed {
        Ok(()) => Answer::json(StatusCode::OK, &faults.told()),
        Err(message) => refusal(StatusCode::BAD_REQUEST, "InvalidFault", &message),
    }
}

fn read_one(body: &[u8]) -> Result<FaultFile, String> {
    let fault: FaultFile = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    checked(std::slice::from_ref(&fault)).map(|()| fault)
}

fn read_all(body: &[u8]) -> Result<Vec<FaultFile>, String> {
    let faults: Vec<FaultFile> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    checked(&faults).map(|()| faults)
}

fn checked(faults: &[FaultFile]) -> Result<(), String> {
    let all = faults.iter().enumerate();
    let problems = all.flat_map(|(index, fault)| {
        let told = fault.problems().into_iter();
        told.map(move |problem| format!("fault {}: {problem}", index + 1))
    });
    let problems: Vec<String> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

fn not_allowed(call: &Call) -> Answer {
    let message = format!("'{}' is not done here.", call.method);
    refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    let body: Value = json!({"error": {"code": code, "message": message}});
    Answer::json(status, &body)
}
