//! Sign-in in a browser on this machine: an authorization code with PKCE (RFC 7636), which the
//! browser brings back to a local port (RFC 8252 section 7.3).
//!
//! ```text
//! LoopbackListener::open              a port on 127.0.0.1 and ::1, part of the redirect address
//! show                                the caller prints the address and opens a browser
//! LoopbackListener::wait_for_answer   the first answer of this sign-in closes the port
//! AuthorizationRequest::redeem_code   code -> tokens, whose nonce is checked
//! loopback::send_final_page           the browser shows the result
//! ```
//!
//! The browser is answered last, so that its page shows the final result, over the connection that
//! brought the code, so that no port stays open for it. Dropping the future closes everything.

mod launch;
mod loopback;
mod page;
mod redirect;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use self::loopback::{AnsweredConnection, LoopbackListener};
use crate::http::Transport;
use crate::model::{Event, Notify, is_https_or_loopback};
use crate::sign_in::audience::TokenRequest;
use crate::sign_in::exchange::{AuthorizationRequest, GrantedTokens, OauthHttp, TOKEN_PATH};
use crate::sign_in::{Application, AuthError, SignInStep};

/// The time that a person may take in the browser.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(10);

/// Signs a person in with a browser. `show` gets the address to open before the wait. The time that
/// the person takes is added to the transport's deadline.
///
/// # Errors
/// The authority refuses or cannot be reached, or the browser brings no valid answer in time.
pub(in crate::sign_in) async fn sign_in_by_browser(
    transport: &Transport,
    application: &Application,
    request: &TokenRequest,
    show: impl FnOnce(&Url),
) -> Result<GrantedTokens, AuthError> {
    let loopback = LoopbackListener::open().await.map_err(|source| AuthError::NoPort { source })?;
    let TokenRequest { scopes, claims, .. } = request;
    let request = AuthorizationRequest::new(
        application,
        loopback.redirect_address(),
        scopes,
        claims.as_deref(),
    );
    let request = request.map_err(|_| AuthError::NoAuthority)?;
    show(ensure_private(request.browser_address())?);
    let visit = timeout(ANSWER_TIMEOUT, loopback.wait_for_answer(request.state()));
    let visit = transport.while_asking(ANSWER_TIMEOUT, visit).await;
    let AnsweredConnection { connection, answer } = visit.map_err(|_| AuthError::BrowserTimeout)?;
    let wire = OauthHttp::with_retries(transport, SignInStep::SignIn, TOKEN_PATH);
    let result = match answer {
        Ok(code) => request.redeem_code(&wire, application, code).await,
        Err(error) => Err(error),
    };
    loopback::send_final_page(connection, &page::final_page(result.as_ref().err())).await;
    result
}

/// Opens the address in a browser of this machine, and notifies the person.
pub(super) fn open_and_notify(url: &Url, notify: &Notify) {
    let (opened, tunnel) = (launch::open_browser(url), ssh_forward_port(url));
    notify(Event::SignInByBrowser { url: url.as_str(), opened, tunnel });
}

/// Returns the port to forward if this machine is reached by SSH: the browser sends its answer to
/// its own machine.
fn ssh_forward_port(url: &Url) -> Option<u16> {
    std::env::var_os("SSH_CONNECTION")?;
    let (_, back) = url.query_pairs().find(|(name, _)| name == "redirect_uri")?;
    Url::parse(&back).ok()?.port()
}

/// Returns the address if it is https or on this machine.
fn ensure_private(address: &Url) -> Result<&Url, AuthError> {
    if is_https_or_loopback(address) {
        return Ok(address);
    }
    Err(AuthError::UntrustedPage { page: address.origin().ascii_serialization() })
}
