//! Text from elsewhere, made safe to print.

/// A run of so many characters of an encoding could be a token or a signature; a GUID has 36.
const LONGEST_HARMLESS_RUN: usize = 39;

/// A text of a service or a manifest as it may be shown: on one line, without control or
/// direction characters, at most so many characters, and without what could be a secret.
pub fn printable(text: &str, most: usize) -> String {
    let shown = escaped(&without_secrets(text));
    if shown.chars().count() <= most {
        return shown;
    }
    let head: String = shown.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

/// Each control or direction character as its escape; quotes stay as they are.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\'' | '"' | '\\' => vec![c],
        '\n' | '\r' | '\t' => vec![' '],
        c if is_direction(c) => c.escape_unicode().collect(),
        c => c.escape_debug().collect(),
    };
    text.chars().flat_map(escape).collect()
}

/// Characters that change the order in which a terminal shows others.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with `****` for each run of characters that could be a token or a signature.
fn without_secrets(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_encoding(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (run, tail) = rest.split_at(end);
        shown.push_str(if is_suspect(run, &shown) { "****" } else { run });
        rest = tail;
    }
    shown
}

/// Whether a character occurs in base64, base64url or percent-encoding.
fn is_encoding(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '%')
}

fn is_suspect(run: &str, before: &str) -> bool {
    let named = ["sig=", "sig%3D", "code=", "Bearer "];
    (run.len() > LONGEST_HARMLESS_RUN && is_mixed(run))
        || run.starts_with("eyJ")
        || named.iter().any(|name| before.ends_with(name))
}

/// Whether a run has the mixture of an encoding; a long name seldom does.
fn is_mixed(run: &str) -> bool {
    let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_could_steer_a_terminal_is_shown_as_escapes_on_one_line() {
        assert_eq!(
            printable("it's\n\"fine\"\u{1b}[2J\u{202e}é", 99),
            "it's \"fine\"\\u{1b}[2J\\u{202e}é"
        );
    }

    #[test]
    fn what_could_be_a_token_or_a_signature_is_left_out() {
        assert_eq!(printable("x?sig=short&y=1", 99), "x?sig=****&y=1");
        assert_eq!(printable(&format!("got {} back", "aB3".repeat(15)), 99), "got **** back");
        assert_eq!(printable("eyJhbGciOiJub25lIn0.eyJzIjoxfQ.", 99), "****.****.");
        let guid = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        assert_eq!(printable(guid, 99), guid);
        let name = "contoso_the_name_of_a_variable_that_is_long_for_a_name";
        assert_eq!(printable(name, 99), name);
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(printable("abcdef", 4), "abc…");
    }
}
