//! The client reads each documented answer as documented: through its parsers, and through a whole sign-in where the
//! answer is one of the authority's.

use flowbind::http::{Answer, Settings, Transport};
use flowbind::model::{Clouds, EnvironmentUrl, RefreshToken};
use flowbind::services::entra::Authority;
use flowbind::sign_in::{
    Application, AuthError, HandedInToken, Person, Session, SessionSetup, SharedRefreshToken,
    SignInMethod, TokenSource, TokenSources, read_token, resolve_client_id,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::exchange::{Exchange, Message, all};
use crate::readers::read;
use crate::template::{example, filled};

/// Where the environment is when an answer is read by itself.
const ENVIRONMENT: &str = "https://contoso.crm4.dynamics.com";

/// An answer with examples in the place of what differs from time to time.
fn answer(message: &Message, environment: &str) -> Answer {
    let fill = |text: &str| filled(text, |name| example(name, environment));
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        let name: HeaderName = name.to_lowercase().parse().unwrap();
        headers.append(name, HeaderValue::from_str(&fill(value)).unwrap());
    }
    let body = match serde_json::from_str(&message.body) {
        Ok(body) => plain(body, &fill).to_string(),
        Err(_) => fill(&message.body).replace('\n', "\r\n"),
    };
    Answer::new(message.line.parse().unwrap(), headers, body.into_bytes())
}

/// A body with examples in it.
fn plain(value: Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) if text == "{{number}}" => json!(4711),
        Value::String(text) if text == "{{list}}" => json!([]),
        Value::String(text) => Value::String(fill(&text)),
        Value::Array(all) => all.into_iter().map(|one| plain(one, fill)).collect(),
        Value::Object(all) => all.into_iter().map(|(name, one)| (name, plain(one, fill))).collect(),
        other => other,
    }
}

/// An authority that gives answers one after the other, whatever it is asked.
async fn authority(messages: Vec<Answer>, listener: TcpListener) {
    for answer in messages {
        let (stream, _) = listener.accept().await.unwrap();
        say(stream, answer).await;
    }
}

async fn say(stream: TcpStream, answer: Answer) {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let mut head = format!("HTTP/1.1 {} Made up\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        write!(head, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    write!(head, "Content-Length: {}\r\n\r\n", answer.body.len()).unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&answer.body).await.unwrap();
    stream.flush().await.unwrap();
}

/// The answer of another file.
fn other(file: &str, environment: &str) -> Answer {
    let exchanges = all();
    let found = exchanges.iter().find(|exchange| exchange.file == file).unwrap();
    answer(&found.answer, environment)
}

/// A whole sign-in of which the answer is a step: what came of it.
async fn signed_in(step: &str, message: &Message) -> Option<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let this = answer(message, &place);
    let code = || other("entra-device-code.http", &place);
    let granted = || other("entra-poll-granted.http", &place);
    let script = match step {
        "code" => vec![this, granted()],
        "poll" => vec![code(), this, granted()],
        "refresh" => vec![this],
        _ => return None,
    };
    let kept = (step == "refresh").then(|| RefreshToken::new("made-up"));
    let way = if kept.is_some() { SignInMethod::NonInteractive } else { SignInMethod::DeviceCode };
    let served = tokio::spawn(authority(script, listener));
    let clouds = Clouds::embedded().unwrap();
    let environment: EnvironmentUrl = place.parse().unwrap();
    let cloud = clouds.for_environment(&environment).unwrap();
    let authority = Authority::new(&place.parse().unwrap(), "organizations".parse().unwrap());
    let application = Application {
        authority,
        client_id: resolve_client_id(None, cloud).unwrap(),
        code_pages: cloud.code_pages(),
    };
    let transport = Transport::new(Settings::default()).unwrap();
    let person = Person::new(application, way, SharedRefreshToken::in_memory(kept));
    let (person_first, other) = (TokenSource::Person, TokenSource::HandedIn(given()));
    let sources = match way {
        SignInMethod::NonInteractive => TokenSources { dataverse: other, flow: person_first },
        _ => TokenSources { dataverse: person_first, flow: other },
    };
    let setup = SessionSetup {
        environment: &environment,
        cloud,
        tenant: None,
        sources,
        person: Some(person),
    };
    let reading = match Session::begin(&transport, setup, Arc::new(|_| {})).await {
        Err(AuthError::PersonNeeded { why: Some(why) }) => told(&why),
        Err(error) => told(&error),
        Ok(_) if step == "refresh" => "a token for the Flow service".to_owned(),
        Ok(session) => format!("signed in as {}", session.identity().user.unwrap_or_default()),
    };
    served.abort();
    Some(reading)
}

/// A token that was made elsewhere, for the audience that an exchange is not about.
fn given() -> HandedInToken {
    HandedInToken { token: read_token("made-up").unwrap(), origin: "a test".to_owned() }
}

/// What a person is told of an error, with Entra's own words where they are given.
fn told(error: &AuthError) -> String {
    let words = error.hints().into_iter().find(|hint| hint.starts_with("Entra's own words"));
    words.map_or_else(|| error.to_string(), |words| format!("{error}; {words}"))
}

/// What the client makes of an exchange's answer.
async fn reading(exchange: &Exchange, reader: &str) -> String {
    let message = &exchange.answer;
    if let Some(reading) = signed_in(reader, message).await {
        return reading;
    }
    let reading = read(reader, &answer(message, ENVIRONMENT));
    reading.unwrap_or_else(|| panic!("{}: no reader is called `{reader}`", exchange.file))
}

#[tokio::test]
async fn each_documented_answer_is_read_as_documented() {
    let mut wrong = Vec::new();
    for exchange in all() {
        let line = exchange.all("client").next().unwrap();
        let (reader, wanted) = line.split_once(" = ").unwrap();
        let found = reading(&exchange, reader).await;
        if found != wanted {
            wrong.push(format!("{}: `{found}` instead of `{wanted}`", exchange.file));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
