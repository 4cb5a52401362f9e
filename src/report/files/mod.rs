//! A run as a file: each format is a pure function of one [`Run`](crate::report::Run).

pub(crate) mod format;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod markup;
pub(crate) mod sarif;
