//! A journal is read as it was written, or not at all.

use flowbind::plan::journal::{Journal, JournalRow};

use super::assert_shown;

/// Holds for every file.
pub fn holds(bytes: &[u8]) {
    match Journal::from_json(bytes) {
        Ok(journal) => {
            comes_back(&journal);
            hides_its_texts(&journal);
        }
        Err(error) => assert_shown(&error.to_string(), 150),
    }
}

/// Written again, it is read as the same.
fn comes_back(journal: &Journal) {
    let text = journal.to_json();
    let text = secrecy::ExposeSecret::expose_secret(&text);
    assert_eq!(Journal::from_json(text).as_ref(), Ok(journal));
    assert_eq!(journal.is_complete(), journal.rows.iter().all(|row| row.id().is_some()));
}

/// What rows held and will hold is in no debugging output.
fn hides_its_texts(journal: &Journal) {
    let columns = |row: &JournalRow| row.columns.values().cloned().collect::<Vec<_>>();
    for change in journal.rows.iter().flat_map(columns) {
        let shown = format!("{change:?}");
        for text in [change.after.as_ref(), change.before.as_ref()].into_iter().flatten() {
            let is_text = text.expose().len() > "StoredText".len();
            assert!(!is_text || !shown.contains(text.expose()), "{shown}");
        }
    }
}
