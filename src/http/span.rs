//! Logs one attempt as a span that names the request by its template, and neither
//! by its URL nor by a header, a body or a token.

use std::time::Duration;

use tracing::Span;
use tracing::field::{Empty, display};

use super::prepared_request::PreparedRequest;
use super::{Answer, Request, TransportError};
use crate::model::{error_chain, milliseconds};

/// Opens the span of an attempt.
pub(super) fn begin_span(request: &Request, prepared: &PreparedRequest, attempt: u32) -> Span {
    tracing::debug_span!(
        "request",
        service = request.service.as_str(),
        method = %request.method,
        template = request.template,
        attempt,
        client_request_id = prepared.id,
        status = Empty,
        duration_ms = Empty,
        request_id = Empty,
        failure = Empty,
    )
}

/// Adds the outcome and the duration of an attempt to its span, and logs its end.
pub(super) fn end_span(span: &Span, elapsed: Duration, result: &Result<Answer, TransportError>) {
    span.record("duration_ms", milliseconds(elapsed));
    match result {
        Ok(answer) => {
            span.record("status", answer.status);
            span.record("request_id", answer.request_id());
        }
        Err(error) => {
            span.record("failure", display(error_chain(error)));
        }
    }
    let message = if result.is_ok() { "answered" } else { "not answered" };
    span.in_scope(|| tracing::debug!("{message}"));
}
