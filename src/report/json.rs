//! One document for machines. Its shape is a contract: fields are added, never changed.

use serde_json::{Value, json};

use super::words::{moment, shown};
use super::{ExportedFile, Run, VERSION as PROGRAM};
use crate::domain::{UrlView, visible};
use crate::failure::Failure;
use crate::plan::{Change, Difference, ValueView};
use crate::probe::Probed;
use crate::problem::Problem;

/// The version of the document's shape.
const VERSION: u32 = 1;

/// The run as a document.
pub(super) fn document(run: &Run<'_>) -> Value {
    let environment = run.environment.map(|environment| {
        json!({
            "name": environment.name,
            "url": environment.url.to_string(),
            "id": environment.id.map(ToString::to_string),
            "flow-api": environment.flow_host,
        })
    });
    let changes = run.plan.map_or(&[][..], |plan| &plan.changes);
    let mut document = json!({
        "version": VERSION,
        "outcome": run.outcome.as_str(),
        "environment": environment,
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
        "problems": run.problems().map(problem).collect::<Vec<_>>(),
        "warnings": run.warnings().map(problem).collect::<Vec<_>>(),
        "error": run.failure.map(failure),
        "requests": {
            "entra": run.requests.entra,
            "dataverse": run.requests.dataverse,
            "flow": run.requests.flow,
            "trigger": run.requests.trigger,
        },
        "command": run.command.as_str(),
        "flowbind": PROGRAM,
        "file": visible(run.source),
        "user": run.user.map(shown),
        "started": moment(run.started),
        "duration-ms": u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
    });
    if let Some(file) = run.exported {
        document["deployment-settings"] = exported(file);
    }
    if let Some(probes) = run.checked.and_then(|checked| checked.probes.as_ref()) {
        document["probes"] = probes.iter().map(probed).collect();
    }
    document
}

/// What only an export has.
fn exported(file: &ExportedFile) -> Value {
    let variables = file.variables.iter().map(|variable| {
        json!({
            "schema-name": variable.schema_name.as_str(),
            "action": variable.action.as_str(),
            "secret": variable.secret,
        })
    });
    json!({
        "file": visible(&file.path),
        "variables": variables.collect::<Vec<_>>(),
        "others": file.others,
        "records": file.records,
    })
}

fn change(change: &Change) -> Value {
    json!({
        "address": change.address,
        "action": change.action.as_str(),
        "reason": shown(&change.reason),
        "flow": { "name": shown(&change.flow_name), "workflow-id": change.workflow_id },
        "before": change.before.as_ref().map(value),
        "after": change.after.as_ref().map(value),
        "differences": change.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn difference(difference: &Difference) -> Value {
    json!({
        "part": difference.part.as_str(),
        "before": difference.before.as_deref().map(shown),
        "after": difference.after.as_deref().map(shown),
        "shown": difference.to_string(),
    })
}

fn value(view: &ValueView) -> Value {
    match view {
        ValueView::Url(view) => url(view),
        ValueView::Elsewhere { host } => {
            json!({ "kind": "other", "host": host, "fingerprint": null })
        }
        ValueView::Text { characters } => json!({ "kind": "text", "characters": characters }),
    }
}

fn url(view: &UrlView) -> Value {
    json!({
        "kind": view.kind.to_string(),
        "host": view.host,
        "fingerprint": view.fingerprint.to_string(),
    })
}

fn probed(probed: &Probed) -> Value {
    let addresses: Vec<&str> = probed.targets.iter().map(|(address, _)| address.as_str()).collect();
    json!({
        "url": url(&probed.view),
        "addresses": addresses,
        "result": probed.result.as_str(),
        "answer": probed.result.words().map(shown),
    })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "code": problem.code.as_str(),
        "address": problem.address,
        "message": shown(&problem.message),
        "hint": shown(&problem.hint),
        "line": problem.site.map(|site| site.line),
        "column": problem.site.map(|site| site.column),
    })
}

fn failure(failure: &Failure) -> Value {
    let hints: Vec<String> = failure.help().collect();
    json!({ "exit-code": failure.exit as u8, "message": shown(&failure.message), "hints": hints })
}
