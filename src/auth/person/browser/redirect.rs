//! Reads what a visitor of the port wants: a pure function of the head of its request.
//!
//! Whoever finds the port can speak to it, so all but the one answer is turned away, and nothing
//! of what a visitor says is repeated.

use http::StatusCode;
use httparse::{EMPTY_HEADER, Error, Request, Status};
use oauth2::{AuthorizationCode, CsrfToken};

use crate::api::entra::Refusal;
use crate::auth::{AuthError, Step};

/// The longest head of a request that is read, in bytes.
pub(super) const MOST_HEAD_BYTES: usize = 16 * 1024;

/// The most headers that a request may have.
const MOST_HEADERS: usize = 100;

/// The path of the redirect address, which has none of its own.
const PATH: &str = "/";

/// The parameters of which an answer has one at least.
const PARAMETERS: [&str; 3] = ["code", "error", "state"];

/// What is waited for.
pub(super) struct Awaited<'a> {
    /// The host and the port of the redirect address.
    pub(super) host: &'a str,
    /// What the answer has to bring back.
    pub(super) state: &'a CsrfToken,
}

/// What a visitor said so far.
#[derive(Debug)]
pub(super) enum Heard {
    /// Not all of it yet.
    Beginning,
    /// The answer of the sign-in: a code, or why there is none.
    Answer(Result<AuthorizationCode, AuthError>),
    /// An answer to another sign-in.
    Foreign,
    /// Something else, which that status turns away.
    Other(StatusCode),
}

/// Reads the head of a request.
pub(super) fn read(head: &[u8], awaited: &Awaited<'_>) -> Heard {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => judge(&request, awaited),
        Ok(Status::Partial) if head.len() < MOST_HEAD_BYTES => Heard::Beginning,
        Ok(Status::Partial) | Err(Error::TooManyHeaders) => {
            Heard::Other(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        }
        Err(_) => Heard::Other(StatusCode::BAD_REQUEST),
    }
}

/// Tells the answer from other requests. A host of another name is that of a page elsewhere
/// whose name was made to lead here.
fn judge(request: &Request<'_, '_>, awaited: &Awaited<'_>) -> Heard {
    if !is_for(request, awaited.host) {
        return Heard::Other(StatusCode::MISDIRECTED_REQUEST);
    }
    if request.method != Some("GET") {
        return Heard::Other(StatusCode::METHOD_NOT_ALLOWED);
    }
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameters = Parameters::of(query);
    if path != PATH || !parameters.are_an_answer() {
        return Heard::Other(StatusCode::NOT_FOUND);
    }
    parameters.answer(awaited.state).map_or(Heard::Foreign, Heard::Answer)
}

/// Whether the request names that host, and no other.
fn is_for(request: &Request<'_, '_>, host: &str) -> bool {
    let headers = request.headers.iter();
    let mut hosts = headers.filter(|header| header.name.eq_ignore_ascii_case("host"));
    let is_ours = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(host.as_bytes());
    hosts.next().is_some_and(|header| is_ours(header.value)) && hosts.next().is_none()
}

/// The parameters of a query.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query.
    fn of(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Whether they are those of an answer, be it ours or not.
    fn are_an_answer(&self) -> bool {
        self.0.iter().any(|(name, _)| PARAMETERS.contains(&name.as_str()))
    }

    /// The value of a parameter, none of which may be there twice (RFC 6749 section 3.1).
    fn only(&self, wanted: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(name, _)| name == wanted);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The code, or why there is none (RFC 6749 section 4.1.2). What brings another state was not
    /// asked for here, whatever else it says: any page can send a browser here.
    fn answer(&self, state: &CsrfToken) -> Option<Result<AuthorizationCode, AuthError>> {
        if self.only("state") != Some(state.secret()) {
            return None;
        }
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(refusal) = Refusal::from_redirect(pairs) {
            return Some(Err(AuthError::refused(Step::SignIn, refusal)));
        }
        let code = self.only("code").filter(|code| !code.is_empty())?;
        Some(Ok(AuthorizationCode::new(code.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(head: &str) -> Heard {
        let state = CsrfToken::new("made-up-state".to_owned());
        read(head.as_bytes(), &Awaited { host: "localhost:7", state: &state })
    }

    fn get(target: &str) -> Heard {
        heard(&format!("GET {target} HTTP/1.1\r\nHost: LocalHost:7\r\n\r\n"))
    }

    fn status(heard: &Heard) -> u16 {
        match heard {
            Heard::Other(status) => status.as_u16(),
            _ => panic!("{heard:?}"),
        }
    }

    #[test]
    fn an_answer_brings_the_code_and_shows_it_to_nobody() {
        let heard = get("/?code=made-up%2Bcode&state=made-up-state&session_state=x");
        let Heard::Answer(Ok(code)) = &heard else { panic!("{heard:?}") };
        assert_eq!(code.secret(), "made-up+code");
        assert!(!format!("{heard:?}").contains("made-up"), "{heard:?}");
    }

    #[test]
    fn an_answer_that_is_not_ours_is_turned_away_whatever_it_says() {
        for query in [
            "code=made-up",
            "code=made-up&state=",
            "code=made-up&state=other",
            "code=made-up&state=made-up-state&state=made-up-state",
            "code=made-up&code=made-up&state=made-up-state",
            "code=&state=made-up-state",
            "state=made-up-state",
            "error=access_denied&state=other",
        ] {
            assert!(matches!(get(&format!("/?{query}")), Heard::Foreign), "{query}");
        }
    }

    #[test]
    fn a_refusal_is_read_as_the_token_endpoints() {
        let description = "AADSTS65004%3A+Declined.+Trace+ID%3A+x";
        let state = "state=made-up-state";
        let heard = get(&format!("/?error=access_denied&error_description={description}&{state}"));
        let Heard::Answer(Err(error)) = heard else { panic!("{heard:?}") };
        assert!(matches!(error, AuthError::Declined { .. }), "{error:?}");
        assert_eq!(error.refusal().unwrap().codes, [65004]);
        let heard = get(&format!("/?error=invalid_scope&code=made-up&{state}"));
        let Heard::Answer(Err(error)) = heard else { panic!("{heard:?}") };
        assert_eq!(error.to_string(), "Entra refused the sign-in: invalid_scope");
    }

    #[test]
    fn what_is_no_answer_is_turned_away() {
        for target in ["/favicon.ico", "/", "/?x=1", "/other?code=x&state=made-up-state"] {
            assert_eq!(status(&get(target)), 404, "{target}");
        }
        let answer = "/?code=x&state=made-up-state";
        let with = |method, host| heard(&format!("{method} {answer} HTTP/1.1\r\n{host}\r\n"));
        assert_eq!(status(&with("POST", "Host: localhost:7\r\n")), 405);
        for host in [
            "",
            "Host: localhost\r\n",
            "Host: localhost:77\r\n",
            "Host: example.com:7\r\n",
            "Host: localhost:7\r\nHost: example.com\r\n",
        ] {
            assert_eq!(status(&with("GET", host)), 421, "{host}");
        }
    }

    #[test]
    fn a_head_is_read_to_its_end_and_no_further_than_its_bound() {
        assert!(matches!(heard(""), Heard::Beginning));
        assert!(matches!(heard("GET / HTTP/1.1\r\nHost: lo"), Heard::Beginning));
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MOST_HEAD_BYTES));
        assert_eq!(status(&heard(&long)), 431);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(status(&heard(&many)), 431);
        assert_eq!(status(&heard("\u{16}\u{3}\u{1} hello\r\n\r\n")), 400);
    }
}
