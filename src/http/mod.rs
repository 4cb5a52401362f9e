//! Requests, answers, and the one client that sends them: the only place that names `reqwest`.
//!
//! A request is a plain value that says which service it is for and whether it is safe to
//! repeat. This module knows nothing of what the services mean by their answers.

mod client;
mod concurrency;
mod decode;
mod error;
mod exchanges;
mod extra_roots;
mod http2;
mod limiter;
mod prepared_request;
mod request;
mod request_counts;
mod retry;
mod shape;
mod slow_answers;
mod span;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transport;

pub use client::MOST_BODY_BYTES;
pub use decode::DecodeError;
pub use error::{Cause, HTTP1_REMEDY, Peer, TIME_REMEDY, TRUST_REMEDY, TransportError};
pub use exchanges::{Exchange, keep_exchanges, kept_exchanges};
pub use extra_roots::{ExtraRoots, ExtraRootsError};
pub use request::{Answer, Body, Method, Request, Safety};
pub use request_counts::RequestCounts;
pub use retry::retry_after;
pub use slow_answers::SlowAnswer;
pub use transport::{Settings, Transport};
