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

use super::extra_roots::{ExtraRoots, find_distrust};
use super::prepared_request::PreparedRequest;
use super::request::request_id;
use super::{Answer, Cause, Peer, TransportError, http2};

/// The longest time for which a connection without a request is kept. Some servers close one after
/// five seconds (Node's default), which a poll every five seconds would run into.
const LONGEST_IDLE: Duration = Duration::from_secs(4);

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
    pub(super) extra_roots: ExtraRoots,
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
        let plain = build_client(tuning.base_builder().no_proxy().tls_certs_only([]))?;
        Ok(Self { tuning, plain, loopback: OnceLock::new(), remote: OnceLock::new() })
    }

    /// Returns the client for a request's address.
    fn client_for(&self, prepared: &PreparedRequest) -> Result<&reqwest::Client, TransportError> {
        match (prepared.url.scheme(), prepared.to_loopback) {
            ("https", true) => {
                get_or_build(&self.loopback, || self.tuning.checking_builder().no_proxy())
            }
            ("https", false) => get_or_build(&self.remote, || self.tuning.checking_builder()),
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
        prepared: &PreparedRequest,
        id: &OnceLock<String>,
    ) -> Result<Answer, TransportError> {
        let sending = self
            .client_for(prepared)?
            .request(prepared.method.clone(), prepared.url.clone())
            .headers(prepared.headers.clone())
            .body(prepared.body.clone())
            .send();
        match sending.await {
            Ok(response) => {
                let its_id = id.get_or_init(|| service_request_id(prepared, response.headers()));
                read_answer(prepared, its_id, response).await
            }
            Err(error) => Err(explain_failure(prepared, error)),
        }
    }
}

impl Tuning {
    /// Begins a client.
    fn base_builder(&self) -> ClientBuilder {
        reqwest::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(self.connections)
            .pool_idle_timeout(LONGEST_IDLE)
    }

    /// Begins a client that checks certificates.
    fn checking_builder(&self) -> ClientBuilder {
        let builder = self.base_builder().tls_certs_merge(self.extra_roots.certificates());
        if self.http1 { builder.http1_only() } else { http2::offer_http2(builder) }
    }
}

/// Returns the client in a cell, and builds it if the cell is empty.
fn get_or_build(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> ClientBuilder,
) -> Result<&reqwest::Client, TransportError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = build_client(builder())?;
    Ok(cell.get_or_init(|| client))
}

/// Finishes a client.
fn build_client(builder: ClientBuilder) -> Result<reqwest::Client, TransportError> {
    builder.build().map_err(|error| TransportError::Setup {
        cause: Cause::from_innermost(&error.without_url()),
    })
}

/// Returns the service's id for a request, or our own where it gave none.
fn service_request_id(prepared: &PreparedRequest, headers: &HeaderMap) -> String {
    request_id(headers).unwrap_or_else(|| prepared.id.clone())
}

/// Reads an answer to its end, within the bound.
async fn read_answer(
    prepared: &PreparedRequest,
    id: &str,
    mut response: Response,
) -> Result<Answer, TransportError> {
    let peer = &prepared.peer;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let announced = announced_length(prepared, &response);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost_answer(peer, id, error))? {
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
        let cause = Cause::of_http2("the response ended too early over HTTP/2");
        return Err(TransportError::Lost { peer: peer.clone(), request_id: id.to_owned(), cause });
    }
    Ok(Answer::new(status, headers, body))
}

/// Returns how many bytes a body has to have: over HTTP/2, one that is ended in the middle without
/// an error looks like a whole one.
fn announced_length(prepared: &PreparedRequest, response: &Response) -> Option<u64> {
    let is_bare =
        prepared.method == Method::HEAD || matches!(response.status().as_u16(), 204 | 304);
    let is_checked = response.version() == Version::HTTP_2 && !is_bare;
    response.content_length().filter(|_| is_checked)
}

/// Explains why there is no answer: whether the service can have seen the request.
fn explain_failure(prepared: &PreparedRequest, error: reqwest::Error) -> TransportError {
    if error.is_builder() {
        let cause = Cause::from_innermost(&error.without_url());
        return TransportError::Setup { cause };
    }
    if !error.is_connect() {
        return lost_answer(&prepared.peer, &prepared.id, error);
    }
    let peer = prepared.peer.clone();
    match find_distrust(&error) {
        Some(words) => TransportError::Untrusted { peer, cause: Cause::new(words) },
        None => TransportError::Unreachable { peer, cause: connection_cause(error) },
    }
}

/// Says what failed on the way to a connection: the name, the time, or what the system says.
fn connection_cause(error: reqwest::Error) -> Cause {
    let (by_name, by_time) = (error.is_dns(), error.is_timeout());
    let cause = Cause::from_innermost(&error.without_url());
    match (by_name, by_time) {
        (true, _) => cause.with_context("the host name cannot be resolved"),
        (_, true) => cause.with_context("no connection in time"),
        _ => cause,
    }
}

/// Reports that an answer did not come, or not to its end. Over HTTP/2 that goes for requests, too, that
/// the other side says it has not looked at: whether a write is in is found out by looking.
fn lost_answer(peer: &Peer, id: &str, error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let cause = http2::failure_cause(&error).unwrap_or_else(|| Cause::from_innermost(&error));
    TransportError::Lost { peer: peer.clone(), request_id: id.to_owned(), cause }
}
