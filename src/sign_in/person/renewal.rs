//! Renewals of tokens, each of which runs to its end even if the run is interrupted: some
//! authorities accept each refresh token only once, so the sign-in would be lost with the answer.

use tokio::sync::RwLock;
use tracing::Instrument as _;

use super::after_refusal::{self, NextStep};
use super::refresh_token::RefreshTokenGuard;
use crate::http::Transport;
use crate::model::{Event, Notify, RefreshToken, error_chain};
use crate::sign_in::audience::TokenRequest;
use crate::sign_in::exchange::{GrantedTokens, OauthHttp, TOKEN_PATH};
use crate::sign_in::store::StoreError;
use crate::sign_in::{Application, AuthError, Identity, SignInStep};

/// A lock that every active renewal holds for reading.
static ACTIVE_RENEWALS: RwLock<()> = RwLock::const_new(());

/// A renewal of a person's token.
pub(super) struct Renewal {
    pub(super) application: Application,
    pub(super) transport: Transport,
    pub(super) notify: Notify,
    pub(super) guard: RefreshTokenGuard,
    pub(super) token: RefreshToken,
}

impl Renewal {
    /// Makes a token from the refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// The authority refuses, it cannot be reached, or the store cannot be written.
    pub(super) async fn refresh_and_keep(
        mut self,
        request: TokenRequest,
    ) -> Result<GrantedTokens, AuthError> {
        let TokenRequest { audience, scopes, claims } = request;
        let http =
            OauthHttp::with_retries(&self.transport, SignInStep::Token(audience), TOKEN_PATH);
        let (application, token) = (&self.application, &self.token);
        let result = GrantedTokens::from_refresh_token(
            &http,
            application,
            token,
            &scopes,
            claims.as_deref(),
        )
        .await;
        match &result {
            Ok(grant) => {
                let person = self.guard.check_person(&Identity::from_grant(grant));
                warn_unless_kept(self.guard.keep_renewed(grant, audience), &self.notify);
                person?;
            }
            // Deleted under the lock, so that a new sign-in of another run is not deleted.
            Err(error)
                if after_refusal::next_step(error) == NextStep::AskPerson { forget: true } =>
            {
                self.guard.delete_token()?;
            }
            Err(_) => {}
        }
        result
    }
}

/// Runs the work in a task of its own, which continues when the caller is dropped.
pub(super) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let under_way = ACTIVE_RENEWALS.read().await;
    let task = async move {
        let _under_way = under_way;
        work.await
    };
    match tokio::spawn(task.in_current_span()).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Waits until no renewal is active: a run that ends earlier may lose its sign-in.
pub async fn wait_for_renewals() {
    let _none = ACTIVE_RENEWALS.write().await;
}

/// Warns if the sign-in could not be kept for later runs.
pub(super) fn warn_unless_kept(kept: Result<(), StoreError>, notify: &Notify) {
    if let Err(error) = kept {
        let text = format!("the sign-in is not kept for later runs: {}", error_chain(&error));
        notify(Event::SignInWarning { text: &text });
    }
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
        let waited = timeout(Duration::from_secs(1), run_to_completion(work)).await;
        assert!(waited.is_err() && !done.load(Ordering::Relaxed));
        wait_for_renewals().await;
        assert!(done.load(Ordering::Relaxed));
    }
}
