//! Requests, answers, and the one client that sends them: the only place that names `reqwest`.
//!
//! A request is a plain value that says which service it is for and whether it is safe to
//! repeat. This module knows nothing of what the services mean by their answers.

mod client;
mod counts;
mod decode;
mod error;
mod http2;
mod limiter;
mod parcel;
mod request;
mod retry;
mod silence;
mod span;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transport;
mod trust;

pub use client::MOST_BODY_BYTES;
pub use counts::Counts;
pub use decode::DecodeError;
pub use error::{Cause, HTTP1_REMEDY, Peer, TIME_REMEDY, TRUST_REMEDY, TransportError};
pub use request::{Answer, Body, Method, Request, Safety};
pub use retry::retry_after;
pub use silence::Silence;
pub use transport::{Settings, Transport};
pub use trust::{Trust, TrustError};
