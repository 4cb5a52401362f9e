//! The HTTP server: one listener on a loopback address, a task for each connection. Where https is served, it is
//! on the same address: the first byte of a connection tells which it is.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::breaker::{self, Body, Breaker};
use super::error::SandboxError;
use super::flow::address::environment_host;
use super::message::{Answer, Call, Origin};
use super::names::Names;
use super::record::Record;
use super::service::Service;
use super::site::Site;
use super::state::store::{StateLocation, Store};
use super::tenant::Tenant;
use super::tls::{self, TlsOptions};
use super::wire::{Broken, Socket};

/// The largest body that is read, in bytes.
const LARGEST_BODY_BYTES: usize = 32 * 1024 * 1024;
/// The longest headers of a request over HTTP/2, in bytes.
const LARGEST_HEADERS_BYTES: u32 = 64 * 1024;
/// How many requests a connection of HTTP/2 takes at once; more than clients are known to send.
const MOST_STREAMS: u32 = 128;
/// How long a client may take to send its headers; over HTTP/2, how long it may be silent before it is asked
/// whether it is still there.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take from its connection to the end of the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a TLS connection begins with: the type of a handshake record (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 0x16;
/// How long open connections are given when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How a sandbox is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The loopback address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How soon the person approves a sign-in by itself; absent, a person does it at `/devicelogin`.
    pub approve_after: Option<Duration>,
    /// How long after its request every answer comes.
    pub latency: Duration,
    /// Where the state is kept.
    pub state: StateLocation,
    /// The tenant.
    pub tenant: Tenant,
    /// The file that the requests of Dataverse and the Flow API are noted in.
    pub record: Option<PathBuf>,
    /// How https is served; absent, plain http alone is.
    pub tls: Option<TlsOptions>,
}

/// A running sandbox. Dropping it stops it without waiting for open requests.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    authority: Option<PathBuf>,
    started_anew: bool,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a sandbox on the current Tokio runtime.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        if !options.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(options.listen));
        }
        let failed = |source| SandboxError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (store, started_anew) = Store::open(&options.state, &options.tenant)?;
        let names = options.tls.as_ref().map(|tls| Names::new(&tls.hosts)).unwrap_or_default();
        let record = options.record.map(open_record).transpose()?;
        let site = Site { names, record, ..Site::new(options.tenant, options.approve_after) };
        let own = environment_host(&site);
        let tls = options.tls.map(|options| tls::acceptor(&options, &own)).transpose()?;
        let (authority, acceptor) = tls.unzip();
        let service = Arc::new(Service::new(site, store));
        let (stop, stopped) = watch::channel(false);
        let host = Host { service, latency: options.latency, scheme: "http", address };
        let task = tokio::spawn(accept(listener, host, acceptor, stopped));
        Ok(Self { address, authority, started_anew, stop, task })
    }

    /// Returns the file of the certification authority, where https is served.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Returns the address that is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells whether the state file held the state of another tenant, which was given up.
    pub fn started_anew(&self) -> bool {
        self.started_anew
    }

    /// Stops: no connection is taken any more, and requests that are being answered are given a moment.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        // The task ends by itself; it can only fail by a panic that was reported already.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn open_record(path: PathBuf) -> Result<Record, SandboxError> {
    Record::open(&path).map_err(|source| SandboxError::Record { path, source })
}

/// What a connection is answered by.
#[derive(Debug, Clone)]
struct Host {
    service: Arc<Service>,
    latency: Duration,
    scheme: &'static str,
    address: SocketAddr,
}

async fn accept(
    listener: TcpListener,
    host: Host,
    acceptor: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(welcome(stream, host.clone(), acceptor.clone(), stopped.clone()));
                }
                Err(error) => {
                    // Such as too many open files: passing, so the listener is tried again.
                    tracing::warn!(%error, "sandbox accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_TIMEOUT, ended).await;
}

/// Finds out whether a connection is one of TLS, and serves it.
async fn welcome(
    stream: TcpStream,
    host: Host,
    acceptor: Option<TlsAcceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(acceptor) = acceptor else { return serve(stream, host, stopped).await };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, shake(stream, acceptor)) => shaken,
        _ = stopped.changed() => return,
    };
    match shaken {
        Ok(Ok(Stream::Plain(stream))) => serve(stream, host, stopped).await,
        Ok(Ok(Stream::Tls(stream))) => {
            serve(stream, Host { scheme: "https", ..host }, stopped).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "sandbox handshake"),
        Err(_) => tracing::debug!("sandbox handshake took too long"),
    }
}

/// A connection that said what it is.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Looks at the first byte of a connection, and goes through the handshake where that begins one.
async fn shake(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<Stream> {
    let mut first = [0];
    let count = stream.peek(&mut first).await?;
    if count == 1 && first[0] == HANDSHAKE {
        let stream = acceptor.accept(stream).await?;
        return Ok(Stream::Tls(Box::new(stream)));
    }
    Ok(Stream::Plain(stream))
}

/// Serves one connection, whatever it runs over.
async fn serve(stream: impl Socket, host: Host, mut stopped: watch::Receiver<bool>) {
    let (breaker, mut broken) = Breaker::new();
    let handler = service_fn(move |request| {
        let (host, breaker) = (host.clone(), breaker.clone());
        async move { Ok::<_, Infallible>(host.answer(request, breaker).await) }
    });
    let is_http2 = stream.is_http2();
    let mut io = TokioIo::new(stream);
    let ends = (&mut broken, &mut stopped);
    let broken = if is_http2 {
        let connection = http2().serve_connection(&mut io, handler);
        attend(connection, http2::Connection::graceful_shutdown, ends).await
    } else {
        let connection = http1().serve_connection(&mut io, handler);
        attend(connection, http1::Connection::graceful_shutdown, ends).await
    };
    let Some(broken) = broken else { return };
    tokio::select! {
        _ = broken.play(io.into_inner()) => {}
        _ = stopped.changed() => {}
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEADERS_BYTES);
    builder
}

/// Lets a connection go on to its end, which comes soon when the server stops. Returns the answer that breaks it,
/// if one does.
async fn attend<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    shut_down: impl Fn(Pin<&mut C>),
    (broken, stopped): (&mut mpsc::Receiver<Broken>, &mut watch::Receiver<bool>),
) -> Option<Broken> {
    let mut connection = pin!(connection);
    let mut stops = false;
    loop {
        tokio::select! {
            // What was to be sent before the connection breaks goes out first.
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "sandbox connection");
                }
                return None;
            }
            broken = broken.recv() => return broken,
            _ = stopped.changed(), if !stops => {
                stops = true;
                shut_down(connection.as_mut());
            }
        }
    }
}

impl Host {
    async fn answer(&self, request: Request<Incoming>, breaker: Breaker) -> Response<Body> {
        let is_http2 = request.version() == Version::HTTP_2;
        let answer = self.answer_whole(request).await;
        match answer.damage {
            None => breaker::whole(&answer),
            Some(damage) if is_http2 => breaker.spoil(&answer, damage).await,
            Some(damage) => breaker.cut(Broken::new(damage, &answer)).await,
        }
    }

    /// Answers as if nothing happened to the answer on its way.
    async fn answer_whole(&self, request: Request<Incoming>) -> Answer {
        let visit = self.service.arrive(&request);
        let due = Instant::now() + self.latency;
        let head = request.method() == http::Method::HEAD;
        let mut answer = match self.call(request).await {
            Ok(call) => self.service.answer(&call, visit.as_ref()),
            Err(status) => Answer::empty(status),
        };
        // A sleep that is over already would still take a millisecond.
        let due = due + answer.held;
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        if head {
            answer.body = Bytes::new();
        }
        answer
    }

    /// Reads the whole request, up to a limit.
    async fn call(&self, request: Request<Incoming>) -> Result<Call, StatusCode> {
        let (parts, body) = request.into_parts();
        let read = Limited::new(body, LARGEST_BODY_BYTES).collect().await;
        let body = read.map_err(|error| {
            let too_large = error.is::<http_body_util::LengthLimitError>();
            if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
        })?;
        let named =
            parts.headers.get("host").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let named = named.or_else(|| parts.uri.authority().map(ToString::to_string));
        Ok(Call {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method,
            headers: parts.headers,
            body: body.to_bytes(),
            origin: Origin::new(self.scheme, &named.unwrap_or_else(|| self.address.to_string())),
        })
    }
}
