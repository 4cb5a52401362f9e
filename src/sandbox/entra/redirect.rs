//! Where a browser is sent back to: an address of this machine, of any port (RFC 8252 section 7.3).

use http::{StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::message::{Answer, is_loopback};
use super::page;

/// How an answer reaches the application (OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In the query of the address.
    Query,
    /// In its fragment.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

impl Mode {
    /// Reads a `response_mode`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// An address that a browser may be sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// The address as the client wrote it.
    pub(super) uri: String,
    host: String,
    authority: String,
}

impl Redirect {
    /// Takes an address of this machine, over plain http and without a fragment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = text.is_ascii() && !text.contains(['#', '@', '\\']);
        let uri: Uri = text.parse().ok().filter(|_| plain)?;
        let (host, authority) = (uri.host()?.to_ascii_lowercase(), uri.authority()?.to_string());
        let fits = uri.scheme_str() == Some("http") && is_loopback(&host);
        fits.then(|| Self { uri: text.to_owned(), host, authority })
    }

    /// Sends the browser there with names and values.
    pub(super) fn to(&self, mode: Mode, told: &[(&str, String)]) -> Answer {
        if mode == Mode::FormPost {
            return page::forward(&self.uri, &self.source(), told);
        }
        let pairs: Vec<String> =
            told.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let between = match mode {
            Mode::Fragment => '#',
            _ if self.uri.contains('?') => '&',
            _ => '?',
        };
        let address = format!("{}{between}{}", self.uri, pairs.join("&"));
        Answer::empty(StatusCode::FOUND).with("location", &address)
    }

    /// Names the address as a content security policy does, which has no words for IPv6.
    pub(super) fn source(&self) -> String {
        if self.host.starts_with('[') {
            "http:".to_owned()
        } else {
            format!("http://{}", self.authority)
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_of_this_machine_are_taken() {
        for good in [
            "http://localhost",
            "http://localhost:49152/",
            "http://127.0.0.1:8400/callback",
            "http://[::1]:8400/callback?a=b",
        ] {
            assert!(Redirect::parse(good).is_some(), "{good}");
        }
        for bad in [
            "https://localhost/",
            "http://contoso.example/",
            "http://localhost.contoso.example/",
            "http://localhost@contoso.example/",
            "http://localhost/#fragment",
            "http://10.0.0.1/",
            "/callback",
            "",
        ] {
            assert!(Redirect::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_query_is_kept_and_added_to() {
        let redirect = Redirect::parse("http://localhost:1/x?a=b").unwrap();
        let answer = redirect.to(Mode::Query, &[("state", "1&2=3 4".to_owned())]);
        assert_eq!(answer.headers["location"], "http://localhost:1/x?a=b&state=1%262%3D3%204");
    }
}
