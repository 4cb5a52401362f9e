//! Turns the answers of probed URLs into problems and warnings.

use super::{ProbeResult, Probed};
use crate::model::{Code, Problem, UrlAccess};
use crate::plan::ValueView;
use crate::services::trigger::ProbeVerdict;

/// The kind of problem, what is wrong, and what to do about it.
type Reason<'a> = (Code, &'static str, &'a str, &'static str);

/// Returns the problems and the warnings that follow from the answers, one for each target.
pub(crate) fn findings(probed: &[Probed]) -> (Vec<Problem>, Vec<Problem>) {
    let all = probed
        .iter()
        .filter_map(|probed| reason(probed).map(|reason| problems_for_targets(probed, reason)));
    all.flatten().partition(|problem| problem.code != Code::ProbeUnknown)
}

/// Returns the problem that an answer shows, if it is not the expected answer.
fn reason(probed: &Probed) -> Option<Reason<'_>> {
    let ProbeResult::Asked(verdict) = &probed.result else { return None };
    Some(match verdict {
        ProbeVerdict::Guarded => return None,
        ProbeVerdict::Off(words) => (
            Code::ProbeOff,
            "belongs to a flow that is off",
            words,
            "turn the flow on; if another flow replaced it, run `flowbind apply` to write that flow's URL",
        ),
        ProbeVerdict::Gone(words) => (
            Code::ProbeGone,
            "no longer exists",
            words,
            "run `flowbind apply` to write the flow's current URL",
        ),
        ProbeVerdict::Signature(words) => (
            Code::ProbeSignature,
            "was refused because its signature is missing or no longer valid",
            words,
            "the key was rotated, or other people may call the flow now: run `flowbind apply` to write the flow's current URL",
        ),
        ProbeVerdict::Open(words) => (Code::ProbeOpen, open(probed.view.kind), words, OPEN),
        ProbeVerdict::Unknown(words) => (
            Code::ProbeUnknown,
            "was called, but the answer proves nothing",
            words,
            "check that its host can be reached from here, and run the check again later",
        ),
    })
}

/// The hint for a URL that accepted a request.
const OPEN: &str =
    "check the flow's run history, and who may trigger the flow, before you probe the URL again";

fn open(kind: UrlAccess) -> &'static str {
    match kind {
        UrlAccess::Authenticated => "accepted a request without a token, and its flow may have run",
        UrlAccess::Signed => {
            "accepted a request with a method that its trigger does not accept, and its flow may have run"
        }
    }
}

/// Returns the problem once for each target that holds the URL.
fn problems_for_targets<'a>(
    probed: &'a Probed,
    (code, what, words, hint): Reason<'a>,
) -> impl Iterator<Item = Problem> + 'a {
    let view = ValueView::Url(probed.view.clone());
    probed.targets.iter().map(move |(address, site)| Problem {
        code,
        address: Some(address.clone()),
        message: format!("the stored URL ({view}) {what}: {words}"),
        hint: hint.to_owned(),
        site: Some(*site),
    })
}
