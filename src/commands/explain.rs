//! `flowbind explain`: explains a code.

use crate::cli::ExplainArgs;
use crate::model::{Exit, Failure, printable};
use crate::report::Console;
use crate::report::explain::{explain, index};

/// The maximum length of an unknown code in a message, in characters.
const MOST_CHARACTERS: usize = 80;

/// Explains a code, or lists all.
pub(super) fn command(args: &ExplainArgs, console: &Console) -> Result<(), Failure> {
    let Some(word) = &args.code else {
        console.write_codes(&index());
        return Ok(());
    };
    let explanation = explain(word).map_err(|near| unknown(word, near))?;
    console.explain(&explanation);
    Ok(())
}

/// Tells that there is no such code.
fn unknown(word: &str, near: Option<String>) -> Failure {
    let word = printable(word, MOST_CHARACTERS);
    let failure = Failure::new(Exit::Usage, format!("unknown code `{word}`"));
    match near {
        Some(near) => failure.hint(format!("did you mean `flowbind explain {near}`?")),
        None => failure.hint("`flowbind explain` lists every code"),
    }
}
