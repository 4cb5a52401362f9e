//! The sign-in that a person approves on another device.
//!
//! It is cancelled by dropping the future, at any moment: there is nothing to undo at the
//! server, where the code merely expires.

use std::sync::Arc;

use crate::auth::exchange::{DeviceCode, Grant};
use crate::auth::exchange::{Sleep, TOKEN, Wire};
use crate::auth::person::Request;
use crate::auth::{Application, AuthError, Prompt, Step};
use crate::http::Transport;

/// The path that logs show for the request of a code.
const DEVICE_CODE: &str = "/{tenant}/oauth2/v2.0/devicecode";

/// Asks for a code, has it shown, and polls until the person has decided. The time that the
/// person takes is added to the transport's deadline.
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
