//! What a text lacks to be JSON, in words that quote nothing of the text.

/// Returns what is missing where a text stops being JSON, and none if the parser's reason could
/// quote the text.
pub fn missing_in_json(text: &str, error: &serde_json::Error) -> Option<&'static str> {
    if error.is_eof() {
        return Some("its end is missing");
    }
    let line = text.lines().nth(error.line().checked_sub(1)?).unwrap_or_default();
    let column = error.column().saturating_sub(1);
    let before = line.char_indices().map(|(place, _)| place).rfind(|place| *place <= column);
    let rest = line[before.unwrap_or_default()..].trim_start();
    if rest.starts_with("//") || rest.starts_with("/*") {
        return Some("JSON has no comments");
    }
    if rest.starts_with(['\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']) {
        return Some("JSON has straight double quotes only");
    }
    let reason = error.to_string();
    let known = [
        ("key must be a string", "a name in double quotes is missing"),
        ("expected value", "a value is missing"),
        ("expected ident", "a text needs double quotes"),
        ("trailing comma", "a comma has no value after it"),
        ("trailing characters", "something stands after its end"),
        ("expected `,` or `}`", "a comma or `}` is missing"),
        ("expected `,` or `]`", "a comma or `]` is missing"),
        ("expected `:`", "a colon is missing"),
        ("control character", "a line break or another control character stands in a text"),
        ("invalid escape", "a backslash stands before a character that needs none"),
    ];
    known.iter().find(|(begin, _)| reason.starts_with(begin)).map(|(_, missing)| *missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_and_nothing_of_the_text() {
        for (text, missing) in [
            ("{ // per environment\n \"a\": 1 }", "JSON has no comments"),
            ("{\"a\": 1 /* why */}", "JSON has no comments"),
            ("{order: 1}", "a name in double quotes is missing"),
            ("{'order': 1}", "JSON has straight double quotes only"),
            ("{\"a\": 1", "its end is missing"),
            ("{\"a\": }", "a value is missing"),
            ("{\"a\": 1,}", "a comma has no value after it"),
            ("{\"a\": 1 \"b\": 2}", "a comma or `}` is missing"),
            ("{\"a\" 1}", "a colon is missing"),
            ("{} {}", "something stands after its end"),
            ("https://example.com/x", "a value is missing"),
            ("", "its end is missing"),
            ("{\"a\": \u{201c}x\u{201d}}", "JSON has straight double quotes only"),
        ] {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            assert_eq!(missing_in_json(text, &error), Some(missing), "{text}");
        }
    }
}
