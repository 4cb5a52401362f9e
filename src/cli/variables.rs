//! The environment variables of options: which are heeded, and which one a bad value came from.

use std::env;
use std::ffi::{OsStr, OsString};

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};

/// The same command, which takes a variable that is set to nothing for one that is not set, as
/// pipelines set variables that have no value.
pub(super) fn heeding(command: Command) -> Command {
    command.mut_args(without_empty).mut_subcommands(heeding)
}

fn without_empty(argument: Arg) -> Arg {
    let value = argument.get_env().and_then(env::var_os);
    let is_empty = value.is_some_and(|value| value.to_string_lossy().trim().is_empty());
    if is_empty { argument.env(Resettable::Reset) } else { argument }
}

/// The same error, which names the variable if that is where a bad value is from.
pub(super) fn blaming(mut error: Error, command: &Command, words: &[OsString]) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (argument, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let Some((argument, value)) = argument.zip(value) else { return error };
    let typed = words
        .iter()
        .map(|word| word.to_string_lossy())
        .any(|word| *word == value || (word.starts_with('-') && word.ends_with(&value)));
    let held = |name: &&OsStr| env::var_os(name).is_some_and(|held| held == *value);
    let named = find(command, &argument).and_then(|found| found.get_env().filter(held));
    if let Some(name) = named.filter(|_| !typed) {
        let tip = format!("the value is that of the environment variable {}", name.display());
        let tips = vec![StyledStr::from(tip)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// The argument that an error shows so, of the command or of one below it.
fn find<'command>(command: &'command Command, shown: &str) -> Option<&'command Arg> {
    let own = command.get_arguments().find(|argument| argument.to_string() == shown);
    own.or_else(|| command.get_subcommands().find_map(|below| find(below, shown)))
}
