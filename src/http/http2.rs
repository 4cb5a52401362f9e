//! What HTTP/2 brings with it: its bounds, and what its failures mean.
//!
//! All requests to a host share one connection. So what is on its way unread is bounded for each answer
//! and for all of them, and a connection that went silent is given up: else further attempts would go
//! into the same dead one.

use std::error::Error;
use std::time::Duration;

use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::{self};
use reqwest::ClientBuilder;

use super::Cause;

/// How much of one answer may be on its way before it is read, in bytes: enough for 160 Mbit/s at a
/// round trip of 50 ms.
const ANSWER_WINDOW_BYTES: u32 = 1024 * 1024;

/// How much of all answers of a connection may be, in bytes: what a run keeps for want of reading.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// The longest headers of an answer, in bytes, counted as in RFC 9113 section 6.5.2.
const MOST_HEADER_BYTES: u32 = 64 * 1024;

/// How long nothing may come while an answer is out before a ping is sent.
const QUIET: Duration = Duration::from_secs(20);

/// How long that ping may go unanswered before the connection counts as dead.
const PONG_TIMEOUT: Duration = Duration::from_secs(20);

/// Sets those bounds, and lets the client speak HTTP/2 where a service offers it in the TLS
/// handshake.
pub(super) fn offer_http2(builder: ClientBuilder) -> ClientBuilder {
    builder
        .http2_initial_stream_window_size(ANSWER_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(MOST_HEADER_BYTES)
        .http2_keep_alive_interval(QUIET)
        .http2_keep_alive_timeout(PONG_TIMEOUT)
}

/// Says what a failure means where HTTP/2 was spoken. Returns none if it was not. What the other
/// side wrote beside its reason is left out.
pub(super) fn failure_cause(error: &(dyn Error + 'static)) -> Option<Cause> {
    let mut was_spoken = false;
    let mut innermost = error;
    loop {
        if let Some(words) = innermost.downcast_ref().and_then(describe_error) {
            return Some(Cause::of_http2(words));
        }
        was_spoken |= went_over_http2(innermost);
        let Some(source) = innermost.source() else { break };
        innermost = source;
    }
    was_spoken.then(|| Cause::of_http2(format!("the HTTP/2 connection broke: {innermost}")))
}

/// Returns true if what failed was HTTP/2, or went over a connection of it.
fn went_over_http2(error: &(dyn Error + 'static)) -> bool {
    let connection = error.downcast_ref::<legacy::Error>().and_then(legacy::Error::connect_info);
    error.is::<h2::Error>() || connection.is_some_and(Connected::is_negotiated_h2)
}

/// Says what happened, with the reason's name in
/// [RFC 9113 section 7](https://www.rfc-editor.org/rfc/rfc9113#section-7), if there is a reason: a
/// connection that is ended for one may look like one that broke.
fn describe_error(error: &h2::Error) -> Option<String> {
    let reason = error.reason()?;
    let what = if !error.is_remote() {
        "the other side broke the rules of HTTP/2"
    } else if error.is_go_away() {
        "the other side ended the HTTP/2 connection"
    } else {
        "the other side aborted the request over HTTP/2"
    };
    Some(format!("{what} ({reason:?})"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use h2::Reason;

    use super::*;

    /// An error of a client, which wraps the one that tells.
    #[derive(Debug, thiserror::Error)]
    #[error("it failed")]
    struct Outer(#[source] h2::Error);

    #[test]
    fn a_failure_of_http_2_is_found_where_it_is_wrapped_and_told_by_its_name() {
        let told = failure_cause(&Outer(Reason::FRAME_SIZE_ERROR.into())).unwrap();
        let said = "the other side broke the rules of HTTP/2 (FRAME_SIZE_ERROR)";
        assert_eq!((told.to_string().as_str(), told.is_of_http2()), (said, true));
    }

    #[test]
    fn the_failures_of_others_are_left_to_them() {
        assert_eq!(failure_cause(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
    }
}
