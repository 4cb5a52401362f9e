//! The instructions with which a person approves a sign-in.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::model::{Event, printable};
use crate::sign_in::{Application, AuthError};

/// The maximum length of a text that is shown, in characters.
const MAX_CHARACTERS: usize = 1000;

/// The maximum length of a code. Those of Entra have 9 characters.
const MAX_CODE_CHARACTERS: usize = 64;

/// A page and the code to enter there: the server's own words, made safe to print.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCodePrompt {
    /// The page to open.
    pub verification_uri: String,
    /// The code to enter there.
    pub user_code: String,
    /// The server's sentence with both, if it sent one.
    pub message: Option<String>,
    /// The lifetime of the code.
    pub expires_in: Duration,
}

impl DeviceCodePrompt {
    /// Makes a prompt from the server's answer. Its sentence is left out if it names another address
    /// than the page.
    ///
    /// # Errors
    /// The page is at no host where people sign in.
    pub(in crate::sign_in) fn new(
        application: &Application,
        page: &str,
        user_code: &str,
        message: Option<&str>,
        expires_in: Duration,
    ) -> Result<Self, AuthError> {
        let url = Url::parse(page).ok().filter(|url| application.trusts_page(url));
        let untrusted = || AuthError::UntrustedPage { page: printable(page, MAX_CHARACTERS) };
        let verification_uri = String::from(url.ok_or_else(untrusted)?);
        let message = message.map(|text| printable(&without_controls(text), MAX_CHARACTERS));
        let message = message.filter(|text| names_only(text, &verification_uri));
        Ok(Self {
            verification_uri,
            user_code: letters_and_digits(user_code),
            message: message.filter(|text| !text.is_empty()),
            expires_in,
        })
    }

    /// Returns the event that a person is to enter the code.
    pub(in crate::sign_in) fn event(&self) -> Event<'_> {
        Event::SignIn {
            verification_uri: &self.verification_uri,
            user_code: &self.user_code,
            message: self.message.as_deref(),
            expires_in: self.expires_in,
            approves_itself: false,
        }
    }
}

/// Checks whether a sentence names no other address than this one: a person would open it.
fn names_only(sentence: &str, address: &str) -> bool {
    let rest = sentence.replace(address, " ");
    let is_address = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.contains(['.', '/', ':', '@', '\\', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
    };
    !rest.split_whitespace().any(is_address)
}

/// Leaves out of a code what is no part of one, such as another sentence or an address.
fn letters_and_digits(code: &str) -> String {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    code.chars().filter(is_part).take(MAX_CODE_CHARACTERS).collect()
}

/// Joins the text into one line without control characters, which could steer a terminal.
fn without_controls(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).collect()
}

impl fmt::Debug for DeviceCodePrompt {
    /// Hides the code: whoever has it first could have the person approve another sign-in.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DeviceCodePrompt({}, ****)", self.verification_uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::Authority;

    fn application(authority: &str) -> Application {
        let clouds = crate::model::Clouds::embedded().unwrap();
        let cloud = clouds.get(if authority.contains("127") { "sandbox" } else { "public" });
        Application {
            authority: Authority::new(&authority.parse().unwrap(), "contoso".parse().unwrap()),
            client_id: "app-1".parse().unwrap(),
            code_pages: cloud.unwrap().code_pages(),
        }
    }

    fn prompt_with(
        authority: &str,
        page: &str,
        message: &str,
    ) -> Result<DeviceCodePrompt, AuthError> {
        let time = Duration::from_mins(15);
        DeviceCodePrompt::new(&application(authority), page, "AB\u{7}CD", Some(message), time)
    }

    fn prompt(page: &str) -> Result<DeviceCodePrompt, AuthError> {
        prompt_with("https://login.example.com", page, "open\r\nthe \u{1b}[31mpage")
    }

    #[test]
    fn a_prompt_is_the_servers_words_made_safe_to_print() {
        let prompt = prompt("https://login.example.com/device").unwrap();
        assert_eq!(prompt.verification_uri, "https://login.example.com/device");
        assert_eq!(prompt.user_code, "ABCD");
        assert_eq!(prompt.message.as_deref(), Some("open the [31mpage"));
        assert!(!format!("{prompt:?}").contains("ABCD"));
    }

    #[test]
    fn nobody_is_sent_to_a_page_that_others_can_read_or_forge() {
        let here = "http://127.0.0.1:8787";
        assert!(prompt_with(here, "http://127.0.0.1:8787/devicelogin", "").is_ok());
        assert!(prompt_with(here, "http://localhost:9000/device", "").is_ok());
        assert!(prompt("http://127.0.0.1:8787/devicelogin").is_err());
        for page in ["http://login.example.com/device", "javascript:alert(1)", "x"] {
            let refused = prompt(page).unwrap_err();
            assert!(matches!(refused, AuthError::UntrustedPage { .. }), "{page}");
        }
    }

    #[test]
    fn nobody_is_sent_to_a_host_where_the_cloud_signs_nobody_in() {
        for page in [
            "https://microsoft.com/devicelogin",
            "https://www.microsoft.com/link",
            "https://login.microsoft.com/device",
            "https://login.microsoftonline.com/device",
        ] {
            assert!(prompt(page).is_ok(), "{page}");
        }
        for page in [
            "https://microsoft.com.evil.example/devicelogin",
            "https://evil.example/devicelogin",
            "https://microsoft.com:8443/devicelogin",
            "https://microsoft.com@evil.example/",
            "https://somebody@microsoft.com/devicelogin",
            "http://127.0.0.1:8787/devicelogin",
        ] {
            assert!(matches!(prompt(page), Err(AuthError::UntrustedPage { .. })), "{page}");
        }
        let here = "http://127.0.0.1:8787";
        for page in ["http://evil.example:8787/devicelogin", "https://microsoft.com/devicelogin"] {
            assert!(prompt_with(here, page, "").is_err(), "{page}");
        }
    }

    #[test]
    fn a_sentence_that_names_another_address_is_not_shown() {
        let page = "https://microsoft.com/devicelogin";
        let message = |text: &str| prompt_with(page, page, text).unwrap().message;
        let usual = format!("To sign in, open the page {page} and enter the code ABCD.");
        assert_eq!(message(&usual), Some(usual.clone()));
        for more in [
            "or https://evil.example/",
            "or go to evil.example",
            "(evil.example)",
            ".evil.example",
            "or mail the code to somebody@evil",
            "or open evil\u{3002}example",
        ] {
            let sentence = format!("To sign in, open the page {page} {more} and enter ABCD");
            assert_eq!(message(&sentence), None, "{more}");
        }
        let code = letters_and_digits("ABC-1. Then open https://evil.example");
        assert_eq!(code, "ABC-1Thenopenhttpsevilexample");
    }
}
