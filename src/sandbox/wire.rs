//! Answers that are no whole HTTP: what a broken connection delivers, written to the stream by hand. Over HTTP/2
//! nothing but its end is; `breaker` has the rest.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::message::{Answer, Damage};

/// Bytes that no client takes for HTTP.
const GARBAGE: &[u8] = b"\x00\xff\x13\x37 these bytes are not HTTP \xfe\xff\r\n\r\n";
/// What a body that does not end begins with.
const ENDLESS_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
/// What it begins with and goes on with: text in JSON that is never closed.
const ENDLESS_BEGIN: &str = "a\r\n{\"value\":\"\r\n";
/// How much of a body that does not end is sent at once, in bytes.
pub(crate) const ENDLESS_CHUNK_BYTES: usize = 16 * 1024;

/// How TLS names HTTP/2 (RFC 9113 section 3.2).
pub(crate) const H2: &[u8] = b"h2";
/// The end of a connection of HTTP/2 as servers announce it: a frame GOAWAY on stream 0, by which all streams
/// may still be answered, and no error (RFC 9113 section 6.8).
const GOAWAY: &[u8] = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00";

/// A connection, with the socket below it.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Returns the socket.
    fn socket(&self) -> &TcpStream;

    /// Tells whether both sides agreed on HTTP/2.
    fn is_http2(&self) -> bool;
}

impl Socket for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn is_http2(&self) -> bool {
        false
    }
}

impl Socket for Box<TlsStream<TcpStream>> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn is_http2(&self) -> bool {
        self.get_ref().1.alpn_protocol() == Some(H2)
    }
}

/// An answer that the HTTP server does not send: its connection ends, and is free for [`Broken::play`].
#[derive(Debug)]
pub(crate) struct Broken {
    damage: Damage,
    head: Bytes,
    body: Bytes,
}

impl Broken {
    /// Takes an answer that is damaged on its way.
    pub(crate) fn new(damage: Damage, answer: &Answer) -> Self {
        Self { damage, head: head(answer), body: answer.body.clone() }
    }

    /// Delivers what is left of the answer, and ends the connection.
    pub(crate) async fn play(&self, mut stream: impl Socket) -> io::Result<()> {
        match self.damage {
            Damage::Reset => return stream.socket().set_zero_linger(),
            Damage::Close if stream.is_http2() => stream.write_all(GOAWAY).await?,
            Damage::Close => {}
            Damage::Garbage => stream.write_all(GARBAGE).await?,
            Damage::Truncated => {
                let (whole, cut) = self.halves();
                stream.write_all(whole).await?;
                stream.write_all(&cut[..cut.len() / 2]).await?;
            }
            Damage::Drip(pause) => {
                let (whole, slow) = self.halves();
                stream.write_all(whole).await?;
                drip(&mut stream, slow, pause).await?;
            }
            Damage::Endless => endless(&mut stream).await?,
        }
        stream.shutdown().await
    }

    /// Returns what is delivered as it should be, and what is not: the body, or the head where there is no body.
    fn halves(&self) -> (&[u8], &[u8]) {
        if self.body.is_empty() { (&[], &self.head) } else { (&self.head, &self.body) }
    }
}

/// Prints the status line and the headers.
fn head(answer: &Answer) -> Bytes {
    let status = answer.status;
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in &answer.headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    if status != http::StatusCode::NO_CONTENT {
        let _ = write!(text, "content-length: {}\r\n", answer.body.len());
    }
    text.push_str("connection: close\r\n\r\n");
    text.into()
}

async fn drip(stream: &mut impl Socket, bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        stream.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Writes until the client has had enough.
async fn endless(stream: &mut impl Socket) -> io::Result<()> {
    stream.write_all(ENDLESS_HEAD.as_bytes()).await?;
    stream.write_all(ENDLESS_BEGIN.as_bytes()).await?;
    let chunk = format!("{ENDLESS_CHUNK_BYTES:x}\r\n{}\r\n", "a".repeat(ENDLESS_CHUNK_BYTES));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}
