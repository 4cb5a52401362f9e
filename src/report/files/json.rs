//! One document for machines. Its shape is a contract: fields are added, never changed.
//!
//! The structs define that shape. They borrow from the run, and the entries of a list are made one
//! by one while they are written, so that even a document with many changes takes little memory.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use crate::deployment_settings::ExportedVariable;
use crate::discover::probe::Probed;
use crate::http::RequestCounts;
use crate::model::{Failure, Fingerprint, Problem, UrlView, WorkflowId, escape_hidden};
use crate::plan::{Change, Difference, TargetResult, ValueView};
use crate::report::wording::{moment, safe_text};
use crate::report::{ExportedFile, Run, RunEnvironment, VERSION as PROGRAM};

/// The version of the document's shape.
const VERSION: u32 = 1;

/// Writes the run as a JSON document.
pub(crate) fn write(run: &Run<'_>, mut to: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut to, &JsonRun::of(run))?;
    writeln!(to)
}

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct JsonRun<'run> {
    version: u32,
    outcome: &'static str,
    environment: Option<EnvironmentShape<'run>>,
    changes: List<'run, Change, ChangeShape<'run>>,
    problems: List<'run, Problem, ProblemShape<'run>>,
    warnings: List<'run, Problem, ProblemShape<'run>>,
    error: Option<FailureShape>,
    requests: RequestsShape,
    command: &'static str,
    flowbind: &'static str,
    file: String,
    user: Option<String>,
    started: String,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_settings: Option<ExportShape<'run>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<List<'run, Probed, ProbeShape<'run>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<List<'run, TargetResult, ResultShape<'run>>>,
}

/// A list whose entries are converted one by one while the document is written.
struct List<'run, T, Shape> {
    things: Vec<&'run T>,
    shape: fn(&'run T) -> Shape,
}

/// The environment of the run.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EnvironmentShape<'run> {
    name: &'run str,
    url: String,
    id: Option<String>,
    flow_api: Option<&'run str>,
}

/// The change of one target.
#[derive(Serialize)]
struct ChangeShape<'run> {
    address: &'run str,
    action: &'static str,
    reason: String,
    flow: FlowShape,
    before: Option<ValueShape<'run>>,
    after: Option<ValueShape<'run>>,
    differences: Vec<DifferenceShape>,
}

/// The flow of a target.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct FlowShape {
    name: String,
    workflow_id: WorkflowId,
}

/// A part in which two URLs differ.
#[derive(Serialize)]
struct DifferenceShape {
    part: &'static str,
    before: Option<String>,
    after: Option<String>,
    shown: String,
}

/// A stored value without its secrets.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueShape<'run> {
    Url(UrlShape<'run>),
    Text { kind: &'static str, characters: usize },
}

/// A URL; one that leads elsewhere has no fingerprint.
#[derive(Serialize)]
struct UrlShape<'run> {
    kind: String,
    host: &'run str,
    fingerprint: Option<&'run Fingerprint>,
}

/// A problem or a warning.
#[derive(Serialize)]
struct ProblemShape<'run> {
    code: &'static str,
    address: Option<&'run str>,
    message: String,
    hint: String,
    line: Option<usize>,
    column: Option<usize>,
}

/// The error that ended the run early.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct FailureShape {
    exit_code: u8,
    message: String,
    hints: Vec<String>,
}

/// The number of requests to each service.
#[derive(Serialize)]
struct RequestsShape {
    entra: usize,
    dataverse: usize,
    flow: usize,
    trigger: usize,
}

/// The fields of an export.
#[derive(Serialize)]
struct ExportShape<'run> {
    file: String,
    variables: List<'run, ExportedVariable, VariableShape<'run>>,
    others: usize,
    records: usize,
}

/// A variable of a deployment settings file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct VariableShape<'run> {
    schema_name: &'run str,
    action: &'static str,
    secret: bool,
}

/// The result of probing a URL.
#[derive(Serialize)]
struct ProbeShape<'run> {
    url: UrlShape<'run>,
    addresses: Vec<&'run str>,
    result: &'static str,
    answer: Option<String>,
}

/// The result of a target whose write was sent and not verified.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ResultShape<'run> {
    address: &'run str,
    result: &'static str,
    sent: Option<ValueShape<'run>>,
    holds: Option<ValueShape<'run>>,
    row_id: Option<String>,
}

/// Returns the list if it is not empty.
fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

impl<'run> JsonRun<'run> {
    fn of(run: &'run Run<'_>) -> Self {
        Self {
            version: VERSION,
            outcome: run.outcome.as_str(),
            environment: run.environment.map(EnvironmentShape::of),
            changes: List::of(run.changes(), ChangeShape::of),
            problems: List::of(run.problems(), ProblemShape::of),
            warnings: List::of(run.warnings(), ProblemShape::of),
            error: run.failure.map(FailureShape::of),
            requests: RequestsShape::of(run.requests),
            command: run.command.as_str(),
            flowbind: PROGRAM,
            file: escape_hidden(run.source),
            user: run.user.map(safe_text),
            started: moment(run.started),
            duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            deployment_settings: run.command.exported_file().map(ExportShape::of),
            probes: run.probes().map(|probes| List::of(probes, ProbeShape::of)),
            results: some(run.command.results()).map(|results| List::of(results, ResultShape::of)),
        }
    }
}

impl<'run, T, Shape> List<'run, T, Shape> {
    fn of(things: impl IntoIterator<Item = &'run T>, shape: fn(&'run T) -> Shape) -> Self {
        Self { things: things.into_iter().collect(), shape }
    }
}

impl<T, Shape: Serialize> Serialize for List<'_, T, Shape> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.things.iter().map(|thing| (self.shape)(thing)))
    }
}

impl<'run> EnvironmentShape<'run> {
    fn of(environment: RunEnvironment<'run>) -> Self {
        Self {
            name: environment.name,
            url: environment.url.to_string(),
            id: environment.id.map(ToString::to_string),
            flow_api: environment.flow_host,
        }
    }
}

impl<'run> ChangeShape<'run> {
    fn of(change: &'run Change) -> Self {
        Self {
            address: &change.address,
            action: change.action.as_str(),
            reason: safe_text(&change.reason),
            flow: FlowShape { name: safe_text(&change.flow_name), workflow_id: change.workflow_id },
            before: change.before.as_ref().map(ValueShape::of),
            after: change.after.as_ref().map(ValueShape::of),
            differences: change.differences.iter().map(DifferenceShape::of).collect(),
        }
    }
}

impl DifferenceShape {
    fn of(difference: &Difference) -> Self {
        Self {
            part: difference.part.as_str(),
            before: difference.before.as_deref().map(safe_text),
            after: difference.after.as_deref().map(safe_text),
            shown: difference.to_string(),
        }
    }
}

impl<'run> ValueShape<'run> {
    fn of(view: &'run ValueView) -> Self {
        match view {
            ValueView::Url(view) => Self::Url(UrlShape::of(view)),
            ValueView::Elsewhere { host } => {
                Self::Url(UrlShape { kind: "other".to_owned(), host, fingerprint: None })
            }
            ValueView::Text { characters } => Self::Text { kind: "text", characters: *characters },
        }
    }
}

impl<'run> UrlShape<'run> {
    fn of(view: &'run UrlView) -> Self {
        let UrlView { kind, host, fingerprint } = view;
        Self { kind: kind.to_string(), host, fingerprint: Some(fingerprint) }
    }
}

impl<'run> ProblemShape<'run> {
    fn of(problem: &'run Problem) -> Self {
        Self {
            code: problem.code.as_str(),
            address: problem.address.as_deref(),
            message: safe_text(&problem.message),
            hint: safe_text(&problem.hint),
            line: problem.site.map(|site| site.line),
            column: problem.site.map(|site| site.column),
        }
    }
}

impl FailureShape {
    fn of(failure: &Failure) -> Self {
        Self {
            exit_code: failure.exit as u8,
            message: safe_text(&failure.message),
            hints: failure.help().collect(),
        }
    }
}

impl RequestsShape {
    fn of(requests: RequestCounts) -> Self {
        let RequestCounts { entra, dataverse, flow, trigger, pipeline: _ } = requests;
        Self { entra, dataverse, flow, trigger }
    }
}

impl<'run> ExportShape<'run> {
    fn of(file: &'run ExportedFile) -> Self {
        Self {
            file: escape_hidden(&file.path),
            variables: List::of(&file.variables, VariableShape::of),
            others: file.others,
            records: file.records,
        }
    }
}

impl<'run> VariableShape<'run> {
    fn of(variable: &'run ExportedVariable) -> Self {
        Self {
            schema_name: variable.schema_name.as_str(),
            action: variable.action.as_str(),
            secret: variable.secret,
        }
    }
}

impl<'run> ResultShape<'run> {
    fn of(result: &'run TargetResult) -> Self {
        Self {
            address: &result.address,
            result: result.state.as_str(),
            sent: result.sent.as_ref().map(ValueShape::of),
            holds: result.holds.as_ref().map(ValueShape::of),
            row_id: result.row.map(|id| id.to_string()),
        }
    }
}

impl<'run> ProbeShape<'run> {
    fn of(probed: &'run Probed) -> Self {
        let addresses = probed.targets.iter().map(|(address, _)| address.as_str());
        Self {
            url: UrlShape::of(&probed.view),
            addresses: addresses.collect(),
            result: probed.result.as_str(),
            answer: probed.result.words().map(safe_text),
        }
    }
}
