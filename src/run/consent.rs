//! The consent to writing a plan: not wanted, asked for, or given already.

use std::io;
use std::time::Instant;

use crate::cli::{ConnectArgs, WriteArgs};
use crate::discover::Reader;
use crate::manifest::Location;
use crate::model::{EnvironmentUrl, Exit, Failure};
use crate::report::{Console, Outcome};
use crate::run::connect::Connection;
use crate::run::environment_run::EnvironmentRun;
use crate::run::process::Process;

/// The only answer that counts as a yes.
const YES: &str = "yes";

/// The consent to writing a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The plan is shown and not written.
    ShowOnly,
    /// The plan is written if a person says yes. Nobody is asked about a sandbox on this machine.
    Ask,
    /// The plan is written if a person says yes, also in a sandbox.
    AskAlways,
    /// The plan is written: somebody agreed already.
    Given,
}

impl Consent {
    /// Reads the options of writing. A reviewed plan counts as agreed to, unless `--ask` is given.
    pub(crate) fn from_args(args: &WriteArgs, is_reviewed: bool) -> Self {
        if args.dry_run {
            Self::ShowOnly
        } else if args.ask {
            Self::AskAlways
        } else if args.yes || is_reviewed {
            Self::Given
        } else {
            Self::Ask
        }
    }

    /// Checks, before anything is contacted, that a person can be asked if that is needed.
    ///
    /// # Errors
    /// Says why nobody can be asked, and which options write without asking.
    pub(crate) fn check_possible(
        self,
        place: &Location,
        args: &ConnectArgs,
        console: &Console,
    ) -> Result<(), Failure> {
        let is_remote = matches!(place, Location::Url(url) if !url.is_loopback());
        if self != Self::AskAlways && !(is_remote && self == Self::Ask) {
            return Ok(());
        }
        let option = args.sign_in.non_interactive.then_some("`--non-interactive` is given");
        let Some(why) = option.or_else(|| console.why_not_interactive()) else { return Ok(()) };
        let message =
            format!("nobody can be asked to confirm the plan: {why}; nothing was contacted");
        Err(Failure::new(Exit::Usage, message).hint(if self == Self::AskAlways {
            "omit --ask, or add --dry-run to see the plan only"
        } else {
            "add --yes to write without asking, or --dry-run to see the plan only"
        }))
    }

    /// Asks a person if needed. Returns none if the plan is to be written, else the outcome of the
    /// run. The time that the person takes does not count towards the run's timeout.
    ///
    /// # Errors
    /// Any answer but a yes is a refusal.
    pub(crate) async fn decide(
        self,
        connection: &Connection,
        reader: &Reader<'_>,
        process: &Process,
        run: &EnvironmentRun,
    ) -> Result<Option<Outcome>, Failure> {
        let plan = run.plan();
        if !plan.problems.is_empty() {
            return run.refused().map(Some);
        }
        if plan.is_up_to_date() {
            return Ok(Some(Outcome::Agreed));
        }
        if self == Self::ShowOnly {
            return Ok(Some(Outcome::Planned));
        }
        let asked = Instant::now();
        run.show_totals(&process.console);
        self.ask(connection.url(), run, &process.console).await?;
        reader.extend_deadline(asked.elapsed());
        Ok(None)
    }

    /// Asks whether to write, if somebody is to be asked.
    async fn ask(
        self,
        url: &EnvironmentUrl,
        run: &EnvironmentRun,
        console: &Console,
    ) -> Result<(), Failure> {
        if self == Self::Given || (self == Self::Ask && url.is_loopback()) {
            return Ok(());
        }
        run.ask(url, console);
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).map(|_| answer)
        });
        match answer.await {
            Ok(Ok(answer)) if answer.trim() == YES => Ok(()),
            _ => Err(Failure::new(Exit::Refused, "not confirmed; nothing was written")
                .hint(format!("run again and type `{YES}`, or add --yes"))),
        }
    }
}
