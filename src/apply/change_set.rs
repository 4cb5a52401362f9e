//! Turns the writes of a plan into operations of the Web API.

use serde_json::{Map, Value};

use crate::model::{KeyValue, LogicalName, StoredText};
use crate::plan::{CellValue, Write};
use crate::services::dataverse::Operation;

/// The table of environment variables' values.
const VALUES: &str = "environmentvariablevalues";

/// Returns the operation that carries out a write.
pub(super) fn operation(write: &Write) -> Operation {
    match write {
        Write::CreateVariableValue { definition, schema_name, text } => {
            let definition = format!("/environmentvariabledefinitions({definition})");
            let columns = [
                ("schemaname", Value::from(schema_name.as_str())),
                ("value", Value::from(text.expose())),
                ("EnvironmentVariableDefinitionId@odata.bind", Value::from(definition)),
            ];
            let columns = columns.map(|(name, value)| (name.to_owned(), value));
            Operation::Create { entity_set: VALUES.to_owned(), columns: Map::from_iter(columns) }
        }
        Write::UpdateVariableValue { id, guard, text } => Operation::Update {
            entity_set: VALUES.to_owned(),
            id: *id,
            guard: guard.clone(),
            columns: Map::from_iter([("value".to_owned(), Value::from(text.expose()))]),
        },
        Write::CreateRow { entity_set, columns } => Operation::Create {
            entity_set: entity_set.clone(),
            columns: columns
                .iter()
                .map(|(name, cell)| (name.to_string(), cell_value(cell)))
                .collect(),
        },
        Write::UpdateRow { entity_set, id, guard, columns } => Operation::Update {
            entity_set: entity_set.clone(),
            id: *id,
            guard: guard.clone(),
            columns: columns.iter().map(text_column).collect(),
        },
        Write::Restore { entity_set, id, guard, columns } => Operation::Update {
            entity_set: entity_set.clone(),
            id: *id,
            guard: guard.clone(),
            columns: columns.iter().map(earlier_column).collect(),
        },
        Write::Delete { entity_set, id, guard } => {
            Operation::Delete { entity_set: entity_set.clone(), id: *id, guard: guard.clone() }
        }
    }
}

fn text_column((name, text): (&LogicalName, &StoredText)) -> (String, Value) {
    (name.to_string(), Value::from(text.expose()))
}

fn earlier_column((name, text): (&LogicalName, &Option<StoredText>)) -> (String, Value) {
    (name.to_string(), text.as_ref().map_or(Value::Null, |text| Value::from(text.expose())))
}

fn cell_value(cell: &CellValue) -> Value {
    match cell {
        CellValue::Key(KeyValue::Text(text)) => Value::from(text.as_str()),
        CellValue::Key(KeyValue::Integer(number)) => Value::from(*number),
        CellValue::Key(KeyValue::Boolean(truth)) => Value::from(*truth),
        CellValue::Url(text) => Value::from(text.expose()),
    }
}
