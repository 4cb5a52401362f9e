//! A plan in the making.

use std::borrow::Cow;
use std::sync::Arc;

use super::changes::{Action, Change, Plan};
use super::difference::{self, Difference};
use super::refusals::explain_refusal;
use super::stages::WriteStage;
use super::value_view::ValueView;
use super::write::Write;
use crate::model::{
    self, Binding, CallbackUrl, Cloud, Code, Desired, EntityTag, KnownNames, Oddities, Problem,
    ServiceError, StoredText, StoredUrl, nearest, printable,
};

/// The most targets that are listed as left out.
const MOST_LEFT_OUT: usize = 50;

/// A binding with its place in the manifest's order and the URL it wants, if that is known.
#[derive(Clone, Copy)]
pub(super) struct WantedUrl<'run> {
    pub(super) index: usize,
    pub(super) binding: &'run Binding,
    pub(super) url: Option<&'run CallbackUrl>,
}

/// A plan in the making: everything carries the place in the manifest that it came from.
pub(super) struct PlanBuilder<'run> {
    pub(super) desired: &'run Desired,
    pub(super) cloud: &'run Cloud,
    /// Whether the values are those of a file of deployment settings.
    pub(super) in_file: bool,
    /// What the environment has instead of what was not found.
    pub(super) known: KnownNames,
    pub(super) flow_names: Vec<Arc<str>>,
    /// What is planned so far; each change has the index of its binding.
    pub(super) parts: PlanParts,
}

/// The parts of a plan in the making, of a manifest or of a rollback.
#[derive(Default)]
pub(super) struct PlanParts {
    /// Each change with its place in the order of the plan.
    pub(super) changes: Vec<(usize, Change)>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// Each write with the places of its changes, the first of which tells its order.
    pub(super) writes: Vec<(Vec<usize>, Write)>,
}

impl WantedUrl<'_> {
    /// Creates a problem or a warning of the binding.
    pub(super) fn problem(&self, code: Code, message: String, hint: impl Into<String>) -> Problem {
        let address = Some(self.binding.target.address());
        Problem { code, address, message, hint: hint.into(), site: Some(self.binding.site) }
    }
}

impl<'run> PlanBuilder<'run> {
    pub(super) fn new(desired: &'run Desired, cloud: &'run Cloud) -> Self {
        Self {
            desired,
            cloud,
            in_file: false,
            known: KnownNames::default(),
            flow_names: Vec::new(),
            parts: PlanParts {
                warnings: left_out(desired).into_iter().collect(),
                ..PlanParts::default()
            },
        }
    }

    /// Returns the bindings, each with its URL.
    pub(super) fn wanted(&self, urls: &[Option<&'run CallbackUrl>]) -> Vec<WantedUrl<'run>> {
        let bindings = self.desired.bindings.iter().enumerate();
        bindings
            .map(|(index, binding)| WantedUrl { index, binding, url: urls[binding.flow.0] })
            .collect()
    }

    /// Compares the text at a place with the URL that is wanted there, notes the change, and
    /// returns whether something has to be written.
    pub(super) fn compare(
        &mut self,
        wanted: &WantedUrl<'run>,
        url: &CallbackUrl,
        current: &CurrentText<'_>,
    ) -> bool {
        let text = current.text().filter(|text| !text.is_empty());
        let stored = text.and_then(|text| parse_url(text, url));
        let before = match &stored {
            Some(stored) if stored.oddities.is_empty() => {
                Some(ValueView::from_url(&stored.url, self.cloud))
            }
            _ => ValueView::from_text(text, self.cloud),
        };
        let (action, reason, differences) = verdict(url, current, stored.as_ref(), before.as_ref());
        let flow = self.desired.flow(wanted.binding.flow);
        let change = Change {
            address: wanted.binding.target.address(),
            action,
            reason,
            flow_name: self.flow_names[wanted.binding.flow.0].clone(),
            workflow_id: flow.workflow_id,
            before,
            after: Some(ValueView::Url(url.view().clone())),
            differences,
            site: Some(wanted.binding.site),
            guard: current.guard.clone(),
            held: text.filter(|_| action != Action::NoOp).map(StoredText::new),
        };
        self.parts.changes.push((wanted.index, change));
        action != Action::NoOp
    }

    /// Returns true if the target of a binding no longer gets the flow's URL.
    pub(super) fn is_removed(&self, wanted: &WantedUrl<'_>) -> bool {
        self.desired.is_removed(wanted.binding)
    }

    /// Compares the text at a place with the URL that is to be removed there, notes the change, and
    /// returns whether something has to be written. Any other text stays, with a warning.
    pub(super) fn remove(&mut self, wanted: &WantedUrl<'run>, current: &CurrentText<'_>) -> bool {
        let text = current.text().filter(|text| !text.is_empty());
        let (action, reason) = match (text, wanted.url) {
            (None, _) => (Action::NoOp, current.text.err().unwrap_or("the value is empty")),
            (Some(text), Some(url)) if is_url_of_trigger(text, url) => {
                (Action::Delete, "the manifest removes it")
            }
            (Some(_), url) => {
                let message = match url {
                    Some(_) => "the value is not the URL of the flow, and is left as it is",
                    None => {
                        "the flow has no URL now, so whether the value is its URL is not known; the value is left as it is"
                    }
                };
                let hint = "remove the value by hand if nobody needs it, or turn the flow on; then remove the `[[removed]]` entry";
                self.parts.warnings.push(wanted.problem(
                    Code::RemovedKept,
                    message.to_owned(),
                    hint,
                ));
                (Action::NoOp, "is left as it is")
            }
        };
        let before = ValueView::from_text(text, self.cloud);
        let change = Change {
            address: wanted.binding.target.address(),
            action,
            reason: reason.into(),
            flow_name: self.flow_names[wanted.binding.flow.0].clone(),
            workflow_id: self.desired.flow(wanted.binding.flow).workflow_id,
            after: before.clone().filter(|_| action == Action::NoOp),
            before,
            differences: Vec::new(),
            site: Some(wanted.binding.site),
            guard: current.guard.clone(),
            held: text.filter(|_| action != Action::NoOp).map(StoredText::new),
        };
        self.parts.changes.push((wanted.index, change));
        action != Action::NoOp
    }

    /// Notes a problem of one binding.
    pub(super) fn problem(
        &mut self,
        wanted: &WantedUrl<'_>,
        code: Code,
        message: String,
        hint: impl Into<String>,
    ) {
        self.parts.problems.push(wanted.problem(code, message, hint));
    }

    /// Notes a problem: the service refused to show something to the user.
    pub(super) fn refusal(&mut self, wanted: &WantedUrl<'_>, error: &ServiceError) {
        let (message, hint) = explain_refusal(error);
        self.problem(wanted, Code::PrivilegeMissing, message, hint);
    }
}

impl PlanParts {
    /// Adds a change after all others.
    pub(super) fn add_change(&mut self, change: Change) {
        self.changes.push((self.changes.len(), change));
    }

    /// Sorts everything into its order, and returns the plan.
    pub(super) fn finish(mut self) -> Plan {
        self.changes.sort_by_key(|(index, _)| *index);
        self.writes.sort_by_key(|(bindings, _)| bindings.first().copied());
        let targets = self.targets();
        self.problems.sort_by_key(|problem| problem.site);
        self.warnings.sort_by_key(|warning| warning.site);
        let changes = self.changes.into_iter().map(|(_, change)| change).collect();
        let writes = self.writes.into_iter().map(|(_, write)| write).collect();
        Plan::new(changes, self.problems, self.warnings, WriteStage { writes, targets })
    }

    /// Returns the addresses of the targets that each write changes. The changes are in order.
    fn targets(&self) -> Vec<Vec<String>> {
        let address = |binding: &usize| {
            let place = self.changes.binary_search_by_key(binding, |(index, _)| *index).ok()?;
            let (_, change) = &self.changes[place];
            (change.action != Action::NoOp).then(|| change.address.clone())
        };
        let writes = self.writes.iter();
        writes.map(|(bindings, _)| bindings.iter().filter_map(address).collect()).collect()
    }
}

/// Returns the warning that names the targets which `--only` left out, if it did.
fn left_out(desired: &Desired) -> Option<Problem> {
    let addresses = &desired.left_out;
    let count = addresses.len();
    let of = count + desired.bindings.len();
    let shown = addresses.iter().take(MOST_LEFT_OUT).map(|address| format!("`{address}`"));
    let shown: Vec<String> = shown.collect();
    let more = count - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("`--only` left out {count} of {of} targets: {}{more}", shown.join(", "));
    let hint = "run without `--only` for all targets".to_owned();
    (count > 0).then_some(Problem { code: Code::LeftOut, address: None, message, hint, site: None })
}

/// Returns the beginning of a hint that names the known name most like `name`, if one is.
pub(super) fn did_you_mean<'name>(
    name: &str,
    known: impl IntoIterator<Item = &'name str>,
) -> String {
    let near = nearest(name, known).map(|near| printable(near, 120));
    model::did_you_mean(near.as_deref())
}

/// The message and the hint for a row that came without its version.
pub(super) const WITHOUT_ETAG: [&str; 2] = [
    "Dataverse sent the row without its version (`@odata.etag`), so a write could overwrite someone else's change",
    "keep the URL in a standard table or in an environment variable; if it is in one already, look at what stands between flowbind and Dataverse, such as a proxy",
];

/// Notes that a row came without its version.
pub(super) fn without_etag(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
    let [message, hint] = WITHOUT_ETAG;
    draft.problem(wanted, Code::RowWithoutEtag, message.to_owned(), hint);
}

/// What a place holds before the run.
#[derive(Clone)]
pub(super) struct CurrentText<'row> {
    /// The text, which may be empty; else what is missing.
    pub(super) text: Result<&'row str, &'static str>,
    /// The version of the row that holds it; where there is none, what else a new row is made of.
    pub(super) guard: Option<EntityTag>,
}

impl<'row> CurrentText<'row> {
    /// Creates the state of a place that does not exist; `missing` says what is missing.
    pub(super) fn missing(missing: &'static str, guard: Option<EntityTag>) -> Self {
        Self { text: Err(missing), guard }
    }

    /// Creates the state of a place with a text in a row of this version.
    pub(super) fn in_row(text: &'row str, guard: &'row EntityTag) -> Self {
        Self { text: Ok(text), guard: Some(guard.clone()) }
    }

    pub(super) fn text(&self) -> Option<&'row str> {
        self.text.ok()
    }
}

/// Reads a text as a URL. Most often it equals the wanted URL, which is parsed already.
fn parse_url(text: &str, wanted: &CallbackUrl) -> Option<StoredUrl> {
    if text == wanted.expose() {
        return Some(StoredUrl { url: wanted.clone(), oddities: Oddities::default() });
    }
    StoredUrl::from_text(text)
}

/// Checks whether a text is a URL of the trigger that `url` starts, with whatever signature.
fn is_url_of_trigger(text: &str, url: &CallbackUrl) -> bool {
    StoredUrl::from_text(text).is_some_and(|stored| url.same_trigger_as(&stored.url))
}

/// Decides the action for a place and its reason, and lists how the stored URL differs.
fn verdict(
    url: &CallbackUrl,
    current: &CurrentText<'_>,
    stored: Option<&StoredUrl>,
    before: Option<&ValueView>,
) -> (Action, Cow<'static, str>, Vec<Difference>) {
    let plainly = |action, reason| (action, Cow::Borrowed(reason), Vec::new());
    if let Err(missing) = current.text {
        return plainly(Action::Create, missing);
    }
    let oddities = stored.map(|stored| &stored.oddities).filter(|oddities| !oddities.is_empty());
    let found = stored.map(|stored| &stored.url);
    match (found, before) {
        (Some(found), _) if oddities.is_none() && found == url => {
            plainly(Action::NoOp, "up to date")
        }
        (Some(found), _) if oddities.is_none() && found.is_equivalent_to(url) => {
            plainly(Action::NoOp, "up to date, spelled differently")
        }
        (Some(found), _) if oddities.is_none() && found.fills_in(url) => {
            plainly(Action::NoOp, "up to date, with its path filled in")
        }
        (Some(found), Some(ValueView::Url(_))) => {
            let differences = if found.is_equivalent_to(url) {
                Vec::new()
            } else {
                difference::differences(found, url)
            };
            (Action::Update, reason_to_update(oddities, &differences).into(), differences)
        }
        (Some(_), _) => plainly(Action::Update, "leads to another host"),
        (None, None) => plainly(Action::Update, "the value is empty"),
        (None, Some(_)) => plainly(Action::Update, "the value is not a URL"),
    }
}

/// Explains why a stored URL is replaced: by the oddities of its text and its differences.
fn reason_to_update(oddities: Option<&Oddities>, differences: &[Difference]) -> String {
    let told = difference::join_differences(differences);
    match oddities {
        None => told,
        Some(oddities) if told.is_empty() => format!("the URL is stored with {oddities}"),
        Some(oddities) => format!("{told}, stored with {oddities}"),
    }
}
