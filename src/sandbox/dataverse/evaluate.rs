//! Conditions against rows, and against the descriptions of tables.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::state::{Database, Row};
use super::super::tenant::tables::Security;
use super::fault::Fault;
use super::filter::{Comparison, Condition, Operand, Part};
use super::render::readable;
use super::rows::same;
use super::schema::{Column, Kind, Schema, Table};
use super::token::without_fraction;

/// Something with properties.
pub(crate) trait Fields {
    /// Returns the value at a path.
    fn value(&self, path: &[String]) -> Result<Value, Fault>;
    /// Returns the members of a collection.
    fn members(&self, path: &[String]) -> Result<Vec<Box<dyn Fields + '_>>, Fault>;
}

/// A row among its relatives.
#[derive(Clone, Copy)]
pub(crate) struct RowFields<'a> {
    /// The tables.
    pub(crate) schema: &'a Schema,
    /// All rows.
    pub(crate) database: &'a Database,
    /// The row's table.
    pub(crate) table: &'a Table,
    /// The row.
    pub(crate) row: &'a Row,
}

impl Fields for RowFields<'_> {
    fn value(&self, path: &[String]) -> Result<Value, Fault> {
        let (name, rest) = split(path)?;
        if rest.is_empty() {
            let column = self
                .table
                .property(name)
                .ok_or_else(|| Fault::property(name, &self.table.type_name()))?;
            return Ok(read(self.row, column));
        }
        let (column, lookup) = self
            .table
            .navigation(name)
            .ok_or_else(|| Fault::property(name, &self.table.type_name()))?;
        let table = self.schema.table(&lookup.target).ok_or_else(|| Fault::segment(name))?;
        let target = self.row.guid(&column.name).and_then(|id| self.database.row(&table.name, id));
        target.map_or(Ok(Value::Null), |row| RowFields { table, row, ..*self }.value(rest))
    }

    fn members(&self, path: &[String]) -> Result<Vec<Box<dyn Fields + '_>>, Fault> {
        let (name, _) = split(path)?;
        let (table, column) = self
            .schema
            .collection(self.table, name)
            .ok_or_else(|| Fault::property(name, &self.table.type_name()))?;
        let own = self.row.value(&self.table.id);
        let rows =
            self.database.rows(&table.name).filter(|(_, row)| row.value(&column.name) == own);
        Ok(rows
            .map(|(_, row)| Box::new(RowFields { table, row, ..*self }) as Box<dyn Fields>)
            .collect())
    }
}

fn split(path: &[String]) -> Result<(&String, &[String]), Fault> {
    path.split_first().ok_or_else(|| Fault::address("An empty path is not valid."))
}

/// Reads a value; the row version stands beside the values, and what all rows show with the column.
pub(crate) fn read(row: &Row, column: &Column) -> Value {
    if column.kind == Kind::BigInteger && column.name == "versionnumber" {
        return Value::from(row.version);
    }
    if column.secured == Some(Security::Unreadable) {
        return Value::Null;
    }
    let own = row.values.get(&column.name);
    own.or(column.common.as_ref()).cloned().unwrap_or_default()
}

impl Fields for Value {
    fn value(&self, path: &[String]) -> Result<Value, Fault> {
        let mut found = self;
        for name in path {
            found = found
                .get(name)
                .ok_or_else(|| Fault::property(name, "Microsoft.Dynamics.CRM.EntityMetadata"))?;
        }
        Ok(found.clone())
    }

    fn members(&self, path: &[String]) -> Result<Vec<Box<dyn Fields + '_>>, Fault> {
        let Value::Array(members) = self.value(path)? else {
            return Err(Fault::address("Not a collection."));
        };
        Ok(members.into_iter().map(|member| Box::new(member) as Box<dyn Fields>).collect())
    }
}

/// Tells whether a condition holds.
pub(crate) fn holds(condition: &Condition, fields: &dyn Fields) -> Result<bool, Fault> {
    match condition {
        Condition::And(left, right) => Ok(holds(left, fields)? && holds(right, fields)?),
        Condition::Or(left, right) => Ok(holds(left, fields)? || holds(right, fields)?),
        Condition::Not(inner) => Ok(!holds(inner, fields)?),
        Condition::Compare(left, comparison, right) => {
            Ok(compares(&operand(left, fields)?, *comparison, &operand(right, fields)?))
        }
        Condition::Part(text, part, searched) => {
            Ok(has_part(&operand(text, fields)?, *part, &operand(searched, fields)?))
        }
        Condition::Among(path, values) => {
            let found = fields.value(path)?;
            Ok(values.iter().any(|value| equal(&found, value)))
        }
        Condition::Alone(path) => Ok(fields.value(path)? == Value::Bool(true)),
        Condition::Members { path, all, condition } => {
            members(path, *all, condition.as_deref(), fields)
        }
    }
}

fn members(
    path: &[String],
    all: bool,
    condition: Option<&Condition>,
    fields: &dyn Fields,
) -> Result<bool, Fault> {
    let members = fields.members(path)?;
    let Some(condition) = condition else { return Ok(!members.is_empty()) };
    for member in &members {
        if holds(condition, member.as_ref())? != all {
            return Ok(!all);
        }
    }
    Ok(all)
}

fn operand(operand: &Operand, fields: &dyn Fields) -> Result<Value, Fault> {
    match operand {
        Operand::Path(path) => fields.value(path),
        Operand::Literal(value) => Ok(value.clone()),
    }
}

fn compares(left: &Value, comparison: Comparison, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Greater => order(left, right) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => {
            matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal))
        }
        Comparison::Less => order(left, right) == Some(Ordering::Less),
        Comparison::LessOrEqual => {
            matches!(order(left, right), Some(Ordering::Less | Ordering::Equal))
        }
    }
}

/// Compares a value with one that may come from a JSON array, where numbers can be written as text.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => number.to_string() == *text,
        _ => same(left, right),
    }
}

/// Orders two values; nothing compares with null.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => {
            Some(without_fraction(left).to_lowercase().cmp(&without_fraction(right).to_lowercase()))
        }
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn has_part(text: &Value, part: Part, searched: &Value) -> bool {
    let (Some(text), Some(searched)) = (text.as_str(), searched.as_str()) else { return false };
    let (text, searched) = (text.to_lowercase(), searched.to_lowercase());
    match part {
        Part::Anywhere => text.contains(&searched),
        Part::Start => text.starts_with(&searched),
        Part::End => text.ends_with(&searched),
    }
}

/// Refuses a condition that names what a table has not, or compares what cannot be compared, whether or not
/// there is a row to try it on.
pub(crate) fn check(condition: &Condition, schema: &Schema, table: &Table) -> Result<(), Fault> {
    match condition {
        Condition::And(left, right) | Condition::Or(left, right) => {
            check(left, schema, table)?;
            check(right, schema, table)
        }
        Condition::Not(inner) => check(inner, schema, table),
        Condition::Compare(left, _, right) | Condition::Part(left, _, right) => {
            comparable(left, right, schema, table)
        }
        Condition::Among(path, _) | Condition::Alone(path) => check_path(path, schema, table),
        Condition::Members { path, condition, .. } => {
            let (name, _) = split(path)?;
            let (other, _) = schema
                .collection(table, name)
                .ok_or_else(|| Fault::property(name, &table.type_name()))?;
            condition.as_deref().map_or(Ok(()), |condition| check(condition, schema, other))
        }
    }
}

fn comparable(
    left: &Operand,
    right: &Operand,
    schema: &Schema,
    table: &Table,
) -> Result<(), Fault> {
    let (path, literal) = match (left, right) {
        (Operand::Path(path), Operand::Literal(literal))
        | (Operand::Literal(literal), Operand::Path(path)) => (path, literal),
        (Operand::Path(left), Operand::Path(right)) => {
            kind(left, schema, table)?;
            return kind(right, schema, table).map(|_| ());
        }
        (Operand::Literal(_), Operand::Literal(_)) => return Ok(()),
    };
    let kind = kind(path, schema, table)?;
    if fits(kind, literal) {
        return Ok(());
    }
    Err(Fault::address(format!(
        "A binary operator with incompatible types was detected. Found operand types '{}' and '{}'.",
        type_of(kind),
        literal_type(literal),
    )))
}

/// Refuses a path that names what a table has not.
pub(crate) fn check_path(path: &[String], schema: &Schema, table: &Table) -> Result<(), Fault> {
    kind(path, schema, table).map(|_| ())
}

fn kind<'s>(path: &[String], schema: &'s Schema, table: &'s Table) -> Result<&'s Kind, Fault> {
    let (name, rest) = split(path)?;
    let unknown = || Fault::property(name, &table.type_name());
    if rest.is_empty() {
        let column = table.property(name).ok_or_else(unknown)?;
        return readable(table, column).map(|()| &column.kind);
    }
    let (_, lookup) = table.navigation(name).ok_or_else(unknown)?;
    let target = schema.table(&lookup.target).ok_or_else(unknown)?;
    kind(rest, schema, target)
}

fn fits(kind: &Kind, literal: &Value) -> bool {
    match kind {
        // GUIDs and dates come bare, GUIDs quoted too.
        Kind::Text(_)
        | Kind::Memo(_)
        | Kind::DateTime
        | Kind::Id
        | Kind::Guid
        | Kind::Lookup(_) => literal.is_string() || literal.is_null(),
        Kind::Boolean => literal.is_boolean() || literal.is_null(),
        Kind::Integer
        | Kind::BigInteger
        | Kind::Decimal
        | Kind::Double
        | Kind::Choice(_)
        | Kind::State(_)
        | Kind::Status(_) => literal.is_number() || literal.is_null(),
    }
}

/// Returns the `OData` type of a column.
pub(crate) fn type_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Id | Kind::Guid | Kind::Lookup(_) => "Edm.Guid",
        Kind::Text(_) | Kind::Memo(_) => "Edm.String",
        Kind::Integer | Kind::Choice(_) | Kind::State(_) | Kind::Status(_) => "Edm.Int32",
        Kind::BigInteger => "Edm.Int64",
        Kind::Decimal => "Edm.Decimal",
        Kind::Double => "Edm.Double",
        Kind::Boolean => "Edm.Boolean",
        Kind::DateTime => "Edm.DateTimeOffset",
    }
}

fn literal_type(literal: &Value) -> &'static str {
    match literal {
        Value::Bool(_) => "Edm.Boolean",
        Value::Number(_) => "Edm.Int32",
        _ => "Edm.String",
    }
}
