//! The whole program on the sandbox tenant, as a user runs it.

#![cfg(feature = "sandbox")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod faults;
mod harness;
mod hostile;
mod journal;
mod outcomes;
mod problems;
mod proxy;
mod secrets;
mod solutions;
mod tls;
