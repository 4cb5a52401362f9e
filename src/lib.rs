//! Discovers the callback URLs of cloud flows and writes them into Dataverse.

pub mod api;
pub mod domain;
pub mod http;
pub mod manifest;
pub mod plan;
pub mod problem;
pub mod state;
