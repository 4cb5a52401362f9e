//! Asks the URLs that targets hold, so that no flow runs.
//!
//! `question` picks what is asked and how, `finding` says what the answers mean for people; both are
//! pure. No token goes with a request, and one that could run something is never made.

mod live_urls;
mod problems;
mod question;

use futures_util::future::join_all;

use crate::http::Transport;
use crate::model::{Site, UrlView, sentence};
pub(crate) use crate::services::trigger::Verdict;

pub(crate) use problems::findings;
pub(crate) use question::{Question, Terms, questions};

/// A URL that targets hold, and what came of asking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// What may be shown of it.
    pub view: UrlView,
    /// The targets that hold it, with their places in the manifest.
    pub targets: Vec<(String, Site)>,
    /// What came of it.
    pub result: ProbeResult,
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It was not asked, and why.
    Skipped(&'static str),
    /// It was asked.
    Asked(Verdict),
}

impl ProbeResult {
    /// The stable text.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Skipped(_) => "skipped",
            Self::Asked(Verdict::Guarded) => "guarded",
            Self::Asked(Verdict::Off(_)) => "off",
            Self::Asked(Verdict::Gone(_)) => "gone",
            Self::Asked(Verdict::Signature(_)) => "signature",
            Self::Asked(Verdict::Open(_)) => "open",
            Self::Asked(Verdict::Unknown(_)) => "unknown",
        }
    }

    /// Why it was not asked, or what it answered, where that is not what was expected.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Skipped(why) => Some(why),
            Self::Asked(Verdict::Guarded) => None,
            Self::Asked(
                Verdict::Off(words)
                | Verdict::Gone(words)
                | Verdict::Signature(words)
                | Verdict::Open(words)
                | Verdict::Unknown(words),
            ) => Some(words),
        }
    }
}

/// Asks, all at once as far as the transport lets it. That there is no answer is an answer.
pub(crate) async fn ask(transport: &Transport, questions: Vec<Question>) -> Vec<Probed> {
    let asked = questions.into_iter().map(async |question| {
        let Question { view, targets, request } = question;
        let result = match request {
            Err(why) => ProbeResult::Skipped(why),
            Ok(request) => ProbeResult::Asked(match transport.send(&request, None).await {
                Ok(answer) => Verdict::from_answer(view.kind, &answer),
                Err(error) => Verdict::Unknown(sentence(&error)),
            }),
        };
        Probed { view, targets, result }
    });
    join_all(asked).await
}

#[cfg(test)]
mod tests;
