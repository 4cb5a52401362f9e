//! Compares two URLs by the meaning of their parts.

use std::fmt;

use crate::model::{CallbackUrl, UrlForm};

/// A part in which two URLs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which part.
    pub part: UrlPart,
    /// What it was, if that may be shown.
    pub before: Option<String>,
    /// What it becomes, if that may be shown.
    pub after: Option<String>,
}

/// The parts of a URL, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlPart {
    /// The environment that it leads into: a copy of a database holds its source's.
    Environment,
    /// The form of the address: that of Logic Apps has been retired.
    Generation,
    /// The host, where neither of the two above explains it.
    Host,
    /// The workflow that it runs.
    Workflow,
    /// The trigger that it fires.
    Trigger,
    /// Whether whoever has it may call, or the caller needs a token.
    Kind,
    /// The version of the service's API.
    ApiVersion,
    /// The signature: keys were rotated.
    Signature,
    /// Something else, such as a port or another parameter.
    Rest,
}

impl UrlPart {
    /// Returns the stable name of the part.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Generation => "generation",
            Self::Host => "host",
            Self::Workflow => "workflow",
            Self::Trigger => "trigger",
            Self::Kind => "kind",
            Self::ApiVersion => "api-version",
            Self::Signature => "signature",
            Self::Rest => "rest",
        }
    }

    /// Returns the phrase that describes the stored URL if this part differs.
    fn phrase(self) -> &'static str {
        match self {
            Self::Environment => "another environment",
            Self::Generation => "another form of address",
            Self::Host => "another host",
            Self::Workflow => "another workflow",
            Self::Trigger => "another trigger",
            Self::Kind => "another kind",
            Self::ApiVersion => "another api-version",
            Self::Signature => "signature rotated",
            Self::Rest => "other details",
        }
    }
}

impl fmt::Display for UrlPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Difference {
    fn new(part: UrlPart, before: Option<String>, after: Option<String>) -> Self {
        Self { part, before, after }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, before, after } = self;
        match (part, before, after) {
            (UrlPart::Generation, Some(before), Some(_)) if *before == UrlForm::Old.to_string() => {
                formatter.write_str("retired address")
            }
            (UrlPart::Kind, Some(before), Some(after)) => {
                write!(formatter, "{before} instead of {after}")
            }
            _ => formatter.write_str(part.phrase()),
        }
    }
}

/// Lists the parts in which a stored URL differs from the wanted one. Leaves out parts that differ
/// only because another does: another workflow has another signature, another form of address has
/// another API version.
pub(super) fn differences(found: &CallbackUrl, wanted: &CallbackUrl) -> Vec<Difference> {
    let (before, after) = (found.read_parts(), wanted.read_parts());
    let mut list = Vec::new();
    let mut note = |part, before: Option<String>, after: Option<String>| {
        let differs = before != after;
        if differs {
            list.push(Difference::new(part, before, after));
        }
        differs
    };
    let moved = before.environment.is_some()
        && after.environment.is_some()
        && note(UrlPart::Environment, before.environment.clone(), after.environment.clone());
    let text = |generation: UrlForm| Some(generation.to_string());
    let form = note(UrlPart::Generation, text(before.generation), text(after.generation));
    let name = |url: &CallbackUrl| Some(url.view().host.to_string());
    let host = !moved && !form && note(UrlPart::Host, name(found), name(wanted));
    let workflow = note(UrlPart::Workflow, before.workflow.clone(), after.workflow.clone());
    let trigger = note(UrlPart::Trigger, before.trigger.clone(), after.trigger.clone());
    let kind = |url: &CallbackUrl| Some(url.view().kind.to_string());
    let kind = note(UrlPart::Kind, kind(found), kind(wanted));
    if !form {
        note(UrlPart::ApiVersion, before.api_version.clone(), after.api_version.clone());
    }
    let explained = moved || form || host || workflow || trigger || kind;
    if !explained && before.signature != after.signature {
        list.push(Difference::new(UrlPart::Signature, None, None));
    }
    if list.is_empty() {
        list.push(Difference::new(UrlPart::Rest, None, None));
    }
    list
}

/// Formats the differences as one line.
pub(super) fn join_differences(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=made-up";

    fn found(text: &str) -> String {
        let (found, wanted) = (text.parse().unwrap(), HERE.parse().unwrap());
        let list = differences(&found, &wanted);
        assert!(!format!("{list:?}").contains("made-up"));
        join_differences(&list)
    }

    #[test]
    fn each_part_is_told_by_what_it_means() {
        let cases = [
            (HERE.replace("3d5b2f84", "77777777"), "another environment"),
            (HERE.replace("01234567", "76543210"), "another workflow"),
            (HERE.replace("triggers/manual", "triggers/orders"), "another trigger"),
            (HERE.replace("&sig=made-up", ""), "authenticated instead of signed"),
            (HERE.replace("api-version=1", "api-version=2"), "another api-version"),
            (HERE.replace("made-up", "older"), "signature rotated"),
            (HERE.replace(":443", ":8443"), "other details"),
            (HERE.replace("sv=1.0", "sv=2.0"), "other details"),
        ];
        for (text, phrase) in cases {
            assert_eq!(found(&text), phrase);
        }
    }

    #[test]
    fn what_follows_from_another_difference_is_not_told() {
        let old = "https://prod-1.westeurope.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=older";
        assert_eq!(found(old), "retired address");
        let copied = HERE.replace("3d5b2f84", "77777777").replace("01234567", "76543210");
        assert_eq!(
            found(&copied.replace("made-up", "older")),
            "another environment, another workflow"
        );
    }

    #[test]
    fn both_sides_of_a_part_are_given_where_they_may_be_shown() {
        let list = differences(
            &HERE.replace("3d5b2f84", "77777777").parse().unwrap(),
            &HERE.parse().unwrap(),
        );
        assert_eq!(list[0].before.as_deref(), Some("77777777-17ce-4e09-9b6a-c80d4f7e21a6"));
        assert_eq!(list[0].after.as_deref(), Some("3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"));
    }
}
