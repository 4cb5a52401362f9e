//! Environment variables that stand for options. The command line overrules them.

use std::env;
use std::ffi::{OsStr, OsString};

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, Error};

/// Options, each with the argument whose variable gives way to it.
const OVERRULES: &[(&str, &str)] = &[
    ("--export", "token_store"),
    ("--browser", "non_interactive"),
    ("--browser", "sign_in"),
    ("--sign-in", "browser"),
    ("--non-interactive", "browser"),
];

/// What a variable says that does not set its flag.
const NO: &[&str] = &["n", "no", "f", "false", "off", "0"];

/// Returns whether an environment variable sets its flag, by the rules of the command line.
pub(crate) fn is_set(variable: &str) -> bool {
    let value = env::var_os(variable).map(|value| plain(&value));
    value.is_some_and(|value| !value.is_empty() && !NO.contains(&value.as_str()))
}

/// Returns the value of a variable in lower case and without blanks around it.
fn plain(value: &OsStr) -> String {
    value.to_string_lossy().trim().to_ascii_lowercase()
}

/// Parses the words of the command line together with the environment variables.
///
/// # Errors
/// The first mistake in them, or the help or version that was asked for. If the words alone are
/// wrong, the error does not name the variables, which nobody typed.
pub(super) fn matches(
    command: &dyn Fn() -> Command,
    words: &[OsString],
) -> Result<ArgMatches, Error> {
    let is_given = |(option, _): &&(&str, &str)| words.iter().any(|word| word == option);
    let overruled: Vec<&str> = OVERRULES.iter().filter(is_given).map(|(_, id)| *id).collect();
    let is_unheeded = |arg: &Arg| says_nothing(arg) || overruled.contains(&arg.get_id().as_str());
    let heeding = without_variables(command(), &is_unheeded);
    let refused = match heeding.clone().try_get_matches_from(words) {
        Err(error) if error.exit_code() != 0 => error,
        ended => return ended,
    };
    match without_variables(command(), &|_| true).try_get_matches_from(words) {
        Err(alone) => Err(alone),
        Ok(_) => Err(blaming(refused, &heeding)),
    }
}

/// Returns whether the argument's variable has no effect: it is empty, as pipelines set those that
/// have no value, or it says no, as if the flag were not given.
fn says_nothing(arg: &Arg) -> bool {
    let value = arg.get_env().and_then(env::var_os).map(|value| plain(&value));
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    value.is_some_and(|value| value.is_empty() || (is_flag && NO.contains(&value.as_str())))
}

/// Returns the command with the variables removed from the arguments for which `are_gone` holds.
fn without_variables(command: Command, are_gone: &dyn Fn(&Arg) -> bool) -> Command {
    let command =
        command.mut_args(|arg| if are_gone(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(|command| without_variables(command, are_gone))
}

/// Adds to an error the name of the environment variable that the bad value came from.
fn blaming(mut error: Error, command: &Command) -> Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let option = argument.split(' ').next().and_then(|word| word.strip_prefix("--"));
    let found = option.and_then(|option| find(command, option));
    if let Some(name) = found.and_then(Arg::get_env) {
        let tip = format!("the value comes from the environment variable {}", name.display());
        let tips = vec![StyledStr::from(tip)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Finds the option with that name in a command or in its subcommands.
fn find<'command>(command: &'command Command, option: &str) -> Option<&'command Arg> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(option));
    own.or_else(|| command.get_subcommands().find_map(|below| find(below, option)))
}
