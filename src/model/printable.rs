//! Text from elsewhere, made safe to print.

use std::borrow::Cow;
use std::path::Path;

use super::unmasked_names::UnmaskedNames;

/// What stands right before a secret, in any case. What is called a code is most often that of an
/// error, which has to be seen, but for the one in a query.
const MARKERS: &[&str] = &["code=", "bearer "];

/// What secrets are called, in any case.
const NAMES: &[&str] = &["sig", "signature", "token", "secret", "assertion"];

/// What stands between a name and its value; the last is `=` in percent-encoding.
const SIGNS: &[&str] = &["=", ":", "%3d"];

/// What may stand on either side of a sign.
const AROUND: &[char] = &[' ', '\t', '"', '\'', '\\'];

/// The fewest letters of a word between slashes, and of all of them, that tell a path from base64.
const SHORTEST_WORD: usize = 6;
const FEWEST_LETTERS: usize = 9;

/// The fewest characters of a run that goes on with a token after a dot. Those of hosts are shorter.
const SHORTEST_REST: usize = 16;

/// The fewest characters of a run that could be a secret.
const SHORTEST_SECRET: usize = 24;

/// The fewest characters of such a run that are left besides ids and words between hyphens or
/// underscores. What has fewer is a name.
const FEWEST_ODD_CHARACTERS: usize = 20;

/// The fewest characters without a hyphen or underscore that are not taken for words that were
/// written together: a token may be made of words, too.
const LONGEST_WORD: usize = 40;

/// The groups of digits of a GUID.
const GUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// How many times more characters of a text are looked at than are shown.
const LOOKED_AT: usize = 4;

/// Makes a text of a service or a manifest safe to show: on one line, at most `most` characters,
/// without control or direction characters, and with possible secrets masked.
pub fn printable(text: &str, most: usize) -> String {
    let shown = escape_hidden(&mask_secrets(&begin(text, most.saturating_mul(LOOKED_AT))));
    if shown.chars().count() <= most {
        return shown;
    }
    let head: String = shown.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

/// Cuts a text to at most `most` characters, and drops a run that the cut would split: the rest of
/// a secret may be too short to look like one.
fn begin(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, next)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    let head = &text[..end];
    let whole = if is_digit(next) { head.trim_end_matches(is_digit) } else { head };
    Cow::Owned(format!("{whole}…"))
}

/// Makes a path safe to show: on one line, without control or direction characters. It is never
/// shortened, since it may have to be typed.
pub fn printable_path(path: &Path) -> String {
    escape_hidden(&path.display().to_string())
}

/// Returns whether a character is invisible or changes how its neighbours are read: a control
/// character, one without a shape, or one that turns the direction of text.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Makes this program's own text, such as a command to type, safe to show: whole, on one line, with
/// each hidden character as its number.
pub fn escape_hidden(text: &str) -> String {
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

/// Returns whether a name would be masked, or would make what follows it look like a secret.
pub(super) fn is_masked(name: &str) -> bool {
    let text = format!("{name}: X1");
    mask_secrets(&text) != text && !NAMES.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// Returns whether a text announces a secret somewhere.
pub(super) fn has_marker(text: &str) -> bool {
    text.char_indices().any(|(place, _)| marker(&text[place..]) > 0)
}

/// Masks everything that could be a token or a signature with `****`, but for known names.
fn mask_secrets(text: &str) -> String {
    let names = UnmaskedNames::read();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let name = known_name(&names, text, rest);
        if name > 0 {
            shown += &rest[..name];
            rest = &rest[name..];
            continue;
        }
        let marker = marker(rest);
        let length = if marker == 0 { run(rest) } else { marker };
        let (part, tail) = rest.split_at(length);
        if marker == 0 && shown.ends_with("****.") && part.len() >= SHORTEST_REST {
            shown += "****";
        } else if marker == 0 {
            shown += &mask_run(part, &names);
        } else {
            shown += part;
        }
        rest = tail;
        if marker > 0 {
            // What follows a marker announces the same secret if it is one itself.
            while self::marker(rest) > 0 {
                rest = &rest[self::marker(rest)..];
            }
            let value = rest.find(|c| !is_value(c)).unwrap_or(rest.len());
            shown.push_str(if value > 0 { "****" } else { "" });
            rest = &rest[value..];
        }
    }
    shown
}

/// Returns the length of the known name at the beginning of the rest of a text, if nothing that may
/// belong to it stands before or after it; else 0.
fn known_name(names: &UnmaskedNames, text: &str, rest: &str) -> usize {
    let length = names.longest_at_start(rest);
    let is_whole = !text[..text.len() - rest.len()].ends_with(is_digit)
        && !rest[length..].starts_with(|next| is_digit(next) || next == '=');
    if is_whole { length } else { 0 }
}

/// Masks a run with `****` if it could be a token or a signature. A slash is a digit of base64 and
/// also separates the steps of a path; the steps of a path are checked one by one.
fn mask_run<'run>(run: &'run str, names: &UnmaskedNames) -> Cow<'run, str> {
    if !is_path(run) && !run.split('/').any(|step| names.contains(step)) {
        return Cow::Borrowed(if is_suspect(run) { "****" } else { run });
    }
    let is_shown = |step: &&str| !is_suspect(step) || names.contains(step);
    // What follows the slash after a part of a secret may be the rest of it.
    let steps: Vec<&str> = run.split('/').take_while(is_shown).collect();
    let before = steps.join("/");
    if before.len() == run.len() {
        return Cow::Borrowed(run);
    }
    let slash = if steps.is_empty() { "" } else { "/" };
    Cow::Owned(format!("{before}{slash}****"))
}

/// Returns whether a run with slashes is certainly a path: no alphabet of base64 has both slash and
/// hyphen, and long words do not occur by chance.
fn is_path(run: &str) -> bool {
    let letters: usize = run.split('/').filter(|step| is_word(step)).map(str::len).sum();
    run.contains('/') && (run.contains(['-', '_']) || letters >= FEWEST_LETTERS)
}

/// Returns whether a text is a long word in lower case, which may begin with a capital.
fn is_word(text: &str) -> bool {
    text.len() >= SHORTEST_WORD && is_lower_word(text)
}

/// Returns the length of the marker at the beginning of a text; 0 if there is none.
fn marker(text: &str) -> usize {
    let value = first_after(text, MARKERS)
        .or_else(|| NAMES.iter().find_map(|name| value(after(text, name)?)));
    value.map_or(0, |value| text.len() - value.len())
}

/// Skips the sign at the beginning of a text, with the blanks and quotes around it, and returns the
/// rest. None if there is no sign, or if a word follows a bare colon, as in `token: expired`.
fn value(text: &str) -> Option<&str> {
    let sign = text.trim_start_matches(AROUND);
    let value = first_after(sign, SIGNS)?.trim_start_matches(AROUND);
    let between = &text[..text.len() - value.len()];
    let is_bare = sign.starts_with(':') && !between.contains(['"', '\'']);
    (!is_bare || !is_prose(value)).then_some(value)
}

/// Returns whether a text begins with a word in lower case that is too short for a secret.
fn is_prose(text: &str) -> bool {
    let word = &text[..text.find(|c| !is_value(c)).unwrap_or(text.len())];
    let is_small = |byte: u8| byte.is_ascii_lowercase() || byte == b'.';
    word.len() < SHORTEST_REST && word.bytes().all(is_small)
}

/// Returns the rest of a text after the first of these words that it begins with.
fn first_after<'text>(text: &'text str, words: &[&str]) -> Option<&'text str> {
    words.iter().find_map(|word| after(text, word))
}

/// Returns the rest of a text after a word, compared without case, if the text begins with it.
fn after<'text>(text: &'text str, word: &str) -> Option<&'text str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// Returns the length of the run of encoding characters at the beginning of a text: at least one
/// character, and at most up to the next marker.
fn run(text: &str) -> usize {
    let mut places = text.char_indices();
    let first = places.next().map_or(0, |(_, c)| c.len_utf8());
    if !text.starts_with(is_digit) {
        return first;
    }
    let ends = |&(place, c): &(usize, char)| !is_digit(c) || marker(&text[place..]) > 0;
    places.find(ends).map_or(text.len(), |(place, _)| place)
}

/// Returns whether a character occurs in base64, base64url or percent-encoding.
fn is_digit(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '%' | '/')
}

/// Returns whether a character can be part of a secret after a marker.
fn is_value(c: char) -> bool {
    is_digit(c) || matches!(c, '.' | '=' | '~')
}

/// Returns whether a run could be a token or a signature: long, with digits, and neither an id nor
/// a name.
fn is_suspect(run: &str) -> bool {
    let count = |is: fn(&u8) -> bool| run.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let mixed = count(u8::is_ascii_lowercase) > 0 && count(u8::is_ascii_uppercase) > 0;
    match run.len() {
        0..SHORTEST_SECRET => run.starts_with("eyJ"),
        SHORTEST_SECRET..40 => digits >= 3 && mixed && !is_name(run),
        _ => (digits >= 3 || (mixed && digits > 0)) && !is_name(run),
    }
}

/// Returns whether a run consists of ids and of words that people choose, such as
/// `Default-<guid>`, `contoso_Order2026Url1` or `When_a_HTTP_request_is_received_2026_11`. Chance
/// makes few words: less than one signature in 10,000 looks like a name.
pub fn is_name(run: &str) -> bool {
    let parts: Vec<&str> = run.split(['-', '_']).collect();
    let mut odd: Vec<&str> = Vec::new();
    let mut rest = parts.as_slice();
    while let [first, after @ ..] = rest {
        let guid = rest.first_chunk::<{ GUID_GROUPS.len() }>().filter(|groups| is_guid(groups));
        rest = if guid.is_some() { &rest[GUID_GROUPS.len()..] } else { after };
        if guid.is_none() && !is_plain(first) {
            odd.push(first);
        }
    }
    let characters: usize = odd.iter().map(|part| part.len()).sum();
    let in_words: usize = odd.iter().map(|part| characters_in_words(part)).sum();
    let is_short = odd.iter().all(|part| part.len() < LONGEST_WORD);
    characters < FEWEST_ODD_CHARACTERS || (is_short && in_words * 4 >= characters * 3)
}

fn is_guid(groups: &[&str; GUID_GROUPS.len()]) -> bool {
    let is_hexadecimal = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq(GUID_GROUPS) && groups.iter().all(is_hexadecimal)
}

/// Returns whether a part of a name is a word, capitals such as `HTTP`, or a short number.
fn is_plain(part: &str) -> bool {
    let is_number = part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    let capitals = part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    is_number || ((capitals || is_lower_word(part)) && part.len() >= 3 && has_vowel(part))
}

/// Counts the characters of a text that are in years or in words, each of which may begin with a
/// capital: words of four letters or more, and of three if they do.
fn characters_in_words(text: &str) -> usize {
    let mut characters = 0;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let goes_on =
            if first.is_ascii_digit() { u8::is_ascii_digit } else { u8::is_ascii_lowercase };
        let length = 1 + rest.bytes().skip(1).take_while(goes_on).count();
        // A run has ASCII alone.
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        characters += if is_word_or_year(word) { length } else { 0 };
        rest = after;
    }
    characters
}

fn is_word_or_year(text: &str) -> bool {
    let least = if text.starts_with(|c: char| c.is_ascii_uppercase()) { 3 } else { 4 };
    let is_year = text.starts_with("20") && matches!(text.len(), 4 | 8);
    is_year || (text.len() >= least && has_vowel(text))
}

/// Returns whether a text is lower-case letters, the first of which may be a capital.
fn is_lower_word(text: &str) -> bool {
    let small = text.strip_prefix(|first: char| first.is_ascii_uppercase()).unwrap_or(text);
    small.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn has_vowel(text: &str) -> bool {
    text.contains(|c: char| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y'))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

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
    fn blanks_and_quotes_between_a_name_and_its_secret_make_no_difference() {
        for (text, wanted) in [
            (r#"{"sig" : "x", "y": 1}"#, r#"{"sig" : "****", "y": 1}"#),
            (r#"{\"sig\":\"x\"}"#, r#"{\"sig\":\"****\"}"#),
            ("sig = x y", "sig = **** y"),
            (r#"access_token": "x""#, r#"access_token": "****""#),
            ("Client_Secret: 'x'", "Client_Secret: '****'"),
            ("Signature: x1", "Signature: ****"),
            ("Signature: Q", "Signature: ****"),
            (
                "with `id-token: write`; the token: expired.",
                "with `id-token: write`; the token: expired.",
            ),
            ("token: Bearer x", "token: ****"),
        ] {
            assert_eq!(printable(text, 99), wanted);
        }
    }

    #[test]
    fn the_code_of_an_error_and_a_name_without_a_value_stay() {
        for harmless in [
            r#"{"error":{"code":"0x80040217","message":"gone"}}"#,
            "the token is too old, the secret has no value",
            "status code: 404",
        ] {
            assert_eq!(printable(harmless, 99), harmless);
        }
    }

    #[test]
    fn a_secret_that_is_cut_leaves_no_piece_behind() {
        let secret = "q7R2t9XbLm4Kz8Wc1Vn5Yp3Dh6Gs";
        // What is covered makes room for what stands at the border.
        let before = format!("{} ", "aB3".repeat(12)).repeat(4);
        for blanks in 0..12 {
            let text = format!("{before}{}{secret}", " ".repeat(blanks));
            let shown = printable(&text, 160 / LOOKED_AT);
            assert!(!shown.contains('q'), "{shown}");
        }
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
    fn a_signature_in_base64_leaves_no_piece_behind_where_its_slashes_are() {
        let signatures =
            (0..5_000_u32).map(|seed| STANDARD.encode(Sha256::digest(seed.to_be_bytes())));
        // One without digits could be a name.
        let has_digit = |text: &String| text.bytes().any(|byte| byte.is_ascii_digit());
        for signature in signatures.filter(has_digit) {
            let shown = printable(&format!("the signature '{signature}' is not valid"), 200);
            assert_eq!(shown, "the signature '****=' is not valid", "{signature}");
        }
    }

    #[test]
    fn the_rest_of_a_token_is_left_out_where_nothing_but_the_token_tells_what_it_is() {
        let rest = "feiXud_lnCvGQXz-yC_YKpYRrScEQHbzrgnUKyTRyYEU";
        assert_eq!(
            printable(&format!("got eyJhbGciOi.eyJhdWQiOi.{rest} back"), 99),
            "got ****.****.**** back"
        );
        let host = format!("at {}.environment.api.powerplatform.com", "a1B2".repeat(8));
        assert_eq!(printable(&host, 99), "at ****.environment.api.powerplatform.com");
    }

    #[test]
    fn the_steps_of_a_path_are_looked_at_one_by_one() {
        let secret = "aB3".repeat(15);
        assert_eq!(
            printable(&format!("/providers/environments/{secret}/x1 is gone"), 99),
            "/providers/environments/**** is gone"
        );
    }

    #[test]
    fn a_path_is_shown_on_one_line_and_whole() {
        let path = format!("a\n\u{1b}[2J/{}", "aB3".repeat(15));
        let shown = printable_path(Path::new(&path));
        assert_eq!(shown, format!("a \\u{{1b}}[2J/{}", "aB3".repeat(15)));
    }

    proptest! {
        #[test]
        fn what_a_marker_announces_leaves_no_tail(
            marker in prop::sample::select(vec!["sig=", "SIG%3D", "\"sig\": \"", "signature=", "token="]),
            value in "[A-Za-z0-9+/_-]{1,60}={0,2}",
            before in "[ -~]{0,20} ",
            after in "[ \"'&,;)].{0,20}",
        ) {
            let shown = printable(&format!("{before}{marker}{value}{after}"), 400);
            let wanted = format!("{marker}****");
            prop_assert!(shown.contains(&wanted), "{shown}");
            prop_assert_eq!(
                shown.split_once(&wanted).map(|(_, rest)| rest.chars().next()),
                Some(after.chars().next())
            );
        }

        #[test]
        fn whatever_comes_is_shown_on_one_line_of_a_bounded_length(text in any::<String>(), most in 1..99_usize) {
            let shown = printable(&text, most);
            prop_assert!(!shown.contains(is_hidden), "{:?}", shown);
            prop_assert!(shown.chars().count() <= most);
        }
    }

    #[test]
    fn ids_and_names_stay() {
        for harmless in [
            "/api/data/v9.2/environmentvariablevalues(3)/Microsoft/Orders2026/x",
            "/workflows/a09e4a0d-3a1c-f011-998a-7c1e5275cfe9/triggers/manual/paths/invoke",
            "environment-variable/contoso_Order2026Url1",
            "23/11/2026 and 1/2/3",
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
    fn what_people_call_things_is_shown_however_long_and_with_digits() {
        for name in [
            "Default-7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d",
            "default-7D1F0C2E-9A53-4B8E-8F4E-2F6D0A1B3C4D",
            "When_a_HTTP_request_is_received_2026_11_30_v2",
            "When_an_HTTP_request_is_received_SAP_S4_HANA_2026",
            "contoso_Order2026Url1_v2_for_the_long_name_3",
            "ContosoOrderIntake2026Url1Production3",
            "OrderUrl2026V2ForTheNewERP12",
            "HttpTrigger2026Q1Region12Contoso",
            "Orders_2026Q1_2026Q2_Region_EU1",
            "new_sharedcommondataserviceforapps_9f3b2",
            "Post_to_Teams_20261130_v12_B2B",
            "OrderIntake-A09E4A0D-3A1C-F011-998A-7C1E5275CFE9",
        ] {
            assert_eq!(
                printable(&format!("trigger = \"{name}\""), 99),
                format!("trigger = \"{name}\"")
            );
        }
    }

    #[test]
    fn a_secret_that_follows_a_name_is_left_out_with_it() {
        let secret = "q7R2t9XbLm4Kz8Wc1Vn5Yp3Dh6Gs";
        for name in ["contoso_orders_", "Default-7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d_"] {
            assert_eq!(printable(&format!("got {name}{secret} back"), 99), "got **** back");
        }
    }

    #[test]
    fn signatures_and_keys_are_not_taken_for_names() {
        let shown = |text: &str| printable(text, 200) != "****";
        let digests = (0..20_000_u32).map(|seed| Sha256::digest(seed.to_be_bytes()));
        let has_digits = |text: &String| text.bytes().filter(u8::is_ascii_digit).count() >= 3;
        let urlsafe = digests.clone().map(|digest| URL_SAFE_NO_PAD.encode(digest));
        assert_eq!(urlsafe.filter(has_digits).filter(|text| shown(text)).count(), 0);
        let hexadecimal = digests.map(|digest| format!("{digest:x}"));
        assert_eq!(hexadecimal.filter(|text| shown(text)).count(), 0);
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(printable("abcdef", 4), "abc…");
    }
}
