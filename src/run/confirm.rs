//! Asks before writing, where somebody can be asked.

use std::io;

use super::Intent;
use crate::cli::ConnectArgs;
use crate::domain::EnvironmentUrl;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::Location;
use crate::report::Console;

/// The only answer that counts as one.
const YES: &str = "yes";

/// Makes sure, before anything is contacted, that somebody can be asked if that is needed.
pub(super) fn possible(
    place: &Location,
    intent: Intent,
    args: &ConnectArgs,
    console: &Console,
) -> Result<(), Failure> {
    let elsewhere = matches!(place, Location::Url(url) if !url.is_loopback());
    let needed = elsewhere && intent == Intent::Carry { yes: false };
    let told = args.sign_in.non_interactive.then_some("`--non-interactive` is given");
    let nobody = told.or_else(|| console.nobody_to_ask());
    let Some(why) = nobody.filter(|_| needed) else { return Ok(()) };
    let message = format!(
        "nobody can be asked whether to write what is planned, since {why}; nothing was contacted"
    );
    Err(Failure::new(Exit::Usage, message)
        .hint("add --yes to write without asking, or look first with --dry-run"))
}

/// Asks whether to write. The sandbox on this machine is never asked about.
pub(super) async fn ask(url: &EnvironmentUrl, yes: bool, console: &Console) -> Result<(), Failure> {
    if yes || url.is_loopback() {
        return Ok(());
    }
    console.message(&format!("Type `{YES}` to write these changes to {url}: "));
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    match answer.await {
        Ok(Ok(answer)) if answer.trim() == YES => Ok(()),
        _ => Err(Failure::new(Exit::Refused, "not confirmed; nothing was written")
            .hint(format!("run again and type `{YES}`, or add --yes"))),
    }
}
