//! Checks that the apply created the rows that a rollback is to delete: a forged journal could name
//! a row that was there before.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Journal, JournalHead, JournalRow, RowSubject};
use crate::model::{Code, Problem, printable};

/// How much earlier than the journal a row may be created, since clocks differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

/// How much later than the journal a row may be created: the write comes after the journal, and may
/// have waited for the service.
const LONGEST_APPLY: Duration = Duration::from_hours(24);

/// The hint for a row that the apply did not create.
const BY_HAND: &str =
    "find out who could write to the journal; delete the row by hand if it should not exist";

impl JournalHead {
    /// Checks whether the journal says when it was kept.
    pub(super) fn has_time(&self) -> bool {
        humantime::parse_rfc3339(&self.time).is_ok()
    }
}

/// Returns a problem for each target in a row that the journal says the apply created, if the row
/// was created at another time. Rows in `left` are not deleted, so they are not checked.
pub fn not_created_by_apply(
    journal: &Journal,
    subjects: &[Option<RowSubject>],
    left: &BTreeSet<usize>,
) -> Vec<Problem> {
    let rows = journal.rows.iter().zip(subjects).enumerate();
    let deleted = rows.filter(|(index, (row, _))| row.is_created() && !left.contains(index));
    let found = deleted.filter_map(|(_, (row, subject))| Some((row, subject.as_ref()?)));
    let others = found.filter(|(_, found)| !is_created_by_apply(&journal.head, found));
    others.flat_map(|(row, found)| problems(&journal.head, row, found)).collect()
}

/// Checks whether a row was created about when the journal was kept.
fn is_created_by_apply(head: &JournalHead, row: &RowSubject) -> bool {
    let created = humantime::parse_rfc3339(row.created_on.as_deref().unwrap_or_default());
    let (Ok(kept), Ok(created)) = (humantime::parse_rfc3339(&head.time), created) else {
        return false;
    };
    match created.duration_since(kept) {
        Ok(later) => later <= LONGEST_APPLY,
        Err(earlier) => earlier.duration() <= CLOCK_DIFFERENCE,
    }
}

fn problems(head: &JournalHead, row: &JournalRow, found: &RowSubject) -> Vec<Problem> {
    let message = match &found.created_on {
        Some(time) => format!(
            "the row {} was created at {}, and the apply ran at {}: the apply did not create it, so it is not deleted",
            found.id,
            printable(time, 40),
            head.time
        ),
        None => format!(
            "Dataverse does not say when the row {} was created, so it is not known whether the apply created it, and it is not deleted",
            found.id
        ),
    };
    let problem = |address: &String| Problem {
        code: Code::NotCreatedByApply,
        address: Some(address.clone()),
        message: message.clone(),
        hint: BY_HAND.to_owned(),
        site: None,
    };
    row.places.iter().map(|place| problem(&place.address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::journal::Subject;
    use crate::plan::journal::tests::head;

    #[test]
    fn only_a_row_that_was_created_about_when_the_journal_was_kept_is_the_applys() {
        let head = head();
        for (created_on, is_created) in [
            (Some("2026-11-22T10:00:01Z"), true),
            (Some("2026-11-22T09:58:00Z"), true),
            (Some("2026-11-23T09:59:00Z"), true),
            (Some("2026-11-22T09:54:59Z"), false),
            (Some("2026-11-23T10:00:01Z"), false),
            (Some("2025-01-01T00:00:00Z"), false),
            (Some("yesterday"), false),
            (None, false),
        ] {
            let row = RowSubject {
                id: "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap(),
                subject: Subject::Variable(None),
                created_on: created_on.map(str::to_owned),
            };
            assert_eq!(is_created_by_apply(&head, &row), is_created, "{created_on:?}");
        }
    }
}
