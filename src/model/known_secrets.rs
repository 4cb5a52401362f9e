//! The secrets that this process knows: no output shows one of them, or a part of it, whatever its
//! shape, its case, and the white space in it. They are kept as hashes of their parts.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use std::sync::{LazyLock, RwLock};

use super::is_hidden;

/// The characters of a part, white space left out. Shorter ones occur in harmless texts.
const PART: usize = 16;

/// What is shown in the place of a secret.
const COVER: &str = "****";

/// The hashes of every part of every known secret.
static PARTS: LazyLock<RwLock<HashSet<u64>>> = LazyLock::new(RwLock::default);

/// The last characters of a text that was read so far, in lower case, and where they stand.
struct Window {
    bytes: [u8; PART],
    places: [usize; PART],
    filled: usize,
}

/// Notes a secret, so that [`cover_secrets`] finds it. One that is too short is left out.
pub fn note_secret(secret: &str) {
    let mut found = Vec::new();
    read_parts(secret, |hash, _| found.push(hash));
    if let Ok(mut parts) = PARTS.write() {
        parts.extend(found);
    }
}

/// Covers every part of a known secret with `****`, also where it is split, wrapped or in another
/// case.
pub fn cover_secrets(text: &str) -> Cow<'_, str> {
    let secret = secret_ranges(text);
    if secret.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in secret {
        shown += &text[end..range.start];
        shown += COVER;
        end = range.end;
    }
    Cow::Owned(shown + &text[end..])
}

/// Finds the parts of a text that are parts of secrets. Those that overlap are one.
fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let Ok(parts) = PARTS.read() else { return found };
    if parts.is_empty() {
        return found;
    }
    read_parts(text, |hash, range| match found.last_mut() {
        _ if !parts.contains(&hash) => (),
        Some(last) if range.start <= last.end => last.end = range.end,
        _ => found.push(range),
    });
    found
}

/// Calls a function for every part of a text, with its hash and its place.
fn read_parts(text: &str, mut part: impl FnMut(u64, Range<usize>)) {
    let mut window = Window { bytes: [0; PART], places: [0; PART], filled: 0 };
    for (place, character) in text.char_indices() {
        if character.is_whitespace() || is_hidden(character) {
            continue;
        }
        window.push(place, character);
        if window.filled == PART {
            part(window.hash(), window.places[0]..place + character.len_utf8());
        }
    }
}

impl Window {
    /// Adds a character, and drops the first one if there are too many.
    fn push(&mut self, place: usize, character: char) {
        self.bytes.copy_within(1.., 0);
        self.places.copy_within(1.., 0);
        // Secrets are ASCII; what is not is all alike.
        self.bytes[PART - 1] = u8::try_from(character).map_or(u8::MAX, |b| b.to_ascii_lowercase());
        self.places[PART - 1] = place;
        self.filled = (self.filled + 1).min(PART);
    }

    /// Returns the hash of the characters.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.bytes);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_secret_is_covered_however_it_is_written_and_nothing_else_is() {
        let secret = "only-Letters-So-No-Shape-Tells";
        note_secret(secret);
        note_secret("short-one");
        let wrapped: Vec<&str> = secret.split('-').collect();
        for written in [
            secret.to_owned(),
            secret.to_uppercase(),
            secret.replace('-', " - \n        "),
            secret.replace('-', "\u{200b}-"),
            wrapped.join("-\r\n"),
        ] {
            assert_eq!(cover_secrets(&format!("got {written}, é")), "got ****, é", "{written:?}");
        }
        assert_eq!(cover_secrets(&format!("got {} back", &secret[3..20])), "got **** back");
        for harmless in ["only-Letters-So", "a short-one", "", "other letters, more than a few"] {
            assert_eq!(cover_secrets(harmless), harmless);
        }
    }
}
