//! JSON Pointer, [RFC 6901](https://www.rfc-editor.org/rfc/rfc6901): the place of one member in a JSON value.

use std::fmt;
use std::str::FromStr;

/// A pointer to a member below the root: at least one token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPointer(Vec<String>);

/// Why a text is not a JSON pointer that a URL can be written to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PointerError {
    /// The empty pointer is the whole value.
    #[error(
        "is empty, which points at the whole value: leave `json-pointer` out, or name a member such as `/orders/intake`"
    )]
    Empty,
    /// The first character is not a slash.
    #[error("does not begin with `/`")]
    NoSlash,
    /// A tilde is not followed by 0 or 1 (RFC 6901 section 3).
    #[error("has a `~` that is not followed by 0 or 1 (`~0` stands for `~`, `~1` for `/`)")]
    Tilde,
}

impl JsonPointer {
    /// Returns the unescaped member names of the path, outermost first.
    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    /// Returns whether the other pointer is equal to this one or points inside its value.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl FromStr for JsonPointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Err(PointerError::Empty);
        }
        let tokens = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        tokens.split('/').map(unescape).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|token| {
            write!(formatter, "/{}", token.replace('~', "~0").replace('/', "~1"))
        })
    }
}

/// Undoes the escapes of RFC 6901 section 4, `~1` before `~0`.
fn unescape(token: &str) -> Result<String, PointerError> {
    let well_formed = |tail: &str| tail.starts_with(['0', '1']);
    if !token.split('~').skip(1).all(well_formed) {
        return Err(PointerError::Tilde);
    }
    Ok(token.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_unescaped_and_printed_as_it_was_written() {
        let pointer: JsonPointer = "/a~1b/c~0d".parse().unwrap();
        assert_eq!(pointer.tokens(), ["a/b", "c~d"]);
        assert_eq!(pointer.to_string(), "/a~1b/c~0d");
    }

    #[test]
    fn a_malformed_pointer_says_what_is_wrong() {
        assert_eq!("".parse::<JsonPointer>(), Err(PointerError::Empty));
        assert_eq!("orders".parse::<JsonPointer>(), Err(PointerError::NoSlash));
        assert_eq!("/a~2".parse::<JsonPointer>(), Err(PointerError::Tilde));
        assert_eq!("/a~".parse::<JsonPointer>(), Err(PointerError::Tilde));
    }

    #[test]
    fn a_pointer_contains_itself_and_what_lies_below() {
        let orders: JsonPointer = "/orders".parse().unwrap();
        assert!(orders.contains(&"/orders/intake".parse().unwrap()));
        assert!(!orders.contains(&"/ordersheet".parse().unwrap()));
    }
}
