//! Runs what the organisation runs when rows are written, and hides rows from the person.

use http::StatusCode;
use serde_json::json;

use super::super::site::Site;
use super::super::state::Row;
use super::super::tenant::plug_ins::{Deed, PlugInFile};
use super::fault::Fault;
use super::rows::Values;
use super::schema::Table;

/// What a plug-in says that refuses a write and is not told what to say.
const NO: &str = "The plug-in of this table refuses the change.";

/// Runs the plug-ins of a table on what is to be written to a row that holds `current`, which is nothing
/// where it is created. Returns what is written in its place; nothing if nothing is to be kept.
pub(super) fn run(
    site: &Site,
    table: &Table,
    current: Option<&Values>,
    mut given: Values,
) -> Result<Option<Values>, Fault> {
    let all = site.tenant.file.plug_ins.iter();
    for one in all.filter(|one| one.table == table.name && one.on.comes(current.is_none())) {
        if !is_meant(one, current, &given) {
            continue;
        }
        match (one.does, &one.column, &one.value) {
            (Deed::Drop, ..) => return Ok(None),
            (Deed::Refuse, ..) => {
                let message = one.message.as_deref().unwrap_or(NO);
                return Err(Fault::new(StatusCode::BAD_REQUEST, "0x80040265", message));
            }
            (Deed::Rewrite, Some(column), Some(value)) => {
                given.insert(column.clone(), json!(value));
            }
            (Deed::Rewrite, ..) => {}
        }
    }
    Ok(Some(given))
}

/// Tells whether a plug-in runs for a row, by what is written to it and what it holds.
fn is_meant(one: &PlugInFile, current: Option<&Values>, given: &Values) -> bool {
    one.condition.iter().all(|(column, value)| {
        let held = given.get(column).or_else(|| current?.get(column));
        held.and_then(|held| held.as_str()).is_some_and(|held| held.eq_ignore_ascii_case(value))
    })
}

/// Tells whether the person may not see a row.
pub(super) fn is_hidden(site: &Site, table: &Table, row: &Row) -> bool {
    let hidden = site.tenant.file.hidden_rows.iter().filter(|one| one.table == table.name);
    let mut values = hidden.map(|one| (row.text(&one.column), &one.value));
    values.any(|(held, value)| held.is_some_and(|held| held.eq_ignore_ascii_case(value)))
}
