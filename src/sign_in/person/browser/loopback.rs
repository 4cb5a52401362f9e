//! The local port to which the browser brings its answer.
//!
//! Browsers open connections ahead of time and ask for icons, and any page or program may connect
//! as well. So connections are served side by side, each with a limit of time and size, and only
//! the answer of this sign-in ends the wait.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use oauth2::{AuthorizationCode, CsrfToken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::page;
use super::redirect::{self, ExpectedAnswer, MAX_HEAD_BYTES, RedirectRequest};
use crate::sign_in::AuthError;

/// The time limit of a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of connections at once; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 64;

/// The maximum number of ports to try when one is free on only one of the two addresses.
const MAX_PORT_ATTEMPTS: usize = 8;

/// The pause after a failed accept.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A port that is open to this machine only, until it is dropped.
pub(super) struct LoopbackListener {
    port: u16,
    ipv4: TcpListener,
    /// The same port on `::1`, where `localhost` may lead; none if the machine has no such address.
    ipv6: Option<TcpListener>,
}

/// The connection that brought the answer.
pub(super) struct AnsweredConnection {
    /// The connection on which the browser waits for a page.
    pub(super) connection: TcpStream,
    /// The code, or the reason why there is none.
    pub(super) answer: Result<AuthorizationCode, AuthError>,
}

impl LoopbackListener {
    /// Opens a port that is free on both addresses.
    ///
    /// # Errors
    /// No port is free on both, or the system does not allow it.
    pub(super) async fn open() -> io::Result<Self> {
        for _ in 0..MAX_PORT_ATTEMPTS {
            let ipv4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = ipv4.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(ipv6) => return Ok(Self { port, ipv4, ipv6: Some(ipv6) }),
                // Another program has the port on `::1`, and could receive the browser's answer.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return Ok(Self { port, ipv4, ipv6: None }),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Returns the redirect address. `http://localhost` has to be registered in Entra, which then
    /// accepts any port:
    /// <https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions>.
    pub(super) fn redirect_address(&self) -> String {
        format!("http://{}", self.host_and_port())
    }

    /// Waits for the answer with this state, and closes the port.
    pub(super) async fn wait_for_answer(self, state: &CsrfToken) -> AnsweredConnection {
        let expected = ExpectedAnswer { host: &self.host_and_port(), state };
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                connection = self.next_connection(), if connections.len() < MAX_CONNECTIONS => {
                    connections.push(serve_connection(connection, &expected));
                }
                answered = connections.next(), if !connections.is_empty() => {
                    if let Some(Some(answered)) = answered {
                        return answered;
                    }
                }
            }
        }
    }

    /// Returns the host and port as a browser sends them.
    fn host_and_port(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Accepts the next connection at either address.
    async fn next_connection(&self) -> TcpStream {
        let Some(ipv6) = &self.ipv6 else {
            return accept_connection(&self.ipv4).await;
        };
        tokio::select! {
            connection = accept_connection(&self.ipv4) => connection,
            connection = accept_connection(ipv6) => connection,
        }
    }
}

/// Accepts the next connection.
async fn accept_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => return connection,
            // The connection was closed again, or the system lacks a resource: both pass.
            Err(_) => sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
}

/// Reads a connection. Returns `None` if it does not bring the answer in time.
async fn serve_connection(
    mut connection: TcpStream,
    expected: &ExpectedAnswer<'_>,
) -> Option<AnsweredConnection> {
    let answer =
        timeout(CONNECTION_TIMEOUT, read_answer(&mut connection, expected)).await.ok()??;
    Some(AnsweredConnection { connection, answer })
}

/// Reads requests until the answer arrives. Rejects other requests and returns `None`.
async fn read_answer(
    connection: &mut TcpStream,
    expected: &ExpectedAnswer<'_>,
) -> Option<Result<AuthorizationCode, AuthError>> {
    let mut head = Vec::with_capacity(MAX_HEAD_BYTES);
    loop {
        let count = connection.read_buf(&mut head).await.ok()?;
        match redirect::read_request(&head, expected) {
            RedirectRequest::Incomplete if count == 0 => return None,
            RedirectRequest::Incomplete => {}
            RedirectRequest::Answer(answer) => return Some(answer),
            RedirectRequest::OtherSignIn => {
                send_response(connection, &page::other_sign_in_page()).await;
                return None;
            }
            RedirectRequest::Rejected(status) => {
                send_response(connection, &page::rejection_response(status)).await;
                return None;
            }
        }
    }
}

/// Sends the final page to the browser.
pub(super) async fn send_final_page(mut connection: TcpStream, page: &str) {
    // If the browser has closed the connection, the page is lost, which does no harm.
    let _ = timeout(CONNECTION_TIMEOUT, send_response(&mut connection, page)).await;
}

/// Sends a response and closes the connection.
async fn send_response(connection: &mut TcpStream, page: &str) {
    if connection.write_all(page.as_bytes()).await.is_ok() {
        let _ = connection.shutdown().await;
    }
}
