//! Why a request has no answer.
//!
//! The variants differ in what they say about the outcome: whether the service can have seen
//! the request. No text here holds a URL's query, a header or a body.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use url::Url;

use crate::model::{CutShort, Service};

/// What to do about a certificate that is not trusted.
pub const TRUST_REMEDY: &str = "if a proxy inspects TLS, or this is a sandbox, add its CA certificate with `--ca-bundle FILE` or FLOWBIND_CA_BUNDLE; otherwise check the address and this machine's clock";

/// What to do about a run that had too little time.
pub const TIME_REMEDY: &str =
    "run again later, or give the run more time with `--timeout 30m` or FLOWBIND_TIMEOUT";

/// What to do about HTTP/2 that fails again and again.
pub const HTTP1_REMEDY: &str = "if it happens again, a proxy or firewall may break HTTP/2: use HTTP/1.1 with `--http1` or FLOWBIND_HTTP1=true";

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The client itself could not be made or given the request.
    #[error("the HTTP client cannot be set up")]
    Setup {
        /// What stands in the way.
        #[source]
        cause: Cause,
    },
    /// The address is plain http and not on this machine: nothing was sent.
    #[error("{peer} has a plain http address, which is accepted for this machine only")]
    PlainHttp {
        /// Whom it was for.
        peer: Peer,
    },
    /// No connection came about: the service has not seen the request.
    #[error("{peer} cannot be reached")]
    Unreachable {
        /// Whom it was for.
        peer: Peer,
        /// The name, the connection or the certificate that failed.
        #[source]
        cause: Cause,
    },
    /// Whoever answered showed a certificate that is not trusted: nothing was sent.
    #[error("the certificate of {peer} is not trusted")]
    Untrusted {
        /// Whom it was for.
        peer: Peer,
        /// What is wrong with the certificate.
        #[source]
        cause: Cause,
    },
    /// It was sent, or may have been, and no whole answer came: the outcome is unknown.
    #[error("the response of {peer} was lost (request {request_id})")]
    Lost {
        /// Whom it was for.
        peer: Peer,
        /// The service's id for the request if the answer came as far as that, else our own.
        request_id: String,
        /// How the answer was lost.
        #[source]
        cause: Cause,
    },
    /// The service answered with more than this program reads.
    #[error(
        "the response of {peer} (status {status}) is longer than {limit} bytes (request {request_id})"
    )]
    TooLarge {
        /// Whom it was for.
        peer: Peer,
        /// The status that came first.
        status: u16,
        /// The bound that was passed, in bytes.
        limit: usize,
        /// The service's id for the request, else our own.
        request_id: String,
    },
    /// The run's time is over. A command that was sent never ends so, but as `Lost`.
    #[error("{}", deadline_message(.peer, .cut_short))]
    DeadlinePassed {
        /// Whom it was for.
        peer: Peer,
        /// What it was that the run's time did not suffice for.
        cut_short: CutShort,
        /// Why the last attempt had failed, if there was one.
        #[source]
        last: Option<Box<TransportError>>,
    },
}

/// A service and the host it was asked at: all that an error may say of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    service: Service,
    host: String,
}

/// What went wrong below HTTP, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    words: String,
    /// Whether HTTP/2 was spoken, and failed.
    of_http2: bool,
}

impl TransportError {
    /// Returns true if the service provably has not acted on the request.
    pub fn is_never_sent(&self) -> bool {
        match self {
            Self::Setup { .. }
            | Self::PlainHttp { .. }
            | Self::Unreachable { .. }
            | Self::Untrusted { .. } => true,
            Self::DeadlinePassed { last, .. } => last.as_deref().is_none_or(Self::is_never_sent),
            Self::Lost { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// Returns true if HTTP/2 was spoken, and failed, where HTTP/1.1 may not.
    pub fn is_of_http2(&self) -> bool {
        match self {
            Self::Lost { cause, .. } => cause.is_of_http2(),
            Self::DeadlinePassed { last, .. } => last.as_deref().is_some_and(Self::is_of_http2),
            _ => false,
        }
    }

    /// Returns what to do about a run that had too little time, if that is the cause.
    pub fn time_remedy(&self) -> Option<String> {
        let Self::DeadlinePassed { cut_short, .. } = self else { return None };
        Some(cut_short.next_run().unwrap_or_else(|| TIME_REMEDY.to_owned()))
    }

    /// Returns the service and host that the request was for, where there was a request.
    pub fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Setup { .. } => None,
            Self::PlainHttp { peer }
            | Self::Unreachable { peer, .. }
            | Self::Untrusted { peer, .. }
            | Self::Lost { peer, .. }
            | Self::TooLarge { peer, .. }
            | Self::DeadlinePassed { peer, .. } => Some(peer),
        }
    }
}

/// Says that the run's time did not suffice, and for what.
fn deadline_message(peer: &Peer, cut_short: &CutShort) -> String {
    let limit = cut_short.limit.as_secs_f32();
    cut_short.demand().map_or_else(
        || format!("{peer} did not answer within the {limit} s of `--timeout`"),
        |demand| format!("{peer} {demand}"),
    )
}

impl Peer {
    /// Returns the service at the host, and port if one is given, of an address.
    pub fn at_url(service: Service, url: &Url) -> Self {
        let name = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        Self { service, host }
    }

    /// Returns the service.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns the host, with the port if it is not the usual one.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at `{}`", self.service, self.host)
    }
}

impl Cause {
    /// States a cause in words of our own.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), of_http2: false }
    }

    /// States a cause that lies in HTTP/2, or in a connection that it was spoken over.
    pub(super) fn of_http2(words: impl Into<String>) -> Self {
        Self { words: words.into(), of_http2: true }
    }

    /// Returns true if HTTP/2 was spoken, and failed.
    pub fn is_of_http2(&self) -> bool {
        self.of_http2
    }

    /// States that nothing came in time.
    pub(super) fn timeout(limit: Duration) -> Self {
        Self::new(format!("no complete response within {:.1} s", limit.as_secs_f32()))
    }

    /// Takes the innermost words of a client's error: the outer ones only say that a request
    /// failed, and may name its URL.
    pub(super) fn from_innermost(error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self::new(innermost.to_string())
    }

    /// Puts words before the cause.
    pub(super) fn with_context(self, what: &str) -> Self {
        Self { words: format!("{what}: {}", self.words), ..self }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)
    }
}

impl Error for Cause {}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        let url = "https://contoso.crm4.dynamics.com/api?$filter=made-up#part";
        Peer::at_url(Service::Dataverse, &url.parse().unwrap())
    }

    #[test]
    fn an_error_names_the_service_and_the_host_and_no_query() {
        let cause = Cause::timeout(Duration::from_secs(2));
        let error = TransportError::Lost { peer: peer(), request_id: "r-1".to_owned(), cause };
        assert_eq!(
            error.to_string(),
            "the response of Dataverse at `contoso.crm4.dynamics.com` was lost (request r-1)"
        );
        assert_eq!(error.source().unwrap().to_string(), "no complete response within 2.0 s");
    }

    #[test]
    fn a_passed_deadline_was_sent_if_its_last_attempt_was() {
        let last = TransportError::Unreachable { peer: peer(), cause: Cause::new("refused") };
        let (left, limit) = (Duration::ZERO, Duration::from_mins(10));
        let cut_short = CutShort { asked: None, left, limit };
        let passed = |last| TransportError::DeadlinePassed { peer: peer(), cut_short, last };
        assert!(passed(Some(Box::new(last))).is_never_sent());
        assert!(passed(None).is_never_sent());
    }

    #[test]
    fn a_passed_deadline_names_its_option_and_what_the_service_asked_for() {
        let told = |asked| {
            let (left, limit) = (Duration::from_millis(2400), Duration::from_mins(10));
            let cut_short = CutShort { asked, left, limit };
            let error = TransportError::DeadlinePassed { peer: peer(), cut_short, last: None };
            (error.to_string(), cut_short.to_string())
        };
        let (error, rest) = told(None);
        assert_eq!(
            error,
            "Dataverse at `contoso.crm4.dynamics.com` did not answer within the 600 s of `--timeout`"
        );
        assert_eq!(rest, "the 600 s of `--timeout` leave no time for a retry");
        let (error, rest) = told(Some(Duration::from_millis(900_300)));
        let demand = "asked to wait 900 s, longer than the 600 s of `--timeout`";
        assert_eq!(error, format!("Dataverse at `contoso.crm4.dynamics.com` {demand}"));
        assert_eq!(rest, format!("it {demand}"));
        let demand = "asked to wait 3 s, but only 2 s of the 600 s of `--timeout` were left";
        assert_eq!(told(Some(Duration::from_secs(3))).1, format!("it {demand}"));
    }
}
