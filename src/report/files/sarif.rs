//! A run as SARIF 2.1.0: every problem and warning at its line of the manifest
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::model::{Code, Failure, Fingerprint, ManifestPosition, Problem};
use crate::plan::Change;
use crate::report::wording::{drift_text, moment, safe_text};
use crate::report::{Run, VERSION, explain};

/// The URL of the document's schema.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The rule of a target that does not hold the expected value.
const DRIFT: &str = "drift";

/// The set of characters that are encoded in the path of a URL.
const IN_A_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Renders the run as a SARIF document.
pub(crate) fn document(run: &Run<'_>) -> Value {
    let problems = run.problems().map(|problem| result(problem, "error", run));
    let warnings = run.warnings().map(|warning| result(warning, "warning", run));
    let drifts = run.drifts().map(|change| drift(change, run.source));
    let results: Vec<Value> = problems.chain(warnings).chain(drifts).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "flowbind",
                "version": VERSION,
                "semanticVersion": VERSION,
                "rules": rules(),
            }},
            "columnKind": "unicodeCodePoints",
            "automationDetails": { "id": automation(run) },
            "invocations": [invocation(run)],
            "results": results,
        }],
    })
}

/// Returns an id that differs between runs with the same file and different environments.
fn automation(run: &Run<'_>) -> String {
    let environment =
        run.environment.map_or_else(String::new, |at| format!("{}/", safe_text(at.name)));
    format!("flowbind/{}/{environment}", run.command.as_str())
}

/// Lists a rule for each kind of problem, and the rule for drift as the last.
fn rules() -> Vec<Value> {
    let drift = rule(
        DRIFT,
        "A target does not hold the expected value.",
        "warning",
        "Run `flowbind plan` to see the difference, and `flowbind apply` to write the expected value.",
    );
    let rules = Code::ALL.iter().map(|code| {
        let level = if code.is_warning() { "warning" } else { "error" };
        let (meaning, remedy) = explain::meaning_and_remedy(*code);
        rule(code.as_str(), meaning, level, remedy)
    });
    rules.chain([drift]).collect()
}

fn rule(id: &str, meaning: &str, level: &str, help: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": { "text": meaning },
        "help": { "text": help },
        "defaultConfiguration": { "level": level },
    })
}

/// Renders a problem or a warning as a result.
fn result(problem: &Problem, level: &str, run: &Run<'_>) -> Value {
    let help = if problem.hint.is_empty() {
        String::new()
    } else {
        format!("\nhelp: {}", safe_text(&problem.hint))
    };
    let message = safe_text(&problem.message);
    let index = Code::ALL.iter().position(|code| *code == problem.code);
    json!({
        "ruleId": problem.code.as_str(),
        "ruleIndex": index,
        "level": level,
        "message": { "text": format!("{message}{help}") },
        "locations": [location(run.source, problem.site, problem.address.as_deref())],
        "partialFingerprints": fingerprints(&[problem.code.as_str(), problem.address.as_deref().unwrap_or(&message)]),
    })
}

/// Renders a target that a check found to hold another value.
fn drift(change: &Change, source: &str) -> Value {
    json!({
        "ruleId": DRIFT,
        "ruleIndex": Code::ALL.len(),
        "level": "warning",
        "message": { "text": safe_text(&drift_text(change)) },
        "locations": [location(source, change.site, Some(&change.address))],
        "partialFingerprints": fingerprints(&[DRIFT, &change.address]),
    })
}

/// Renders a place in the file, with the target or the flow concerned.
fn location(source: &str, site: Option<ManifestPosition>, address: Option<&str>) -> Value {
    // Viewers need a region; what is about the whole file is shown at its beginning.
    let site = site.unwrap_or(ManifestPosition { line: 1, column: 1 });
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": artifact(source),
            "region": { "startLine": site.line, "startColumn": site.column },
        },
    });
    if let Some(address) = address {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": safe_text(address) }]);
    }
    location
}

/// Renders the location of the file: relative to the root of the repository, or an absolute path.
fn artifact(source: &str) -> Value {
    let path = source.replace('\\', "/");
    let encoded = utf8_percent_encode(&path, IN_A_PATH);
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || has_drive {
        let slash = if has_drive { "/" } else { "" };
        return json!({ "uri": format!("file://{slash}{encoded}") });
    }
    json!({ "uri": encoded.to_string(), "uriBaseId": "%SRCROOT%" })
}

/// Returns a fingerprint that stays the same when lines are added above a finding.
fn fingerprints(parts: &[&str]) -> Value {
    json!({ "flowbindFinding/v1": Fingerprint::from_text(&parts.join("\n")).to_string() })
}

/// Renders when the run was made, and the error that ended it early.
fn invocation(run: &Run<'_>) -> Value {
    let notifications: Vec<Value> = run.failure.map(notification).into_iter().collect();
    json!({
        "executionSuccessful": run.failure.is_none(),
        "startTimeUtc": moment(run.started),
        "endTimeUtc": moment(run.started + run.duration),
        "toolExecutionNotifications": notifications,
    })
}

fn notification(failure: &Failure) -> Value {
    let hints = failure.help().map(|hint| format!("\nhelp: {hint}"));
    let text: String = [safe_text(&failure.message)].into_iter().chain(hints).collect();
    json!({ "level": "error", "message": { "text": text } })
}
