//! Which URLs are asked, and how.

use std::collections::HashMap;

use crate::discover::probe::live_urls::Told;
use crate::http::Request;
use crate::model::{
    CallbackUrl, Cloud, Desired, EnvironmentId, EnvironmentUrl, Kind, Observed, Site, UrlView,
};
use crate::plan::held;
use crate::services::trigger;

const ELSEWHERE: &str = "it leads to none of the cloud's flow services";
const UNSAFE: &str = "it is not https, or programs read different hosts out of it";
const NOT_HERE: &str = "it leads to another environment than this one, and a probe of an environment on this machine does not leave the machine";
const NOT_WANTED: &str = "it is signed, and --probe-signed was not given";
const METHOD_UNKNOWN: &str = "it is signed, and the Flow service tells of no trigger of its own by which method it is called";

/// A URL that targets hold, and the request that asks it, or why it is not asked.
pub(crate) struct Question {
    /// What may be shown of it.
    pub view: UrlView,
    /// The targets that hold it, with their places in the manifest.
    pub targets: Vec<(String, Site)>,
    /// The request, or why there is none.
    pub request: Result<Request, &'static str>,
}

/// Where URLs are asked from, and which.
pub(crate) struct Terms<'run> {
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
pub(crate) fn questions(
    desired: &Desired,
    observed: &Observed,
    terms: &Terms<'_>,
) -> Vec<Question> {
    let told = Told::of(observed);
    let question = |(url, targets): (CallbackUrl, Vec<(String, Site)>)| {
        let request = request(&url, &told, terms);
        Question { view: url.view().clone(), targets, request }
    };
    stored(desired, observed).into_iter().map(question).collect()
}

/// The request that asks a URL, or why it is not asked.
fn request(url: &CallbackUrl, told: &Told<'_>, terms: &Terms<'_>) -> Result<Request, &'static str> {
    let taken = told.method(url);
    match refusal(url, told, taken, terms) {
        Some(why) => Err(why),
        None => trigger::probe_request(url, taken, terms.environment).ok_or(UNSAFE),
    }
}

/// Whether a URL leads to the environment that is checked: its host names it, or is that of a URL
/// which the Flow service tells now.
fn is_here(url: &CallbackUrl, told: &Told<'_>, terms: &Terms<'_>) -> bool {
    let named: Option<EnvironmentId> = url.environment().and_then(|id| id.parse().ok());
    named.is_some_and(|id| id == *terms.environment_id) || told.has_host(&url.view().host)
}

/// The URLs, each with the targets that hold it.
fn stored(desired: &Desired, observed: &Observed) -> Vec<(CallbackUrl, Vec<(String, Site)>)> {
    let mut all: Vec<(CallbackUrl, Vec<(String, Site)>)> = Vec::new();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (binding, text) in desired.bindings.iter().zip(held(desired, observed)) {
        let Some(Ok(url)) = text.map(|text| text.expose().parse::<CallbackUrl>()) else { continue };
        let target = (binding.target.address(), binding.site);
        // A fingerprint is a part of a digest, so that two texts may have the same.
        let alike = places.entry(url.view().fingerprint.to_string()).or_default();
        if let Some(place) = alike.iter().find(|place| all[**place].0 == url) {
            all[*place].1.push(target);
        } else {
            alike.push(all.len());
            all.push((url, vec![target]));
        }
    }
    all
}

/// Why a URL is not asked, if it is not.
fn refusal(
    url: &CallbackUrl,
    told: &Told<'_>,
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
    if terms.environment.is_loopback() && !is_here(url, told, terms) {
        return Some(NOT_HERE);
    }
    match url.view().kind {
        Kind::Signed if !terms.signed => Some(NOT_WANTED),
        Kind::Signed if taken.is_none() => Some(METHOD_UNKNOWN),
        Kind::Authenticated | Kind::Signed => None,
    }
}
