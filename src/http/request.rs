//! What is sent and what comes back, as plain values.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

pub use http::Method;

use crate::model::{CutShort, Service, printable};

/// How much of a service's request id is kept: more than any is long.
const MOST_ID_CHARACTERS: usize = 128;

/// The id that we give to a request, by which a service's operators find it.
pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// One request, without the token that will go with it.
#[derive(Clone)]
pub struct Request {
    /// Whom it is for.
    pub service: Service,
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// The path with its variable parts as `{name}`: what logs show in the place of the URL.
    pub template: &'static str,
    /// Headers besides those of the body, the token and the transport.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Body,
    /// Whether it may be sent again.
    pub safety: Safety,
}

/// Whether a request changes anything, which its method alone does not tell:
/// `listCallbackUrl` is a POST that only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// It changes nothing and may be repeated.
    Query,
    /// It may change something and is repeated only if it was provably not executed.
    Command,
    /// It writes rows. It is repeated only if it was never sent: whoever reads an answer that turns
    /// it away checks first that nothing was written.
    Write,
}

/// What a request carries. It may hold secrets, so it is never printed.
#[derive(Clone)]
pub enum Body {
    /// Nothing: sent as `Content-Length: 0` where the method could have a body.
    Empty,
    /// Bytes of a type.
    Bytes {
        /// The value of `Content-Type`.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// One answer, its body read to the end within the bound.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Why the request is not sent once more, where the run's time is all that keeps it from that.
    pub cut_short: Option<CutShort>,
}

impl Answer {
    /// Makes an answer as it came.
    pub fn new(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body, cut_short: None }
    }
}

impl Request {
    /// Makes a GET.
    pub fn get(service: Service, url: Url, template: &'static str) -> Self {
        Self::query(service, Method::GET, url, template)
    }

    /// Makes a request that changes nothing, whatever its method.
    pub fn query(service: Service, method: Method, url: Url, template: &'static str) -> Self {
        let safety = Safety::Query;
        Self { service, method, url, template, headers: Vec::new(), body: Body::Empty, safety }
    }

    /// Makes a request that may change something.
    pub fn command(service: Service, method: Method, url: Url, template: &'static str) -> Self {
        let safety = Safety::Command;
        Self { safety, ..Self::query(service, method, url, template) }
    }

    /// Adds a body.
    #[must_use]
    pub fn with_body(mut self, content_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        let content_type = content_type.into();
        self.body = Body::Bytes { content_type, bytes };
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Answer {
    /// Returns true if the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the id by which the service's operators find the request, made safe to print: the
    /// service's own, else the one that was sent.
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
            .or_else(|| first_id_in(&self.headers, &[CLIENT_REQUEST_ID.as_str()]))
    }
}

/// Returns the service's id for a request, made safe to print.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    first_id_in(headers, &["x-ms-service-request-id", "x-ms-request-id", "req_id"])
}

/// Returns the first of some headers that holds an id.
fn first_id_in(headers: &HeaderMap, names: &[&str]) -> Option<String> {
    let mut texts = names.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    let id = texts.find(|text| !text.trim().is_empty())?;
    Some(printable(id, MOST_ID_CHARACTERS))
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.service, self.method, self.template)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with {} bytes", self.status, self.body.len())
    }
}
