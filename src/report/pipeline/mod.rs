//! Talks to the runner of a pipeline: notices, commands, and outputs that may be secret.

pub(crate) mod annotation;
pub(crate) mod command_filter;
pub(crate) mod runner;
pub(crate) mod secret_outputs;
