//! The instructions with which a person approves a sign-in.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::model::{is_https_or_loopback, printable};
use crate::sign_in::AuthError;

/// The maximum length of a text that is shown, in characters.
const MAX_CHARACTERS: usize = 1000;

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
    /// Makes a prompt from the server's answer.
    ///
    /// # Errors
    /// The page is neither https nor on this machine.
    pub(in crate::sign_in) fn new(
        page: &str,
        user_code: &str,
        message: Option<&str>,
        expires_in: Duration,
    ) -> Result<Self, AuthError> {
        let url = Url::parse(page).ok().filter(is_https_or_loopback);
        let message = message.map(|text| printable(&without_controls(text), MAX_CHARACTERS));
        let untrusted = || AuthError::UntrustedPage { page: printable(page, MAX_CHARACTERS) };
        Ok(Self {
            verification_uri: url.ok_or_else(untrusted)?.into(),
            user_code: printable(&without_controls(user_code), MAX_CHARACTERS),
            message: message.filter(|text| !text.is_empty()),
            expires_in,
        })
    }
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

    fn prompt(page: &str) -> Result<DeviceCodePrompt, AuthError> {
        let message = Some("open\r\nthe \u{1b}[31mpage");
        DeviceCodePrompt::new(page, "AB\u{7}CD", message, Duration::from_mins(15))
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
        assert!(prompt("http://127.0.0.1:8787/devicelogin").is_ok());
        for page in ["http://login.example.com/device", "javascript:alert(1)", "x"] {
            let refused = prompt(page).unwrap_err();
            assert!(matches!(refused, AuthError::UntrustedPage { .. }), "{page}");
        }
    }
}
