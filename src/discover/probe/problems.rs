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
            "is of a flow that is off",
            words,
            "turn the flow on; if another flow took its place, `flowbind apply` writes that one's URL",
        ),
        ProbeVerdict::Gone(words) => (
            Code::ProbeGone,
            "leads to nothing any more",
            words,
            "run `flowbind apply`, which writes the URL that the flow has now",
        ),
        ProbeVerdict::Signature(words) => (
            Code::ProbeSignature,
            "is not accepted any more as it is signed",
            words,
            "its key was rotated, or who may call was changed: run `flowbind apply`, which writes the URL that the flow has now",
        ),
        ProbeVerdict::Open(words) => (Code::ProbeOpen, open(probed.view.kind), words, OPEN),
        ProbeVerdict::Unknown(words) => (
            Code::ProbeUnknown,
            "was asked, and what came of it proves nothing",
            words,
            "check again later, and that its host can be reached from here",
        ),
    })
}

/// The hint for a URL that accepted a request.
const OPEN: &str = "look at once at the flow's runs and at who may trigger it, and do not probe it again before that is understood";

fn open(kind: UrlAccess) -> &'static str {
    match kind {
        UrlAccess::Authenticated => "answered without a token, and its flow may have run",
        UrlAccess::Signed => {
            "took a request by a method that its trigger does not take, and its flow may have run"
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
        message: format!("the URL that is there ({view}) {what}: {words}"),
        hint: hint.to_owned(),
        site: Some(*site),
    })
}
