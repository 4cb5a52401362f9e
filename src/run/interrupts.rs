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

/// Returns the signals that whoever started this process has it ignore, as `nohup` does with SIGHUP
/// and a shell with SIGINT in the background; a bit for each. Only Linux tells.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut fields = status.lines().filter_map(|line| line.strip_prefix("SigIgn:"));
    fields.next().and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Returns the bit of a signal.
#[cfg(unix)]
fn mask(signal: i32) -> u64 {
    u32::try_from(signal - 1).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}

/// Has a write to a file that may not grow fail, as one to a full disk does, and not end the process
/// (SIGXFSZ).
#[cfg(unix)]
pub(crate) fn survive_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};

    let limit = rustix::process::Signal::XFSZ.as_raw();
    // Where it cannot be taken over, the system ends the process.
    let _ = signal(SignalKind::from_raw(limit));
}

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
        let ignored = ignored_signals();
        let heard = kinds.into_iter().filter(|kind| ignored & mask(kind.as_raw_value()) == 0);
        Self { signals: heard.filter_map(|kind| signal(kind).ok()).collect() }
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
            "\nA write was sent. Waiting at most {} s for its outcome.\n",
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
