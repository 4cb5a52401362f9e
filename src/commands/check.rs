//! `flowbind check`: reports drift, and writes nothing.

use crate::cli::CheckArgs;
use crate::discover::probe::{ProbeSettings, ask, findings, questions};
use crate::http::Transport;
use crate::model::{Exit, Failure};
use crate::plan::{Action, Plan};
use crate::report::{Checked, Outcome, RunCommand};
use crate::run::environment_run::{EnvironmentRun, detailed_exit_code, run_and_report};
use crate::run::prepare::{Inputs, PreparedRun, prepare};
use crate::run::process::Process;

/// Checks an environment against the manifest, and reports.
pub(super) async fn command(args: &CheckArgs, process: &Process) -> Exit {
    let about = (&args.run.reports, args.run.connect.manifest.as_path());
    let ended = run_and_report(RunCommand::Check(None), about, process, async |run| {
        stages(args, process, run).await
    })
    .await;
    detailed_exit_code(ended, args.detailed_exitcode)
}

/// Runs the stages of `flowbind check`.
async fn stages(
    args: &CheckArgs,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Outcome, Failure> {
    let inputs = Inputs::read(&args.run, &args.only.only, None, process, run)?;
    let prepared = process.unless_interrupted(look(args, inputs, process, run)).await?;
    run.show_plan(prepared.connection.url(), &process.console);
    prepared.connection.close().await;
    Ok(outcome(run.plan()))
}

/// Signs in, reads, plans and, if `--probe` is given, calls the URLs. All of it can be interrupted.
async fn look(
    args: &CheckArgs,
    inputs: Inputs,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<PreparedRun, Failure> {
    let prepared = prepare(&args.run, inputs, None, process, run).await?;
    let targets = prepared.manifest.desired().bindings.len();
    let checked = Checked { targets, pending: pending(run.plan()), probes: None };
    run.command = RunCommand::Check(Some(checked));
    if let Some(transport) = run.transport.clone().filter(|_| args.probe) {
        probe(args, &prepared, &transport, run).await;
    }
    Ok(prepared)
}

/// Calls the URLs that the targets hold, and notes the results.
async fn probe(
    args: &CheckArgs,
    prepared: &PreparedRun,
    transport: &Transport,
    run: &mut EnvironmentRun,
) {
    let (connection, discovery) = (&prepared.connection, &prepared.discovery);
    let terms = ProbeSettings {
        cloud: &connection.cloud,
        environment: connection.url(),
        environment_id: &discovery.environment_id,
        signed: args.probe_signed,
    };
    let questions = questions(prepared.manifest.desired(), &discovery.observed, &terms);
    let probes = ask(transport, questions).await;
    let (problems, warnings) = findings(&probes);
    run.add_problems(problems);
    run.add_warnings(warnings);
    if let RunCommand::Check(Some(checked)) = &mut run.command {
        checked.probes = Some(probes);
    }
}

/// Returns how many targets an apply would write, or none if a problem prevents the apply.
fn pending(plan: &Plan) -> Option<usize> {
    let differ = plan.changes.iter().filter(|change| change.action != Action::NoOp);
    plan.problems.is_empty().then(|| differ.count())
}

/// Returns the outcome of the check, which is refused if something could not be checked.
fn outcome(plan: &Plan) -> Outcome {
    if plan.problems.iter().any(|problem| !problem.code.is_finding()) {
        Outcome::Refused
    } else if plan.is_up_to_date() {
        Outcome::Agreed
    } else {
        Outcome::Drifted
    }
}
