//! Plans the bindings to environment variables.

use sha2::{Digest, Sha256};

use super::builder::{CurrentText, PlanBuilder, WantedUrl, did_you_mean, without_etag};
use super::contents::Contents;
use super::json::{Document, MOST_SHOWN, PointerMismatch};
use super::write::{VALUES, Write};
use crate::model::{
    CallbackUrl, Code, EntityTag, JsonPointer, Reading, SchemaName, StoredText, Target, Targets,
    Variable, VariableType, printable,
};

/// The most characters that the column `environmentvariablevalue.value` holds
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/environmentvariablevalue>).
const MOST_CHARACTERS: usize = 2_000;

/// A binding to a variable.
struct VariableBinding<'run> {
    schema_name: &'run SchemaName,
    wanted: WantedUrl<'run>,
    /// The member that it is about; none if it is about the whole value.
    pointer: Option<&'run JsonPointer>,
}

/// What a variable is to hold.
enum NewValue {
    /// This text.
    Text(String),
    /// Nothing: its value row is deleted.
    None,
}

/// Plans every binding to a variable.
pub(super) fn plan<'run>(
    draft: &mut PlanBuilder<'run>,
    targets: &'run Targets,
    urls: &[Option<&'run CallbackUrl>],
) {
    let mut parts: Vec<VariableBinding<'run>> =
        draft.wanted(urls).into_iter().filter_map(part).collect();
    parts.sort_by_key(|part| part.schema_name);
    // Both are in the order of names, so that both are gone through once.
    let mut readings = targets.variables.iter().peekable();
    for parts in parts.chunk_by(|one, next| one.schema_name == next.schema_name) {
        let name = parts[0].schema_name;
        while readings.next_if(|(earlier, _)| *earlier < name).is_some() {}
        let reading = readings.next_if(|(found, _)| *found == name);
        let unversioned = targets.unversioned_variables.contains(name);
        variable(draft, reading.map(|(_, reading)| reading), unversioned, parts);
    }
}

/// Returns the binding, if its target is a variable.
fn part(wanted: WantedUrl<'_>) -> Option<VariableBinding<'_>> {
    let Target::Variable { schema_name, pointer } = &wanted.binding.target else { return None };
    Some(VariableBinding { schema_name, wanted, pointer: pointer.as_ref() })
}

/// Plans the bindings to one variable, which end in at most one write.
fn variable<'run>(
    draft: &mut PlanBuilder<'run>,
    reading: Option<&'run Reading<Variable>>,
    unversioned: bool,
    parts: &[VariableBinding<'run>],
) {
    let variable = match reading {
        Some(Reading::Found(variable)) => variable,
        Some(Reading::Refused(refusal)) => {
            return parts.iter().for_each(|part| draft.refusal(&part.wanted, refusal));
        }
        Some(Reading::Absent) | None if unversioned => {
            return parts.iter().for_each(|part| without_etag(draft, &part.wanted));
        }
        Some(Reading::Absent) | None => {
            return parts.iter().for_each(|part| missing(draft, part));
        }
    };
    let fits: Vec<&VariableBinding<'run>> =
        parts.iter().filter(|part| usable(draft, variable, part)).collect();
    if fits.is_empty() {
        return;
    }
    let before = draft.parts.problems.len();
    let text = match fits.iter().find(|part| part.pointer.is_none()) {
        Some(part) => whole(draft, variable, &part.wanted),
        None => members(draft, variable, &fits),
    };
    match text.filter(|_| draft.parts.problems.len() == before) {
        Some(NewValue::Text(text)) => write(draft, variable, &fits, &text),
        Some(NewValue::None) => delete(draft, variable, &fits),
        None => (),
    }
}

fn missing<'run>(draft: &mut PlanBuilder<'run>, part: &VariableBinding<'run>) {
    if draft.is_removed(&part.wanted) {
        draft.remove(&part.wanted, &CurrentText::missing("the variable was not found", None));
        return;
    }
    let known = draft.known.variables.iter().map(String::as_str);
    let near = did_you_mean(part.schema_name.as_str(), known);
    let hint = format!(
        "{near}import the solution that defines it first, or correct `environment-variable`; if it is there, give the user's role the privilege `prvReadEnvironmentVariableDefinition` with the depth Organization: rows beyond the depth are left out without an error"
    );
    let message = "the environment variable was not found in this environment".to_owned();
    draft.problem(&part.wanted, Code::DefinitionMissing, message, hint);
}

/// Checks whether the variable can hold the URL of the binding, and notes a problem if not.
fn usable(draft: &mut PlanBuilder<'_>, variable: &Variable, part: &VariableBinding<'_>) -> bool {
    let VariableBinding { wanted, pointer, .. } = part;
    if variable.values.len() > 1 {
        let message =
            format!("the variable has {} values, but only one is used", variable.values.len());
        let hint =
            "remove all values but one in the solution that shows the variable, and run again";
        draft.problem(wanted, Code::VariableAmbiguous, message, hint);
        return false;
    }
    let hint = match (variable.variable_type, pointer) {
        (VariableType::String | VariableType::Json, Some(_)) | (VariableType::String, None) => {
            return true;
        }
        (VariableType::Json, None) => {
            "name the member with `json-pointer`, such as \"/orders/intake\""
        }
        _ => "bind a variable of type text, or of type JSON with `json-pointer`",
    };
    let message = format!(
        "the variable is of type {}, which cannot hold a URL as it stands",
        variable.variable_type
    );
    draft.problem(wanted, Code::VariableType, message, hint);
    false
}

/// Returns the new value of a variable that holds one URL; none if it need not be written.
fn whole<'run>(
    draft: &mut PlanBuilder<'run>,
    variable: &'run Variable,
    wanted: &WantedUrl<'run>,
) -> Option<NewValue> {
    let held = match variable.values.first() {
        None => CurrentText::missing("the variable has no value", None),
        Some(row) => {
            CurrentText::in_row(row.text.as_ref().map_or("", StoredText::expose), &row.tag)
        }
    };
    if draft.is_removed(wanted) {
        return draft.remove(wanted, &held).then_some(NewValue::None);
    }
    if let Some(contents) = effective(variable).and_then(Contents::of_text) {
        holds_more(draft, variable, wanted, contents);
        return None;
    }
    let url = wanted.url?;
    draft.compare(wanted, url, &held).then(|| NewValue::Text(url.expose().to_owned()))
}

/// Returns the new text of a JSON variable, with all bound members; none if it need not be
/// written.
fn members<'run>(
    draft: &mut PlanBuilder<'run>,
    variable: &Variable,
    parts: &[&VariableBinding<'run>],
) -> Option<NewValue> {
    let bound = || parts.iter().filter_map(|part| Some((&part.wanted, part.pointer?)));
    bound().next()?;
    let mut document = match Document::new(text(variable)) {
        Ok(document) => document,
        Err(mismatch) => {
            bound().for_each(|(wanted, _)| not_json(draft, variable, wanted, &mismatch));
            return None;
        }
    };
    let guard = match variable.values.first() {
        None => made_of(variable),
        Some(row) => Some(row.tag.clone()),
    };
    let mut changed = false;
    for (wanted, pointer) in bound() {
        let plan_member = if draft.is_removed(wanted) { removed_member } else { member };
        match plan_member(draft, variable, wanted, guard.as_ref(), (&mut document, pointer)) {
            Ok(writes) => changed |= writes,
            Err(mismatch) => not_json(draft, variable, wanted, &mismatch),
        }
    }
    changed.then(|| NewValue::Text(document.text()))
}

/// Compares one member with the URL that is to be removed there, removes the member if it holds that,
/// and returns whether it does.
fn removed_member<'run>(
    draft: &mut PlanBuilder<'run>,
    variable: &Variable,
    wanted: &WantedUrl<'run>,
    guard: Option<&EntityTag>,
    (document, pointer): (&mut Document<'_>, &JsonPointer),
) -> Result<bool, PointerMismatch> {
    let text = document.member(pointer)?;
    let text = match &text {
        _ if variable.values.is_empty() => Err("the variable has no value"),
        None => Err("the member does not exist"),
        Some(text) => Ok(text.as_str()),
    };
    let removes = draft.remove(wanted, &CurrentText { text, guard: guard.cloned() });
    if removes {
        document.remove(pointer)?;
    }
    Ok(removes)
}

/// Compares one member with the URL that is wanted there, writes the URL into the document if they
/// differ, and returns whether they do.
fn member<'run>(
    draft: &mut PlanBuilder<'run>,
    variable: &Variable,
    wanted: &WantedUrl<'run>,
    guard: Option<&EntityTag>,
    (document, pointer): (&mut Document<'_>, &JsonPointer),
) -> Result<bool, PointerMismatch> {
    if let Some(contents) = document.contents(pointer)? {
        member_not_text(draft, wanted, pointer, contents);
        return Ok(false);
    }
    let text = document.member(pointer)?;
    if let Some(contents) = text.as_deref().and_then(Contents::of_text) {
        member_holds_more(draft, wanted, pointer, contents);
        return Ok(false);
    }
    let Some(url) = wanted.url else { return Ok(false) };
    let text = match &text {
        _ if variable.values.is_empty() => Err("the variable has no value"),
        None => Err("the member does not exist"),
        Some(text) => Ok(text.as_str()),
    };
    let changed = draft.compare(wanted, url, &CurrentText { text, guard: guard.cloned() });
    if changed {
        document.write(pointer, url.expose())?;
    }
    Ok(changed)
}

/// Returns a digest of the default that a first value is made from, which changes with the
/// default; none without a default.
fn made_of(variable: &Variable) -> Option<EntityTag> {
    let default = variable.default.as_ref()?;
    EntityTag::new(&format!("default {:x}", Sha256::digest(default.expose().as_bytes())))
}

/// Returns the JSON that members are written into: the value, else the default, else an empty
/// object.
fn text(variable: &Variable) -> &str {
    effective(variable).filter(|text| !text.trim().is_empty()).unwrap_or("{}")
}

/// Returns the text that readers of the variable get: the value, else the default.
fn effective(variable: &Variable) -> Option<&str> {
    let value = variable.values.first().and_then(|row| row.text.as_ref());
    value.or(variable.default.as_ref()).map(StoredText::expose)
}

/// Notes that a URL in the place of the whole text would remove more than a URL.
fn holds_more(
    draft: &mut PlanBuilder<'_>,
    variable: &Variable,
    wanted: &WantedUrl<'_>,
    contents: Contents,
) {
    let (place, _) = place_of_value(draft, variable);
    let message = format!("{place} holds {contents}, and a URL would replace the whole text");
    let hint = match contents {
        Contents::Object(_) => {
            "name the member that holds the URL with `json-pointer`, such as \"/order/url\", or bind another variable"
        }
        Contents::Array(_) => {
            "name the element that holds the URL with `json-pointer`, such as \"/0\", or bind another variable"
        }
        _ => "bind another variable; if nobody needs the text, empty the variable first",
    };
    draft.problem(wanted, Code::TextHoldsMore, message, hint);
}

/// Notes that a URL in the place of a member would remove what the member is instead of text.
fn member_not_text(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    pointer: &JsonPointer,
    contents: Contents,
) {
    let place = printable(&pointer.to_string(), MOST_SHOWN);
    let message = format!("the member at `{place}` is {contents}, and a URL would replace it");
    let hint = match contents {
        Contents::Object(_) => {
            format!("name a member inside it, such as \"{place}/url\", or bind another variable")
        }
        Contents::Array(_) => {
            format!("name an element of it, such as \"{place}/0\", or bind another variable")
        }
        _ => "name another member in `json-pointer`; if nobody needs this one, make it null first"
            .to_owned(),
    };
    draft.problem(wanted, Code::MemberNotText, message, hint);
}

/// Notes that a URL in the place of a member's text would remove more than a URL.
fn member_holds_more(
    draft: &mut PlanBuilder<'_>,
    wanted: &WantedUrl<'_>,
    pointer: &JsonPointer,
    contents: Contents,
) {
    let place = printable(&pointer.to_string(), MOST_SHOWN);
    let message =
        format!("the text of the member at `{place}` holds {contents}, and a URL would replace it");
    let hint = "name another member in `json-pointer`; if nobody needs the text, make the member null first";
    draft.problem(wanted, Code::TextHoldsMore, message, hint);
}

fn not_json(
    draft: &mut PlanBuilder<'_>,
    variable: &Variable,
    wanted: &WantedUrl<'_>,
    mismatch: &PointerMismatch,
) {
    let (place, correct) = place_of_value(draft, variable);
    let is_whole = variable.variable_type == VariableType::String
        && effective(variable).and_then(Contents::of_text).is_none();
    let whole = if is_whole {
        "; or remove `json-pointer`: the URL then replaces the whole text"
    } else {
        ""
    };
    let hint =
        format!("{correct}, so that it is JSON with the members that the pointer passes{whole}");
    draft.problem(wanted, Code::ValueNotJson, format!("{place} {mismatch}"), hint);
}

fn is_json(text: Option<&StoredText>) -> bool {
    text.is_none_or(|text| Document::new(text.expose()).is_ok())
}

/// Returns what holds the text of a variable, and what to do to correct the text.
fn place_of_value(draft: &PlanBuilder<'_>, variable: &Variable) -> (&'static str, &'static str) {
    match (draft.in_file, variable.values.is_empty()) {
        (false, false) => ("the variable's value", "correct the variable's value"),
        (false, true) => ("the variable's default value", "give the variable a value"),
        (true, false) if is_json(variable.default.as_ref()) => (
            "the value in the file",
            "delete the entry from the file to use the environment's value, or correct the entry",
        ),
        (true, false) => ("the value in the file", "correct the entry in the file"),
        (true, true) => (
            "the file has no value, and the environment's value",
            "correct the variable's value in the environment, or write an entry into the file",
        ),
    }
}

/// Notes that the value row of a variable is deleted.
fn delete(draft: &mut PlanBuilder<'_>, variable: &Variable, parts: &[&VariableBinding<'_>]) {
    let Some(row) = variable.values.first() else { return };
    let entity_set = VALUES.to_owned();
    let write = Write::Delete { entity_set, id: row.id, guard: row.tag.clone() };
    draft.parts.writes.push((parts.iter().map(|part| part.wanted.index).collect(), write));
}

/// Notes the one write of a variable.
fn write(
    draft: &mut PlanBuilder<'_>,
    variable: &Variable,
    parts: &[&VariableBinding<'_>],
    text: &str,
) {
    let first = &parts[0].wanted;
    // Dataverse counts as .NET does, in units of UTF-16.
    let characters = text.encode_utf16().count();
    if characters > MOST_CHARACTERS {
        let message = format!(
            "the value would have {characters} characters, and a variable holds {MOST_CHARACTERS}"
        );
        let hint = "spread the URLs over several variables, or write them to records";
        return draft.problem(first, Code::ValueTooLong, message, hint);
    }
    let text = StoredText::new(text);
    let write = match variable.values.first() {
        None => Write::CreateVariableValue {
            definition: variable.definition,
            schema_name: variable.schema_name.clone(),
            text,
        },
        Some(row) => Write::UpdateVariableValue { id: row.id, guard: row.tag.clone(), text },
    };
    draft.parts.writes.push((parts.iter().map(|part| part.wanted.index).collect(), write));
}
