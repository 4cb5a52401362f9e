//! Spoils the parts of a batch's answer.

use super::super::message::Answer;
use super::super::tenant::fault::Action;

/// How the boundary of a change set's answer is announced.
const INNER: &str = "boundary=changesetresponse_";

/// Spoils the parts of the first change set, or of the batch where it has none. An answer without parts stays.
pub(super) fn spoilt(action: Action, answer: Answer) -> Answer {
    let spoilt = std::str::from_utf8(&answer.body).ok().and_then(|text| {
        let delimiter = format!("--{}", boundary(&answer, text)?);
        Some(rearranged(action, text, &delimiter))
    });
    match spoilt {
        Some(text) => Answer { body: text.into(), ..answer },
        None => answer,
    }
}

/// Finds the boundary of the innermost parts.
fn boundary<'a>(answer: &'a Answer, text: &'a str) -> Option<&'a str> {
    let header = answer.headers.get("content-type")?.to_str().ok()?;
    let outer = header.strip_prefix("multipart/mixed; ")?;
    let announced = text.find(INNER).map_or(outer, |index| &text[index..]);
    announced.lines().next()?.strip_prefix("boundary=")
}

/// Takes the text apart at the delimiter; what stands before the first and after the last is no part.
fn rearranged(action: Action, text: &str, delimiter: &str) -> String {
    let mut pieces: Vec<&str> = text.split(delimiter).collect();
    let end = pieces.len().saturating_sub(1);
    let has_parts = end > 1;
    match action {
        Action::DuplicatePart if has_parts => pieces.insert(1, pieces[1]),
        Action::MissingPart if has_parts => {
            pieces.remove(end - 1);
        }
        Action::WrongContentIdOrder if has_parts => pieces[1..end].reverse(),
        Action::BrokenBoundary => return pieces.join("--another_boundary"),
        _ => {}
    }
    pieces.join(delimiter)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const SET: &str = "--o\r\nContent-Type: multipart/mixed; boundary=changesetresponse_i\r\n\r\n--changesetresponse_i\r\none\r\n--changesetresponse_i\r\ntwo\r\n--changesetresponse_i--\r\n\r\n--o--\r\n";

    fn body(action: Action, body: &str) -> String {
        let answer = Answer::text(StatusCode::OK, "multipart/mixed; boundary=o", body.to_owned());
        String::from_utf8(spoilt(action, answer).body.to_vec()).unwrap()
    }

    /// The parts of the change set in `SET`, after a fault.
    fn parts(action: Action) -> Vec<String> {
        let text = body(action, SET);
        let lines = text.lines().filter(|line| ["one", "two"].contains(line));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn the_parts_of_a_change_set_are_rearranged_inside_their_boundary() {
        assert_eq!(parts(Action::DuplicatePart), ["one", "one", "two"]);
        assert_eq!(parts(Action::MissingPart), ["one"]);
        assert_eq!(parts(Action::WrongContentIdOrder), ["two", "one"]);
        for action in [Action::DuplicatePart, Action::MissingPart, Action::WrongContentIdOrder] {
            assert!(body(action, SET).ends_with("--changesetresponse_i--\r\n\r\n--o--\r\n"));
        }
    }

    #[test]
    fn another_boundary_is_used_than_was_announced() {
        let text = body(Action::BrokenBoundary, SET);
        assert!(text.contains(INNER) && !text.contains("--changesetresponse_i"));
    }

    #[test]
    fn without_a_change_set_the_parts_of_the_batch_are_meant() {
        let flat = "--o\r\none\r\n--o\r\ntwo\r\n--o--\r\n";
        assert_eq!(body(Action::MissingPart, flat), "--o\r\none\r\n--o--\r\n");
        assert_eq!(body(Action::MissingPart, "--o--\r\n"), "--o--\r\n");
    }
}
