//! The state that all commands of this process share: the two streams, and the signals.

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anstream::ColorChoice;
use tokio::time::timeout;

use crate::apply::{Applied, ApplyError, ApplyRun};
use crate::cli::{Ci, Color};
use crate::model::{Exit, Failure};
use crate::plan::Plan;
use crate::report::{Console, Format, lost_result};
use crate::run::interrupts::{Interrupts, PATIENCE};
use crate::run::pipeline::runner;
use crate::sign_in::wait_for_renewals;

/// The shortest wait that is reported to the user.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// The hint for a run that wrote to the environment, and whose result could not be shown.
pub(crate) const ALL_WRITTEN: &str = "everything was written to the environment: make room where standard output goes to; running again writes nothing and shows the targets";

/// This process. It may serve several environments.
pub(crate) struct Process {
    /// The streams.
    pub(crate) console: Arc<Console>,
    /// The signals, once they were taken over from the system.
    interrupts: Cell<Option<Interrupts>>,
}

impl Process {
    /// Opens the streams of a command that reads this file. The format comes with the wish to see
    /// every target.
    pub(crate) fn new(format: (Format, bool), color: Color, ci: Ci, file: &Path) -> Self {
        let name = file.display().to_string();
        let console = Console::new(format, choice(color), columns(), runner(ci), &name);
        Self { console: Arc::new(console), interrupts: Cell::new(None) }
    }

    /// Prints a failure and returns its exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> Exit {
        self.console.fail(failure);
        failure.exit
    }

    /// Returns the exit code of a command without a report, and prints why it failed.
    pub(crate) fn exit(&self, ended: Result<(), Failure>) -> Exit {
        ended.map_or_else(|failure| self.fail(&failure), |()| Exit::Done)
    }

    /// Does the work, and ends it when a signal interrupts. Signals are handled from the first work
    /// on: until then, the system's own Ctrl-C ends even a read that hangs.
    ///
    /// # Errors
    /// The work's own, or [`Failure::interrupted`].
    pub(crate) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut interrupts = self.take_interrupts();
        let ended = Box::pin(interrupts.unless(work)).await;
        self.interrupts.set(Some(interrupts));
        ended
    }

    /// Applies a plan. A signal ends the run at once while nothing was sent, and soon once it was.
    ///
    /// # Errors
    /// [`ApplyError`] says what was written and what was not.
    pub(crate) async fn apply(
        &self,
        applying: &ApplyRun<'_>,
        plan: &Plan,
    ) -> Result<Applied, ApplyError> {
        let mut interrupts = self.take_interrupts();
        let ended = Box::pin(interrupts.apply(applying, plan, &self.console)).await;
        self.interrupts.set(Some(interrupts));
        ended
    }

    /// Waits for token renewals that are under way, for at most [`PATIENCE`]: without the answer,
    /// the next run might have to sign in again. An interruption ends the wait at once.
    pub(crate) async fn linger(&self) {
        let ended = async {
            if timeout(WORTH_TELLING, wait_for_renewals()).await.is_ok() {
                return Ok(());
            }
            let left = PATIENCE.saturating_sub(WORTH_TELLING);
            self.console.message(&format!(
                "\nWaiting at most {} s for a token renewal to finish.\n",
                left.as_secs()
            ));
            let _ = timeout(left, wait_for_renewals()).await;
            Ok(())
        };
        let _ = self.unless_interrupted(ended).await;
    }

    fn take_interrupts(&self) -> Interrupts {
        self.interrupts.take().unwrap_or_else(Interrupts::begin)
    }
}

/// Returns the failure of a run whose result could not be written to standard output, with a hint.
pub(crate) fn lost_output(hint: &str) -> Option<Failure> {
    let why = lost_result()?;
    let message = format!("the result cannot be written to standard output: {why}");
    Some(Failure::new(Exit::Unexpected, message).hint(hint))
}

/// Returns the width in `COLUMNS`, for an output that is not a terminal.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}
