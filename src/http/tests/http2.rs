//! The transport against a server on this machine that speaks TLS, and HTTP/2 if it is to.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, SendStream};
use http::{HeaderMap, Response, Version};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

use crate::http::testing::Server;
use crate::http::{
    Answer, ExtraRoots, Method, Request, Safety, Settings, Transport, TransportError,
};
use crate::model::{Service, error_chain};

const BOTH: &[&str] = &["h2", "http/1.1"];

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Answers 200.
    Answer,
    /// Answers with so many bytes of headers.
    Headers(usize),
    /// Resets the stream for that reason.
    Reset(Reason),
    /// Ends the connection for that reason.
    GoAway(Reason),
    /// Closes the connection without a word.
    Cut,
    /// Answers with half of what it announces, and resets the stream for that reason.
    HalfReset(Reason),
    /// Answers with half of what it announces, and closes the connection.
    HalfCut,
    /// Does not answer it, but others.
    Wait,
    /// Says nothing any more, not even to a ping.
    Silence,
}

/// One request as it arrived.
struct Arrived {
    version: Version,
    method: Method,
    headers: HeaderMap,
}

/// The server, which lives as long as the test's runtime.
struct Secure {
    port: u16,
    pem: String,
    connections: Arc<AtomicUsize>,
    arrived: Mutex<mpsc::UnboundedReceiver<Arrived>>,
}

/// What a connection is served by.
#[derive(Clone)]
struct Script {
    does: Arc<dyn Fn(usize) -> Does + Send + Sync>,
    requests: Arc<AtomicUsize>,
    tell: mpsc::UnboundedSender<Arrived>,
}

impl Secure {
    /// Starts a server that offers those protocols, and does as it is told with the request of a
    /// number, counted from 0.
    async fn start(
        protocols: &[&str],
        does: impl Fn(usize) -> Does + Send + Sync + 'static,
    ) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let acceptor = acceptor(protocols, cert.der().clone(), &signing_key.serialize_der());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let (tell, arrived) = mpsc::unbounded_channel();
        let script = Script { does: Arc::new(does), requests: Arc::default(), tell };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, script) = (acceptor.clone(), script.clone());
                tokio::spawn(
                    async move { script.serve(acceptor.accept(stream).await.ok()?).await },
                );
            }
        });
        Self { port, pem: cert.pem(), connections, arrived: Mutex::new(arrived) }
    }

    /// A transport that trusts this server.
    fn transport(&self, settings: Settings) -> Transport {
        let trust = ExtraRoots::from_pem(self.pem.as_bytes()).unwrap();
        Transport::with_extra_roots(settings, trust).unwrap()
    }

    fn request(&self, safety: Safety) -> Request {
        let url = format!("https://127.0.0.1:{}/rows", self.port).parse().unwrap();
        Request { safety, ..Request::get(Service::Flow, url, "/rows") }
    }

    async fn ask(&self, safety: Safety) -> Result<Answer, TransportError> {
        self.transport(Settings::default()).send(&self.request(safety), None).await
    }

    /// The next request that arrives.
    async fn next(&self) -> Arrived {
        self.arrived.lock().await.recv().await.unwrap()
    }

    /// How many requests have arrived that nobody has taken.
    async fn left(&self) -> usize {
        self.arrived.lock().await.len()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn acceptor(protocols: &[&str], certificate: CertificateDer<'static>, key: &[u8]) -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivatePkcs8KeyDer::from(key.to_vec()).into();
    let builder = ServerConfig::builder().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

impl Script {
    async fn serve(&self, stream: TlsStream<TcpStream>) -> Option<()> {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.serve_http2(stream).await
        } else {
            self.serve_http1(stream).await
        }
    }

    async fn serve_http2(&self, stream: TlsStream<TcpStream>) -> Option<()> {
        let mut connection = h2::server::handshake(stream).await.ok()?;
        // What is not answered is kept, so that no reset of ours tells of its end.
        let mut kept = Vec::new();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let (head, _) = request.into_parts();
            match self.hear(head.version, head.method, head.headers) {
                Does::Answer => drop(respond.send_response(Response::new(()), true)),
                Does::Headers(bytes) => drop(respond.send_response(with_headers(bytes), true)),
                Does::Reset(reason) => respond.send_reset(reason),
                Does::GoAway(reason) => connection.abrupt_shutdown(reason),
                Does::HalfReset(reason) => {
                    let mut half = half(&mut respond)?;
                    flush(&mut connection).await;
                    half.send_reset(reason);
                }
                Does::HalfCut => {
                    let _half = half(&mut respond)?;
                    flush(&mut connection).await;
                    return None;
                }
                Does::Wait => {}
                Does::Cut => return None,
                Does::Silence => return std::future::pending().await,
            }
            kept.push(respond);
        }
        None
    }

    /// Answers one request and closes the connection.
    async fn serve_http1(&self, mut stream: TlsStream<TcpStream>) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        self.hear(Version::HTTP_11, Method::GET, HeaderMap::new());
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }

    /// Tells of a request, and what to do with it.
    fn hear(&self, version: Version, method: Method, headers: HeaderMap) -> Does {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let _ = self.tell.send(Arrived { version, method, headers });
        (self.does)(number)
    }
}

/// An answer with so many bytes of headers.
fn with_headers(bytes: usize) -> Response<()> {
    Response::builder().header("x-long", "x".repeat(bytes)).body(()).unwrap()
}

/// Begins an answer of ten bytes with five.
fn half(respond: &mut SendResponse<Bytes>) -> Option<SendStream<Bytes>> {
    let head = Response::builder().header("content-length", "10").body(()).ok()?;
    let mut stream = respond.send_response(head, false).ok()?;
    stream.send_data(Bytes::from_static(b"[1, 2"), false).ok()?;
    Some(stream)
}

/// Sends what is to be sent, whether or not more requests come, and has the other side read it.
async fn flush(connection: &mut Connection<TlsStream<TcpStream>, Bytes>) {
    poll_fn(|context| {
        let _ = connection.poll_accept(context);
        Poll::Ready(())
    })
    .await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Does that with the first request, and answers the others.
fn at_first(does: Does) -> impl Fn(usize) -> Does {
    move |number| if number == 0 { does } else { Does::Answer }
}

const BROKEN: [Does; 8] = [
    Does::Reset(Reason::REFUSED_STREAM),
    Does::Reset(Reason::INTERNAL_ERROR),
    Does::GoAway(Reason::NO_ERROR),
    Does::GoAway(Reason::ENHANCE_YOUR_CALM),
    Does::Cut,
    Does::HalfReset(Reason::NO_ERROR),
    Does::HalfReset(Reason::INTERNAL_ERROR),
    Does::HalfCut,
];

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_unless_it_is_not_wanted() {
    for (offered, http1, expected) in [
        (BOTH, false, Version::HTTP_2),
        (BOTH, true, Version::HTTP_11),
        (&["http/1.1"], false, Version::HTTP_11),
        (&[], false, Version::HTTP_11),
    ] {
        let server = Secure::start(offered, |_| Does::Answer).await;
        let sent = server.transport(Settings { http1, ..Settings::default() });
        let answer = sent.send(&server.request(Safety::Query), None).await.unwrap();
        assert_eq!((answer.status, server.next().await.version), (200, expected), "{offered:?}");
    }
}

#[tokio::test]
async fn requests_at_once_share_the_connection_that_was_opened_early() {
    let server = Secure::start(BOTH, |_| Does::Answer).await;
    let sent = server.transport(Settings::default());
    let request = server.request(Safety::Query);
    sent.open_early(Service::Flow, request.url.clone());
    let opening = server.next().await;
    assert_eq!(opening.method, Method::HEAD);
    assert!(!opening.headers.contains_key("authorization"));
    let answers = futures_util::future::join_all((0..24).map(|_| sent.send(&request, None))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status == 200));
    assert_eq!((server.connections(), sent.counts().flow), (1, 25));
}

#[tokio::test]
async fn only_over_https_is_anything_opened_early_and_once() {
    let sent = Transport::new(Settings::default()).unwrap();
    let closed = Server::closed_port().await;
    let open = |url: String| sent.open_early(Service::Flow, url.parse().unwrap());
    open(format!("http://127.0.0.1:{closed}"));
    open("http://contoso.example".to_owned());
    assert_eq!(sent.counts().flow, 0);
    open(format!("https://127.0.0.1:{closed}"));
    open(format!("https://127.0.0.1:{closed}"));
    assert_eq!(sent.counts().flow, 1);
}

#[tokio::test]
async fn what_is_opened_early_takes_no_place_and_need_not_be_answered() {
    let server = Secure::start(BOTH, at_first(Does::Wait)).await;
    let sent = server.transport(Settings { concurrency: 1, ..Settings::default() });
    let request = server.request(Safety::Query);
    sent.open_early(Service::Flow, request.url.clone());
    server.next().await;
    assert_eq!(sent.send(&request, None).await.unwrap().status, 200);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn however_a_write_is_broken_off_its_outcome_is_unknown_and_it_is_not_sent_again() {
    for does in BROKEN {
        let server = Secure::start(BOTH, at_first(does)).await;
        let lost = server.ask(Safety::Command).await.unwrap_err();
        assert!(matches!(lost, TransportError::Lost { .. }), "{does:?}: {lost:?}");
        assert!(!lost.is_never_sent());
        server.next().await;
        assert_eq!(server.left().await, 0, "{does:?}");
    }
}

#[tokio::test]
async fn however_a_read_is_broken_off_it_is_sent_again() {
    for does in BROKEN {
        let server = Secure::start(BOTH, at_first(does)).await;
        assert_eq!(server.ask(Safety::Query).await.unwrap().status, 200, "{does:?}");
        assert_eq!(server.left().await, 2, "{does:?}");
    }
}

#[tokio::test]
async fn what_broke_a_request_off_is_told_in_words() {
    for (does, said) in [
        (BROKEN[0], "the other side aborted the request over HTTP/2 (REFUSED_STREAM)"),
        (BROKEN[1], "the other side aborted the request over HTTP/2 (INTERNAL_ERROR)"),
        (BROKEN[3], "the HTTP/2 connection broke: "),
        (BROKEN[4], "the HTTP/2 connection broke: "),
        // Whether the reset or its reason is seen first is a matter of moments.
        (BROKEN[5], " over HTTP/2"),
        (BROKEN[6], "the other side aborted the request over HTTP/2 (INTERNAL_ERROR)"),
        (BROKEN[7], "the HTTP/2 connection broke: "),
    ] {
        let server = Secure::start(BOTH, at_first(does)).await;
        let lost = server.ask(Safety::Command).await.unwrap_err();
        assert!(error_chain(&lost).contains(said), "{does:?}: {lost:?}");
        assert!(lost.is_of_http2(), "{does:?}");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_answer_a_ping_is_given_up_before_the_attempt_is() {
    let server = Secure::start(BOTH, at_first(Does::Silence)).await;
    let sent = server.transport(Settings::default());
    let request = server.request(Safety::Command);
    let asking = tokio::spawn(async move { sent.send(&request, None).await });
    server.next().await;
    // From here on nothing happens but the passing of time.
    tokio::time::pause();
    let begin = Instant::now();
    let lost = asking.await.unwrap().unwrap_err();
    let elapsed = begin.elapsed();
    assert!(
        error_chain(&lost).contains("the HTTP/2 connection broke: operation timed out"),
        "{lost:?}"
    );
    assert!(elapsed >= Duration::from_secs(38) && elapsed < Duration::from_secs(45), "{elapsed:?}");
}

#[tokio::test]
async fn a_read_on_a_connection_that_is_dead_gets_a_fresh_one() {
    let server = Secure::start(BOTH, |number| {
        if number == 0 {
            tokio::time::pause();
            return Does::Silence;
        }
        tokio::time::resume();
        Does::Answer
    })
    .await;
    assert_eq!(server.ask(Safety::Query).await.unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn headers_past_the_bound_are_not_taken() {
    let server = Secure::start(BOTH, |number| Does::Headers([60_000, 70_000][number.min(1)])).await;
    assert_eq!(server.ask(Safety::Command).await.unwrap().status, 200);
    let lost = server.ask(Safety::Command).await.unwrap_err();
    assert!(matches!(lost, TransportError::Lost { .. }), "{lost:?}");
}
