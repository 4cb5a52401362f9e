//! The port of this machine to which the browser brings its answer.
//!
//! Browsers open connections ahead of time and ask for icons, and any page or program may knock
//! as well: visitors are heard side by side, each in bounded time and size, and none of them
//! ends the wait but the answer.

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
use super::redirect::{self, Awaited, Heard, MOST_HEAD_BYTES};
use crate::auth::AuthError;

/// How long a visitor may take to say what it wants and to take what it is told.
const LONGEST_VISIT: Duration = Duration::from_secs(10);

/// How many visitors are heard at once; further ones wait outside.
const MOST_VISITORS: usize = 64;

/// How often another port is tried where somebody else has it on the other address.
const MOST_PORTS: usize = 8;

/// How long nobody is let in after somebody could not be.
const PAUSE: Duration = Duration::from_millis(100);

/// A port that is open on this machine alone, until it is dropped.
pub(super) struct Loopback {
    port: u16,
    ipv4: TcpListener,
    /// The same port for those to whom `localhost` is `::1`; none where there is no such address.
    ipv6: Option<TcpListener>,
}

/// The visit that brought the answer.
pub(super) struct Visit {
    /// The connection, on which the browser waits for a page.
    pub(super) connection: TcpStream,
    /// A code, or why there is none.
    pub(super) answer: Result<AuthorizationCode, AuthError>,
}

impl Loopback {
    /// Opens a port that is free on both addresses.
    ///
    /// # Errors
    /// There is none, or this machine does not allow it.
    pub(super) async fn open() -> io::Result<Self> {
        for _ in 0..MOST_PORTS {
            let ipv4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = ipv4.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(ipv6) => return Ok(Self { port, ipv4, ipv6: Some(ipv6) }),
                // Whoever has it there would get the answer of a browser that goes there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return Ok(Self { port, ipv4, ipv6: None }),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// The redirect address. Entra wants `http://localhost` registered, and takes any port then:
    /// <https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions>.
    pub(super) fn address(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Waits for the answer that brings the state, and closes the port.
    pub(super) async fn wait(self, state: &CsrfToken) -> Visit {
        let awaited = Awaited { host: &self.host(), state };
        let mut visitors = FuturesUnordered::new();
        loop {
            tokio::select! {
                connection = self.next(), if visitors.len() < MOST_VISITORS => {
                    visitors.push(receive(connection, &awaited));
                }
                visit = visitors.next(), if !visitors.is_empty() => {
                    if let Some(Some(visit)) = visit {
                        return visit;
                    }
                }
            }
        }
    }

    /// The host as a browser names it.
    fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The next visitor at either address.
    async fn next(&self) -> TcpStream {
        let Some(ipv6) = &self.ipv6 else {
            return accept(&self.ipv4).await;
        };
        tokio::select! {
            connection = accept(&self.ipv4) => connection,
            connection = accept(ipv6) => connection,
        }
    }
}

/// Lets the next visitor in.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => return connection,
            // It went away again, or the system is short of something: neither lasts.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Hears a visitor out; one that brings no answer is sent away.
async fn receive(mut connection: TcpStream, awaited: &Awaited<'_>) -> Option<Visit> {
    let answer = timeout(LONGEST_VISIT, hear(&mut connection, awaited)).await.ok()??;
    Some(Visit { connection, answer })
}

/// The answer that a visitor brings; none if it wants something else, which it is told.
async fn hear(
    connection: &mut TcpStream,
    awaited: &Awaited<'_>,
) -> Option<Result<AuthorizationCode, AuthError>> {
    let mut head = Vec::with_capacity(MOST_HEAD_BYTES);
    loop {
        let count = connection.read_buf(&mut head).await.ok()?;
        match redirect::read(&head, awaited) {
            Heard::Beginning if count == 0 => return None,
            Heard::Beginning => {}
            Heard::Answer(answer) => return Some(answer),
            Heard::Foreign => {
                tell(connection, &page::foreign()).await;
                return None;
            }
            Heard::Other(status) => {
                tell(connection, &page::plain(status)).await;
                return None;
            }
        }
    }
}

/// Tells the browser how it ended, if it still wants to know.
pub(super) async fn end(mut connection: TcpStream, page: &str) {
    // A browser that does not listen gets no page, which changes nothing.
    let _ = timeout(LONGEST_VISIT, tell(&mut connection, page)).await;
}

/// Sends an answer, as far as the other side takes it, and nothing after it.
async fn tell(connection: &mut TcpStream, page: &str) {
    if connection.write_all(page.as_bytes()).await.is_ok() {
        let _ = connection.shutdown().await;
    }
}
