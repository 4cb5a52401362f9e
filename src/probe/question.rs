//! Which URLs are asked, and how.

use crate::api::trigger;
use crate::domain::{CallbackUrl, Cloud, EnvironmentId, EnvironmentUrl, Kind, UrlView};
use crate::http::Request;
use crate::plan::held;
use crate::state::{Callback, Desired, Observed, ObservedFlow, Site};

const ELSEWHERE: &str = "it leads to none of the cloud's flow services";
const UNSAFE: &str = "it is not https, or programs read different hosts out of it";
const NOT_HERE: &str = "it leads to another environment than this one, and a probe of an environment on this machine does not leave the machine";
const NOT_WANTED: &str = "it is signed, and --probe-signed was not given";
const METHOD_UNKNOWN: &str = "it is signed, and the Flow service tells of no trigger of its own by which method it is called";

/// A URL that targets hold, and the request that asks it, or why it is not asked.
pub struct Question {
    /// What may be shown of it.
    pub view: UrlView,
    /// The targets that hold it, with their places in the manifest.
    pub targets: Vec<(String, Site)>,
    /// The request, or why there is none.
    pub request: Result<Request, &'static str>,
}

/// Where URLs are asked from, and which.
pub struct Terms<'run> {
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// The address of the environment.
    pub environment: &'run EnvironmentUrl,
    /// Its id, of which the hosts of its triggers are made.
    pub environment_id: &'run EnvironmentId,
    /// Whether signed URLs are asked: whoever has one may run the flow.
    pub signed: bool,
}

/// Each distinct URL that the targets hold, in the manifest's order.
pub fn questions(desired: &Desired, observed: &Observed, terms: &Terms<'_>) -> Vec<Question> {
    let question = |(url, targets): (CallbackUrl, Vec<(String, Site)>)| {
        let request = request(&url, observed, terms);
        Question { view: url.view().clone(), targets, request }
    };
    stored(desired, observed).into_iter().map(question).collect()
}

/// The request that asks a URL, or why it is not asked.
fn request(
    url: &CallbackUrl,
    observed: &Observed,
    terms: &Terms<'_>,
) -> Result<Request, &'static str> {
    let taken = method(url, observed);
    match refusal(url, observed, taken, terms) {
        Some(why) => Err(why),
        None => trigger::probe(url, taken, terms.environment).ok_or(UNSAFE),
    }
}

/// Whether a URL leads to the environment that is checked: its host names it, or is that of a URL
/// which the Flow service tells now.
fn is_here(url: &CallbackUrl, observed: &Observed, terms: &Terms<'_>) -> bool {
    let named: Option<EnvironmentId> =
        url.parts().environment.as_deref().and_then(|id| id.parse().ok());
    let is_told = |flow: &ObservedFlow| match &flow.callback {
        Some(Callback::Url(told)) => told.view().host == url.view().host,
        _ => false,
    };
    named.is_some_and(|id| id == *terms.environment_id) || observed.flows.iter().any(is_told)
}

/// The URLs, each with the targets that hold it.
fn stored(desired: &Desired, observed: &Observed) -> Vec<(CallbackUrl, Vec<(String, Site)>)> {
    let mut all: Vec<(CallbackUrl, Vec<(String, Site)>)> = Vec::new();
    for (binding, text) in desired.bindings.iter().zip(held(desired, observed)) {
        let Some(Ok(url)) = text.map(|text| text.expose().parse::<CallbackUrl>()) else { continue };
        let target = (binding.target.address(), binding.site);
        match all.iter_mut().find(|(known, _)| *known == url) {
            Some((_, targets)) => targets.push(target),
            None => all.push((url, vec![target])),
        }
    }
    all
}

/// By which method the URL is called, if the service tells it of the very trigger that it starts.
fn method(url: &CallbackUrl, observed: &Observed) -> Option<&'static str> {
    let environment = url.parts().environment.as_ref();
    let is_here = |live: &CallbackUrl| {
        environment.is_none() || environment == live.parts().environment.as_ref()
    };
    let live = observed.flows.iter().find_map(|flow| match &flow.callback {
        Some(Callback::Url(live)) if live.starts_the_same_as(url) && is_here(live) => Some(live),
        _ => None,
    });
    live?.method()
}

/// Why a URL is not asked, if it is not.
fn refusal(
    url: &CallbackUrl,
    observed: &Observed,
    taken: Option<&str>,
    terms: &Terms<'_>,
) -> Option<&'static str> {
    if !terms.cloud.serves_callbacks(&url.view().host) {
        return Some(ELSEWHERE);
    }
    if !url.is_unambiguous() {
        return Some(UNSAFE);
    }
    // On this machine one origin answers for whatever host a URL names.
    if terms.environment.is_loopback() && !is_here(url, observed, terms) {
        return Some(NOT_HERE);
    }
    match url.view().kind {
        Kind::Signed if !terms.signed => Some(NOT_WANTED),
        Kind::Signed if taken.is_none() => Some(METHOD_UNKNOWN),
        Kind::Authenticated | Kind::Signed => None,
    }
}
