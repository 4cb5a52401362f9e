//! Answers that are spoilt, as a client without an HTTP library sees them.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use flowbind_sandbox::{Options, Server, StateLocation, TlsOptions};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, client, extended, with_tenant};

/// A sandbox whose requests of an entity set meet a fault.
async fn faulty(more: &str) -> World {
    let fault = format!("[[fault]]\nservice = \"dataverse\"\npath-contains = \"contoso_\"\n{more}");
    World::with(with_tenant(extended(&fault))).await
}

/// Sends a request of the Web API over a connection of its own.
async fn sent(world: &World, method: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    let request = format!(
        "{method} /api/data/v9.2/contoso_endpoints HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        world.server.address(),
        world.token,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Everything that comes until the connection ends.
async fn received(mut stream: TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map(|_| bytes)
}

async fn got(world: &World) -> std::io::Result<Vec<u8>> {
    received(sent(world, "GET", "").await).await
}

/// The head and the body of an answer.
fn split(bytes: &[u8]) -> (String, Vec<u8>) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
}

fn announced(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_connection_is_reset() {
    let world = faulty("action = \"reset\"").await;
    assert_eq!(got(&world).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    world.get("contoso_endpoints").await.expect(200);
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let world = faulty("action = \"close\"").await;
    assert!(got(&world).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_ends_in_its_middle() {
    let world = faulty("action = \"truncate\"").await;
    let (head, body) = split(&got(&world).await.unwrap());
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body.len(), announced(&head) / 2);
    assert!(String::from_utf8(body).unwrap().starts_with("{\"@odata.context\""));
}

#[tokio::test]
async fn bytes_come_that_are_not_http() {
    let world = faulty("action = \"garbage\"").await;
    let bytes = got(&world).await.unwrap();
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"));
}

#[tokio::test]
async fn an_answer_drips() {
    let world = faulty("action = \"slow-drip\"\ndelay = 1").await;
    let begun = Instant::now();
    let (head, body) = split(&got(&world).await.unwrap());
    assert_eq!(body.len(), announced(&head));
    assert!(begun.elapsed() >= Duration::from_millis(body.len() as u64));
}

#[tokio::test]
async fn a_body_does_not_end() {
    let world = faulty("action = \"oversized\"").await;
    let mut stream = sent(&world, "GET", "").await;
    let mut bytes = vec![0; 4 * 1024 * 1024];
    stream.read_exact(&mut bytes).await.unwrap();
    assert!(split(&bytes).0.contains("transfer-encoding: chunked"));
}

#[tokio::test]
async fn a_write_takes_effect_only_where_it_is_executed() {
    for (executed, status) in [(false, 404), (true, 200)] {
        for action in ["reset", "close", "truncate", "garbage", "oversized"] {
            let world = faulty(&format!("action = \"{action}\"\nexecuted = {executed}")).await;
            let name = json!({"contoso_name": "there"}).to_string();
            let mut stream = sent(&world, "POST", &name).await;
            let _ = stream.read(&mut [0; 64]).await;
            world.get("contoso_endpoints(contoso_name='there')").await.expect(status);
        }
    }
}

#[tokio::test]
async fn the_server_stops_in_the_middle_of_a_body_that_does_not_end() {
    let world = faulty("action = \"oversized\"").await;
    let _stream = sent(&world, "GET", "").await;
    tokio::time::timeout(Duration::from_secs(10), world.server.stop()).await.unwrap();
}

/// What a client of TLS makes of a fault: the head of the answer, to be read on.
async fn over_tls(action: &str, http1: bool) -> reqwest::Result<reqwest::Response> {
    let _ = client();
    let folder = tempfile::tempdir().unwrap();
    let fault = format!("[[fault]]\nservice = \"entra\"\naction = \"{action}\"");
    let options = Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        approve_after: None,
        latency: Duration::ZERO,
        state: StateLocation::Memory,
        tenant: extended(&fault),
        record: None,
        tls: Some(TlsOptions { dir: folder.path().to_owned(), hosts: Vec::new(), http1 }),
    };
    // It serves on until the test ends.
    let server = Box::leak(Box::new(Server::start(options).await.unwrap()));
    let authority = std::fs::read(server.authority().unwrap()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let address = format!("https://{}/common/discovery/instance", server.address());
    let answer = http.get(address).send().await?;
    let expected = if http1 { http::Version::HTTP_11 } else { http::Version::HTTP_2 };
    assert_eq!(answer.version(), expected);
    Ok(answer)
}

async fn text_over_tls(action: &str, http1: bool) -> reqwest::Result<String> {
    over_tls(action, http1).await?.text().await
}

#[tokio::test]
async fn connections_of_tls_are_spoilt_too_whatever_is_spoken() {
    for http1 in [true, false] {
        assert!(text_over_tls("html", http1).await.unwrap().contains("<html>"));
        let drip = text_over_tls("slow-drip\"\ndelay = 1\n# \"", http1).await.unwrap();
        assert!(drip.contains("AADSTS900144"), "{drip}");
        for action in ["close", "truncate", "garbage"] {
            assert!(text_over_tls(action, http1).await.is_err(), "{action}");
        }
        let reset = format!("{:?}", text_over_tls("reset", http1).await.unwrap_err());
        assert!(reset.contains("ConnectionReset"), "{reset}");
    }
}

#[tokio::test]
async fn an_answer_over_http_2_ends_in_its_middle_or_not_at_all() {
    let mut cut = over_tls("truncate", false).await.unwrap();
    let announced = cut.content_length().unwrap();
    let half = cut.chunk().await.unwrap().unwrap();
    assert_eq!(half.len() as u64, announced / 2);
    assert!(cut.chunk().await.is_err());
    let mut endless = over_tls("oversized", false).await.unwrap();
    let mut length = 0;
    while length < 4 * 1024 * 1024 {
        length += endless.chunk().await.unwrap().unwrap().len();
    }
}
