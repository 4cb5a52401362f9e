//! What the targets hold now, whether or not there is a URL to write there.

use super::text_at;
use crate::domain::StoredText;
use crate::state::{Desired, Observed, Reading, Target, Targets, Variable};

/// What holds at each target, in the order of the bindings; none where that is nothing. An
/// environment variable without a value has its default.
pub fn held(desired: &Desired, observed: &Observed) -> Vec<Option<StoredText>> {
    let texts = desired.bindings.iter().map(|binding| text(&binding.target, &observed.targets));
    texts.map(|text| text.filter(|text| !text.expose().is_empty())).collect()
}

fn text(target: &Target, targets: &Targets) -> Option<StoredText> {
    match target {
        Target::Variable { schema_name, pointer } => match targets.variables.get(schema_name)? {
            Reading::Found(variable) => text_at(value(variable)?, pointer.as_ref()),
            Reading::Absent | Reading::Refused(_) => None,
        },
        Target::Column { record, column, .. } => match targets.records.get(record)?.as_deref() {
            Ok([row]) => row.texts.get(column).cloned(),
            _ => None,
        },
    }
}

/// The value that apps read, if there is only one.
fn value(variable: &Variable) -> Option<&StoredText> {
    match variable.values.as_slice() {
        [] => variable.default.as_ref(),
        [row] => row.text.as_ref(),
        _ => None,
    }
}
