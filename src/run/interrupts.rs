//! Ctrl-C, SIGTERM and SIGHUP: they end the run at once while nothing is sent. While a write is
//! under way, they end the run when the outcome is known, or after a timeout.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(windows)]
use tokio::signal::windows;
use tokio::time::sleep;

use crate::apply::{Applied, ApplyError, ApplyRun};
use crate::model::{Failure, Stage};
use crate::plan::Plan;
use crate::report::Console;

/// The timeout, after an interruption, for the outcome of a write or of a token renewal.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The time in which a second signal counts as the same one: a terminal and a parent process may
/// both send it.
const SAME: Duration = Duration::from_millis(500);

/// The interruptions since [`Interrupts::begin`]: none is lost while nobody waits for one.
pub(crate) struct Interrupts {
    signals: Vec<Signal>,
}

#[cfg(unix)]
type Signal = tokio::signal::unix::Signal;

/// The signals of a console program on Windows.
#[cfg(windows)]
enum Signal {
    /// Ctrl-C was pressed.
    Pressed(windows::CtrlC),
    /// Ctrl-Break was pressed, or sent by whoever started the program in a group of its own.
    Broken(windows::CtrlBreak),
    /// The console's window is closed: the system ends the program a few seconds later.
    Closed(windows::CtrlClose),
    /// The machine is shut down.
    ShutDown(windows::CtrlShutdown),
}

#[cfg(windows)]
impl Signal {
    /// Polls the signal.
    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        match self {
            Self::Pressed(signal) => signal.poll_recv(context),
            Self::Broken(signal) => signal.poll_recv(context),
            Self::Closed(signal) => signal.poll_recv(context),
            Self::ShutDown(signal) => signal.poll_recv(context),
        }
    }
}

impl Interrupts {
    /// Takes the signals over from the system.
    #[cfg(unix)]
    pub(crate) fn begin() -> Self {
        use tokio::signal::unix::{SignalKind, signal};

        // The terminal is gone when it hangs up, as when a connection drops.
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Takes the signals over from the system.
    #[cfg(windows)]
    pub(crate) fn begin() -> Self {
        let signals = [
            windows::ctrl_c().map(Signal::Pressed),
            windows::ctrl_break().map(Signal::Broken),
            windows::ctrl_close().map(Signal::Closed),
            windows::ctrl_shutdown().map(Signal::ShutDown),
        ];
        Self { signals: signals.into_iter().flatten().collect() }
    }

    /// Does the work, and fails if a signal interrupts it.
    pub(crate) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.next() => Err(Failure::interrupted()),
            ended = work => ended,
        }
    }

    /// Applies a plan. An interruption ends it at once while nothing is sent. After that, the run
    /// sends nothing more, and has [`PATIENCE`] to find out what was written. A second interruption
    /// ends it at once in any case.
    pub(crate) async fn apply(
        &mut self,
        applying: &ApplyRun<'_>,
        plan: &Plan,
        console: &Console,
    ) -> Result<Applied, ApplyError> {
        // What was pressed while the run was busy without a pause is seen before anything is sent.
        tokio::task::yield_now().await;
        let mut work = std::pin::pin!(Stage::Apply.log(applying.apply(plan)));
        tokio::select! {
            biased;
            () = self.next() => (),
            ended = &mut work => return ended,
        }
        let left = applying.interruption_error();
        if !left.is_in_doubt() {
            return Err(left);
        }
        applying.stop();
        console.message(&format!(
            "\nA write is in progress. Waiting at most {} s for its outcome.\n",
            PATIENCE.as_secs()
        ));
        tokio::select! {
            biased;
            ended = &mut work => ended,
            () = sleep(PATIENCE) => Err(applying.interruption_error()),
            () = self.another() => Err(applying.interruption_error()),
        }
    }

    /// Waits for another interruption, and ignores repetitions of the last one.
    async fn another(&mut self) {
        let mut same = std::pin::pin!(sleep(SAME));
        loop {
            tokio::select! {
                () = &mut same => break,
                () = self.next() => (),
            }
        }
        self.next().await;
    }

    /// Waits for the next interruption, or forever if the system delivers no signals.
    async fn next(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut signals = self.signals.iter_mut();
        if signals.any(|signal| signal.poll_recv(context).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
