//! Compares the manifest with the environment, and returns the difference as a value.
//!
//! [`plan`] is a pure function. It finds every problem at once, and a plan without problems
//! holds every id and guard that applying needs, so that applying decides nothing.

pub(crate) mod compare;
mod contents;
mod current_values;
mod difference;
mod equivalence;
mod flows;
mod foreign_environment;
pub mod journal;
pub(crate) mod json;
mod read_back;
mod records;
mod suspension;
mod variables;
mod waitable;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    Binding, CallbackUrl, Cloud, Code, Desired, EntityTag, Fingerprint, JsonPointer,
    ManifestPosition, Observed, ObservedFlow, Oddities, Problem, RowId, ServiceError, StoredText, StoredUrl,
    Targets, UrlView, WorkflowId, printable,
};

pub use current_values::current_values;
pub use difference::{Difference, UrlPart};
pub use equivalence::Divergence;
pub use foreign_environment::warn_of_foreign_environments;
use json::Document;
pub use read_back::{TargetResult, TargetState};
pub use waitable::{FlowsToWaitFor, flows_to_wait_for};
pub use write::{CellValue, Write};

/// The most rows that Dataverse writes together: the most operations of a change set
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api>).
pub const MOST_ROWS: usize = 1_000;

/// What a run would change, and what keeps it from doing so.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One for each binding that could be thought through, in the manifest's order.
    pub changes: Vec<Change>,
    /// What must be mended before anything is written, in the manifest's order.
    pub problems: Vec<Problem>,
    /// What a person should know, in the manifest's order.
    pub warnings: Vec<Problem>,
    /// How many targets a rollback leaves alone, since somebody changed them.
    pub left_alone: usize,
    writes: Vec<Write>,
    /// The addresses of the targets that each write changes.
    targets: Vec<Vec<String>>,
}

/// What happens to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The target.
    pub address: String,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Cow<'static, str>,
    /// The manifest's name for the flow, else the environment's.
    pub flow_name: Arc<str>,
    /// The flow.
    pub workflow_id: WorkflowId,
    /// What is there now.
    pub before: Option<ValueView>,
    /// What will be there.
    pub after: Option<ValueView>,
    /// In what the URL that is there differs from the one that will be; empty if none is there, or
    /// one that leads out of the flow services.
    pub differences: Vec<Difference>,
    /// The binding's place in the manifest, if the plan was made from one.
    pub site: Option<ManifestPosition>,
    /// The version of the row that holds it, as it was read; where no row is there and a variable's
    /// default is what the new one is made of, a digest of that.
    pub guard: Option<EntityTag>,
    /// What is there now, to the letter; none if that is nothing, or stays.
    pub(crate) held: Option<StoredText>,
}

/// What is done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A value is written where there is none.
    Create,
    /// A value is replaced.
    Update,
    /// A value is removed, or the row that holds it.
    Delete,
    /// Nothing: what should be is there.
    NoOp,
}

/// What may be shown of a stored text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ValueView {
    /// It is the URL of a flow.
    Url(UrlView),
    /// It is a URL that leads elsewhere. It may hold a short secret that a fingerprint would
    /// let others guess, so that only its host is shown.
    Elsewhere {
        /// Where it leads.
        host: String,
    },
    /// It is something else, so that nothing but its length is shown.
    Text {
        /// How many characters it has.
        characters: usize,
    },
}

/// Compares the wanted URLs of all targets with what was observed.
pub fn plan(desired: &Desired, observed: &Observed, cloud: &Cloud) -> Plan {
    plan_of(desired, &observed.flows, &observed.targets, cloud)
}

/// Compares the wanted URLs with flows and targets that were not read together.
pub fn plan_of(
    desired: &Desired,
    flows: &[ObservedFlow],
    targets: &Targets,
    cloud: &Cloud,
) -> Plan {
    let mut draft = PlanBuilder::new(desired, cloud);
    let urls = flows::urls(&mut draft, flows);
    variables::plan(&mut draft, targets, &urls);
    records::plan(&mut draft, targets, &urls);
    draft.finish()
}

impl Plan {
    /// Creates a plan from changes, problems, warnings and writes that were decided elsewhere.
    pub fn new(
        changes: Vec<Change>,
        problems: Vec<Problem>,
        warnings: Vec<Problem>,
        writes: Vec<Write>,
    ) -> Self {
        Self { changes, problems, warnings, left_alone: 0, writes, targets: Vec::new() }
    }

    /// Notes which targets each write changes, by their addresses.
    #[must_use]
    pub fn with_targets(self, targets: Vec<Vec<String>>) -> Self {
        Self { targets, ..self }
    }

    /// Returns the addresses of the targets that a write changes, by its place among the writes.
    pub fn targets_of(&self, write: usize) -> &[String] {
        self.targets.get(write).map_or(&[], Vec::as_slice)
    }

    /// Returns the row that is written for a target, if the row existed before.
    pub fn row_of(&self, address: &str) -> Option<RowId> {
        let writes = self.writes.iter().zip(&self.targets);
        let mut meant =
            writes.filter(|(_, targets)| targets.iter().any(|target| target == address));
        meant.next()?.0.row()
    }

    /// Adds a problem if there are more rows to write than one change set takes.
    pub fn refuse_too_many_rows(&mut self, hint: &str) {
        let rows = self.writes.len();
        if rows > MOST_ROWS {
            let message = format!(
                "{rows} rows would have to be written, and Dataverse writes at most {MOST_ROWS} in one change set: all of them or none"
            );
            let (code, hint) = (Code::TooManyRows, hint.to_owned());
            self.problems.push(Problem { code, address: None, message, hint, site: None });
        }
    }

    /// Adds warnings, in the manifest's order.
    pub fn warn(&mut self, warnings: Vec<Problem>) {
        self.warnings.extend(warnings);
        self.warnings.sort_by_key(|warning| warning.site);
    }

    /// Returns the writes in their order; none at all if the plan has a problem.
    pub fn writes(&self) -> &[Write] {
        if self.problems.is_empty() { &self.writes } else { &[] }
    }

    /// Checks whether all targets are up to date and the plan has no problem.
    pub fn is_up_to_date(&self) -> bool {
        self.problems.is_empty() && self.writes.is_empty()
    }

    /// Counts the changes with this action.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }
}

impl Action {
    /// Returns the stable name of the action.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::NoOp => "no-op",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl ValueView {
    /// Returns the printable view of a text; none if the text is empty or missing.
    pub fn from_text(text: Option<&str>, cloud: &Cloud) -> Option<Self> {
        let text = text.filter(|text| !text.is_empty())?;
        let Some(StoredUrl { url, .. }) = StoredUrl::from_text(text) else {
            return Some(Self::Text { characters: text.chars().count() });
        };
        Some(match Self::from_url(&url, cloud) {
            // Of a text with oddities, the fingerprint is that of the whole text.
            Self::Url(view) => Self::Url(UrlView { fingerprint: Fingerprint::from_text(text), ..view }),
            other => other,
        })
    }

    /// Returns the printable view of a URL.
    fn from_url(url: &CallbackUrl, cloud: &Cloud) -> Self {
        if cloud.serves_callbacks(&url.view().host) {
            Self::Url(url.view().clone())
        } else {
            Self::Elsewhere { host: printable(&url.view().host, 120) }
        }
    }
}

impl ValueView {
    /// Describes a value in words; "nothing" if there is none.
    pub fn describe(view: Option<&Self>) -> String {
        view.map_or_else(|| "nothing".to_owned(), ToString::to_string)
    }
}

impl fmt::Display for ValueView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(view) => {
                write!(formatter, "{} {} on {}", view.kind, view.fingerprint, view.host)
            }
            Self::Elsewhere { host } => write!(formatter, "a URL on {host}"),
            Self::Text { characters } => write!(formatter, "a text of {characters} characters"),
        }
    }
}

/// A binding with its place in the manifest's order and the URL it wants, if that is known.
#[derive(Clone, Copy)]
struct WantedUrl<'run> {
    index: usize,
    binding: &'run Binding,
    url: Option<&'run CallbackUrl>,
}

/// A plan in the making: everything carries the place in the manifest that it came from.
struct PlanBuilder<'run> {
    desired: &'run Desired,
    cloud: &'run Cloud,
    flow_names: Vec<Arc<str>>,
    changes: Vec<(usize, Change)>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// Each write with the bindings that it is for, the first of which tells its order.
    writes: Vec<(Vec<usize>, Write)>,
}

impl<'run> PlanBuilder<'run> {
    fn new(desired: &'run Desired, cloud: &'run Cloud) -> Self {
        Self {
            desired,
            cloud,
            flow_names: Vec::new(),
            changes: Vec::with_capacity(desired.bindings.len()),
            problems: Vec::new(),
            warnings: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Returns the bindings, each with its URL.
    fn wanted(&self, urls: &[Option<&'run CallbackUrl>]) -> Vec<WantedUrl<'run>> {
        let bindings = self.desired.bindings.iter().enumerate();
        bindings
            .map(|(index, binding)| WantedUrl { index, binding, url: urls[binding.flow.0] })
            .collect()
    }

    /// Compares the text at a place with the URL that is wanted there, notes the change, and
    /// returns whether something has to be written.
    fn compare(
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
        self.changes.push((wanted.index, change));
        action != Action::NoOp
    }

    /// Notes a problem of one binding.
    fn problem(
        &mut self,
        wanted: &WantedUrl<'_>,
        code: Code,
        message: String,
        hint: impl Into<String>,
    ) {
        self.problems.push(noted(wanted, code, message, hint));
    }

    /// Notes a warning of one binding.
    fn warning(
        &mut self,
        wanted: &WantedUrl<'_>,
        code: Code,
        message: String,
        hint: impl Into<String>,
    ) {
        self.warnings.push(noted(wanted, code, message, hint));
    }

    /// Notes a problem: the service refused to show something to the user.
    fn refusal(&mut self, wanted: &WantedUrl<'_>, error: &ServiceError) {
        let (message, hint) = explain_refusal(error);
        self.problem(wanted, Code::PrivilegeMissing, message, hint);
    }

    /// Sorts everything into the manifest's order, and returns the plan.
    fn finish(mut self) -> Plan {
        self.changes.sort_by_key(|(index, _)| *index);
        self.writes.sort_by_key(|(bindings, _)| bindings.first().copied());
        let targets = self.targets();
        self.problems.sort_by_key(|problem| problem.site);
        self.warnings.sort_by_key(|warning| warning.site);
        Plan {
            changes: self.changes.into_iter().map(|(_, change)| change).collect(),
            problems: self.problems,
            warnings: self.warnings,
            left_alone: 0,
            writes: self.writes.into_iter().map(|(_, write)| write).collect(),
            targets,
        }
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

/// Creates a problem or warning of one binding.
fn noted(wanted: &WantedUrl<'_>, code: Code, message: String, hint: impl Into<String>) -> Problem {
    let address = Some(wanted.binding.target.address());
    Problem { code, address, message, hint: hint.into(), site: Some(wanted.binding.site) }
}

/// Notes that a row came without its version.
fn without_etag(draft: &mut PlanBuilder<'_>, wanted: &WantedUrl<'_>) {
    let message = "Dataverse sent the row without its version (`@odata.etag`), so a write could overwrite a change of somebody else";
    let hint = "keep the URL in a standard table or in an environment variable; if it is in one, look at what stands between here and Dataverse";
    draft.problem(wanted, Code::RowWithoutEtag, message.to_owned(), hint);
}

/// What a place holds before the run.
#[derive(Clone)]
struct CurrentText<'row> {
    /// The text, which may be empty; else what is missing.
    text: Result<&'row str, &'static str>,
    /// The version of the row that holds it; where there is none, what else a new row is made of.
    guard: Option<EntityTag>,
}

impl<'row> CurrentText<'row> {
    /// Creates the state of a place that does not exist; `missing` says what is missing.
    fn missing(missing: &'static str, guard: Option<EntityTag>) -> Self {
        Self { text: Err(missing), guard }
    }

    /// Creates the state of a place with a text in a row of this version.
    fn in_row(text: &'row str, guard: &'row EntityTag) -> Self {
        Self { text: Ok(text), guard: Some(guard.clone()) }
    }

    fn text(&self) -> Option<&'row str> {
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
        (Some(found), _) if oddities.is_none() && found == url => plainly(Action::NoOp, "agrees"),
        (Some(found), _) if oddities.is_none() && found.is_equivalent_to(url) => {
            plainly(Action::NoOp, "agrees, spelled differently")
        }
        (Some(found), _) if oddities.is_none() && found.fills_in(url) => {
            plainly(Action::NoOp, "agrees, with its path filled in")
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

/// Returns the text at a place: all of it, or the member that a pointer leads to, if that exists.
pub fn text_at(text: &StoredText, pointer: Option<&JsonPointer>) -> Option<StoredText> {
    let Some(pointer) = pointer else { return Some(text.clone()) };
    let mut document = Document::new(text.expose()).ok()?;
    member(&mut document, pointer)
}

/// Returns the text of the member that a pointer leads to, if that exists.
fn member(document: &mut Document<'_>, pointer: &JsonPointer) -> Option<StoredText> {
    document.member(pointer).ok().flatten().map(StoredText::new)
}

/// Returns a sentence about the error of a service, and a hint.
pub fn explain_refusal(error: &ServiceError) -> (String, String) {
    let hint = match (error.missing_privilege(), error.cause()) {
        (Some(privilege), _) => privilege_hint(privilege),
        (None, Some(cause)) => format!("{}: {}", cause.meaning, cause.remedy),
        (None, None) => "give the signed-in user a security role that may do this".to_owned(),
    };
    let ServiceError { service, message, code, .. } = error;
    let id = error.request_id.as_ref().map(|id| format!("; request {id}")).unwrap_or_default();
    (format!("{service} refuses: {message} ({code}{id})"), hint)
}

/// Returns the remedy for a missing privilege.
pub fn privilege_hint(privilege: &str) -> String {
    format!("give the signed-in user a security role with the privilege `{privilege}`")
}

#[cfg(test)]
mod tests;
