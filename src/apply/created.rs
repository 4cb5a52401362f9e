//! The rows that the service says it created, but that are not found by their keys.

use std::collections::BTreeMap;

use crate::discover::Reader;
use crate::model::{KeyValue, LogicalName, Row, RowId, StoredText};
use crate::plan::{CellValue, Plan, Write};
use crate::services::dataverse::Receipt;

use super::ApplyRun;

/// The table of environment variables' values: its entity set name, its primary key and the columns
/// of a new value.
const VALUES: [&str; 4] =
    ["environmentvariablevalues", "environmentvariablevalueid", "schemaname", "value"];

/// A row that the service says it created, but that is not found by its key.
#[derive(Debug, PartialEq, Eq)]
pub struct CreatedRow {
    /// Its index among the writes.
    pub write: usize,
    /// The entity set name of its table.
    pub entity_set: String,
    /// Its primary key, if the service returned it.
    pub id: Option<RowId>,
    /// The addresses of the targets that it was created for.
    pub targets: Vec<String>,
    /// The result of reading it by its primary key.
    pub state: RowState,
}

/// The result of reading a new row by its primary key.
#[derive(Debug, PartialEq, Eq)]
pub enum RowState {
    /// It was not found.
    Absent,
    /// It was found, and these columns differ from what was sent.
    Present(Vec<LogicalName>),
    /// It could not be read.
    Unread,
}

/// A new row as it was sent: its table, the table's primary key, and its texts.
struct SentRow<'run> {
    entity_set: &'run str,
    primary_id: LogicalName,
    texts: BTreeMap<LogicalName, &'run str>,
}

impl CreatedRow {
    /// Checks whether the row holds something else than was sent.
    pub fn is_changed(&self) -> bool {
        matches!(&self.state, RowState::Present(columns) if !columns.is_empty())
    }

    /// Checks whether another run would create a duplicate of this row.
    pub fn is_left_behind(&self) -> bool {
        self.state != RowState::Absent
    }
}

impl ApplyRun<'_> {
    /// Reads the rows that the service says it created and that a later plan would create again.
    pub(super) async fn created(
        &self,
        plan: &Plan,
        receipt: &Receipt,
        after: &Plan,
    ) -> Vec<CreatedRow> {
        let mut created = Vec::new();
        let writes = plan.writes().iter().enumerate();
        for (write, sent) in writes.filter(|(_, sent)| after.makes(sent)) {
            let id = receipt.rows.get(&write).copied();
            let targets = plan.targets_of(write).to_vec();
            let entity_set = sent.entity_set().to_owned();
            let state = match (self.sent(sent), id) {
                (Some(sent), Some(id)) => state(self.reader, &sent, id).await,
                _ => RowState::Unread,
            };
            created.push(CreatedRow { write, entity_set, id, targets, state });
        }
        created
    }

    /// Returns a new row as it was sent, if it is one and its table is known.
    fn sent<'plan>(&self, write: &'plan Write) -> Option<SentRow<'plan>> {
        match write {
            Write::CreateVariableValue { schema_name, text, .. } => {
                let [entity_set, primary_id, name, value] = VALUES;
                let texts = [(name, schema_name.as_str()), (value, text.expose())];
                let texts = texts.map(|(name, text)| (LogicalName::of_system(name), text));
                let primary_id = LogicalName::of_system(primary_id);
                Some(SentRow { entity_set, primary_id, texts: BTreeMap::from(texts) })
            }
            Write::CreateRow { entity_set, columns } => {
                let primary_id = self.goal.primary_id(entity_set)?.clone();
                let texts = columns.iter().filter_map(|(name, cell)| match cell {
                    CellValue::Key(KeyValue::Text(text)) => Some((name.clone(), text.as_str())),
                    CellValue::Url(text) => Some((name.clone(), text.expose())),
                    CellValue::Key(_) => None,
                });
                Some(SentRow { entity_set, primary_id, texts: texts.collect() })
            }
            _ => None,
        }
    }
}

/// Reads a new row by its primary key and compares it with what was sent.
async fn state(reader: &Reader<'_>, sent: &SentRow<'_>, id: RowId) -> RowState {
    let columns: Vec<&LogicalName> = sent.texts.keys().collect();
    let table = (sent.entity_set, &sent.primary_id);
    match reader.rows_of(table, &[id], &columns).await {
        Ok(Ok(rows)) => match rows.iter().find(|row| row.id == id) {
            None => RowState::Absent,
            Some(row) => RowState::Present(changed(sent, row)),
        },
        Ok(Err(_)) | Err(_) => RowState::Unread,
    }
}

/// Returns the columns whose values differ from what was sent.
fn changed(sent: &SentRow<'_>, row: &Row) -> Vec<LogicalName> {
    let differs = |(name, text): &(&LogicalName, &&str)| {
        row.texts.get(*name).map(StoredText::expose) != Some(**text)
    };
    sent.texts.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}
