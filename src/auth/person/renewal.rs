//! A renewal that is under way is carried through, whatever becomes of the run: some authorities let
//! each refresh token be used but once, so that with the answer the sign-in would be lost.

use tokio::sync::RwLock;
use tracing::Instrument as _;

use super::after_refusal::{self, Next};
use super::keeper::Hold;
use super::{Request, warn_unless_kept};
use crate::auth::exchange::{Grant, TOKEN, Wire};
use crate::auth::notice::Notify;
use crate::auth::{Application, AuthError, Identity, Step};
use crate::domain::RefreshToken;
use crate::http::Transport;

/// Held for reading by every renewal that is under way.
static UNDER_WAY: RwLock<()> = RwLock::const_new(());

/// Whose token is renewed, and how.
pub(super) struct Renewal {
    pub(super) application: Application,
    pub(super) transport: Transport,
    pub(super) notify: Notify,
    pub(super) hold: Hold,
    pub(super) token: RefreshToken,
}

impl Renewal {
    /// Makes a token from the refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// The authority refuses, it cannot be reached, or the store cannot be written.
    pub(super) async fn run(mut self, request: &Request<'_>) -> Result<Grant, AuthError> {
        let Self { application, transport, token, .. } = &self;
        let wire = Wire::asking(transport, Step::Token(request.audience), TOKEN);
        let (scopes, claims) = (request.scopes, request.claims);
        let result = Grant::refresh(&wire, application, token, scopes, claims).await;
        match &result {
            Ok(grant) => {
                let person = self.hold.check_person(&Identity::of(grant));
                warn_unless_kept(self.hold.renewed(grant, request.audience), &self.notify);
                person?;
            }
            // Forgotten while it is held, so that no other run's new sign-in is taken for it.
            Err(error) if after_refusal::next(error) == Next::AskPerson { forget: true } => {
                self.hold.forget()?;
            }
            Err(_) => {}
        }
        result
    }
}

/// Does the work in a task of its own, which goes on when nobody waits for it any longer.
pub(super) async fn carried_through<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let under_way = UNDER_WAY.read().await;
    let task = async move {
        let _under_way = under_way;
        work.await
    };
    match tokio::spawn(task.in_current_span()).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Waits until no renewal is under way: a run that ends earlier may lose its sign-in.
pub async fn renewals_end() {
    let _none = UNDER_WAY.write().await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_nobody_waits_for_any_longer_is_carried_through() {
        let done = Arc::new(AtomicBool::new(false));
        let work = {
            let done = Arc::clone(&done);
            async move {
                sleep(Duration::from_secs(2)).await;
                done.store(true, Ordering::Relaxed);
            }
        };
        let waited = timeout(Duration::from_secs(1), carried_through(work)).await;
        assert!(waited.is_err() && !done.load(Ordering::Relaxed));
        renewals_end().await;
        assert!(done.load(Ordering::Relaxed));
    }
}
