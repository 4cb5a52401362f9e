//! Ctrl-C, SIGTERM and SIGHUP: before the first write they end the run at once, after it they wait
//! until its outcome is known.

use std::future::Future;

use crate::failure::Failure;
use crate::report::Console;

/// Does the work unless somebody interrupts it.
pub(super) async fn interruptible<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = interrupted() => Err(Failure::interrupted()),
        ended = work => ended,
    }
}

/// Does the work to its end, and says so to whoever interrupts it.
pub(super) async fn held<T, E>(
    work: impl Future<Output = Result<T, E>>,
    console: &Console,
) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            ended = &mut work => return ended.map_err(Failure::from),
            () = interrupted() => {
                console.message("\nThe write is under way: waiting until its outcome is known.\n");
            }
        }
    }
}

/// Waits for the next interruption.
#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    let received = async |kind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = pressed() => (),
        () = received(SignalKind::terminate()) => (),
        // The terminal is gone, as when a connection drops.
        () = received(SignalKind::hangup()) => (),
    }
}

/// Waits for the next interruption.
#[cfg(not(unix))]
async fn interrupted() {
    pressed().await;
}

/// Waits for Ctrl-C; where it cannot be waited for, the system ends the program.
async fn pressed() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
