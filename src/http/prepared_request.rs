//! A request made ready to send: checked, with its token, its body and the headers that every
//! request carries.
//!
//! It is made once and sent as often as the retry policy says. It does no input or output.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue,
};
use url::Url;
use uuid::Uuid;

use super::request::CLIENT_REQUEST_ID;
use super::{Answer, Body, Cause, Method, Peer, Request, TransportError};
use crate::model::{AccessToken, is_loopback};

/// A request ready to be sent.
pub(super) struct PreparedRequest {
    /// The service and host that it is for.
    pub(super) peer: Peer,
    /// The method.
    pub(super) method: Method,
    /// Where it goes.
    pub(super) url: Url,
    /// All headers but those of the connection.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Whether it goes to this machine.
    pub(super) to_loopback: bool,
    /// Our id for it.
    pub(super) id: String,
}

impl PreparedRequest {
    /// Makes a request ready.
    ///
    /// # Errors
    /// The address is plain http and not on this machine, or a value does not fit a header.
    pub(super) fn new(
        request: &Request,
        token: Option<&AccessToken>,
    ) -> Result<Self, TransportError> {
        let peer = Peer::at_url(request.service, &request.url);
        let to_loopback = is_loopback(&request.url);
        if request.url.scheme() != "https" && !to_loopback {
            return Err(TransportError::PlainHttp { peer });
        }
        let id = Uuid::new_v4().to_string();
        Ok(Self {
            headers: request_headers(request, token, &id).map_err(unfit_header)?,
            body: body_bytes(&request.body),
            method: request.method.clone(),
            url: request.url.clone(),
            peer,
            to_loopback,
            id,
        })
    }

    /// Adds our id for the request to an answer, unless the service repeated it.
    pub(super) fn with_own_id(&self, mut answer: Answer) -> Answer {
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            answer.headers.entry(CLIENT_REQUEST_ID).or_insert(id);
        }
        answer
    }

    /// Reports that no whole answer came in time. The service's id for the request may have come.
    pub(super) fn timed_out(&self, id: Option<String>, time: Duration) -> TransportError {
        let request_id = id.unwrap_or_else(|| self.id.clone());
        let cause = Cause::timeout(time);
        TransportError::Lost { peer: self.peer.clone(), request_id, cause }
    }
}

/// Returns the headers of a request: its own, then those of every request.
fn request_headers(
    request: &Request,
    token: Option<&AccessToken>,
    id: &str,
) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers: HeaderMap = request.headers.iter().cloned().collect();
    headers.insert(CLIENT_REQUEST_ID, HeaderValue::from_str(id)?);
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, bearer_header(token)?);
    }
    match &request.body {
        Body::Bytes { content_type, .. } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type)?);
        }
        Body::Empty if could_have_body(&request.method) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Body::Empty => {}
    }
    Ok(headers)
}

/// Returns the header of a bearer token, marked so that no client prints it.
fn bearer_header(token: &AccessToken) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns true if a service may insist on a length although nothing is sent.
fn could_have_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Returns the bytes of a body.
fn body_bytes(body: &Body) -> Vec<u8> {
    match body {
        Body::Empty => Vec::new(),
        Body::Bytes { bytes, .. } => bytes.clone(),
    }
}

/// Reports that a value does not fit a header, without the value.
fn unfit_header(_: InvalidHeaderValue) -> TransportError {
    let cause = Cause::new("a token or a header has a character that HTTP cannot carry");
    TransportError::Setup { cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Service;

    fn to(url: &str) -> Request {
        Request::get(Service::Dataverse, url.parse().unwrap(), "/")
    }

    #[test]
    fn plain_http_goes_to_this_machine_alone() {
        assert!(PreparedRequest::new(&to("http://127.0.0.1:1/"), None).is_ok());
        assert!(PreparedRequest::new(&to("https://example.com/"), None).is_ok());
        let refused = PreparedRequest::new(&to("http://example.com/?secret=made-up"), None);
        assert_eq!(
            refused.err().unwrap().to_string(),
            "Dataverse at `example.com` has a plain http address, which is accepted for this machine only"
        );
    }

    #[test]
    fn a_token_is_marked_and_one_that_breaks_a_header_is_refused_without_its_text() {
        let token = AccessToken::new("made-up");
        let prepared = PreparedRequest::new(&to("https://example.com/"), Some(&token)).unwrap();
        assert!(prepared.headers[AUTHORIZATION].is_sensitive());
        let broken = AccessToken::new("made-up\r\nX: y");
        let refused = PreparedRequest::new(&to("https://example.com/"), Some(&broken));
        assert!(!format!("{:?}", refused.err().unwrap()).contains("made-up"));
    }
}
