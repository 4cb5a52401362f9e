//! `$batch` (`OData` 4.0 part 1 section 11.7).

mod parse;
mod run;

pub(crate) use run::run;
