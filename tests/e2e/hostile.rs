//! A service that wants to harm: it echoes secrets wherever it can, and never comes to an end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use super::harness::{ORDER_INTAKE, Place, binds, place};
use super::leaks::Secrets;

/// What the service gives out and must never be seen again, each of another shape.
const DEVICE_CODE: &str = "GAQABIQEAAADnfolhJpSnRYB1SVj-made-up-device-code-0042";
const ACCESS_TOKEN: &str = "opaque7Access8Token9WithoutDots1AndMadeUp2ForThisTest3";
const REFRESH_TOKEN: &str = "0.AXYAmade-Up4Refresh5Token6OfThisTest7OnlyAndLong8Enough";

/// What the service answers to a request with the token, as a whole HTTP answer.
type Answer = fn(&str) -> String;

/// One request: its first line, and the token that came with it.
pub(crate) struct Request {
    pub(crate) line: String,
    token: String,
}

pub(crate) fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let lines = lines.iter().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .next()
    };
    let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.read_exact(&mut vec![0; length]).ok()?;
    let token = header("authorization").unwrap_or_default();
    Some(Request { line: lines[0].clone(), token })
}

pub(crate) fn whole(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n\r\n{body}"
    )
}

pub(crate) fn json(status: &str, body: &str) -> String {
    whole(status, "Content-Type: application/json", body)
}

/// Serves a sign-in that works, and the answer to everything after it.
fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(request) = read(&stream) {
                let text = reply(&own, &request, answer);
                let _ = (&stream).write_all(text.as_bytes());
            }
        }
    });
    url
}

fn reply(own: &str, request: &Request, answer: Answer) -> String {
    if request.line.contains("/devicecode") {
        return json(
            "200 OK",
            &format!(
                r#"{{"user_code":"MADEUP","device_code":"{DEVICE_CODE}","verification_uri":"{own}/devicelogin","expires_in":900,"interval":1}}"#
            ),
        );
    }
    if request.line.contains("/token") {
        return json(
            "200 OK",
            &format!(
                r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{ACCESS_TOKEN}","refresh_token":"{REFRESH_TOKEN}","scope":"x"}}"#
            ),
        );
    }
    if request.token.is_empty() {
        let challenge = format!(
            "WWW-Authenticate: Bearer authorization_uri={own}/contoso/oauth2/authorize, resource_id={own}/"
        );
        return whole("401 Unauthorized", &challenge, "");
    }
    answer(&request.token)
}

/// Plans at trace level on such a service, and looks at everything that left the process.
fn plan(place: &Place, answer: Answer) -> (i32, String) {
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let mut everything = String::new();
    let mut code = 0;
    for (format, log) in [("human", "text"), ("json", "json")] {
        let url = serve(answer);
        let ended = place.run(&[
            "apply",
            "--manifest",
            &manifest,
            "--environment",
            &url,
            "--format",
            format,
            "--log",
            "trace",
            "--log-format",
            log,
            "--timeout",
            "5",
        ]);
        everything += &ended.stdout;
        everything += &ended.stderr;
        code = ended.code;
    }
    let secrets = Secrets::of([DEVICE_CODE, ACCESS_TOKEN, REFRESH_TOKEN]);
    secrets.assert_absent("the program", &everything);
    assert!(!everything.contains('\u{1b}'), "a terminal sequence was shown:\n{everything}");
    (code, everything)
}

#[test]
fn a_token_that_comes_back_in_any_part_of_an_answer_is_not_shown() {
    let answers: [Answer; 6] = [
        |token| {
            json(
                "400 Bad Request",
                &format!(
                    r#"{{"error":{{"code":"{token}","message":"you sent {token}\u001b[2J"}}}}"#
                ),
            )
        },
        |token| json("418 Teapot", &format!(r#"{{"Message":"you sent {token}"}}"#)),
        |token| json("200 OK", &format!(r#"{{"value":"{token}"}}"#)),
        |token| json("200 OK", &format!(r#"{{"value": {token}"#)),
        |token| {
            let secret = token.trim_start_matches("Bearer ");
            let headers = format!(
                "Content-Type: text/{secret}\r\nx-ms-request-id: {secret}\r\nREQ_ID: {secret}"
            );
            whole("400 Bad Request", &headers, secret)
        },
        |token| whole("302 Found", &format!("Location: https://evil.example/?{token}"), ""),
    ];
    for answer in answers {
        let place = place();
        let (code, everything) = plan(&place, answer);
        assert!([1, 4, 5].contains(&code), "{code}\n{everything}");
    }
}

#[test]
fn a_sentence_of_a_service_cannot_steer_the_terminal() {
    let place = place();
    let (code, everything) = plan(&place, |_| {
        json(
            "403 Forbidden",
            r#"{"error":{"code":"x","message":"\u001b]0;owned\u0007\u202e missing prvReadWorkflow"}}"#,
        )
    });
    assert_eq!(code, 5, "{everything}");
    assert!(everything.contains(r"\u{1b}]0;owned"), "{everything}");
}

#[test]
fn a_page_that_leads_elsewhere_is_not_followed() {
    let place = place();
    // One answer for every question, so that it does not matter which is asked first.
    let elsewhere: Answer = |_| {
        let next = "http://127.0.0.1:1/api/data/v9.2/workflows?again";
        json(
            "200 OK",
            &format!(
                r#"{{"Detail":{{"EnvironmentId":"3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"}},"value":[],"@odata.nextLink":"{next}"}}"#
            ),
        )
    };
    let (code, everything) = plan(&place, elsewhere);
    assert_eq!(code, 1, "{everything}");
    let words = everything.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("a next page on another host"), "{everything}");
}
