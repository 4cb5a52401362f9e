//! Reads a body as JSON, and says what is wrong with one that is not.
//!
//! `serde_json` quotes the text it stumbles over, and that text may be a token or a signed
//! URL. So its errors end here: what leaves is a place and a kind.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::Answer;

/// The byte order mark that some services put before their JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a missing field's error begins with: the only case where a name may be told, since it
/// is one of our own.
const MISSING_FIELD: &str = "missing field `";

/// What stands for a media type that is not shown.
const ANOTHER_TYPE: &str = "another type";

/// How a body is not what was expected. It never holds a part of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The service says that it is something else than JSON, such as an HTML error page.
    #[error("the response has the type `{0}`, but JSON was expected")]
    NotJson(String),
    /// The body is empty.
    #[error("the response is empty, but JSON was expected")]
    Empty,
    /// The body ends in the middle.
    #[error("the JSON ends too early, at line {line}, column {column}")]
    Truncated {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The body breaks the grammar of JSON.
    #[error("the JSON is malformed at line {line}, column {column}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A field that this program needs is not there.
    #[error("the JSON object that ends at line {line}, column {column} has no `{name}`")]
    Missing {
        /// The name of the field.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A value has another type or form than this program expects.
    #[error("the JSON has a value of an unexpected type or format at line {line}, column {column}")]
    Unexpected {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
}

impl Answer {
    /// Reads the body as JSON, with or without a byte order mark.
    ///
    /// # Errors
    /// What is wrong with it, by line and column; never the text itself.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let body = self.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|error| explain_error(self, body, &error))
    }

    /// Describes an answer that should have been another: by its status, its length or its type,
    /// without a part of its body.
    pub fn describe_unexpected(&self) -> String {
        if (300..400).contains(&self.status) {
            return "a redirect, which is not followed".to_owned();
        }
        if self.body.trim_ascii().is_empty() {
            return "no body".to_owned();
        }
        match other_type(self) {
            Some(kind) => format!("a body of the type `{kind}`"),
            None if self.json::<IgnoredAny>().is_ok() => "unexpected JSON".to_owned(),
            None => "a body that is not JSON".to_owned(),
        }
    }
}

/// Explains what is wrong without a word of the body.
fn explain_error(answer: &Answer, body: &[u8], error: &serde_json::Error) -> DecodeError {
    let other = other_type(answer);
    if let (Some(kind), Category::Syntax | Category::Eof) = (other, error.classify()) {
        return DecodeError::NotJson(kind);
    }
    if body.trim_ascii().is_empty() {
        return DecodeError::Empty;
    }
    DecodeError::from_json_error(error)
}

impl DecodeError {
    /// Keeps the place and the kind of an error, and drops its text.
    pub(crate) fn from_json_error(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match (error.classify(), missing_field(error)) {
            (Category::Eof, _) => Self::Truncated { line, column },
            (Category::Data, Some(name)) => Self::Missing { name, line, column },
            (Category::Data, None) => Self::Unexpected { line, column },
            (Category::Syntax | Category::Io, _) => Self::Malformed { line, column },
        }
    }
}

/// Returns the name of the field that is missing, if that is the error.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (name, _) = text.strip_prefix(MISSING_FIELD)?.split_once('`')?;
    Some(name.to_owned())
}

/// Returns the media type of an answer that does not call itself JSON, if it is one of the usual
/// ones: any other could be anything.
fn other_type(answer: &Answer) -> Option<String> {
    let essence = answer.header("content-type")?.split(';').next()?.trim().to_ascii_lowercase();
    let usual = ["text/html", "text/plain", "text/xml", "application/xml", "multipart/mixed"];
    let shown = usual.into_iter().find(|usual| *usual == essence).unwrap_or(ANOTHER_TYPE);
    (!essence.contains("json")).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        count: u32,
    }

    fn read(content_type: &str, body: &str) -> Result<Row, DecodeError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        let body = body.as_bytes().to_vec();
        let status = 200;
        Answer::new(status, headers, body).json()
    }

    #[test]
    fn a_body_is_read_with_or_without_a_byte_order_mark() {
        for body in ["{\"count\":1}", "\u{feff}{\"count\":1}"] {
            assert_eq!(read("application/json", body), Ok(Row { count: 1 }));
        }
    }

    #[test]
    fn an_error_never_quotes_the_body() {
        let cases = [
            "{\"count\":\"made-up-secret\"}",
            "made-up-secret",
            "{\"count\":1 made-up-secret",
            "{\"missing field `made-up-secret`\":1}",
            "[\"made-up-secret\"]",
        ];
        for body in cases {
            let error = read("application/json", body).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn each_way_to_be_wrong_has_its_words() {
        let text = |content_type, body| read(content_type, body).unwrap_err().to_string();
        assert_eq!(
            text("text/html; charset=utf-8", "<html>"),
            "the response has the type `text/html`, but JSON was expected"
        );
        assert_eq!(
            text("application/json", "{}"),
            "the JSON object that ends at line 1, column 2 has no `count`"
        );
        assert_eq!(
            text("application/json", "{\"count\":"),
            "the JSON ends too early, at line 1, column 9"
        );
        assert_eq!(text("application/json", " "), "the response is empty, but JSON was expected");
    }

    #[test]
    fn what_is_no_text_or_too_deep_is_malformed_and_no_panic() {
        let status = 200;
        let read = |body: &[u8]| {
            let (headers, body) = (HeaderMap::new(), body.to_vec());
            Answer::new(status, headers, body).json::<serde_json::Value>().unwrap_err()
        };
        for body in
            [&b"{\"count\":\"\xff\xfe\"}"[..], &b"\xff\xfe{\0}\0"[..], &b"[".repeat(200_000)]
        {
            assert!(matches!(read(body), DecodeError::Malformed { .. }), "{:?}", read(body));
        }
    }

    #[test]
    fn json_of_another_media_type_is_read_all_the_same() {
        assert_eq!(read("text/plain", "{\"count\":2}"), Ok(Row { count: 2 }));
    }
}
