//! What holds for every input from elsewhere: one module per fuzz target, each with `holds`, which
//! panics where it does not. Everything is reached by what the library makes public.
//!
//! `fuzz_targets/` feeds them with what the fuzzer thinks of, `tests/corpus.rs` with the kept corpus.

pub mod callback_url;
pub mod client_data;
pub mod cloud_overlay;
pub mod error_body;
pub mod journal;
pub mod json_splice;
pub mod manifest;
pub mod multipart;

use std::sync::LazyLock;

use flowbind::model::{Clouds, is_hidden};

/// A property of every input.
pub type Property = fn(&[u8]);

/// Every target by its name, which is that of its folder in `corpus/` too.
pub const TARGETS: &[(&str, Property)] = &[
    ("callback_url", callback_url::holds),
    ("client_data", client_data::holds),
    ("cloud_overlay", cloud_overlay::holds),
    ("error_body", error_body::holds),
    ("journal", journal::holds),
    ("json_splice", json_splice::holds),
    ("manifest", manifest::holds),
    ("multipart", multipart::holds),
];

/// The embedded table of clouds.
pub static CLOUDS: LazyLock<Clouds> =
    LazyLock::new(|| Clouds::embedded().expect("the embedded table is right"));

/// Holds that a text may be shown: no more than so many characters, and nothing in it steers a
/// terminal or shows a signature.
pub fn assert_shown(text: &str, most: usize) {
    assert!(text.chars().count() <= most, "{} characters: {text:?}", text.chars().count());
    assert!(!text.contains(is_hidden), "{text:?}");
    assert_no_signature(text);
}

/// Holds that nothing but stars stands where a signature stands.
pub fn assert_no_signature(text: &str) {
    let lower = text.to_ascii_lowercase();
    for (place, marker) in lower.match_indices("sig=") {
        let value = lower[place + marker.len()..].chars().next();
        assert!(!value.is_some_and(|c| c.is_ascii_alphanumeric()), "{text:?}");
    }
}

/// Holds that a place, counted from 1, is in the text or just behind its end or that of a line.
pub fn assert_inside(text: &str, line: usize, column: usize) {
    let found = line.checked_sub(1).and_then(|index| text.split('\n').nth(index));
    let found = found.unwrap_or_else(|| panic!("there is no line {line}"));
    let most = found.chars().count() + 1;
    assert!((1..=most).contains(&column), "line {line} has no column {column}");
}
