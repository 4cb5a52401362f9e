//! Files of reviewed plans: saved by `plan --out`, and applied by `apply --plan`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::atomic_file;
use crate::cli::{ConnectArgs, ReviewArgs};
use crate::model::{DocumentError, EnvironmentId, Exit, Failure, printable_path};
use crate::plan::Plan;
use crate::plan::compare::review::{Present, ReviewError, ReviewHead, Reviewed, User};
use crate::report::Console;
use crate::run::connect::Connection;
use crate::run::environment_run::EnvironmentRun;

use crate::run::next_command::NextCommand;

/// The maximum size of a plan, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The file in which to save a plan.
pub(crate) struct PlanFile {
    path: PathBuf,
    valid: Duration,
}

impl PlanFile {
    /// Checks, before anything is contacted, that the plan can be saved there.
    pub(crate) fn from_args(args: &ReviewArgs) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.out else { return Ok(None) };
        // A stream could not be read again, and a runner may read it.
        let is_other = path.metadata().is_ok_and(|there| !there.is_file());
        if !atomic_file::folder(path).is_dir() || is_other {
            let message = format!("the plan cannot be saved as `{}`", path.display());
            return Err(Failure::new(Exit::Usage, message)
                .hint("name a file in an existing folder with --out"));
        }
        atomic_file::check_folder(path).map_err(|error| {
            let message = format!(
                "the plan cannot be saved as `{}`: {error}; nothing was contacted",
                path.display()
            );
            Failure::new(Exit::Usage, message).hint("name a file in a writable folder with --out")
        })?;
        if let Ok(before) = atomic_file::read(path, MOST_BYTES)
            && !before.is_empty()
            && Reviewed::from_json(&before).is_err()
        {
            let message = format!(
                "`{}` exists and is not a saved plan, so it is not overwritten",
                path.display()
            );
            return Err(Failure::new(Exit::Usage, message).hint("name another file with --out"));
        }
        Ok(Some(Self { path: path.clone(), valid: args.valid_for }))
    }

    /// Saves the plan, which has no problem, with the digest of its manifest and the part that it
    /// is about.
    pub(crate) fn save(
        &self,
        (manifest_sha256, only): (&str, Vec<String>),
        present: Present,
        run: &EnvironmentRun,
        connect: &ConnectArgs,
        console: &Console,
    ) -> Result<(), Failure> {
        let now = SystemTime::now();
        let head = ReviewHead {
            made: time(now),
            expires: time(now + self.valid),
            manifest_sha256: manifest_sha256.to_owned(),
            only,
            environment: run.environment_name().to_owned(),
            environment_id: present.environment_id.to_string(),
            user: present.user,
        };
        let shown = printable_path(&self.path);
        let expires = head.expires.clone();
        self.write(&Reviewed::from_plan(head, run.plan())).map_err(|error| {
            let message = format!("the plan cannot be saved as `{shown}`: {error}");
            Failure::new(Exit::Unexpected, message)
                .nothing_written()
                .hint("name a writable file with --out")
        })?;
        let apply =
            NextCommand::command("apply").option("--plan", &self.path.display().to_string());
        let apply = apply.with_connect_options(connect);
        console.line(&format!("Saved the plan to {shown}. Apply it before {expires}:"));
        console.message(&format!("  {apply}\n"));
        Ok(())
    }

    /// Replaces the file as a whole: if that fails, the earlier content stays.
    fn write(&self, reviewed: &Reviewed) -> io::Result<()> {
        let mut content = Vec::new();
        reviewed.write(&mut content)?;
        atomic_file::write(&self.path, &content)
    }

    /// Warns that the file still holds an earlier plan, since this one was not saved.
    pub(crate) fn warn_if_older(&self, console: &Console) {
        let before = atomic_file::read(&self.path, MOST_BYTES).ok();
        if let Some(before) = before.and_then(|content| Reviewed::from_json(&content).ok()) {
            let (shown, made) = (printable_path(&self.path), before.head.made);
            console
                .line(&format!("The plan was not saved. {shown} still holds the plan of {made}."));
        }
    }
}

/// Reads a plan that was saved.
pub(crate) fn open(path: &Path) -> Result<Reviewed, Failure> {
    let shown = path.display();
    let content = atomic_file::read(path, MOST_BYTES).map_err(|error| {
        Failure::new(Exit::Usage, format!("the plan `{shown}` cannot be read: {error}"))
            .hint("name a file that `flowbind plan --out` saved")
    })?;
    Reviewed::from_json(&content).map_err(|error| {
        let hint = match error {
            ReviewError::Document(DocumentError::Version { .. }) => {
                "use the flowbind version that saved it, or create a new plan"
            }
            _ => "name a file that `flowbind plan --out` saved, unmodified",
        };
        Failure::new(Exit::Usage, format!("the plan `{shown}` cannot be used: {error}")).hint(hint)
    })
}

/// Compares the plan with the reviewed one, and adds every difference to its problems.
pub(crate) fn compare(
    reviewed: &Reviewed,
    present: &Present,
    run: &mut EnvironmentRun,
    console: &Console,
) {
    let moved = reviewed.problems_since_review(present, run.plan(), &now());
    if moved.is_empty() && run.plan().problems.is_empty() {
        console.line(&format!("The reviewed plan of {} is still valid.", reviewed.head.made));
    }
    if Reviewed::is_other_environment_or_user(&moved) {
        run.set_plan(Plan::default());
    }
    run.add_problems(moved);
}

/// Returns the current time in the format of plan files.
pub(crate) fn now() -> String {
    time(SystemTime::now())
}

/// Returns how much longer a plan can be applied, or none if its expiry cannot be parsed.
pub(crate) fn time_left(reviewed: &Reviewed, now: SystemTime) -> Option<Duration> {
    let expires = humantime::parse_rfc3339(&reviewed.head.expires).ok()?;
    Some(expires.duration_since(now).unwrap_or_default())
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Returns the environment's id and the signed-in user.
pub(crate) fn present(connection: &Connection, environment_id: &EnvironmentId) -> Present {
    let identity = connection.identity();
    Present {
        environment_id: environment_id.clone(),
        user: User {
            name: identity.user,
            object_id: identity.object_id,
            tenant_id: identity.tenant_id,
        },
    }
}
