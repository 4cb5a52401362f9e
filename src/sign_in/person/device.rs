//! Sign-in by a code that a person enters on any device.
//!
//! Dropping the future cancels the sign-in at any moment: the code on the server expires by itself.

use std::sync::Arc;

use crate::http::Transport;
use crate::sign_in::exchange::{DeviceCode, GrantedTokens, OauthHttp, Sleep, TOKEN_PATH};
use crate::sign_in::notice::{Notice, Notify};
use crate::sign_in::person::{TokenRequest, with_reminder};
use crate::sign_in::{Application, AuthError, SignInStep};

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
    notify(Notice::DeviceCode(&prompt));
    let polling = OauthHttp::for_polling(transport, TOKEN_PATH, Arc::clone(sleep));
    let answer = code.poll_for_tokens(&polling, application, claims, sleep);
    with_reminder(transport.while_asking(prompt.expires_in, answer), notify).await
}
