//! Which URLs are asked, and how.

use crate::api::trigger;
use crate::domain::{CallbackUrl, Cloud, EnvironmentUrl, Kind, UrlView};
use crate::http::Request;
use crate::plan::held;
use crate::state::{Callback, Desired, Observed, Site};

const ELSEWHERE: &str = "it leads to none of the cloud's flow services";
const UNSAFE: &str = "it is not https, or programs read different hosts out of it";
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

/// Each distinct URL that the targets hold, in the manifest's order. Signed ones are asked only if
/// that is wanted: whoever has one may run the flow.
pub fn questions(
    desired: &Desired,
    observed: &Observed,
    cloud: &Cloud,
    environment: &EnvironmentUrl,
    signed: bool,
) -> Vec<Question> {
    let question = |(url, targets): (CallbackUrl, Vec<(String, Site)>)| {
        let taken = method(&url, observed);
        let request = match refusal(&url, cloud, taken, signed) {
            Some(why) => Err(why),
            None => trigger::probe(&url, taken, environment).ok_or(UNSAFE),
        };
        Question { view: url.view().clone(), targets, request }
    };
    stored(desired, observed).into_iter().map(question).collect()
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
    cloud: &Cloud,
    taken: Option<&str>,
    signed: bool,
) -> Option<&'static str> {
    if !cloud.serves_callbacks(&url.view().host) {
        return Some(ELSEWHERE);
    }
    if !url.is_unambiguous() {
        return Some(UNSAFE);
    }
    match url.view().kind {
        Kind::Signed if !signed => Some(NOT_WANTED),
        Kind::Signed if taken.is_none() => Some(METHOD_UNKNOWN),
        Kind::Authenticated | Kind::Signed => None,
    }
}
