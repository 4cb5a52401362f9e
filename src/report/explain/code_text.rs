//! The texts that explain one code.

/// The texts that explain a code.
pub(super) struct CodeText {
    /// The meaning, as a fragment of a sentence.
    pub(super) meaning: &'static str,
    /// The cause.
    pub(super) why: &'static str,
    /// The remedy.
    pub(super) remedy: &'static str,
}

/// Creates a [`CodeText`], to keep the tables short.
pub(super) const fn text(
    meaning: &'static str,
    why: &'static str,
    remedy: &'static str,
) -> CodeText {
    CodeText { meaning, why, remedy }
}
