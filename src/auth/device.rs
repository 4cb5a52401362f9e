//! The sign-in that a person approves on another device.
//!
//! It is cancelled by dropping the future, at any moment: there is nothing to undo at the
//! server, where the code merely expires.

use std::sync::Arc;

use tokio::time::Instant;

use super::grant::DeviceCode;
use super::session::Resources;
use super::wire::{Sleep, Wire};
use super::{Application, AuthError, Prompt, Session, Step};
use crate::domain::{Cloud, EnvironmentUrl};
use crate::http::Transport;

/// The path that logs show for the request of a code.
const DEVICE_CODE: &str = "/{tenant}/oauth2/v2.0/devicecode";

/// The path that logs show for the request of a token.
pub(super) const TOKEN: &str = "/{tenant}/oauth2/v2.0/token";

/// Signs a person in, with the prompt that the caller shows, and holds the token for the
/// environment. The time that the person takes is added to the transport's deadline.
///
/// # Errors
/// A refusal, an expired code, or a service that cannot be reached.
pub async fn sign_in(
    transport: &Transport,
    application: Application,
    environment: &EnvironmentUrl,
    cloud: &Cloud,
    prompt: impl FnOnce(&Prompt),
) -> Result<Session, AuthError> {
    let resources = Resources::new(environment, cloud);
    let sleep: Sleep = Arc::new(|time| Box::pin(tokio::time::sleep(time)));
    sign_in_with(transport, application, resources, prompt, &sleep).await
}

/// Signs a person in, with a sleep of the caller's.
///
/// # Errors
/// As [`sign_in`].
pub(super) async fn sign_in_with(
    transport: &Transport,
    application: Application,
    resources: Resources,
    prompt: impl FnOnce(&Prompt),
    sleep: &Sleep,
) -> Result<Session, AuthError> {
    let asking = Wire::asking(transport, Step::SignIn, DEVICE_CODE);
    let code = DeviceCode::ask(&asking, &application, &resources.sign_in_scopes()).await?;
    prompt(&code.prompt()?);
    let begin = Instant::now();
    let polling = Wire::polling(transport, TOKEN, Arc::clone(sleep));
    let grant = code.poll(&polling, &application, sleep).await;
    transport.extend_deadline(begin.elapsed());
    Ok(Session::new(transport, application, resources, grant?))
}
