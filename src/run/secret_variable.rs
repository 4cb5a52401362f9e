//! Variables of the process that hold secrets, as pipelines set them.

use std::env;

use crate::model::{Exit, Failure};

/// Says that a variable has no value: it is not set, or it is there and empty, as where a pipeline
/// has no secret of that name or no access to it.
pub(crate) fn not_set(name: &str) -> String {
    if is_empty(name) {
        format!("{name} is not set: it is there, and empty")
    } else {
        format!("{name} is not set")
    }
}

/// Returns true if a variable is there, and empty.
pub(crate) fn is_empty(name: &str) -> bool {
    env::var(name).is_ok_and(|value| value.trim().is_empty())
}

/// Reads the value of a variable; none if it is empty, as pipelines set variables without a value.
pub(crate) fn read_secret_variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        // Azure Pipelines leaves the reference to a variable that it does not know as it is.
        Ok(value) if value.trim().starts_with("$(") => {
            let message = format!(
                "{name} contains `$(...)`: the pipeline does not define that variable, or has no access to it"
            );
            Err(Failure::new(Exit::Usage, message).hint("define it as a secret variable of the pipeline, or link the variable group that contains it"))
        }
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Failure::new(Exit::Usage, format!("{name} is not UTF-8")))
        }
    }
}
