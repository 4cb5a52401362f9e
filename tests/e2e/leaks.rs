//! One search for every test that looks for secrets: whole, URL-decoded and -encoded, in base64, and
//! in every part of sixteen characters.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// How many characters of a secret are too many.
const PART: usize = 16;

/// What an address or a form encodes.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The members of answers, and the fields of forms and addresses, whose values are secrets.
const MEMBERS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "device_code", "oidcToken", "value"];
const FIELDS: [&str; 7] = [
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "client_secret",
    "client_assertion",
    "assertion",
];

/// What must not be seen.
#[derive(Default)]
pub(crate) struct Secrets {
    known: BTreeSet<String>,
    /// Each part of each form, with what the form is called.
    parts: HashMap<[u8; PART], &'static str>,
}

impl Secrets {
    /// Those secrets.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        secrets.into_iter().for_each(|secret| all.add(secret));
        all
    }

    /// Adds a secret in each form in which it could be seen.
    pub(crate) fn add(&mut self, secret: &str) {
        assert!(secret.len() >= PART, "a secret of a test is long enough to be told from a word");
        if !self.known.insert(secret.to_owned()) {
            return;
        }
        let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
        let encoded = utf8_percent_encode(&decoded, &ENCODED).to_string();
        self.add_form(secret.as_bytes(), "as it is");
        self.add_form(decoded.as_bytes(), "URL-decoded");
        self.add_form(encoded.as_bytes(), "URL-encoded");
        for text in [secret, &decoded] {
            self.add_base64(text.as_bytes());
        }
    }

    /// Adds what is secret in a sandbox's state: keys, codes and signatures.
    pub(crate) fn add_state(&mut self, text: &str) {
        let state: Value = serde_json::from_str(text).unwrap();
        for key in ["token_key", "callback_key"] {
            let key: Vec<u8> = serde_json::from_value(state[key].clone()).unwrap();
            self.add_base64(&key);
            self.add(&key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat());
            self.add(&key.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        }
        for codes in ["sessions", "authorizations"] {
            state[codes].as_object().unwrap().keys().for_each(|code| self.add(code));
        }
        self.add_signatures(text);
    }

    /// Adds what is secret in the traffic with services: by name, borne in a header, and signatures.
    pub(crate) fn add_traffic(&mut self, text: &str) {
        for secret in named(text) {
            self.add(&secret);
        }
        self.add_signatures(text);
    }

    /// How many are known.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    /// Whether that one is known.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        self.known.contains(secret)
    }

    /// Fails if a part of a secret is in what is called so.
    pub(crate) fn assert_absent(&self, name: &str, content: impl AsRef<[u8]>) {
        if let Some(leak) = self.find(content.as_ref()) {
            panic!("{name} shows a part of a secret {leak}");
        }
    }

    /// The first part of a secret in a content: in which form, and where.
    fn find(&self, content: &[u8]) -> Option<String> {
        let mut windows = content.windows(PART).enumerate();
        windows.find_map(|(at, part)| {
            let form = self.parts.get(part)?;
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let (before, rest) =
                (text(&content[at.saturating_sub(200)..at]), &content[at + PART..]);
            let after = text(&rest[..rest.len().min(50)]);
            Some(format!("{form}: …{before}>>>{}<<<{after}…", text(part)))
        })
    }

    fn add_signatures(&mut self, text: &str) {
        for rest in text.split("sig=").skip(1) {
            let end = |c: char| !c.is_ascii_alphanumeric() && !"-_%.~".contains(c);
            let signature = rest.split(end).next().unwrap_or_default();
            if signature.len() >= 40 {
                self.add(signature);
            }
        }
    }

    fn add_form(&mut self, form: &[u8], name: &'static str) {
        for part in form.windows(PART) {
            self.parts.entry(part.try_into().unwrap()).or_insert(name);
        }
    }

    /// Adds what base64 makes of a secret, wherever in a longer text it stands: only what depends
    /// on nothing that stands before or after it.
    fn add_base64(&mut self, secret: &[u8]) {
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let bytes = [&[0; 2][..before], secret].concat();
            let whole = bytes.len() * 8 / 6;
            for coded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                self.add_form(&coded.as_bytes()[skipped..whole], "in base64");
            }
        }
    }
}

/// The values of a traffic that are secrets by their names, or borne in a header.
fn named(traffic: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in MEMBERS {
        for rest in traffic.split(&format!("\"{name}\":\"")).skip(1) {
            found.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    for name in FIELDS {
        for before in ["&", "?", "\r\n\r\n"] {
            for rest in traffic.split(&format!("{before}{name}=")).skip(1) {
                let end = |c: char| c == '&' || c.is_whitespace() || !c.is_ascii_graphic();
                let value = rest.split(end).next().unwrap_or_default();
                found.insert(value.split("HTTP/1.").next().unwrap().to_owned());
            }
        }
    }
    for rest in traffic.split("earer ").skip(1) {
        let token: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        found.insert(token);
    }
    found.retain(|text| {
        text.len() >= 20 && !text.starts_with("http") && !text.contains("authorization_uri")
    });
    found
}

const PLANTED: &str = "m%40de~up/Secret+Of_this%2Ftest-0046==";

/// Texts that show that secret, each in another way.
fn leaking() -> Vec<(&'static str, String)> {
    let decoded = percent_decode_str(PLANTED).decode_utf8_lossy().into_owned();
    let mut texts = vec![
        ("whole", format!("token={PLANTED};")),
        ("decoded", format!("token {decoded}.")),
        ("encoded", utf8_percent_encode(&decoded, &ENCODED).to_string()),
        ("part", format!("x{}y", &PLANTED[7..7 + PART])),
        ("first", PLANTED[..PART].to_owned()),
        ("last", decoded[decoded.len() - PART..].to_owned()),
    ];
    for secret in [PLANTED, &decoded] {
        for before in ["", "a", "ab", "abc"] {
            let text = format!("{before}{secret}ü");
            texts.push(("base64", STANDARD_NO_PAD.encode(&text)));
            texts.push(("base64url", format!("x {}", URL_SAFE_NO_PAD.encode(&text))));
        }
    }
    texts
}

#[test]
fn a_secret_that_leaks_in_any_form_is_found() {
    let secrets = Secrets::of([PLANTED]);
    for (how, text) in leaking() {
        assert!(secrets.find(text.as_bytes()).is_some(), "{how}: {text}");
    }
    let leak = secrets.find(format!("at {PLANTED}.").as_bytes()).unwrap();
    assert!(leak.starts_with("as it is: …at >>>m%40de~"), "{leak}");
}

#[test]
fn fifteen_characters_and_other_texts_are_no_leak() {
    let secrets = Secrets::of([PLANTED]);
    for text in [&PLANTED[3..3 + PART - 1], "made-up/secret-of-another-test-0047", ""] {
        assert_eq!(secrets.find(text.as_bytes()), None, "{text}");
    }
}

#[test]
#[should_panic(expected = "a log shows a part of a secret as it is")]
fn a_leak_fails_a_test() {
    Secrets::of([PLANTED]).assert_absent("a log", PLANTED);
}

#[test]
fn what_is_secret_in_traffic_is_known() {
    let traffic = "POST /token HTTP/1.1\r\nAuthorization: Bearer made-up-token-of-a-header\r\n\r\ngrant_type=x&device_code=made-up-device-code-1&code_verifier=made-up-verifier-00001HTTP/1.1 200 OK\r\n\r\n{\"refresh_token\":\"made-up-refresh-token-1\",\"value\":\"https://x/?sp=1&sig=made-up-signature-that-is-long-enough-01&sv=1\"}";
    let mut secrets = Secrets::default();
    secrets.add_traffic(traffic);
    for secret in [
        "made-up-token-of-a-header",
        "made-up-device-code-1",
        "made-up-verifier-00001",
        "made-up-refresh-token-1",
        "made-up-signature-that-is-long-enough-01",
    ] {
        assert!(secrets.knows(secret), "{secret}");
    }
    assert_eq!(secrets.count(), 5);
}
