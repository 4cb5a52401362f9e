//! The person who signs in: by the refresh token without being asked, else interactively.
//!
//! ```text
//! refresh_token   the refresh token, in memory or in a store, used by one request at a time
//! after_refusal   the next step after a refused renewal
//! renewal         a token from the refresh token, never interrupted halfway
//! device          a code that is entered on any device
//! browser         a page in a browser on this machine
//! ```

pub(super) mod after_refusal;
mod browser;
mod device;
mod prompt;
pub(super) mod refresh_token;
mod renewal;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use prompt::DeviceCodePrompt;
pub use refresh_token::SharedRefreshToken;
pub use renewal::wait_for_renewals;

use super::exchange::{GrantedTokens, Sleep};
use super::{Application, AuthError};
use crate::http::Transport;
use crate::model::Notify;
use crate::sign_in::audience::TokenRequest;
use renewal::{Renewal, run_to_completion, warn_unless_kept};

/// A way to ask a person to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// A code that is entered on any device (RFC 8628).
    DeviceCode,
    /// A browser on this machine (RFC 8252).
    Browser,
    /// No way: the run must not ask.
    NonInteractive,
}

/// A person who signs in, and the application they use.
pub struct Person {
    /// The application with which they sign in.
    application: Application,
    /// The way in which they are asked.
    way: SignInMethod,
    /// The holder of their refresh token.
    pub(in crate::sign_in) refresh_token: SharedRefreshToken,
    /// The function that waits between polls: an argument, so that tests do not wait.
    sleep: Sleep,
}

impl Person {
    /// Makes a person who signs in with the application.
    pub fn new(
        application: Application,
        way: SignInMethod,
        refresh_token: SharedRefreshToken,
    ) -> Self {
        let sleep: Sleep = Arc::new(|time: Duration| Box::pin(tokio::time::sleep(time)));
        Self { application, way, refresh_token, sleep }
    }

    /// Replaces the function that waits.
    #[cfg(test)]
    pub(in crate::sign_in) fn with_sleep(self, sleep: Sleep) -> Self {
        Self { sleep, ..self }
    }

    /// Returns true if the person may be asked.
    pub(in crate::sign_in) fn can_be_asked(&self) -> bool {
        self.way != SignInMethod::NonInteractive
    }

    /// Makes a token from the refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// There is no refresh token, the authority refuses, or it cannot be reached.
    pub(in crate::sign_in) async fn renew_token(
        &self,
        transport: &Transport,
        request: TokenRequest,
        notify: &Notify,
    ) -> Result<GrantedTokens, AuthError> {
        let mut guard = self.refresh_token.lock().await?;
        let missing = AuthError::NoRefreshToken { audience: request.audience };
        let token = guard.current_token().ok_or(missing)?.clone();
        guard.reserve()?;
        let (application, transport) = (self.application.clone(), transport.clone());
        let renewal = Renewal { application, transport, notify: Arc::clone(notify), guard, token };
        run_to_completion(renewal.refresh_and_keep(request)).await
    }

    /// Asks the person to sign in.
    ///
    /// # Errors
    /// The person declines or does not answer, or the authority refuses.
    pub(in crate::sign_in) async fn ask_to_sign_in(
        &self,
        transport: &Transport,
        request: &TokenRequest,
        notify: &Notify,
    ) -> Result<GrantedTokens, AuthError> {
        let application = &self.application;
        let grant = match self.way {
            SignInMethod::NonInteractive => return Err(AuthError::PersonNeeded { why: None }),
            SignInMethod::DeviceCode => {
                device::sign_in_by_code(transport, application, request, notify, &self.sleep)
                    .await?
            }
            SignInMethod::Browser => {
                let show = |url: &Url| browser::open_and_notify(url, notify);
                browser::sign_in_by_browser(transport, application, request, show).await?
            }
        };
        let kept = self.refresh_token.lock().await?.keep_new_sign_in(&grant, request.audience);
        warn_unless_kept(kept, notify);
        Ok(grant)
    }
}
