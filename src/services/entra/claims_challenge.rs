//! The challenge with which an API refuses a token that proves too little, and says what the
//! next one must prove: <https://learn.microsoft.com/entra/identity-platform/claims-challenge>.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value};

use super::challenge::split_value;
use crate::http::Answer;

/// The most characters of encoded claims that are read.
const MOST_CHARACTERS: usize = 8 * 1024;

/// The status of an answer that asks for another token.
const UNAUTHORIZED: u16 = 401;

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One challenge of a header.
struct SchemeChallenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

/// Returns the claims that the next token must prove, as the text of a JSON object: the `claims` of
/// a challenge `Bearer` with `error="insufficient_claims"`. Every other challenge has none.
pub fn claims_challenge(answer: &Answer) -> Option<String> {
    if answer.status != UNAUTHORIZED {
        return None;
    }
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(parse_challenges).find_map(|challenge| challenge.insufficient_claims())
}

impl SchemeChallenge {
    /// Returns the claims, if this is the challenge that has some.
    fn insufficient_claims(&self) -> Option<String> {
        let asks = self.scheme.eq_ignore_ascii_case("bearer")
            && self.find_parameter("error") == Some("insufficient_claims");
        self.find_parameter("claims").filter(|_| asks).and_then(decode_claims)
    }

    /// Finds the value of a parameter.
    fn find_parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Parses the challenges of one header, each a scheme and its parameters, all separated by commas
/// ([RFC 9110 section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
fn parse_challenges(text: &str) -> Vec<SchemeChallenge> {
    let mut challenges: Vec<SchemeChallenge> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let end = rest.find(['=', ',']).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        let mut words = head.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next());
        let Some(text) = tail.strip_prefix('=') else {
            challenges.extend(begin_challenge(first));
            rest = tail;
            continue;
        };
        if second.is_some() {
            challenges.extend(begin_challenge(first));
        }
        let (text, after) = split_value(text.trim_start());
        rest = after;
        if let Some(challenge) = challenges.last_mut() {
            challenge.parameters.push((second.unwrap_or(first).to_owned(), text));
        }
    }
    challenges
}

/// Begins a challenge with a scheme.
fn begin_challenge(scheme: &str) -> Option<SchemeChallenge> {
    let challenge = || SchemeChallenge { scheme: scheme.to_owned(), parameters: Vec::new() };
    (!scheme.is_empty()).then(challenge)
}

/// Decodes the text of a JSON object, in either alphabet of base64.
fn decode_claims(text: &str) -> Option<String> {
    if text.len() > MOST_CHARACTERS {
        return None;
    }
    let standard = text.replace('-', "+").replace('_', "/");
    let json = String::from_utf8(BASE64.decode(standard).ok()?).ok()?;
    serde_json::from_str::<Map<String, Value>>(&json).ok()?;
    Some(json)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use http::HeaderMap;
    use http::header::HeaderValue;

    use super::*;

    /// Claims whose encoding needs padding and the characters in which the alphabets differ.
    const CLAIMS: &str =
        "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"~~~???>>>>\"}}}";

    fn read(status: u16, values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
        }
        claims_challenge(&Answer::new(status, headers, Vec::new()))
    }

    fn bearer(claims: &str) -> String {
        format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"")
    }

    #[test]
    fn claims_are_read_in_either_alphabet_with_or_without_padding() {
        let encoded = [
            STANDARD.encode(CLAIMS),
            STANDARD_NO_PAD.encode(CLAIMS),
            URL_SAFE.encode(CLAIMS),
            URL_SAFE_NO_PAD.encode(CLAIMS),
        ];
        assert_ne!(encoded[0], encoded[2]);
        assert_ne!(encoded[0], encoded[1]);
        for claims in encoded {
            assert_eq!(read(401, &[&bearer(&claims)]).as_deref(), Some(CLAIMS), "{claims}");
        }
    }

    #[test]
    fn the_challenge_is_found_among_others_and_in_any_case() {
        let claims = STANDARD_NO_PAD.encode(CLAIMS);
        let forms = [
            format!("Negotiate, Basic realm=\"a, b\", {}", bearer(&claims)),
            format!("Negotiate YWJj==, {}", bearer(&claims)),
            format!("Bearer realm=\"x\", {}", bearer(&claims)),
            format!("bearer ERROR = \"insufficient_claims\" , Claims={claims}"),
            format!("{}, Basic realm=\"x\"", bearer(&claims)),
            format!(
                "Bearer authorization_uri=\"https://login.example.com/\",error=\"insufficient_claims\",claims=\"{claims}\""
            ),
        ];
        for form in forms {
            assert_eq!(read(401, &[&form]).as_deref(), Some(CLAIMS), "{form}");
            assert_eq!(read(401, &["Negotiate", &form]).as_deref(), Some(CLAIMS), "{form}");
        }
    }

    #[test]
    fn other_challenges_have_no_claims() {
        let claims = STANDARD.encode(CLAIMS);
        let forms = [
            "Bearer".to_owned(),
            "Bearer error=\"insufficient_claims\"".to_owned(),
            format!("Bearer error=\"invalid_token\", claims=\"{claims}\""),
            format!("Bearer claims=\"{claims}\""),
            format!("PoP error=\"insufficient_claims\", claims=\"{claims}\""),
            format!("Basic realm=\"Bearer error=insufficient_claims, claims={claims}\""),
            format!("Bearer error=\"insufficient_claims\", PoP claims=\"{claims}\""),
            format!("error=\"insufficient_claims\", claims=\"{claims}\""),
        ];
        for form in forms {
            assert_eq!(read(401, &[&form]), None, "{form}");
        }
        assert_eq!(read(403, &[&bearer(&claims)]), None);
        assert_eq!(read(200, &[&bearer(&claims)]), None);
    }

    #[test]
    fn what_is_no_bounded_json_object_is_refused() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MOST_CHARACTERS));
        for claims in ["[]", "\"text\"", "1", "{", "", "{} {}", &long] {
            assert_eq!(read(401, &[&bearer(&STANDARD.encode(claims))]), None);
        }
        assert_eq!(read(401, &[&bearer("not base64 at all")]), None);
        assert_eq!(read(401, &[&bearer(&STANDARD.encode(b"{\"a\":\"\xff\"}"))]), None);
        assert_eq!(read(401, &[&bearer(&STANDARD.encode("{}"))]).as_deref(), Some("{}"));
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_stumble(text in "[ -~]{0,200}") {
            let header = format!("Bearer error=\"insufficient_claims\", {text}");
            let claims = read(401, &[&text, &header]);
            proptest::prop_assert_eq!(claims, None);
        }
    }
}
