//! One attempt over the network, with `reqwest`.
//!
//! No redirect is followed, no cookie kept and no referrer sent. Proxies of the environment are
//! used, but never for this machine. What comes back is bounded.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response};

use super::parcel::Parcel;
use super::{Answer, Cause, Peer, TransportError};

/// The longest body that is read, in bytes, after decompression.
pub const MOST_BODY_BYTES: usize = 32 * 1024 * 1024;

/// How this program names itself.
const USER_AGENT: &str = concat!("flowbind/", env!("CARGO_PKG_VERSION"));

/// The clients, by what they may connect through.
pub(super) struct Client {
    remote: reqwest::Client,
    loopback: reqwest::Client,
}

impl Client {
    /// Makes a client that keeps that many connections and gives up a connection after that time.
    ///
    /// # Errors
    /// Certificates or the TLS library could not be set up.
    pub(super) fn new(connections: usize, connect: Duration) -> Result<Self, TransportError> {
        // Another part of the process may have installed a provider before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = || {
            reqwest::Client::builder()
                .redirect(Policy::none())
                .referer(false)
                .user_agent(USER_AGENT)
                .connect_timeout(connect)
                .pool_max_idle_per_host(connections)
        };
        Ok(Self { remote: build(base())?, loopback: build(base().no_proxy())? })
    }

    /// Sends once and reads the whole answer.
    ///
    /// # Errors
    /// No connection, no whole answer, or too long a one.
    pub(super) async fn fetch(&self, parcel: &Parcel) -> Result<Answer, TransportError> {
        let client = if parcel.to_loopback { &self.loopback } else { &self.remote };
        let sending = client
            .request(parcel.method.clone(), parcel.url.clone())
            .headers(parcel.headers.clone())
            .body(parcel.body.clone())
            .send();
        match sending.await {
            Ok(response) => read(&parcel.peer, response).await,
            Err(error) => Err(explain(&parcel.peer, error)),
        }
    }
}

/// Finishes a client.
fn build(builder: ClientBuilder) -> Result<reqwest::Client, TransportError> {
    builder
        .build()
        .map_err(|error| TransportError::Setup { cause: Cause::of(&error.without_url()) })
}

/// Reads an answer to its end, within the bound.
async fn read(peer: &Peer, mut response: Response) -> Result<Answer, TransportError> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(peer, error))? {
        if chunk.len() > MOST_BODY_BYTES - body.len() {
            return Err(TransportError::TooLarge {
                peer: peer.clone(),
                status,
                limit: MOST_BODY_BYTES,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// Tells why nothing came back: whether the service can have seen the request.
fn explain(peer: &Peer, error: reqwest::Error) -> TransportError {
    if error.is_builder() {
        let cause = Cause::of(&error.without_url());
        return TransportError::Setup { cause };
    }
    if !error.is_connect() {
        return lost(peer, error);
    }
    TransportError::Unreachable { peer: peer.clone(), cause: connection_cause(error) }
}

/// Tells what failed on the way to a connection: the name, the time, or what the system says.
fn connection_cause(error: reqwest::Error) -> Cause {
    let (by_name, by_time) = (error.is_dns(), error.is_timeout());
    let cause = Cause::of(&error.without_url());
    match (by_name, by_time) {
        (true, _) => cause.within("the name cannot be resolved"),
        (_, true) => cause.within("no connection in time"),
        _ => cause,
    }
}

/// Tells that an answer did not come, or not to its end.
fn lost(peer: &Peer, error: reqwest::Error) -> TransportError {
    TransportError::Lost { peer: peer.clone(), cause: Cause::of(&error.without_url()) }
}
