//! Answers that are broken on their way over HTTP/2: as bodies, so that only what a fault strikes suffers, or by
//! the end of the connection.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Response;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::message::{Answer, Damage};
use super::wire::{Broken, ENDLESS_CHUNK_BYTES};

/// A body, whether it ends or not.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a body that does not end begins with: text in JSON that is never closed.
const ENDLESS_BEGIN: &[u8] = b"{\"value\":\"";

/// Ends the connection that an answer goes over.
#[derive(Debug, Clone)]
pub(crate) struct Breaker(mpsc::Sender<Broken>);

impl Breaker {
    /// Makes one, with what tells of its use.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Broken>) {
        let (sender, broken) = mpsc::channel(1);
        (Self(sender), broken)
    }

    /// Has the connection broken, and never returns: nobody is there to be answered any more.
    pub(crate) async fn cut<T>(&self, broken: Broken) -> T {
        let _ = self.0.send(broken).await;
        std::future::pending().await
    }

    /// Answers over HTTP/2 with what is left of an answer.
    pub(crate) async fn spoil(self, answer: &Answer, damage: Damage) -> Response<Body> {
        match damage {
            Damage::Truncated if !answer.body.is_empty() => self.truncated(answer),
            Damage::Drip(pause) => dripping(answer, pause),
            Damage::Endless => endless(answer),
            _ => self.cut(Broken::new(damage, answer)).await,
        }
    }

    /// Announces the whole body, delivers half of it, and ends the connection.
    fn truncated(self, answer: &Answer) -> Response<Body> {
        let half = answer.body.slice(..answer.body.len() / 2);
        let end = Broken::new(Damage::Close, answer);
        let rest = stream::once(async move { self.cut(end).await });
        announced(answer, stream::iter([half]).chain(rest))
    }
}

/// Delivers the body byte by byte.
fn dripping(answer: &Answer, pause: Duration) -> Response<Body> {
    let body = answer.body.clone();
    let bytes = stream::iter(0..body.len()).then(move |at| {
        let byte = body.slice(at..=at);
        async move {
            tokio::time::sleep(pause).await;
            byte
        }
    });
    announced(answer, bytes)
}

/// Delivers chunks until the client has had enough.
fn endless(answer: &Answer) -> Response<Body> {
    let begin = stream::iter([Bytes::from_static(ENDLESS_BEGIN)]);
    let chunk = Bytes::from(vec![b'a'; ENDLESS_CHUNK_BYTES]);
    let head = Answer { body: Bytes::new(), ..answer.clone() };
    let mut response = whole(&head.with("content-type", "application/json"));
    *response.status_mut() = http::StatusCode::OK;
    *response.body_mut() = streamed(begin.chain(stream::repeat(chunk)));
    response
}

/// Makes the answer as it should be.
pub(crate) fn whole(answer: &Answer) -> Response<Body> {
    let mut response = Response::new(Full::new(answer.body.clone()).boxed_unsync());
    *response.status_mut() = answer.status;
    response.headers_mut().clone_from(&answer.headers);
    response
}

/// Makes an answer that announces its whole length, whatever comes.
fn announced(answer: &Answer, chunks: impl Chunks) -> Response<Body> {
    let mut response = whole(answer);
    response.headers_mut().insert(http::header::CONTENT_LENGTH, answer.body.len().into());
    *response.body_mut() = streamed(chunks);
    response
}

/// Chunks of a body.
trait Chunks: stream::Stream<Item = Bytes> + Send + 'static {}

impl<S: stream::Stream<Item = Bytes> + Send + 'static> Chunks for S {}

fn streamed(chunks: impl Chunks) -> Body {
    StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))).boxed_unsync()
}
