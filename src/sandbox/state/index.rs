//! Which rows hold a text, for the columns that clients look rows up by.
//!
//! It only saves a walk through a whole table: whoever uses it gets what the walk would find.

use std::collections::{BTreeMap, BTreeSet};

use super::super::guid::Guid;
use super::Row;

/// The columns, by table.
const COLUMNS: [(&str, &str); 3] = [
    ("workflow", "resourceid"),
    ("environmentvariabledefinition", "schemaname"),
    ("environmentvariablevalue", "environmentvariabledefinitionid"),
];

/// The ids of rows by column and text in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(BTreeMap<(usize, String), BTreeSet<Guid>>);

impl Index {
    /// Takes a row in.
    pub(super) fn insert(&mut self, table: &str, id: Guid, row: &Row) {
        for key in keys(table, row) {
            self.0.entry(key).or_default().insert(id);
        }
    }

    /// Lets a row go that was taken in as it is.
    pub(super) fn remove(&mut self, table: &str, id: Guid, row: &Row) {
        for key in keys(table, row) {
            if let Some(ids) = self.0.get_mut(&key) {
                ids.remove(&id);
            }
        }
    }

    /// Returns the rows that hold a text, in whatever case, or nothing if the column is not covered.
    pub(super) fn holding(&self, table: &str, column: &str, text: &str) -> Option<Vec<Guid>> {
        let place = COLUMNS.iter().position(|one| *one == (table, column))?;
        let ids = self.0.get(&(place, text.to_lowercase()));
        Some(ids.into_iter().flatten().copied().collect())
    }
}

fn keys(table: &str, row: &Row) -> impl Iterator<Item = (usize, String)> {
    let columns = COLUMNS.iter().enumerate().filter(move |(_, (of, _))| *of == table);
    columns.filter_map(|(place, (_, column))| Some((place, row.text(column)?.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(name: &str) -> Row {
        Row { version: 1, values: BTreeMap::from([("schemaname".to_owned(), json!(name))]) }
    }

    #[test]
    fn a_row_is_found_in_any_case_until_it_is_let_go() {
        let (mut index, id) = (Index::default(), Guid::derived(&["row"]));
        let table = "environmentvariabledefinition";
        let found = |index: &Index, text| index.holding(table, "schemaname", text);
        index.insert(table, id, &row("contoso_Größe"));
        assert_eq!(found(&index, "CONTOSO_GRÖßE"), Some(vec![id]));
        assert_eq!(found(&index, "contoso_other"), Some(Vec::new()));
        index.remove(table, id, &row("contoso_Größe"));
        assert_eq!(found(&index, "contoso_größe"), Some(Vec::new()));
    }

    #[test]
    fn a_column_that_is_not_covered_is_told_from_one_that_holds_nothing() {
        assert_eq!(Index::default().holding("systemuser", "fullname", "nobody"), None);
    }
}
