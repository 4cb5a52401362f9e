//! From the command line to a plan: reads the inputs, signs in, discovers, and plans.

use std::path::Path;
use std::time::SystemTime;

use crate::cli::{ConnectArgs, RunArgs, SetArgs};
use crate::discover::{Discovery, held_privileges};
use crate::http::Transport;
use crate::manifest::{Environment, Manifest};
use crate::model::{EnvironmentId, Exit, Failure, Stage};
use crate::plan::NeededPrivileges;
use crate::plan::compare::review::{Present, Reviewed};
use crate::plan::journal::JournalHead;
use crate::run::connect::{self, Connection};
use crate::run::environment_run::EnvironmentRun;
use crate::run::inputs::{clouds, invalid, manifest, optional_manifest, refuse};
use crate::run::login::Login;
use crate::run::observation::{Observation, discover_and_plan};
use crate::run::place::{Place, place};
use crate::run::process::Process;
use crate::run::reviewed_plan::{self, present};
use crate::run::wait::Wait;

/// The inputs of a run, read before anything is contacted.
pub(crate) struct Inputs {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_sha256: String,
    pub(crate) environment: Environment,
    pub(crate) login: Login,
}

/// A run that has read and planned everything, and is ready to write.
pub(crate) struct PreparedRun {
    pub(crate) connection: Connection,
    pub(crate) manifest: Manifest,
    pub(crate) manifest_sha256: String,
    pub(crate) discovery: Discovery,
}

impl Inputs {
    /// Reads files, variables and standard input, and keeps `only` a part of the manifest, or that
    /// of the reviewed plan. Nothing is contacted.
    ///
    /// # Errors
    /// Fails with all problems of the manifest, or if a reviewed plan is of another manifest or has
    /// expired.
    pub(crate) fn read(
        args: &RunArgs,
        only: &[String],
        reviewed: Option<&Reviewed>,
        process: &Process,
        run: &mut EnvironmentRun,
    ) -> Result<Self, Failure> {
        let clouds = clouds(args.connect.clouds.as_deref(), &process.console)?;
        let file = &args.connect.manifest;
        let (manifest, manifest_sha256) = manifest(file, &clouds, process, run)?;
        let moved = reviewed
            .map(|plan| plan.problems_before_requests(&manifest_sha256, &reviewed_plan::now()));
        if let Some(moved) = moved.filter(|moved| !moved.is_empty()) {
            let name = file.display().to_string();
            return Err(refuse(Exit::Refused, &name, &[], moved, process, run));
        }
        let only = reviewed.map_or(only, |reviewed| &reviewed.head.only);
        let manifest = manifest.only(only).map_err(|unknown| {
            Failure::new(Exit::Usage, format!("{unknown}; nothing was contacted"))
                .hint(unknown.hint())
        })?;
        let environment = manifest.choose_environment(args.connect.environment.as_deref());
        let environment = environment.map_err(|problem| invalid(args, problem, process, run))?;
        let login = Login::for_run(&args.connect, &environment, &clouds)?;
        Ok(Self { manifest, manifest_sha256, environment, login })
    }

    /// Reads the inputs of a run that binds one flow to one variable. Nothing is contacted.
    pub(crate) fn of_binding(args: &SetArgs, process: &Process) -> Result<Self, Failure> {
        let (connect, console) = (&args.run.connect, &process.console);
        let clouds = clouds(connect.clouds.as_deref(), console)?;
        let wanted = connect.environment.as_deref();
        let (manifest, environment) = optional_manifest(connect, wanted, &clouds, console)?;
        let flow = (args.flow, args.trigger.clone());
        let target = (args.variable.clone(), args.json_pointer.clone());
        let manifest = manifest.with_binding(flow, target, args.signed_urls.map(Into::into));
        let login = Login::for_run(connect, &environment, &clouds)?;
        Ok(Self { manifest, manifest_sha256: String::new(), environment, login })
    }
}

/// Signs in, reads the environment, and plans. With `wait`, waits for flows that are not ready. All
/// of it can be interrupted.
pub(crate) async fn prepare(
    args: &RunArgs,
    inputs: Inputs,
    wait: Option<Wait<'_>>,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<PreparedRun, Failure> {
    let Inputs { manifest, manifest_sha256, environment, login } = inputs;
    let connection = sign_in(&args.connect, &environment, login, process, run).await?;
    let known_id = environment.environment_id;
    let reading = read_and_plan(&connection, &manifest, known_id, wait, run);
    let discovery = reading.await.map_err(Failure::nothing_written)?;
    Ok(PreparedRun { connection, manifest, manifest_sha256, discovery })
}

/// Prepares a run that writes: also checks that the signed-in user may write each target.
pub(crate) async fn prepare_to_write(
    args: &RunArgs,
    inputs: Inputs,
    wait: Option<Wait<'_>>,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<PreparedRun, Failure> {
    let prepared = prepare(args, inputs, wait, process, run).await?;
    check_privileges(&prepared, run).await.map_err(Failure::nothing_written)?;
    Ok(prepared)
}

/// Adds a problem or a warning for each target that the signed-in user may not write.
async fn check_privileges(prepared: &PreparedRun, run: &mut EnvironmentRun) -> Result<(), Failure> {
    let needed = NeededPrivileges::new(run.plan(), &prepared.discovery.observed.targets);
    let names = needed.names();
    if names.is_empty() {
        return Ok(());
    }
    if let Some(held) = held_privileges(&prepared.connection.reader(), &names).await? {
        let (problems, warnings) = needed.missing(&held, &run.plan().changes);
        run.add_problems(problems);
        run.add_warnings(warnings);
    }
    Ok(())
}

/// Connects to the environment, and signs in to it.
pub(crate) async fn sign_in(
    args: &ConnectArgs,
    environment: &Environment,
    login: Login,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<Connection, Failure> {
    let (place, transport) = reach(args, environment, process, run).await?;
    let signing_in = Stage::SignIn.log(login.sign_in(place, transport, &run.events));
    Box::pin(signing_in).await.map_err(Failure::nothing_written)
}

/// Finds the address of the environment, or starts the sandbox, and opens the transport.
async fn reach(
    args: &ConnectArgs,
    environment: &Environment,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<(Place, Transport), Failure> {
    run.begin_environment(&environment.name, process);
    let place = place(environment, &args.sandbox, &*run.events).await?;
    run.set_address(&place.url);
    let transport = connect::transport(args, &run.events).await?;
    run.transport = Some(transport.clone());
    Ok((place, transport))
}

async fn read_and_plan(
    connection: &Connection,
    manifest: &Manifest,
    known_id: Option<EnvironmentId>,
    wait: Option<Wait<'_>>,
    run: &mut EnvironmentRun,
) -> Result<Discovery, Failure> {
    let mut observation = discover_and_plan(connection, manifest, known_id, &*run.events).await?;
    if let Some(wait) = wait {
        let waiting = wait.until_ready(observation, manifest, connection, &*run.events);
        (observation, run.not_ready) = waiting.await?;
    }
    let Observation { discovery, plan } = observation;
    run.set_environment_id(&discovery.environment_id);
    if let Some(endpoint) = &discovery.flow_api {
        run.set_flow_host(endpoint.host());
    }
    run.set_plan(plan);
    Ok(discovery)
}

impl PreparedRun {
    /// Returns the environment's id and the signed-in user.
    pub(crate) fn present(&self) -> Present {
        present(&self.connection, &self.discovery.environment_id)
    }

    /// Returns the head of a journal: the environment, the manifest and the time.
    pub(crate) fn journal_head(&self, manifest: &Path, run: &EnvironmentRun) -> JournalHead {
        JournalHead {
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            manifest: manifest.display().to_string(),
            environment: run.environment_name().to_owned(),
            url: self.connection.url().clone(),
            environment_id: self.discovery.environment_id.clone(),
            sandbox: self.connection.is_embedded(),
            rolled_back: None,
        }
    }
}
