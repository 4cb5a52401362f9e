//! Values that must never be printed: their `Debug` hides them and they have no `Display`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::note_secret;

/// The variables of the process that hold this program's own secrets: no manifest can name them.
pub const OWN_SECRETS: [&str; 4] = [
    "FLOWBIND_REFRESH_TOKEN",
    "FLOWBIND_STORE_KEY",
    "FLOWBIND_DATAVERSE_TOKEN",
    "FLOWBIND_FLOW_TOKEN",
];

/// Defines a secret text with a meaning. A function is called with each such text.
macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        secret_text! { $(#[$doc])* $name, |_| () }
    };
    ($(#[$doc:meta])* $name:ident, $note:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Wraps a text.
            pub fn new(text: impl Into<String>) -> Self {
                let text = text.into();
                let note: fn(&str) = $note;
                note(&text);
                Self(SecretString::from(text))
            }

            /// Exposes the text, for the one place that sends it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(****)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.expose() == other.expose()
            }
        }

        impl Eq for $name {}
    };
}

secret_text! {
    /// A bearer token for one audience.
    AccessToken, note_secret
}
secret_text! {
    /// The token from which access tokens are made.
    RefreshToken, note_secret
}
secret_text! {
    /// What an application proves itself by, as a text that it shares with Entra.
    ClientSecret, note_secret
}
secret_text! {
    /// What an application proves itself by, as a signed token of a few minutes (RFC 7523).
    ClientAssertion, note_secret
}
secret_text! {
    /// A certificate and its private key, as PEM.
    CertificatePem
}
secret_text! {
    /// The part of a callback URL that lets whoever has it call: the value of its `sig`.
    Signature, note_secret
}
secret_text! {
    /// What a variable or a column holds now: it may be, or contain, a signed URL.
    StoredText
}

/// The version of a row as Dataverse tells it, such as `W/"84172786"`: opaque, and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// Takes a tag as the service sent it; none if it could not be sent back in a header.
    pub fn new(text: &str) -> Option<Self> {
        let printable = |byte: u8| (0x20..0x7f).contains(&byte);
        let usable = !text.is_empty() && text.len() <= 256 && text.bytes().all(printable);
        usable.then(|| Self(text.to_owned()))
    }

    /// Returns the tag as the service sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_name_and_nothing_else() {
        let token = AccessToken::new("made-up-token");
        assert_eq!(
            format!("{token:?} {:?}", Some(&token)),
            "AccessToken(****) Some(AccessToken(****))"
        );
    }

    #[test]
    fn a_tag_that_would_break_a_header_is_not_one() {
        assert!(EntityTag::new("W/\"1\"").is_some());
        assert!(EntityTag::new("W/\"1\"\r\nX: y").is_none());
    }
}
