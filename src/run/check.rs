//! `flowbind check`: tells what drifted, and writes nothing.

use std::sync::Arc;

use super::interrupt::interruptible;
use super::record::Record;
use super::{Intent, Ready, Start, Wish, detailed, prepare, reported, start};
use crate::cli::CheckArgs;
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::Transport;
use crate::plan::{Action, Plan};
use crate::probe::{Terms, ask, findings, questions};
use crate::report::{Checked, Console, Outcome, RunCommand};

/// Checks an environment against the manifest, and reports.
pub(super) async fn command(args: &CheckArgs, color: anstream::ColorChoice) -> Exit {
    let (run, file) = (&args.run, &args.run.connect.manifest);
    let outputs = (run.format, &run.reports);
    let ended = reported(RunCommand::Check, outputs, file, color, async |console, record| {
        stages(args, console, record).await
    })
    .await;
    detailed(ended, args.detailed_exitcode)
}

/// The stages of a check: manifest, sign-in, discover, plan, probe.
async fn stages(
    args: &CheckArgs,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Outcome, Failure> {
    let start = start(&args.run, &Wish::of(Intent::Show), console, record)?;
    let ready = interruptible(Box::pin(look(args, start, console, record))).await?;
    let (plan, url) = (record.planned(), ready.connection.url());
    console.tell(Event::Checked { plan, environment: record.environment_name(), url });
    let outcome = outcome(plan);
    ready.connection.close().await;
    Ok(outcome)
}

/// Signs in, reads, plans and, if that is wanted, probes. Everything here may be broken off.
async fn look(
    args: &CheckArgs,
    start: Start,
    console: &Arc<Console>,
    record: &mut Record,
) -> Result<Ready, Failure> {
    let ready = prepare(&args.run, start, None, console, record).await?;
    let targets = ready.manifest.desired().bindings.len();
    record.checked = Some(Checked { targets, pending: pending(record.planned()), probes: None });
    if let Some(transport) = record.transport.clone().filter(|_| args.probe) {
        probe(args, &ready, &transport, record).await;
    }
    Ok(ready)
}

/// Asks the URLs that the targets hold.
async fn probe(args: &CheckArgs, ready: &Ready, transport: &Transport, record: &mut Record) {
    let (connection, discovery) = (&ready.connection, &ready.discovery);
    let terms = Terms {
        cloud: &connection.cloud,
        environment: connection.url(),
        environment_id: &discovery.environment_id,
        signed: args.probe_signed,
    };
    let questions = questions(ready.manifest.desired(), &discovery.observed, &terms);
    let probes = ask(transport, questions).await;
    let (problems, warnings) = findings(&probes);
    record.refuse(problems);
    record.warn(warnings);
    if let Some(checked) = &mut record.checked {
        checked.probes = Some(probes);
    }
}

/// How many targets an apply would write; none where a problem keeps it from writing.
fn pending(plan: &Plan) -> Option<usize> {
    let differ = plan.changes.iter().filter(|change| change.action != Action::NoOp);
    plan.problems.is_empty().then(|| differ.count())
}

/// How the check ends. One that could not look everywhere must not pass for one that found nothing.
fn outcome(plan: &Plan) -> Outcome {
    if plan.problems.iter().any(|problem| !problem.code.is_finding()) {
        Outcome::Refused
    } else if plan.is_agreed() {
        Outcome::Agreed
    } else {
        Outcome::Drifted
    }
}
