//! The printable view of a stored text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{CallbackUrl, Cloud, Fingerprint, StoredUrl, UrlView, printable};

/// What may be shown of a stored text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ValueView {
    /// It is the URL of a flow.
    Url(UrlView),
    /// It is a URL that leads elsewhere. It may hold a short secret that a fingerprint would
    /// let others guess, so that only its host is shown.
    Elsewhere {
        /// Where it leads.
        host: String,
    },
    /// It is something else, so that nothing but its length is shown.
    Text {
        /// How many characters it has.
        characters: usize,
    },
}

impl ValueView {
    /// Returns the printable view of a text; none if the text is empty or missing.
    pub fn from_text(text: Option<&str>, cloud: &Cloud) -> Option<Self> {
        let text = text.filter(|text| !text.is_empty())?;
        let Some(StoredUrl { url, .. }) = StoredUrl::from_text(text) else {
            return Some(Self::Text { characters: text.chars().count() });
        };
        Some(match Self::from_url(&url, cloud) {
            // Of a text with oddities, the fingerprint is that of the whole text.
            Self::Url(view) => {
                Self::Url(UrlView { fingerprint: Fingerprint::from_text(text), ..view })
            }
            other => other,
        })
    }

    /// Returns the printable view of a URL.
    pub(super) fn from_url(url: &CallbackUrl, cloud: &Cloud) -> Self {
        if cloud.serves_callbacks(&url.view().host) {
            Self::Url(url.view().clone())
        } else {
            Self::Elsewhere { host: printable(&url.view().host, 120) }
        }
    }
}

impl ValueView {
    /// Describes a value in words; "nothing" if there is none.
    pub fn describe(view: Option<&Self>) -> String {
        view.map_or_else(|| "nothing".to_owned(), ToString::to_string)
    }
}

impl fmt::Display for ValueView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(view) => {
                write!(formatter, "{} {} on {}", view.kind, view.fingerprint, view.host)
            }
            Self::Elsewhere { host } => write!(formatter, "a URL on {host}"),
            Self::Text { characters } => write!(formatter, "a text of {characters} characters"),
        }
    }
}
