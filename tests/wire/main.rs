//! Documented exchanges, written down as text in `tests/fixtures/wire`, held against the sandbox and the client.

#![cfg(feature = "sandbox")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
mod exchange;
mod fit;
mod multipart;
mod readers;
mod sandbox;
mod template;
#[expect(dead_code, reason = "the tests of the sandbox use the rest")]
#[path = "../sandbox/world.rs"]
mod world;
