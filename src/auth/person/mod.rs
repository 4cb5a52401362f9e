//! The person who signs in: silently by the refresh token, else by being asked.
//!
//! ```text
//! keeper          holds the refresh token, in memory or in a store, for one use at a time
//! after_refusal   whether a refused renewal is mended by asking
//! renewal         a token from the refresh token, once begun carried through
//! device          a code that is entered on any device
//! browser         a page in a browser of this machine
//! ```

pub(super) mod after_refusal;
mod browser;
mod device;
pub(super) mod keeper;
mod prompt;
mod renewal;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

pub use browser::open_browser;
pub use keeper::Keeper;
pub use prompt::Prompt;
pub use renewal::renewals_end;

use super::exchange::{Grant, Sleep};
use super::notice::{Notice, Notify};
use super::store::StoreError;
use super::{Application, Audience, AuthError};
use crate::domain::sentence;
use crate::http::Transport;
use renewal::{Renewal, carried_through};

/// How long a person may take before something seems wrong.
const WORTH_REMINDING: Duration = Duration::from_mins(2);

/// How a person is asked to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a code that is entered on any device (RFC 8628).
    DeviceCode,
    /// In a browser of this machine (RFC 8252).
    Browser,
    /// Not at all: nobody is there.
    Nobody,
}

/// The person in whose name tokens are made.
pub struct Person {
    /// The application with which they sign in.
    application: Application,
    /// How they are asked.
    way: Way,
    /// What holds their refresh token.
    pub(in crate::auth) keeper: Keeper,
    /// How polling waits: an argument, so that tests do not wait.
    sleep: Sleep,
}

/// What a person is asked for.
pub(in crate::auth) struct Request<'a> {
    /// Whom the first token is for.
    pub(in crate::auth) audience: Audience,
    /// Its scopes, and who signs in.
    pub(in crate::auth) scopes: &'a str,
    /// What the token must prove, as JSON.
    pub(in crate::auth) claims: Option<&'a str>,
}

impl Person {
    /// A person who signs in with that application.
    pub fn new(application: Application, way: Way, keeper: Keeper) -> Self {
        let sleep: Sleep = Arc::new(|time: Duration| Box::pin(tokio::time::sleep(time)));
        Self { application, way, keeper, sleep }
    }

    /// The same person, with another way to wait.
    #[cfg(test)]
    pub(in crate::auth) fn waiting_by(self, sleep: Sleep) -> Self {
        Self { sleep, ..self }
    }

    /// Whether there is anybody to ask.
    pub(in crate::auth) fn can_be_asked(&self) -> bool {
        self.way != Way::Nobody
    }

    /// Makes a token from the refresh token (RFC 6749 section 6).
    ///
    /// # Errors
    /// There is no refresh token, the authority refuses, or it cannot be reached.
    pub(in crate::auth) async fn renew(
        &self,
        transport: &Transport,
        request: &Request<'_>,
        notify: &Notify,
    ) -> Result<Grant, AuthError> {
        let Request { audience, scopes, claims } = *request;
        let mut hold = self.keeper.hold().await?;
        let token = hold.token().ok_or(AuthError::NoRefreshToken { audience })?.clone();
        hold.reserve()?;
        let (application, transport) = (self.application.clone(), transport.clone());
        let renewal = Renewal { application, transport, notify: Arc::clone(notify), hold, token };
        let (scopes, claims) = (scopes.to_owned(), claims.map(str::to_owned));
        let work = async move {
            renewal.run(&Request { audience, scopes: &scopes, claims: claims.as_deref() }).await
        };
        carried_through(work).await
    }

    /// Asks the person to sign in.
    ///
    /// # Errors
    /// They decline, nobody comes, or the authority refuses.
    pub(in crate::auth) async fn ask(
        &self,
        transport: &Transport,
        request: &Request<'_>,
        notify: &Notify,
    ) -> Result<Grant, AuthError> {
        let application = &self.application;
        let grant = match self.way {
            Way::Nobody => return Err(AuthError::PersonNeeded { why: None }),
            Way::DeviceCode => {
                let show = |prompt: &Prompt| notify(Notice::DeviceCode(prompt));
                let asked = device::grant(transport, application, request, show, &self.sleep);
                with_reminder(asked, notify).await?
            }
            Way::Browser => {
                let show = |url: &Url| notify(Notice::Browser(url));
                browser::grant(transport, application, request, show).await?
            }
        };
        let kept = self.keeper.hold().await?.signed_in(&grant, request.audience);
        warn_unless_kept(kept, notify);
        Ok(grant)
    }
}

/// Waits, and reminds of what may be wrong if a code is not entered for long.
async fn with_reminder<T>(asked: impl Future<Output = T>, notify: &Notify) -> T {
    let mut asked = std::pin::pin!(asked);
    if let Ok(answer) = timeout(WORTH_REMINDING, &mut asked).await {
        return answer;
    }
    notify(Notice::StillWaiting);
    asked.await
}

/// Tells that the sign-in holds for this run, but not for the next.
fn warn_unless_kept(kept: Result<(), StoreError>, notify: &Notify) {
    if let Err(error) = kept {
        let text = format!("the sign-in is not kept for later runs: {}", sentence(&error));
        notify(Notice::Warning(&text));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_person_who_takes_long_is_reminded_once() {
        for (minutes, reminders) in [(1, 0), (3, 1), (14, 1)] {
            let told = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&told);
            let notify: Notify = Arc::new(move |notice| {
                assert!(matches!(notice, Notice::StillWaiting));
                count.fetch_add(1, Ordering::Relaxed);
            });
            let approves = tokio::time::sleep(Duration::from_mins(minutes));
            with_reminder(approves, &notify).await;
            assert_eq!(told.load(Ordering::Relaxed), reminders, "after {minutes} minutes");
        }
    }
}
