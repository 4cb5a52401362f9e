//! One attempt over the network, with `reqwest`.
//!
//! HTTP/2 is spoken where a service offers it in the TLS handshake, unless that is not wanted; over plain
//! http it is HTTP/1.1. No redirect is followed, no cookie kept and no referrer sent. Proxies of the
//! environment are used, but never for this machine. What comes back is bounded.

use std::sync::OnceLock;
use std::time::Duration;

use http::header::HeaderMap;
use http::{Method, Version};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response};

use super::http2;
use super::parcel::Parcel;
use super::request::request_id;
use super::trust::{Trust, distrust};
use super::{Answer, Cause, Peer, TransportError};

/// The longest body that is read, in bytes, after decompression.
pub const MOST_BODY_BYTES: usize = 32 * 1024 * 1024;

/// How this program names itself.
const USER_AGENT: &str = concat!("flowbind/", env!("CARGO_PKG_VERSION"));

/// The clients, by what they may connect through. Those that check certificates are made when
/// they are first needed: a machine without any certificates can still run the sandbox.
pub(super) struct Client {
    tuning: Tuning,
    plain: reqwest::Client,
    loopback: OnceLock<reqwest::Client>,
    remote: OnceLock<reqwest::Client>,
}

/// What all clients have in common.
pub(super) struct Tuning {
    /// How many connections are kept.
    pub(super) connections: usize,
    /// After what time a connection is given up.
    pub(super) connect: Duration,
    /// Which certificates are trusted besides the system's.
    pub(super) trust: Trust,
    /// Whether HTTP/1.1 is spoken to services that offer HTTP/2, too.
    pub(super) http1: bool,
}

impl Client {
    /// Makes a client.
    ///
    /// # Errors
    /// The TLS library could not be set up.
    pub(super) fn new(tuning: Tuning) -> Result<Self, TransportError> {
        // Another part of the process may have installed a provider before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = build(tuning.builder().no_proxy().tls_certs_only([]))?;
        Ok(Self { tuning, plain, loopback: OnceLock::new(), remote: OnceLock::new() })
    }

    /// Returns the client for a request's address.
    fn of(&self, parcel: &Parcel) -> Result<&reqwest::Client, TransportError> {
        match (parcel.url.scheme(), parcel.to_loopback) {
            ("https", true) => made(&self.loopback, || self.tuning.checking().no_proxy()),
            ("https", false) => made(&self.remote, || self.tuning.checking()),
            _ => Ok(&self.plain),
        }
    }

    /// Sends once and reads the whole answer. The service's id for the request is put down as soon
    /// as it is there, for whoever breaks this off.
    ///
    /// # Errors
    /// No connection, no whole answer, or too long a one.
    pub(super) async fn fetch(
        &self,
        parcel: &Parcel,
        id: &OnceLock<String>,
    ) -> Result<Answer, TransportError> {
        let sending = self
            .of(parcel)?
            .request(parcel.method.clone(), parcel.url.clone())
            .headers(parcel.headers.clone())
            .body(parcel.body.clone())
            .send();
        match sending.await {
            Ok(response) => {
                let its_id = id.get_or_init(|| id_of(parcel, response.headers()));
                read(parcel, its_id, response).await
            }
            Err(error) => Err(explain(parcel, error)),
        }
    }
}

impl Tuning {
    /// Begins a client.
    fn builder(&self) -> ClientBuilder {
        reqwest::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(self.connections)
    }

    /// Begins a client that checks certificates.
    fn checking(&self) -> ClientBuilder {
        let builder = self.builder().tls_certs_merge(self.trust.certificates());
        if self.http1 { builder.http1_only() } else { http2::offered(builder) }
    }
}

/// Returns the client in a cell, and builds it if the cell is empty.
fn made(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> ClientBuilder,
) -> Result<&reqwest::Client, TransportError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = build(builder())?;
    Ok(cell.get_or_init(|| client))
}

/// Finishes a client.
fn build(builder: ClientBuilder) -> Result<reqwest::Client, TransportError> {
    builder
        .build()
        .map_err(|error| TransportError::Setup { cause: Cause::of(&error.without_url()) })
}

/// Returns the service's id for a request, or our own where it gave none.
fn id_of(parcel: &Parcel, headers: &HeaderMap) -> String {
    request_id(headers).unwrap_or_else(|| parcel.id.clone())
}

/// Reads an answer to its end, within the bound.
async fn read(parcel: &Parcel, id: &str, mut response: Response) -> Result<Answer, TransportError> {
    let peer = &parcel.peer;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let announced = announced(parcel, &response);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(peer, id, error))? {
        if chunk.len() > MOST_BODY_BYTES - body.len() {
            return Err(TransportError::TooLarge {
                peer: peer.clone(),
                status,
                limit: MOST_BODY_BYTES,
                request_id: id.to_owned(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    if announced.is_some_and(|bytes| body.len() as u64 != bytes) {
        let cause = Cause::of_http2("the answer ended over HTTP/2 before it was whole");
        return Err(TransportError::Lost { peer: peer.clone(), request_id: id.to_owned(), cause });
    }
    Ok(Answer::new(status, headers, body))
}

/// Returns how many bytes a body has to have: over HTTP/2, one that is ended in the middle without
/// an error looks like a whole one.
fn announced(parcel: &Parcel, response: &Response) -> Option<u64> {
    let is_bare = parcel.method == Method::HEAD || matches!(response.status().as_u16(), 204 | 304);
    let is_checked = response.version() == Version::HTTP_2 && !is_bare;
    response.content_length().filter(|_| is_checked)
}

/// Tells why nothing came back: whether the service can have seen the request.
fn explain(parcel: &Parcel, error: reqwest::Error) -> TransportError {
    if error.is_builder() {
        let cause = Cause::of(&error.without_url());
        return TransportError::Setup { cause };
    }
    if !error.is_connect() {
        return lost(&parcel.peer, &parcel.id, error);
    }
    let peer = parcel.peer.clone();
    match distrust(&error) {
        Some(words) => TransportError::Untrusted { peer, cause: Cause::new(words) },
        None => TransportError::Unreachable { peer, cause: connection_cause(error) },
    }
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

/// Tells that an answer did not come, or not to its end. Over HTTP/2 that goes for requests, too, that
/// the other side says it has not looked at: whether a write is in is found out by looking.
fn lost(peer: &Peer, id: &str, error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let cause = http2::cause(&error).unwrap_or_else(|| Cause::of(&error));
    TransportError::Lost { peer: peer.clone(), request_id: id.to_owned(), cause }
}
