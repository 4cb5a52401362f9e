//! The names that are never masked, whatever they look like.

use std::collections::BTreeSet;
use std::ops::Bound::{Included, Unbounded};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard};

static NAMES: LazyLock<RwLock<BTreeSet<String>>> = LazyLock::new(RwLock::default);

/// The noted names, for as long as a text is read.
pub(super) struct UnmaskedNames(RwLockReadGuard<'static, BTreeSet<String>>);

impl UnmaskedNames {
    /// Adds names.
    pub(super) fn add(names: [String; 2]) {
        NAMES.write().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Locks the names for reading.
    pub(super) fn read() -> Self {
        Self(NAMES.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the length of the longest noted name at the beginning of a text; 0 if there is none.
    pub(super) fn longest_at_start(&self, text: &str) -> usize {
        let mut most = text;
        while let Some(name) = self.0.range::<str, _>((Unbounded, Included(most))).next_back() {
            let shared = shared_start(name, text);
            if shared == name.len() {
                return shared;
            }
            most = &text[..shared];
        }
        0
    }

    /// Returns whether a text is a noted name.
    pub(super) fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

/// Returns the length of what two texts have in common at their beginning.
fn shared_start(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}
