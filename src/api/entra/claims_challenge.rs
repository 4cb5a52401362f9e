//! provisional
use crate::http::Answer;
/// provisional
pub fn claims_challenge(_answer: &Answer) -> Option<String> {
    None
}
