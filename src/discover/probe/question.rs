//! Decides which URLs are probed, and builds the requests.

use std::collections::HashMap;

use crate::discover::probe::live_urls::LiveUrls;
use crate::http::Request;
use crate::model::{
    CallbackUrl, Cloud, Desired, EnvironmentId, EnvironmentUrl, ManifestPosition, Observed,
    StoredText, StoredUrl, UrlAccess, UrlView,
};
use crate::plan::current_values;
use crate::services::trigger;

const ELSEWHERE: &str = "its host is not one of the cloud's Flow services";
const UNSAFE: &str = "it is not https, or programs read different hosts from it";
const NOT_HERE: &str = "it leads to another environment, and a probe of an environment on this machine contacts no other machine";
const NOT_WANTED: &str = "it is signed, and --probe-signed was not given";
const METHOD_UNKNOWN: &str = "it is signed, and the method of its trigger is not known";

/// A URL that targets hold, and the request that probes it, or the reason not to probe it.
pub(crate) struct Question {
    /// The parts of the URL that may be shown.
    pub view: UrlView,
    /// The targets that hold it, with their places in the manifest.
    pub targets: Vec<(String, ManifestPosition)>,
    /// The request, or the reason why there is none.
    pub request: Result<Request, &'static str>,
}

/// The environment that is probed, and the URLs that may be probed.
pub(crate) struct ProbeSettings<'run> {
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// The address of the environment.
    pub environment: &'run EnvironmentUrl,
    /// Its id, which the hosts of its triggers contain.
    pub environment_id: &'run EnvironmentId,
    /// Whether signed URLs are probed: whoever has one may run the flow.
    pub signed: bool,
}

/// Returns one question for each distinct URL that the targets hold, in the manifest's order.
pub(crate) fn questions(
    desired: &Desired,
    observed: &Observed,
    terms: &ProbeSettings<'_>,
) -> Vec<Question> {
    let told = LiveUrls::from_observed(observed);
    let question = |(url, targets): (CallbackUrl, Vec<(String, ManifestPosition)>)| {
        let request = request(&url, &told, terms);
        Question { view: url.view().clone(), targets, request }
    };
    stored(desired, observed).into_iter().map(question).collect()
}

/// Builds the request that probes a URL, or returns the reason not to probe it.
fn request(
    url: &CallbackUrl,
    told: &LiveUrls<'_>,
    terms: &ProbeSettings<'_>,
) -> Result<Request, &'static str> {
    let taken = told.method(url);
    match reason_to_skip(url, told, taken, terms) {
        Some(why) => Err(why),
        None => trigger::probe_request(url, taken, terms.environment).ok_or(UNSAFE),
    }
}

/// Checks whether a URL leads to the environment that is probed: its host names the environment's
/// id or is the host of a current URL from the Flow service.
fn is_here(url: &CallbackUrl, told: &LiveUrls<'_>, terms: &ProbeSettings<'_>) -> bool {
    let named: Option<EnvironmentId> = url.environment().and_then(|id| id.parse().ok());
    named.is_some_and(|id| id == *terms.environment_id) || told.has_host(&url.view().host)
}

/// Collects the distinct URLs, each with the targets that hold it.
fn stored(
    desired: &Desired,
    observed: &Observed,
) -> Vec<(CallbackUrl, Vec<(String, ManifestPosition)>)> {
    let mut all: Vec<(CallbackUrl, Vec<(String, ManifestPosition)>)> = Vec::new();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (binding, text) in desired.bindings.iter().zip(current_values(desired, observed)) {
        let text = text.filter(|_| !desired.is_removed(binding));
        let read = |text: StoredText| StoredUrl::from_text(text.expose());
        let Some(StoredUrl { url, .. }) = text.and_then(read) else { continue };
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

/// Returns the reason not to probe a URL, if there is one.
fn reason_to_skip(
    url: &CallbackUrl,
    told: &LiveUrls<'_>,
    taken: Option<&str>,
    terms: &ProbeSettings<'_>,
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
        UrlAccess::Signed if !terms.signed => Some(NOT_WANTED),
        UrlAccess::Signed if taken.is_none() => Some(METHOD_UNKNOWN),
        UrlAccess::Authenticated | UrlAccess::Signed => None,
    }
}
