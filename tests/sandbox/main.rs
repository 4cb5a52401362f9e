//! The sandbox, through real HTTP: what other programs can rely on, service by service.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod assertion;
mod authorize;
mod batch;
mod control;
mod entra;
mod events;
mod faults;
mod federation;
mod flow;
mod metadata;
mod query;
mod record;
mod refresh;
mod refusal;
mod state;
mod synthetic;
mod tenant;
mod throttle;
mod trigger;
mod wire;
mod world;
mod write;
