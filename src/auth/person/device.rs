//! Sign-in by a code that a person enters on any device.
//!
//! Dropping the future cancels the sign-in at any moment: the code on the server expires by itself.

use std::sync::Arc;

use crate::auth::exchange::{DeviceCode, Grant};
use crate::auth::exchange::{Sleep, TOKEN, Wire};
use crate::auth::person::Request;
use crate::auth::{Application, AuthError, Prompt, Step};
use crate::http::Transport;

/// The path of a code request in logs.
const DEVICE_CODE: &str = "/{tenant}/oauth2/v2.0/devicecode";

/// Asks for a code, shows it, and polls until the person has decided. The time that the person
/// takes is added to the transport's deadline.
///
/// # Errors
/// A refusal, an expired code, or a service that cannot be reached.
pub(in crate::auth) async fn grant(
    transport: &Transport,
    application: &Application,
    request: &Request<'_>,
    show: impl FnOnce(&Prompt),
    sleep: &Sleep,
) -> Result<Grant, AuthError> {
    let asking = Wire::asking(transport, Step::SignIn, DEVICE_CODE);
    let code = DeviceCode::ask(&asking, application, request.scopes, request.claims).await?;
    let prompt = code.prompt()?;
    show(&prompt);
    let polling = Wire::polling(transport, TOKEN, Arc::clone(sleep));
    let answer = code.poll(&polling, application, request.claims, sleep);
    transport.while_asking(prompt.expires_in, answer).await
}
