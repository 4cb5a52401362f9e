//! Formats results for people on a terminal.

pub(crate) mod console;
pub(crate) mod drift;
pub(crate) mod explanations;
pub(crate) mod human;
pub(crate) mod layout;
pub(crate) mod progress;
pub(crate) mod sign_ins;
pub(crate) mod style;
