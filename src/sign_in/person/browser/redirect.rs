//! Reads a request to the local port: a pure function of the request's head.
//!
//! Any local program can connect to the port, so every request but the one answer is rejected, and
//! nothing of it is repeated.

use http::StatusCode;
use httparse::{EMPTY_HEADER, Error, Request, Status};
use oauth2::{AuthorizationCode, CsrfToken};

use crate::services::entra::Refusal;
use crate::sign_in::{AuthError, SignInStep};

/// The maximum size of a request's head, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The maximum number of headers.
const MAX_HEADERS: usize = 100;

/// The path of the redirect address.
const PATH: &str = "/";

/// Parameters of an answer, which has at least one of them.
const PARAMETERS: [&str; 3] = ["code", "error", "state"];

/// The expected answer.
pub(super) struct ExpectedAnswer<'a> {
    /// The host and the port of the redirect address.
    pub(super) host: &'a str,
    /// The state that the answer must carry.
    pub(super) state: &'a CsrfToken,
}

/// The meaning of a request's head.
#[derive(Debug)]
pub(super) enum RedirectRequest {
    /// Incomplete: more bytes are needed.
    Incomplete,
    /// The answer of this sign-in: a code, or the reason why there is none.
    Answer(Result<AuthorizationCode, AuthError>),
    /// The answer of another sign-in.
    OtherSignIn,
    /// Another request, to be rejected with this status.
    Rejected(StatusCode),
}

/// Reads the head of a request.
pub(super) fn read_request(head: &[u8], expected: &ExpectedAnswer<'_>) -> RedirectRequest {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => classify_request(&request, expected),
        Ok(Status::Partial) if head.len() < MAX_HEAD_BYTES => RedirectRequest::Incomplete,
        Ok(Status::Partial) | Err(Error::TooManyHeaders) => {
            RedirectRequest::Rejected(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        }
        Err(_) => RedirectRequest::Rejected(StatusCode::BAD_REQUEST),
    }
}

/// Tells the answer from other requests. A request for another host comes from a web page that made
/// its own name lead to this machine.
fn classify_request(request: &Request<'_, '_>, expected: &ExpectedAnswer<'_>) -> RedirectRequest {
    if !names_host(request, expected.host) {
        return RedirectRequest::Rejected(StatusCode::MISDIRECTED_REQUEST);
    }
    if request.method != Some("GET") {
        return RedirectRequest::Rejected(StatusCode::METHOD_NOT_ALLOWED);
    }
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameters = Parameters::parse(query);
    if path != PATH || !parameters.belong_to_answer() {
        return RedirectRequest::Rejected(StatusCode::NOT_FOUND);
    }
    parameters
        .sign_in_answer(expected.state)
        .map_or(RedirectRequest::OtherSignIn, RedirectRequest::Answer)
}

/// Returns true if the request has exactly one `Host` header, with this host.
fn names_host(request: &Request<'_, '_>, host: &str) -> bool {
    let headers = request.headers.iter();
    let mut hosts = headers.filter(|header| header.name.eq_ignore_ascii_case("host"));
    let is_ours = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(host.as_bytes());
    hosts.next().is_some_and(|header| is_ours(header.value)) && hosts.next().is_none()
}

/// The parameters of a query.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query.
    fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns true if these are parameters of an answer to any sign-in.
    fn belong_to_answer(&self) -> bool {
        self.0.iter().any(|(name, _)| PARAMETERS.contains(&name.as_str()))
    }

    /// Returns the value of a parameter that occurs exactly once (RFC 6749 section 3.1).
    fn single_value(&self, wanted: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(name, _)| name == wanted);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Returns the code or the refusal (RFC 6749 section 4.1.2). Returns `None` if the state is not
    /// the expected one: any web page can send a browser here.
    fn sign_in_answer(&self, state: &CsrfToken) -> Option<Result<AuthorizationCode, AuthError>> {
        if self.single_value("state") != Some(state.secret()) {
            return None;
        }
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(refusal) = Refusal::from_redirect(pairs) {
            return Some(Err(AuthError::from_refusal(SignInStep::SignIn, refusal)));
        }
        let code = self.single_value("code").filter(|code| !code.is_empty())?;
        Some(Ok(AuthorizationCode::new(code.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(head: &str) -> RedirectRequest {
        let state = CsrfToken::new("made-up-state".to_owned());
        read_request(head.as_bytes(), &ExpectedAnswer { host: "localhost:7", state: &state })
    }

    fn get(target: &str) -> RedirectRequest {
        heard(&format!("GET {target} HTTP/1.1\r\nHost: LocalHost:7\r\n\r\n"))
    }

    fn status(heard: &RedirectRequest) -> u16 {
        match heard {
            RedirectRequest::Rejected(status) => status.as_u16(),
            _ => panic!("{heard:?}"),
        }
    }

    #[test]
    fn an_answer_brings_the_code_and_shows_it_to_nobody() {
        let heard = get("/?code=made-up%2Bcode&state=made-up-state&session_state=x");
        let RedirectRequest::Answer(Ok(code)) = &heard else { panic!("{heard:?}") };
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
            assert!(matches!(get(&format!("/?{query}")), RedirectRequest::OtherSignIn), "{query}");
        }
    }

    #[test]
    fn a_refusal_is_read_as_the_token_endpoints() {
        let description = "AADSTS65004%3A+Declined.+Trace+ID%3A+x";
        let state = "state=made-up-state";
        let heard = get(&format!("/?error=access_denied&error_description={description}&{state}"));
        let RedirectRequest::Answer(Err(error)) = heard else { panic!("{heard:?}") };
        assert!(matches!(error, AuthError::Declined { .. }), "{error:?}");
        assert_eq!(error.refusal().unwrap().codes, [65004]);
        let heard = get(&format!("/?error=invalid_scope&code=made-up&{state}"));
        let RedirectRequest::Answer(Err(error)) = heard else { panic!("{heard:?}") };
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
        assert!(matches!(heard(""), RedirectRequest::Incomplete));
        assert!(matches!(heard("GET / HTTP/1.1\r\nHost: lo"), RedirectRequest::Incomplete));
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD_BYTES));
        assert_eq!(status(&heard(&long)), 431);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(status(&heard(&many)), 431);
        assert_eq!(status(&heard("\u{16}\u{3}\u{1} hello\r\n\r\n")), 400);
    }
}
