//! The `Prefer` header.

use super::super::message::{Answer, Call};

/// What the client prefers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// To get the row that was written.
    pub(crate) representation: bool,
    /// To get these annotations.
    pub(crate) annotations: Vec<String>,
    /// To get pages of this size.
    pub(crate) page: Option<usize>,
    /// To go on after a failed operation of a batch.
    pub(crate) continue_on_error: bool,
}

impl Preferences {
    /// Reads the header, which may come several times and hold several preferences.
    pub(crate) fn of(call: &Call) -> Self {
        let mut preferences = Self::default();
        for value in call.headers.get_all("prefer") {
            for part in split(value.to_str().unwrap_or_default()) {
                preferences.add(&part);
            }
        }
        preferences
    }

    fn add(&mut self, part: &str) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"');
        match name.trim() {
            "return" => self.representation = value == "representation",
            "odata.include-annotations" => {
                self.annotations = value.split(',').map(|name| name.trim().to_owned()).collect();
            }
            "odata.maxpagesize" => self.page = value.parse().ok().filter(|size| *size > 0),
            "odata.continue-on-error" => self.continue_on_error = value != "false",
            _ => {}
        }
    }

    /// Tells whether an annotation is wanted: by its name, by a pattern such as `Microsoft.*`, or by `*`.
    pub(crate) fn wants(&self, annotation: &str) -> bool {
        self.annotations.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(start) => annotation.starts_with(start),
            None => wanted == annotation,
        })
    }

    /// Notes in an answer which preferences were applied.
    pub(crate) fn note(&self, answer: &mut Answer) {
        let mut applied = Vec::new();
        if self.representation {
            applied.push("return=representation".to_owned());
        }
        if !self.annotations.is_empty() {
            applied.push(format!("odata.include-annotations=\"{}\"", self.annotations.join(",")));
        }
        if let Some(page) = self.page {
            applied.push(format!("odata.maxpagesize={page}"));
        }
        if !applied.is_empty() {
            answer.set("preference-applied", &applied.join(","));
        }
    }
}

/// Splits at commas outside quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        quoted ^= letter == '"';
        if letter == ',' && !quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}
