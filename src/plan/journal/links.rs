//! Finds the hosts in an earlier value: a forged journal could restore one that leads elsewhere.

use std::collections::BTreeSet;

use serde_json::Value;
use url::{Host, Url};

use super::members::leaves;
use crate::model::StoredText;

/// What stands around a URL in a text.
const AROUND: &[char] = &['"', '\'', '`', '<', '>'];

/// What stands before or after a URL in a sentence.
const BESIDE: &[char] = &['(', ')', '{', '}', ',', ';', '.', '!'];

/// The schemes whose requests everybody on the way can read.
const UNENCRYPTED: [&str; 3] = ["http", "ws", "ftp"];

/// A host that a text leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    /// The host.
    pub host: String,
    /// Whether the text may be something else than a host's name, so that it is not shown.
    pub is_bare: bool,
    /// The scheme, if it is one without encryption.
    pub unencrypted: Option<&'static str>,
}

/// Lists the hosts that a text leads to: the text, or each text of a JSON document, is a URL or holds
/// some. A host needs no scheme.
pub(crate) fn links(text: &StoredText) -> BTreeSet<Link> {
    match leaves(text.expose()) {
        Some(leaves) => leaves.values().filter_map(Value::as_str).flat_map(of_value).collect(),
        None => of_value(text.expose()).collect(),
    }
}

fn of_value(text: &str) -> impl Iterator<Item = Link> {
    let ends = |character: char| {
        character.is_whitespace() || character.is_control() || AROUND.contains(&character)
    };
    let whole = text.trim();
    let words = text.split(ends).map(|word| word.trim_matches(BESIDE));
    words.filter(|word| !word.is_empty()).flat_map(move |word| of_word(word, word == whole))
}

/// Lists the hosts in one word. A word that is the whole value may be a host and nothing else.
fn of_word(word: &str, is_whole: bool) -> Vec<Link> {
    // Programs that read URLs take a backslash for a slash.
    let word = word.replace('\\', "/");
    let mut found: Vec<Link> =
        word.match_indices("//").filter_map(|at| at_slashes(&word, at.0)).collect();
    if found.is_empty() {
        let url = Url::parse(&word).ok();
        let link = url.and_then(|url| link_to(url.host_str()?, url.scheme()));
        found.extend(link.or_else(|| without_scheme(&word, is_whole)));
    }
    found
}

/// Returns the host after two slashes, unless the slashes are within a path.
fn at_slashes(word: &str, at: usize) -> Option<Link> {
    let (before, rest) = word.split_at(at);
    let url = Url::parse(&format!("https:{rest}")).ok()?;
    let Some(before) = before.strip_suffix(':') else {
        let begins = before.is_empty() || before.ends_with(['=', '(', '[', ',', ';', '|']);
        return (begins && is_host(&url)).then(|| link_to(url.host_str()?, ""))?;
    };
    let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
    link_to(url.host_str()?, before.rsplit(|character| !is_part(character)).next()?)
}

/// Returns the host at the beginning of a text that has no scheme, if a name there can be a host's.
fn without_scheme(word: &str, is_whole: bool) -> Option<Link> {
    let end = word.find(['/', '?', '#']).unwrap_or(word.len());
    let url = Url::parse(&format!("https://{word}")).ok()?;
    let is_number = matches!(url.host(), Some(Host::Ipv4(_))) && word[..end].split('.').count() < 4;
    let is_bare = !word[end..].starts_with('/') && url.port().is_none();
    if !is_host(&url) || is_number || (is_bare && !is_whole) {
        return None;
    }
    Some(Link { is_bare, ..link_to(url.host_str()?, "")? })
}

/// Checks whether the host of a URL is an address, or has a name that a host can have.
fn is_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_host_name(name),
        other => other.is_some(),
    }
}

/// Checks whether a text can be the name of a host on the internet, or is this machine's.
fn is_host_name(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit_once('.').map(|(_, last)| last);
    let is_domain = |last: &str| {
        last.starts_with("xn--")
            || last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    text == "localhost" || last.is_some_and(is_domain)
}

fn link_to(host: &str, scheme: &str) -> Option<Link> {
    let unencrypted = UNENCRYPTED.into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
    (!host.is_empty()).then(|| Link { host: host.to_owned(), is_bare: false, unencrypted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<String> {
        let shown = |link: Link| match link.unencrypted {
            Some(scheme) => format!("{scheme} {}", link.host),
            None => link.host,
        };
        links(&StoredText::new(text)).into_iter().map(shown).collect()
    }

    #[test]
    fn a_host_is_found_however_the_text_names_it() {
        for text in [
            "https://a.example/x",
            " https://A.example:8443 ",
            "HTTPS:a.example/x",
            "https:\\\\a.example\\x",
            "//a.example/x",
            "\\\\a.example\\x",
            "wss://a.example/x",
            "custom://a.example/x",
            "a.example/x",
            "a.example:8443",
            "a.example",
            "user@a.example/x",
            "see https://a.example/x, please",
            "(https://a.example/x).",
            "send it to a.example/x from now on",
            "url=https://a.example/x",
            "<a href=\"//a.example/x\">",
            r#"{"a":["https:\/\/a.example/x",{"b":7}]}"#,
            r#"{"a":"see wss://a.example"}"#,
            "https://%61.example/",
        ] {
            assert_eq!(hosts(text), ["a.example"], "{text}");
        }
        assert_eq!(hosts("http://a.example/x"), ["http a.example"]);
        assert_eq!(
            hosts("https://a.example/?next=http://b.example/"),
            ["a.example", "http b.example"]
        );
        assert_eq!(hosts("10.1.2.3/x"), ["10.1.2.3"]);
        assert_eq!(hosts("[::1]:80/x"), ["[::1]"]);
        assert!(links(&StoredText::new("a.example")).iter().all(|link| link.is_bare));
        assert!(links(&StoredText::new("a.example/x")).iter().all(|link| !link.is_bare));
        assert_eq!(hosts("localhost:8080/x"), ["localhost"]);
    }

    #[test]
    fn a_text_without_a_host_leads_nowhere() {
        for text in [
            "",
            "a password",
            "{",
            "{}",
            "1.10",
            "7",
            "v1.2.3",
            "contoso_Url",
            "orders/intake",
            "//8Jh+f0kQ/dGhlIHNlY3JldA==",
            "Sent. Then received, e.g. by mail",
            r#"{"a":1.5,"b":"x"}"#,
        ] {
            assert_eq!(hosts(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(hosts("https://a.example/x//b.example/y"), ["a.example"]);
    }
}
