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
    /// The host, where neither of the two above explains it; with the scheme and the port where
    /// only these differ.
    Host,
    /// The workflow that it runs.
    Workflow,
    /// The trigger that it fires.
    Trigger,
    /// The path below the trigger, which its relative path does not lead to.
    Path,
    /// Whether whoever has it may call, or the caller needs a token.
    Kind,
    /// The version of the service's API.
    ApiVersion,
    /// The signature: keys were rotated.
    Signature,
    /// Something else that does not change which flow it starts, such as another parameter.
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
            Self::Path => "path",
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
            Self::Path => "another path below the trigger",
            Self::Kind => "another kind",
            Self::ApiVersion => "another api-version",
            Self::Signature => "signature rotated",
            Self::Rest => "the address differs in details that do not change which flow it starts",
        }
    }
}

impl fmt::Display for UrlPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Difference {
    /// Creates a difference from what may be shown of the part. A difference beyond what is shown
    /// shows nothing.
    fn new(part: UrlPart, (before, after): (Option<String>, Option<String>)) -> Self {
        let (before, after) = if before == after { (None, None) } else { (before, after) };
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
            (UrlPart::Host, Some(before), Some(_)) if before.contains("://") => {
                formatter.write_str("another port or scheme")
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
    let (was, is) = (&before.whole, &after.whole);
    let known = before.environment.is_some() && after.environment.is_some();
    let moved = known && before.environment != after.environment;
    let form = before.generation != after.generation;
    let host = !moved && !form && found.origin() != wanted.origin();
    let trigger = was.trigger != is.trigger;
    let path = !form && !trigger && !found.has_path_of(wanted);
    let kind = found.view().kind != wanted.view().kind;
    let api_version = !form && was.api_version != is.api_version;
    let workflow = was.workflow != is.workflow;
    let explained = moved || form || host || workflow || trigger || path || kind;
    let signature = !explained && before.signature != after.signature;
    let origins = (found.view().host == wanted.view().host)
        .then(|| (Some(found.origin()), Some(wanted.origin())));
    let hosts = || (Some(found.view().host.to_string()), Some(wanted.view().host.to_string()));
    let kinds = (found.view().kind.to_string(), wanted.view().kind.to_string());
    let forms = (before.generation.to_string(), after.generation.to_string());
    let rows = [
        (UrlPart::Environment, moved, (before.environment, after.environment)),
        (UrlPart::Generation, form, (Some(forms.0), Some(forms.1))),
        (UrlPart::Host, host, origins.unwrap_or_else(hosts)),
        (UrlPart::Workflow, workflow, (before.workflow, after.workflow)),
        (UrlPart::Trigger, trigger, (before.trigger, after.trigger)),
        (UrlPart::Path, path, (None, None)),
        (UrlPart::Kind, kind, (Some(kinds.0), Some(kinds.1))),
        (UrlPart::ApiVersion, api_version, (before.api_version, after.api_version)),
        (UrlPart::Signature, signature, (None, None)),
    ];
    let differing = rows.into_iter().filter(|(_, differs, _)| *differs);
    let mut list: Vec<Difference> =
        differing.map(|(part, _, shown)| Difference::new(part, shown)).collect();
    if list.is_empty() {
        list.push(Difference::new(UrlPart::Rest, (None, None)));
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

    const DETAILS: &str = "the address differs in details that do not change which flow it starts";

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
            (HERE.replace(":443", ":8443"), "another port or scheme"),
            (HERE.replace("sv=1.0", "sv=2.0"), DETAILS),
            (HERE.replace("direct/", "direct/cu/07/"), DETAILS),
            (HERE.replace("/invoke", "/invoke/clips"), "another path below the trigger"),
        ];
        for (text, phrase) in cases {
            assert_eq!(found(&text), phrase);
        }
    }

    #[test]
    fn names_are_compared_whole_and_decoded_also_where_they_are_not_shown() {
        let named = |name: &str| HERE.replace("triggers/manual", &format!("triggers/{name}"));
        let list = |found: &str, wanted: &str| {
            let list = differences(&found.parse().unwrap(), &wanted.parse().unwrap());
            (join_differences(&list), list[0].before.clone(), list[0].after.clone())
        };
        let other = |before: Option<&str>, after: Option<&str>| {
            ("another trigger".to_owned(), before.map(str::to_owned), after.map(str::to_owned))
        };
        let rotated = |text: &str| text.replace("made-up", "older");
        for (found, wanted, both) in [
            ("manual_(v2)", "manual_(v3)", other(None, None)),
            ("manual_(v2)", "manual", other(None, Some("manual"))),
            (
                "Bestellung_%C3%A4",
                "Bestellung_%C3%B6",
                other(Some("Bestellung_ä"), Some("Bestellung_ö")),
            ),
        ] {
            assert_eq!(list(&rotated(&named(found)), &named(wanted)), both, "{found}");
        }
        let (phrase, ..) = list(&rotated(&named("a%28b%29")), &named("a(b)"));
        assert_eq!(phrase, "signature rotated");
        let near = HERE.replace("0123456789abcdef/", "0123456789abcdee/");
        assert_eq!(list(&rotated(&near), HERE), ("another workflow".to_owned(), None, None));
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
