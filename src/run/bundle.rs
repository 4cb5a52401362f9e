//! The file of `--bundle`: what a maintainer needs of a run, without values and names.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::atomic_file;
use crate::http::{keep_exchanges, kept_exchanges};
use crate::model::{Exit, Failure, Problem, milliseconds, printable_path};
use crate::plan::{Action, Plan};
use crate::report::{Console, Run};

/// The version of the file's shape.
const VERSION: u32 = 1;

/// What became of the run, if the command is one with a report.
static RESULT: Mutex<Value> = Mutex::new(Value::Null);

/// Begins to keep what the bundle needs, before anything is contacted.
pub(crate) fn begin(file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    atomic_file::check_folder(file).map_err(|error| {
        let message = format!(
            "the bundle `{}` cannot be written: {error}; nothing was contacted",
            file.display()
        );
        Failure::new(Exit::Usage, message).hint("name a file in a writable folder with --bundle")
    })?;
    keep_exchanges();
    Ok(())
}

/// Notes the outcome of a run, its numbers and the codes of its problems.
pub(crate) fn note_result(run: &Run<'_>) {
    let count = |action| run.plan.map_or(0, |plan| plan.count(action));
    let codes = |problems: &[Problem]| -> Vec<&str> {
        problems.iter().map(|problem| problem.code.as_str()).collect()
    };
    let planned =
        |problems: fn(&Plan) -> &[Problem]| run.plan.ok().map(|plan| codes(problems(plan)));
    let result = json!({
        "command": run.command.as_str(),
        "outcome": run.outcome.as_str(),
        "create": count(Action::Create),
        "update": count(Action::Update),
        "delete": count(Action::Delete),
        "no-op": count(Action::NoOp),
        "manifest-problems": codes(run.plan.err().unwrap_or_default()),
        "problems": planned(|plan| &plan.problems),
        "warnings": planned(|plan| &plan.warnings),
        "results": run.command.results().iter().map(|result| result.state.as_str()).collect::<Vec<_>>(),
    });
    if let Ok(mut noted) = RESULT.lock() {
        *noted = result;
    }
}

/// Writes the bundle. Returns a failure if it cannot be written: a successful run then ends with exit
/// code 1, as for a log that cannot be written.
pub(crate) fn end(
    file: Option<&Path>,
    exit: Exit,
    elapsed: Duration,
    console: &Console,
) -> Option<Failure> {
    let file = file?;
    let document = json!({
        "kind": "flowbind-bundle",
        "version": VERSION,
        "flowbind": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "exit-code": exit as u8,
        "duration-ms": milliseconds(elapsed),
        "run": RESULT.lock().map_or(Value::Null, |result| result.clone()),
        "exchanges": kept_exchanges(),
    });
    let written = atomic_file::write(file, format!("{document:#}\n").as_bytes());
    let shown = printable_path(file);
    match written {
        Ok(()) => {
            console.message(&format!("Wrote the bundle {shown}. It has no values and no names.\n"));
            None
        }
        Err(error) => {
            let message = format!("the bundle `{shown}` cannot be written: {error}");
            Some(
                Failure::new(Exit::Unexpected, message)
                    .hint("the result of the run itself is shown above"),
            )
        }
    }
}
