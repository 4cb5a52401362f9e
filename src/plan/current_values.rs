//! Current values of all targets, even of those without a URL to write.

use std::collections::BTreeMap;

use super::json::Document;
use crate::model::{
    Desired, JsonPointer, Observed, Reading, SchemaName, StoredText, Target, Targets, Variable,
};

/// The parsed JSON texts of variables; none where the text is missing or not JSON.
type Documents<'run> = BTreeMap<&'run SchemaName, Option<Document<'run>>>;

/// Returns the current value of each target, in the order of the bindings; none where the value is
/// empty or missing. An environment variable without a value has its default.
pub fn current_values(desired: &Desired, observed: &Observed) -> Vec<Option<StoredText>> {
    let mut documents = Documents::new();
    let targets = desired.bindings.iter().map(|binding| &binding.target);
    let texts = targets.map(|target| text(target, &observed.targets, &mut documents));
    texts.map(|text| text.filter(|text| !text.expose().is_empty())).collect()
}

fn text<'run>(
    target: &'run Target,
    targets: &'run Targets,
    documents: &mut Documents<'run>,
) -> Option<StoredText> {
    match target {
        Target::Variable { schema_name, pointer: None } => variable(targets, schema_name).cloned(),
        Target::Variable { schema_name, pointer: Some(pointer) } => {
            let read = || Document::new(variable(targets, schema_name)?.expose()).ok();
            member(documents.entry(schema_name).or_insert_with(read).as_mut()?, pointer)
        }
        Target::Column { record, column, .. } => match targets.records.get(record)?.as_deref() {
            Ok([row]) => row.texts.get(column).cloned(),
            _ => None,
        },
    }
}

/// Returns the current value of a variable.
fn variable<'run>(targets: &'run Targets, name: &SchemaName) -> Option<&'run StoredText> {
    match targets.variables.get(name)? {
        Reading::Found(variable) => value(variable),
        Reading::Absent | Reading::Refused(_) => None,
    }
}

/// Returns the value that apps read; none if the variable has several.
fn value(variable: &Variable) -> Option<&StoredText> {
    match variable.values.as_slice() {
        [] => variable.default.as_ref(),
        [row] => row.text.as_ref(),
        _ => None,
    }
}

/// Returns the text at a place: all of it, or the member that a pointer leads to, if that exists.
pub fn text_at(text: &StoredText, pointer: Option<&JsonPointer>) -> Option<StoredText> {
    let Some(pointer) = pointer else { return Some(text.clone()) };
    let mut document = Document::new(text.expose()).ok()?;
    member(&mut document, pointer)
}

/// Returns the text of the member that a pointer leads to, if that exists.
fn member(document: &mut Document<'_>, pointer: &JsonPointer) -> Option<StoredText> {
    document.member(pointer).ok().flatten().map(StoredText::new)
}
