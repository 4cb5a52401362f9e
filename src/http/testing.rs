//! A small HTTP server on this machine that answers by a script: for tests alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What the server answers to the request of that number, counted from 0.
type Script = Arc<dyn Fn(usize, &Received) -> Reply + Send + Sync>;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Its first line.
    pub(crate) line: String,
    /// Its body.
    pub(crate) body: String,
    headers: Vec<(String, String)>,
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers.
    Answer {
        /// The status.
        status: u16,
        /// The headers but for those of the body.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Closes the connection without an answer.
    Drop,
    /// Keeps the connection and says nothing.
    Silence,
}

/// The server, which lives as long as the test's runtime.
pub(crate) struct Server {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Received {
    /// The values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(key, _)| key == name);
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> HashMap<String, String> {
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs.into_owned().collect()
    }
}

impl Reply {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::text(status, "application/json; charset=utf-8", body)
    }

    /// An answer of a media type.
    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let body = body.to_owned();
        Self::Answer { status, headers, body }
    }

    /// A redirect.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::json(302, "").with("location", location)
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Server {
    /// Starts a server that answers by a script.
    pub(crate) async fn start(
        script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Arc::new(script), None).await
    }

    /// Starts a server that takes its time and notes how many requests it had at once.
    pub(crate) async fn start_watching(most: Arc<AtomicUsize>, reply: Reply) -> Self {
        Self::serve(Arc::new(move |_, _| reply.clone()), Some(most)).await
    }

    /// A port on which nobody listens.
    pub(crate) async fn closed_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    }

    /// An address of this server.
    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// What arrived so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    async fn serve(script: Script, watch: Option<Arc<AtomicUsize>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let now = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                let watch = watch.clone().map(|most| (Arc::clone(&now), most));
                tokio::spawn(answer(stream, script, log, watch));
            }
        });
        Self { port, received }
    }
}

/// Reads one request, answers it and closes the connection.
async fn answer(
    stream: TcpStream,
    script: Script,
    log: Arc<Mutex<Vec<Received>>>,
    watch: Option<(Arc<AtomicUsize>, Arc<AtomicUsize>)>,
) {
    let mut stream = BufStream::new(stream);
    let Some(received) = read(&mut stream).await else {
        return;
    };
    let reply = {
        let mut log = log.lock().unwrap();
        log.push(received.clone());
        script(log.len() - 1, &received)
    };
    if let Some((now, most)) = watch {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(30)).await;
        now.fetch_sub(1, Ordering::SeqCst);
    }
    write(&mut stream, reply).await;
}

async fn read(stream: &mut BufStream<TcpStream>) -> Option<Received> {
    let line = read_line(stream).await?;
    let mut headers = Vec::new();
    loop {
        let text = read_line(stream).await?;
        let Some((name, value)) = text.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Received { line, body, headers })
}

async fn read_line(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

async fn write(stream: &mut BufStream<TcpStream>, reply: Reply) {
    let (status, headers, body) = match reply {
        Reply::Answer { status, headers, body } => (status, headers, body),
        Reply::Drop => return,
        Reply::Silence => return std::future::pending().await,
    };
    let length = body.len();
    let mut text =
        format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        text += &[&name, ": ", &value, "\r\n"].concat();
    }
    text += &["\r\n", &body].concat();
    // The other side may have gone, as it does when a body is too long for it.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.flush().await;
}
