//! A request and an answer as plain values, so that no handler sees the HTTP server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Where the client reached the server: addresses in answers begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The request's `Host`: a name, with the port where it is not the scheme's own.
    pub(crate) host: String,
}

impl Origin {
    /// Prints `http://127.0.0.1:8787`, without a slash at the end.
    pub(crate) fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// Takes the host as the request named it, without the scheme's own port.
    pub(crate) fn new(scheme: &'static str, named: &str) -> Self {
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = named.strip_suffix(usual).unwrap_or(named).to_ascii_lowercase();
        Self { scheme, host }
    }

    /// Returns the same with another name in the place of its own.
    pub(crate) fn at(&self, name: &str) -> Self {
        let port = &self.host[self.name().len()..];
        Self { scheme: self.scheme, host: format!("{name}{port}") }
    }

    /// Returns the host without the port.
    pub(crate) fn name(&self) -> &str {
        let after_address = self.host.rfind(']').map_or(0, |bracket| bracket + 1);
        let port = self.host[after_address..].rfind(':');
        port.map_or(self.host.as_str(), |colon| &self.host[..after_address + colon])
    }

    /// Tells whether the host names this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.name())
    }
}

/// Tells whether a host, with brackets or without, names this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// One request.
#[derive(Clone)]
pub(crate) struct Call {
    /// The method.
    pub(crate) method: Method,
    /// The path as sent, percent-encoded.
    pub(crate) path: String,
    /// The query as sent, without the question mark.
    pub(crate) query: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
    /// Where the client reached the server.
    pub(crate) origin: Origin,
}

impl fmt::Debug for Call {
    /// Shows neither query, headers nor body: they carry codes, tokens and signatures.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the decoded pairs of the query.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }

    /// Returns one decoded parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns the bearer token, if one was sent.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// One answer.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
    /// How long it is held back.
    pub(crate) held: Duration,
    /// What happens to it on its way.
    pub(crate) damage: Option<Damage>,
}

/// What happens to an answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The connection is reset before it.
    Reset,
    /// The connection is closed before it.
    Close,
    /// The connection is closed in the middle of it.
    Truncated,
    /// It is replaced by bytes that are not HTTP.
    Garbage,
    /// It comes byte by byte, with such a pause after each.
    Drip(Duration),
    /// It is replaced by one that does not end.
    Endless,
}

impl fmt::Debug for Answer {
    /// Shows neither headers nor body, which may carry tokens.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// Makes an answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            held: Duration::ZERO,
            damage: None,
        }
    }

    /// Makes a JSON answer.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        // JSON can always be written down; its own `Display` takes twice the time.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::text(status, "application/json; charset=utf-8", body)
    }

    /// Makes an answer of any text.
    pub(crate) fn text(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status).with("content-type", media_type);
        answer.body = body.into();
        answer
    }

    /// Adds a header; one that HTTP cannot carry is left out.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a header in place.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Splits `a=1&b=2` and decodes both sides; `+` means a space, as forms and some clients write it.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (plain(key), plain(value)))
        .collect()
}

/// Decodes percent-encoding.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn plain(text: &str) -> String {
    decoded(&text.replace('+', " "))
}
