//! Text from elsewhere, made safe to print.

/// What stands before a secret, in any case.
const MARKERS: &[&str] = &["sig=", "sig%3d", "code=", "token=", "bearer "];

/// How many times more characters of a text are looked at than are shown.
const LOOKED_AT: usize = 4;

/// A text of a service or a manifest as it may be shown: on one line, without control or
/// direction characters, at most so many characters, without what could be a secret and without
/// what a pipeline would take for a command.
pub fn printable(text: &str, most: usize) -> String {
    let begin: String = text.chars().take(most.saturating_mul(LOOKED_AT)).collect();
    let shown = without_commands(&visible(&without_secrets(&begin)));
    if shown.chars().count() <= most {
        return shown;
    }
    let head: String = shown.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

/// Whether a character has no shape of its own, or changes how its neighbours are read:
/// control characters, invisible ones, and those that turn the direction of text.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Each hidden character as its number, on one line.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            hidden if is_hidden(hidden) => shown.extend(hidden.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    shown
}

/// The text with a space in what Azure Pipelines takes for a command wherever it stands, and
/// GitHub Actions where it begins a line.
pub fn without_commands(text: &str) -> String {
    let text = text.replace("##vso[", "## vso[").replace("##[", "## [");
    let text = text.replace(" ::", " : :");
    if text.starts_with("::") { format!(": {}", &text[1..]) } else { text }
}

/// The text with `****` for whatever could be a token or a signature.
fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let marker = marker(rest);
        let length = if marker == 0 { run(rest) } else { marker };
        let (part, tail) = rest.split_at(length);
        shown.push_str(if marker == 0 && is_suspect(part) { "****" } else { part });
        rest = tail;
        if marker > 0 {
            let value = rest.find(|c| !is_value(c)).unwrap_or(rest.len());
            shown.push_str(if value > 0 { "****" } else { "" });
            rest = &rest[value..];
        }
    }
    shown
}

/// How long the marker is with which the text begins; 0 if it begins with none.
fn marker(text: &str) -> usize {
    let begins = |marker: &&&str| {
        let start = text.as_bytes().get(..marker.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(marker.as_bytes()))
    };
    MARKERS.iter().find(begins).map_or(0, |marker| marker.len())
}

/// How long the run of characters of an encoding is with which the text begins; at least one
/// character, and not beyond a marker.
fn run(text: &str) -> usize {
    let mut places = text.char_indices();
    let first = places.next().map_or(0, |(_, c)| c.len_utf8());
    if !text.starts_with(is_encoding) {
        return first;
    }
    let ends = |&(place, c): &(usize, char)| !is_encoding(c) || marker(&text[place..]) > 0;
    places.find(ends).map_or(text.len(), |(place, _)| place)
}

/// Whether a character occurs in base64, base64url or percent-encoding.
fn is_encoding(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '%')
}

/// Whether a character can be a part of a secret that a marker announces.
fn is_value(c: char) -> bool {
    is_encoding(c) || matches!(c, '/' | '.' | '=' | '~')
}

/// Whether a run could be a token or a signature: long, with digits, and no GUID. Names of
/// people and programs seldom have three digits in them.
fn is_suspect(run: &str) -> bool {
    let count = |is: fn(&u8) -> bool| run.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let mixed = count(u8::is_ascii_lowercase) > 0 && count(u8::is_ascii_uppercase) > 0;
    match run.len() {
        0..24 => run.starts_with("eyJ"),
        24..40 => digits >= 3 && mixed && !is_guid(run),
        _ => digits >= 3 || (mixed && digits > 0),
    }
}

fn is_guid(run: &str) -> bool {
    run.len() == 36 && run.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_could_steer_a_terminal_is_shown_as_numbers_on_one_line() {
        assert_eq!(
            printable("it's\n\"fine\"\u{1b}[2J\u{202e}é", 99),
            "it's \"fine\"\\u{1b}[2J\\u{202e}é"
        );
    }

    #[test]
    fn what_stands_where_a_secret_stands_is_left_out_however_short() {
        assert_eq!(printable("x?sig=short&y=1", 99), "x?sig=****&y=1");
        assert_eq!(printable("x?SIG=sh/o+r.t=&y=1", 99), "x?SIG=****&y=1");
        assert_eq!(printable("x%3Fsig%3Dshort y", 99), "x%3Fsig%3D**** y");
        assert_eq!(printable("Authorization: Bearer abc.def", 99), "Authorization: Bearer ****");
    }

    #[test]
    fn what_looks_like_a_token_or_a_signature_is_left_out_wherever_it_stands() {
        for secret in [
            "aB3".repeat(15),
            "0123456789abcdef".repeat(4),
            "eyJhbGciOiJub25lIn0".to_owned(),
            "q7R2t9XbLm4Kz8Wc1Vn5Yp3D".to_owned(),
        ] {
            assert_eq!(printable(&format!("got {secret} back"), 99), "got **** back");
        }
    }

    #[test]
    fn ids_and_names_stay() {
        for harmless in [
            "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9",
            "A09E4A0D-3A1C-F011-998A-7c1e5275cfe9",
            "contoso_the_name_of_a_variable_that_is_long_for_a_name",
            "prvCreateEnvironmentVariableValue2",
            "When_a_HTTP_request_is_received",
        ] {
            assert_eq!(printable(harmless, 99), harmless);
        }
    }

    #[test]
    fn nothing_in_a_text_is_a_command_to_a_pipeline() {
        assert_eq!(printable("::set-env x::\n::error::y", 99), ": :set-env x:: : :error::y");
        assert_eq!(printable("x ##vso[task.x]##[error]y", 99), "x ## vso[task.x]## [error]y");
        assert_eq!(printable("http://[::1]:8787 a::b", 99), "http://[::1]:8787 a::b");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(printable("abcdef", 4), "abc…");
    }
}
