//! Requests, answers, and the one client that sends them: the only place that names `reqwest`.
//!
//! A request is a plain value that says which service it is for and whether it is safe to
//! repeat. This module knows nothing of what the services mean by their answers.

mod request;

pub use request::{Answer, Body, Method, Request, Safety};
