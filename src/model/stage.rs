//! The stages of a run in the log: each is a span, and says at its end how long it took.

use std::future::Future;
use std::time::Instant;

use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::model::milliseconds;

/// A stage that waits for others, or thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Somebody signs in.
    SignIn,
    /// The environment is read.
    Discover,
    /// Flows that are not ready are waited for.
    Wait,
    /// What was read is compared.
    Plan,
    /// The difference is written and verified.
    Apply,
    /// The targets are read back and planned again.
    Verify,
}

impl Stage {
    /// Runs the work of the stage within its span. The log has no end of a stage that is cancelled.
    pub async fn log<T>(self, work: impl Future<Output = T>) -> T {
        let span = self.span();
        let begin = Instant::now();
        let ended = work.instrument(span.clone()).await;
        span.record("duration_ms", milliseconds(begin.elapsed()));
        span.in_scope(|| tracing::info!("ended"));
        ended
    }

    fn span(self) -> Span {
        match self {
            Self::SignIn => tracing::info_span!("sign-in", duration_ms = Empty),
            Self::Discover => tracing::info_span!("discover", duration_ms = Empty),
            Self::Wait => tracing::info_span!("wait", duration_ms = Empty),
            Self::Plan => tracing::info_span!("plan", duration_ms = Empty),
            Self::Apply => tracing::info_span!("apply", duration_ms = Empty),
            Self::Verify => tracing::info_span!("verify", duration_ms = Empty),
        }
    }
}
