//! Words of a manifest in a sentence, and the known word that somebody most likely meant.

pub use crate::model::nearest;

/// Formats words as a list in a sentence, each quoted.
pub(super) fn quoted_list<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(super::show::quoted).collect();
    quoted.join(", ")
}
