//! Scripted faults as they are written, in the tenant file and at `/_sandbox/faults`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::file::ServiceName;

/// How long each byte of an answer that drips is held back, unless it is said otherwise.
const DRIP: Duration = Duration::from_millis(100);
/// Headers that belong to the connection, which no fault sets.
const KEPT_HEADERS: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// A scripted fault: requests that match are answered by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FaultFile {
    /// The service.
    pub(crate) service: ServiceName,
    /// The method, when only one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// What the path or query holds, when only some are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path_contains: Option<String>,
    /// Which matching request alone is meant, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nth: Option<u32>,
    /// How many matching requests pass first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u32>,
    /// How often; absent, once, or always where there is a probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// How probable it is that a request is struck whose turn it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,
    /// What the draws of the probability begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// The status of the answer, where there is no action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The `Retry-After` seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    /// The seconds from now that `Retry-After` names as a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_date: Option<u64>,
    /// Further headers of the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// The body, when it is not the service's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// The content type, when it is not the body's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    /// What happens, where there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<Action>,
    /// The milliseconds of `delay`, or of each byte of `slow-drip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<u64>,
    /// Where `redirect` leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// Whether the request is carried out and only its answer spoilt.
    #[serde(default)]
    pub(crate) executed: bool,
}

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The connection is reset before any answer.
    Reset,
    /// The connection is closed without an answer.
    Close,
    /// The connection is closed after half of the answer.
    Truncate,
    /// Bytes that are not HTTP.
    Garbage,
    /// 200 with an HTML page.
    Html,
    /// 200 with JSON that ends too early.
    InvalidJson,
    /// 200 without a body.
    Empty,
    /// The real answer, byte by byte.
    SlowDrip,
    /// The real answer, later.
    Delay,
    /// 200 with a body that does not end.
    Oversized,
    /// 302 to another address.
    Redirect,
    /// The answer under a content type that is not its own.
    WrongContentType,
    /// A part of a batch stands twice.
    DuplicatePart,
    /// The parts of a batch stand in reverse order.
    WrongContentIdOrder,
    /// The last part of a batch is missing.
    MissingPart,
    /// The parts of a batch are set apart by another boundary than was announced.
    BrokenBoundary,
}

/// How far a request is carried out that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not at all.
    Untouched,
    /// As far as its answer: nothing that it changes is kept.
    Rehearsed,
    /// Wholly.
    Done,
}

impl Action {
    /// Tells whether it spoils the parts of a batch.
    pub(crate) fn is_multipart(self) -> bool {
        matches!(
            self,
            Self::DuplicatePart
                | Self::WrongContentIdOrder
                | Self::MissingPart
                | Self::BrokenBoundary
        )
    }

    /// Tells whether it delivers the real answer in the end.
    fn delivers(self) -> bool {
        matches!(self, Self::Delay | Self::SlowDrip)
    }

    /// Tells whether it needs the real answer.
    fn spoils(self) -> bool {
        self.is_multipart() || matches!(self, Self::Truncate | Self::WrongContentType)
    }
}

impl FaultFile {
    /// Tells how far a request is carried out.
    pub(crate) fn reach(&self) -> Reach {
        if self.executed || self.action.is_some_and(Action::delivers) {
            Reach::Done
        } else if self.action.is_some_and(Action::spoils) {
            Reach::Rehearsed
        } else {
            Reach::Untouched
        }
    }

    /// Returns how many matching requests pass first, and how often the fault strikes.
    pub(crate) fn turns(&self) -> (u32, Option<u32>) {
        match self.nth {
            Some(nth) => (nth.saturating_sub(1), Some(1)),
            None if self.probability.is_some() => (self.after.unwrap_or(0), self.times),
            None => (self.after.unwrap_or(0), Some(self.times.unwrap_or(1))),
        }
    }

    /// Returns how long an answer, or each byte of it, is held back.
    pub(crate) fn pause(&self) -> Duration {
        self.delay.map_or(DRIP, Duration::from_millis)
    }

    /// Lists what is wrong.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut refuse = |wrong: bool, message: &str| {
            if wrong {
                found.push(message.to_owned());
            }
        };
        let turns = self.after.is_some() || self.times.is_some();
        refuse(self.nth == Some(0), "nth is counted from 1");
        refuse(self.nth.is_some() && turns, "nth stands beside `after` or `times`");
        let probable = self.probability.is_none_or(|chance| (0.0..=1.0).contains(&chance));
        refuse(!probable, "probability is not between 0 and 1");
        refuse(self.seed.is_some() && self.probability.is_none(), "seed needs a `probability`");
        refuse(
            self.status.is_some() == self.action.is_some(),
            "exactly one of `status` and `action` is needed",
        );
        let known = self.status.is_none_or(|status| (200..600).contains(&status));
        refuse(!known, "status is not one of 200 to 599");
        refuse(
            self.status.is_none() && self.says_more(),
            "`retry-after`, `retry-after-date`, `headers`, `body` and `content-type` need a `status`",
        );
        let dates = self.retry_after.is_some() && self.retry_after_date.is_some();
        refuse(dates, "`retry-after` stands beside `retry-after-date`");
        self.action_problems(&mut refuse);
        found.extend(self.header_problems());
        found
    }

    /// Tells whether something is said of the answer that only one with a status has.
    fn says_more(&self) -> bool {
        self.retry_after.is_some()
            || self.retry_after_date.is_some()
            || self.body.is_some()
            || self.content_type.is_some()
            || !self.headers.is_empty()
    }

    fn action_problems(&self, refuse: &mut impl FnMut(bool, &str)) {
        let is = |action| self.action == Some(action);
        let pauses = self.action.is_some_and(Action::delivers);
        refuse(self.delay.is_some() && !pauses, "delay needs the action `delay` or `slow-drip`");
        refuse(is(Action::Delay) && self.delay.is_none(), "action `delay` needs a `delay`");
        refuse(
            is(Action::Redirect) != self.location.is_some(),
            "action `redirect` and `location` need each other",
        );
        let carried = |value: &String| HeaderValue::from_str(value).is_ok();
        refuse(!self.location.as_ref().is_none_or(carried), "location is not a header's value");
        let parts = self.action.is_some_and(Action::is_multipart);
        refuse(
            parts && self.service != ServiceName::Dataverse,
            "only `dataverse` answers in parts",
        );
    }

    fn header_problems(&self) -> Vec<String> {
        let own = self.content_type.iter().map(|value| ("content-type", value));
        let all = self.headers.iter().map(|(name, value)| (name.as_str(), value)).chain(own);
        let wrong = all.filter(|(name, value)| {
            KEPT_HEADERS.contains(&name.to_ascii_lowercase().as_str())
                || HeaderName::try_from(*name).is_err()
                || HeaderValue::from_str(value).is_err()
        });
        wrong.map(|(name, _)| format!("header `{name}` cannot be set")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(more: &str) -> FaultFile {
        toml::from_str(&format!("service = \"dataverse\"\n{more}")).unwrap()
    }

    #[test]
    fn a_fault_says_exactly_one_thing() {
        let wrong = [
            "nth = 1",
            "status = 429\naction = \"reset\"",
            "status = 600",
            "status = 429\nretry-after = 1\nretry-after-date = 1",
            "status = 429\nnth = 0",
            "status = 429\nnth = 1\ntimes = 1",
            "status = 429\nprobability = 1.5",
            "status = 429\nseed = 1",
            "status = 200\nheaders = { Content-Length = \"1\" }",
            "status = 200\nheaders = { \"a b\" = \"1\" }",
            "action = \"reset\"\nbody = \"x\"",
            "action = \"reset\"\ndelay = 1",
            "action = \"delay\"",
            "action = \"redirect\"",
            "action = \"html\"\nlocation = \"/\"",
        ];
        for text in wrong {
            assert_eq!(fault(text).problems().len(), 1, "{text}: {:?}", fault(text).problems());
        }
        let parts = FaultFile { service: ServiceName::Flow, ..fault("action = \"missing-part\"") };
        assert_eq!(parts.problems(), ["only `dataverse` answers in parts"]);
    }

    #[test]
    fn a_fault_reads_back_as_it_was_written() {
        let texts = [
            "nth = 3\naction = \"slow-drip\"\ndelay = 5",
            "after = 1\ntimes = 2\nprobability = 0.5\nseed = 7\nstatus = 200\nbody = \"{}\"",
        ];
        for one in texts.map(fault) {
            assert!(one.problems().is_empty());
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<FaultFile>(&text).unwrap(), one);
        }
    }

    #[test]
    fn only_what_needs_the_real_answer_is_carried_out_unasked() {
        assert_eq!(fault("status = 500").reach(), Reach::Untouched);
        assert_eq!(fault("action = \"garbage\"").reach(), Reach::Untouched);
        assert_eq!(fault("action = \"truncate\"").reach(), Reach::Rehearsed);
        assert_eq!(fault("action = \"delay\"\ndelay = 1").reach(), Reach::Done);
        assert_eq!(fault("action = \"reset\"\nexecuted = true").reach(), Reach::Done);
    }

    #[test]
    fn a_fault_strikes_once_unless_it_is_left_to_chance() {
        assert_eq!(fault("status = 500").turns(), (0, Some(1)));
        assert_eq!(fault("status = 500\nafter = 2\ntimes = 3").turns(), (2, Some(3)));
        assert_eq!(fault("status = 500\nnth = 4").turns(), (3, Some(1)));
        assert_eq!(fault("status = 500\nprobability = 0.1").turns(), (0, None));
    }
}
