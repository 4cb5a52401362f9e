//! The known word that somebody most likely meant.

/// The maximum number of characters of a word that can be a typing error.
const MOST_CHARACTERS: usize = 64;

/// Finds the known word that is most similar to `word`, if one is similar enough: the same letters
/// in another spelling (`workflowId`, `workflow_id`), or a few wrong letters.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > MOST_CHARACTERS {
        return None;
    }
    let word = letters(word);
    let distances = known.into_iter().map(|candidate| {
        let letters = letters(candidate);
        let distance = strsim::damerau_levenshtein(&word, &letters);
        (distance, letters.chars().count(), candidate)
    });
    let near = distances.filter(|(distance, length, _)| *distance <= (length / 3).max(1));
    near.min_by_key(|(distance, _, _)| *distance).map(|(_, _, candidate)| candidate)
}

/// Formats the beginning of a hint that asks for the nearest known word; empty if there is none.
pub fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("did you mean `{near}`? Otherwise "))
}

/// Returns the letters and digits of a word, in lower case.
fn letters(word: &str) -> String {
    let plain = word.chars().filter(|c| c.is_alphanumeric());
    plain.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["name", "workflow-id", "trigger", "target"];

    #[test]
    fn another_spelling_of_a_key_is_that_key() {
        for word in ["workflowId", "workflow_id", "WorkflowID", "workflowid"] {
            assert_eq!(nearest(word, KEYS.iter().copied()), Some("workflow-id"));
        }
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_key_and_another_word_finds_none() {
        assert_eq!(nearest("targets", KEYS.iter().copied()), Some("target"));
        assert_eq!(nearest("triger", KEYS.iter().copied()), Some("trigger"));
        assert_eq!(nearest("colour", KEYS.iter().copied()), None);
        assert_eq!(nearest("", KEYS.iter().copied()), None);
        assert_eq!(nearest(&"x".repeat(65), KEYS.iter().copied()), None);
    }
}
