//! Sign-in by a code that a person enters on any device.
//!
//! Dropping the future cancels the sign-in at any moment: the code on the server expires by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::http::Transport;
use crate::model::{Event, Notify};
use crate::sign_in::audience::TokenRequest;
use crate::sign_in::exchange::{DeviceCode, GrantedTokens, OauthHttp, Sleep, TOKEN_PATH};
use crate::sign_in::{Application, AuthError, SignInStep};

/// The time after which a person is reminded that a code waits for them.
const REMINDER_AFTER: Duration = Duration::from_mins(2);

/// The path of a code request in logs.
const DEVICE_CODE_PATH: &str = "/{tenant}/oauth2/v2.0/devicecode";

/// Asks for a code, shows it, and polls until the person has decided. The time that the person
/// takes is added to the transport's deadline. The person is reminded of the page only after the
/// code was shown: before that there is none.
///
/// # Errors
/// A refusal, an expired code, or a service that cannot be reached.
pub(in crate::sign_in) async fn sign_in_by_code(
    transport: &Transport,
    application: &Application,
    request: &TokenRequest,
    notify: &Notify,
    sleep: &Sleep,
) -> Result<GrantedTokens, AuthError> {
    let claims = request.claims.as_deref();
    let asking = OauthHttp::with_retries(transport, SignInStep::SignIn, DEVICE_CODE_PATH);
    let code = DeviceCode::request(&asking, application, &request.scopes, claims).await?;
    let prompt = code.prompt(application)?;
    notify(prompt.event());
    let lifetime = prompt.expires_in;
    let polling = OauthHttp::for_polling(transport, TOKEN_PATH, Arc::clone(sleep), lifetime);
    let answer = code.poll_for_tokens(&polling, application, claims, sleep);
    with_reminder(transport.while_asking(prompt.expires_in, answer), notify).await
}

/// Waits for the sign-in, and sends one reminder if it takes long.
async fn with_reminder<T>(asked: impl Future<Output = T>, notify: &Notify) -> T {
    let mut asked = std::pin::pin!(asked);
    if let Ok(answer) = timeout(REMINDER_AFTER, &mut asked).await {
        return answer;
    }
    notify(Event::StillWaiting);
    asked.await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_person_who_takes_long_is_reminded_once() {
        for (minutes, reminders) in [(1, 0), (3, 1), (14, 1)] {
            let shown = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&shown);
            let notify: Notify = Arc::new(move |event| {
                assert!(matches!(event, Event::StillWaiting));
                count.fetch_add(1, Ordering::Relaxed);
            });
            let approves = tokio::time::sleep(Duration::from_mins(minutes));
            with_reminder(approves, &notify).await;
            assert_eq!(shown.load(Ordering::Relaxed), reminders, "after {minutes} minutes");
        }
    }
}
