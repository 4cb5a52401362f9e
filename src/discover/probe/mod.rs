//! Probes the URLs that targets hold, without running any flow.
//!
//! `question` decides which URLs are probed and how, `problems` turns the answers into problems;
//! both are pure. No token is sent, and no request that could run a flow is made.

mod live_urls;
mod problems;
mod question;

use futures_util::future::join_all;

use crate::http::Transport;
use crate::model::{ManifestPosition, UrlView, error_chain};
pub(crate) use crate::services::trigger::ProbeVerdict;

pub(crate) use problems::findings;
pub(crate) use question::{ProbeSettings, Question, questions};

/// A URL that targets hold, and the result of probing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// The parts of the URL that may be shown.
    pub view: UrlView,
    /// The targets that hold it, with their places in the manifest.
    pub targets: Vec<(String, ManifestPosition)>,
    /// The result of the probe.
    pub result: ProbeResult,
}

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The URL was not probed, for this reason.
    Skipped(&'static str),
    /// The URL was probed.
    Asked(ProbeVerdict),
}

impl ProbeResult {
    /// Returns the result's name, which never changes.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Skipped(_) => "skipped",
            Self::Asked(ProbeVerdict::Guarded) => "guarded",
            Self::Asked(ProbeVerdict::Off(_)) => "off",
            Self::Asked(ProbeVerdict::Gone(_)) => "gone",
            Self::Asked(ProbeVerdict::Signature(_)) => "signature",
            Self::Asked(ProbeVerdict::Open(_)) => "open",
            Self::Asked(ProbeVerdict::Unknown(_)) => "unknown",
        }
    }

    /// Returns the reason why the URL was not probed, or the answer if it is not the expected one.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Skipped(why) => Some(why),
            Self::Asked(ProbeVerdict::Guarded) => None,
            Self::Asked(
                ProbeVerdict::Off(words)
                | ProbeVerdict::Gone(words)
                | ProbeVerdict::Signature(words)
                | ProbeVerdict::Open(words)
                | ProbeVerdict::Unknown(words),
            ) => Some(words),
        }
    }
}

/// Probes all URLs at once, within the transport's limits. A missing answer is a result, not an
/// error.
pub(crate) async fn ask(transport: &Transport, questions: Vec<Question>) -> Vec<Probed> {
    let asked = questions.into_iter().map(async |question| {
        let Question { view, targets, request } = question;
        let result = match request {
            Err(why) => ProbeResult::Skipped(why),
            Ok(request) => ProbeResult::Asked(match transport.send(&request, None).await {
                Ok(answer) => ProbeVerdict::from_answer(view.kind, &answer),
                Err(error) => ProbeVerdict::Unknown(error_chain(&error)),
            }),
        };
        Probed { view, targets, result }
    });
    join_all(asked).await
}

#[cfg(test)]
mod tests;
