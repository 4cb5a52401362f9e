//! Plans a rollback: compares the journal of an apply with the current rows.

use std::collections::BTreeSet;

use crate::model::{
    CallbackUrl, Cloud, Code, EnvironmentId, LogicalName, Problem, Row, StoredText, printable,
};
use crate::plan::builder::{PlanParts, WITHOUT_ETAG};
use crate::plan::journal::links::{Link, links};
use crate::plan::journal::{
    FoundRows, Journal, JournalRow, JournalTarget, Label, Origin, UnusableRows,
};
use crate::plan::{Action, Change, Plan, ValueView, Write, explain_refusal, text_at};

/// What to do about a row that somebody changed.
const SEE_WHO: &str =
    "find out who changed it and why; `--skip-changed` skips it and rolls back the rest";

/// What to do about a row that is deleted and may hold more than the apply wrote.
const LOOK_FIRST: &str = "look at the row first: somebody may have added something to it";

/// What became of a row since the apply.
enum RowVerdict<'found> {
    /// It is as it was before the apply.
    Earlier,
    /// It holds what the apply wrote; of several columns, some may hold what they held before it.
    Written(&'found Row),
    /// It is gone, as the apply wrote it.
    Deleted,
    /// Somebody changed it.
    Changed(ChangedRow<'found>),
    /// Nothing can be planned from what the service sends of it.
    Unusable(&'found UnusableRows),
}

/// What a row is now that somebody changed.
enum ChangedRow<'found> {
    Gone,
    Several,
    Row(&'found Row),
}

/// A rollback in the making.
struct RollbackDraft<'run> {
    cloud: &'run Cloud,
    /// The environment's own id.
    own: &'run EnvironmentId,
    left_alone: usize,
    parts: PlanParts,
}

/// Returns the indexes, within the journal, of the rows that somebody changed since the apply.
pub(crate) fn changed(journal: &Journal, found: &[FoundRows]) -> BTreeSet<usize> {
    let rows = journal.rows.iter().zip(found).enumerate();
    let changed = rows
        .filter(|(_, (row, found))| matches!(verdict(row, found), RowVerdict::Changed(_)))
        .map(|(index, _)| index);
    changed.collect()
}

/// Compares what the rows hold with what the apply wrote: a row that still holds that is restored,
/// one that was changed since is a problem unless it is to be left alone.
pub(crate) fn plan_rollback(
    journal: &Journal,
    found: &[FoundRows],
    left: &BTreeSet<usize>,
    cloud: &Cloud,
) -> Plan {
    let (own, parts) = (&journal.head.environment_id, PlanParts::default());
    let mut draft = RollbackDraft { cloud, own, left_alone: 0, parts };
    for (index, (row, found)) in journal.rows.iter().zip(found).enumerate() {
        match verdict(row, found) {
            RowVerdict::Earlier => draft.earlier(row),
            RowVerdict::Deleted => draft.make_again(row),
            RowVerdict::Written(held) if row.is_created() => draft.delete(row, held),
            RowVerdict::Written(held) => draft.restore(row, held),
            RowVerdict::Changed(now) => draft.changed(row, &now, left.contains(&index)),
            RowVerdict::Unusable(why) => draft.unusable(row, why),
        }
    }
    let mut plan = draft.parts.finish();
    plan.left_alone = draft.left_alone;
    plan
}

/// Decides what happened to a row since the apply.
fn verdict<'found>(row: &JournalRow, found: &'found FoundRows) -> RowVerdict<'found> {
    match found.as_deref() {
        Err(why) => RowVerdict::Unusable(why),
        Ok([]) if row.is_created() => RowVerdict::Earlier,
        Ok([]) if matches!(row.origin, Origin::Deleted { .. }) => RowVerdict::Deleted,
        Ok([]) => RowVerdict::Changed(ChangedRow::Gone),
        Ok([held]) => verdict_of_one(row, held),
        Ok(_) => RowVerdict::Changed(ChangedRow::Several),
    }
}

fn verdict_of_one<'found>(row: &JournalRow, held: &'found Row) -> RowVerdict<'found> {
    let earlier = |name| !row.is_created() && is_earlier(row, held, name);
    let names = || row.columns.keys();
    if names().all(earlier) {
        RowVerdict::Earlier
    } else if names().all(|name| earlier(name) || is_written(row, held, name)) {
        RowVerdict::Written(held)
    } else {
        RowVerdict::Changed(ChangedRow::Row(held))
    }
}

/// Checks whether a column holds its value from before the apply. An empty text equals no text,
/// since Dataverse keeps no empty texts.
fn is_earlier(row: &JournalRow, held: &Row, name: &LogicalName) -> bool {
    let before = row.columns.get(name).and_then(|change| change.before.as_ref());
    before.map_or("", StoredText::expose) == held.texts.get(name).map_or("", StoredText::expose)
}

/// Checks whether a column holds the value that the apply wrote.
fn is_written(row: &JournalRow, held: &Row, name: &LogicalName) -> bool {
    let after = row.columns.get(name).and_then(|change| change.after.as_ref());
    after.map_or("", StoredText::expose) == held.texts.get(name).map_or("", StoredText::expose)
}

impl RollbackDraft<'_> {
    /// Notes that a row already has its earlier values.
    fn earlier(&mut self, row: &JournalRow) {
        for place in &row.places {
            if row.is_created() && row.id().is_none() {
                let message = "no row has the key of this new record, and the journal does not have its id: if something changed the key, the record still exists".to_owned();
                let hint = "look for a record that was created at the time of the apply, and delete it by hand";
                self.parts.warnings.push(problem(
                    place,
                    Code::ChangedSince,
                    message,
                    hint.to_owned(),
                ));
            }
            self.parts.add_change(self.as_it_was(row, place));
        }
    }

    /// Returns the change of one target that already has its earlier value: nothing to do.
    fn as_it_was(&self, row: &JournalRow, place: &JournalTarget) -> Change {
        let reason = if row.is_created() {
            "the row was not found: it was deleted, or this user may not read it"
        } else {
            "holds the earlier value"
        };
        let before = self.view(before(row, place).as_ref());
        change(place, Action::NoOp, reason, before.clone(), before)
    }

    /// Plans the deletion of a row that the apply created, and warns if the row holds more by now.
    fn delete(&mut self, row: &JournalRow, held: &Row) {
        let first = self.parts.changes.len();
        for place in &row.places {
            if let Some(message) = other_change(row, held) {
                let (message, hint) = (message.to_owned(), LOOK_FIRST.to_owned());
                self.parts.warnings.push(problem(place, Code::ChangedSince, message, hint));
            }
            let now = self.view(now(held, place).as_ref());
            let reason = "was created by the apply, and still holds what it wrote";
            self.parts.add_change(change(place, Action::Delete, reason, now, None));
        }
        let (id, guard) = (held.id, held.tag.clone());
        self.write(first, Write::Delete { entity_set: row.entity_set.to_string(), id, guard });
    }

    /// Plans the write for all changes from the first one on.
    fn write(&mut self, first: usize, write: Write) {
        let places = (first..self.parts.changes.len()).collect();
        self.parts.writes.push((places, write));
    }

    /// Plans to make the value of a variable again that the apply deleted.
    fn make_again(&mut self, row: &JournalRow) {
        let Origin::Deleted { definition, .. } = &row.origin else { return };
        for place in &row.places {
            let first = self.parts.changes.len();
            let earlier = self.view(before(row, place).as_ref());
            let reason = "was deleted by the apply, and does not exist";
            self.parts.add_change(change(place, Action::Create, reason, None, earlier));
            let name = Label::from_address(place).and_then(Label::into_variable);
            let text = row.columns.get(&place.column).and_then(|change| change.before.clone());
            if let (Some(schema_name), Some(text)) = (name, text) {
                self.warn_of_hosts(row, &place.column, &text);
                let definition = *definition;
                self.write(first, Write::CreateVariableValue { definition, schema_name, text });
            }
        }
    }

    /// Plans to restore the columns that hold what the apply wrote.
    fn restore(&mut self, row: &JournalRow, held: &Row) {
        let open = row.columns.iter().filter(|(name, _)| !is_earlier(row, held, name));
        let columns = open.map(|(name, change)| (name.clone(), change.before.clone())).collect();
        let first = self.parts.changes.len();
        for place in &row.places {
            self.parts.add_change(if is_earlier(row, held, &place.column) {
                self.as_it_was(row, place)
            } else {
                self.restored(row, held, place)
            });
        }
        let restored = row.columns.iter().filter(|(name, _)| !is_earlier(row, held, name));
        let restored: Vec<_> =
            restored.filter_map(|(name, change)| Some((name, change.before.as_ref()?))).collect();
        for (name, text) in restored {
            self.warn_of_hosts(row, name, text);
        }
        let (id, guard) = (held.id, held.tag.clone());
        let entity_set = row.entity_set.to_string();
        self.write(first, Write::Restore { entity_set, id, guard, columns });
    }

    /// Warns of each host that a restored text leads to, except for the hosts of this environment's
    /// flows.
    fn warn_of_hosts(&mut self, row: &JournalRow, name: &LogicalName, text: &StoredText) {
        let Some(place) = row.places.iter().find(|place| place.column == *name) else { return };
        let messages: BTreeSet<String> =
            links(text).iter().filter_map(|link| self.elsewhere(link)).collect();
        let warnings = messages.into_iter().map(|message| {
            let hint =
                "before you confirm the rollback, check whether this host may receive the data";
            problem(place, Code::RestoresElsewhere, message, hint.to_owned())
        });
        self.parts.warnings.extend(warnings);
    }

    /// Returns a message if a link leads out of the environment, or leads there without encryption.
    fn elsewhere(&self, link: &Link) -> Option<String> {
        let host = printable(&link.host, 120);
        let leads = "the restored value leads to";
        let is_own = self.is_own(&link.host);
        match link.unencrypted {
            _ if !is_own && link.is_bare => Some("the restored value may be a host name, but not of a host of this environment's flows".to_owned()),
            _ if !is_own => Some(format!("{leads} `{host}`, which is not a host of this environment's flows")),
            Some(scheme) => Some(format!("{leads} `{host}` by `{scheme}`, which is not encrypted")),
            None => None,
        }
    }

    /// Checks whether flows of this environment can be on a host.
    fn is_own(&self, host: &str) -> bool {
        let url: Option<CallbackUrl> = format!("https://{host}/").parse().ok();
        let other = url.and_then(|url| url.environment()?.parse::<EnvironmentId>().ok());
        self.cloud.serves_callbacks(host) && other.is_none_or(|id| id == *self.own)
    }

    /// Returns the change of one target whose earlier value is restored.
    fn restored(&self, row: &JournalRow, held: &Row, place: &JournalTarget) -> Change {
        let earlier = before(row, place);
        let is_new_member = place.pointer.is_some() && earlier.is_none();
        let action = if is_new_member { Action::Delete } else { Action::Update };
        let now = self.view(now(held, place).as_ref());
        let reason = "still holds what the apply wrote";
        change(place, action, reason, now, self.view(earlier.as_ref()))
    }

    /// Notes that somebody changed a row.
    fn changed(&mut self, row: &JournalRow, now: &ChangedRow<'_>, left: bool) {
        self.left_alone += if left { row.places.len() } else { 0 };
        for place in &row.places {
            let mut message = self.what_changed(row, now, place);
            let (list, hint) = if left {
                message.push_str("; it is skipped");
                (&mut self.parts.warnings, "find out who changed it and why")
            } else {
                (&mut self.parts.problems, SEE_WHO)
            };
            list.push(problem(place, Code::ChangedSince, message, hint.to_owned()));
        }
    }

    fn what_changed(
        &self,
        row: &JournalRow,
        now: &ChangedRow<'_>,
        place: &JournalTarget,
    ) -> String {
        let written = after(row, place);
        let wrote = self.words(written.as_ref());
        match now {
            ChangedRow::Gone => format!("the row no longer exists; the apply wrote {wrote}"),
            ChangedRow::Several => {
                format!("several rows have this key now; the apply wrote {wrote}")
            }
            ChangedRow::Row(held) => match self::now(held, place) {
                same if same == written => format!(
                    "still holds what the apply wrote, {wrote}, but other parts of it were changed since"
                ),
                other => {
                    let now = self.words(other.as_ref());
                    format!(
                        "was changed since the apply: it holds {now}, and the apply wrote {wrote}"
                    )
                }
            },
        }
    }

    /// Notes that the service does not show a row, or not its version.
    fn unusable(&mut self, row: &JournalRow, why: &UnusableRows) {
        let (code, (message, hint)) = match why {
            UnusableRows::Refused(error) => (Code::PrivilegeMissing, explain_refusal(error)),
            UnusableRows::WithoutEtag => {
                (Code::RowWithoutEtag, WITHOUT_ETAG.map(str::to_owned).into())
            }
        };
        let problems =
            row.places.iter().map(|place| problem(place, code, message.clone(), hint.clone()));
        self.parts.problems.extend(problems);
    }

    /// Returns the printable view of a text, without its secrets.
    fn view(&self, text: Option<&StoredText>) -> Option<ValueView> {
        ValueView::from_text(text.map(StoredText::expose), self.cloud)
    }

    fn words(&self, text: Option<&StoredText>) -> String {
        ValueView::describe(self.view(text).as_ref())
    }
}

/// Returns a message if a row that the apply created was written to since, or if the journal does
/// not hold the version that would tell.
fn other_change(row: &JournalRow, held: &Row) -> Option<&'static str> {
    match &row.origin {
        Origin::Created { tag: Some(tag), .. } if tag == held.tag.as_str() => None,
        Origin::Created { tag: Some(_), .. } => Some(
            "somebody wrote to other columns of the row after the apply created it; the whole row is deleted",
        ),
        _ => Some(
            "the journal does not have the row's version, so it is not known whether somebody wrote to the row after the apply; the whole row is deleted",
        ),
    }
}

/// Returns the value of a target before the apply.
fn before(row: &JournalRow, place: &JournalTarget) -> Option<StoredText> {
    let text = row.columns.get(&place.column)?.before.as_ref()?;
    text_at(text, place.pointer.as_ref())
}

/// Returns the value that the apply wrote to a target.
fn after(row: &JournalRow, place: &JournalTarget) -> Option<StoredText> {
    text_at(row.columns.get(&place.column)?.after.as_ref()?, place.pointer.as_ref())
}

/// Returns the current value of a target.
fn now(held: &Row, place: &JournalTarget) -> Option<StoredText> {
    text_at(held.texts.get(&place.column)?, place.pointer.as_ref())
}

fn change(
    place: &JournalTarget,
    action: Action,
    reason: &'static str,
    before: Option<ValueView>,
    after: Option<ValueView>,
) -> Change {
    Change {
        address: place.address.clone(),
        action,
        reason: reason.into(),
        flow_name: place.flow_name.as_str().into(),
        workflow_id: place.workflow_id,
        before,
        after,
        differences: Vec::new(),
        site: None,
        guard: None,
        held: None,
    }
}

fn problem(place: &JournalTarget, code: Code, message: String, hint: String) -> Problem {
    Problem { code, address: Some(place.address.clone()), message, hint, site: None }
}
