//! The command line to type next, which reaches what this run reaches.

use std::borrow::Cow;
use std::env;
use std::path::Path;

use crate::cli::ConnectArgs;

/// The manifest where none is named.
const USUAL_MANIFEST: &str = "flowbind.toml";

/// The program with these words, and with what the command line told this run of the environment, fit
/// for a shell. What a variable told is told by it again.
pub(super) fn command(words: &[&str], connect: &ConnectArgs) -> String {
    let path = |path: &Path| path.display().to_string();
    let manifest = Some(path(&connect.manifest)).filter(|file| file != USUAL_MANIFEST);
    let options = [
        ("--manifest", "FLOWBIND_MANIFEST", manifest),
        ("--environment", "FLOWBIND_ENVIRONMENT", connect.environment.clone()),
        ("--clouds", "FLOWBIND_CLOUDS", connect.clouds.as_deref().map(path)),
        ("--ca-bundle", "FLOWBIND_CA_BUNDLE", connect.ca_bundle.as_deref().map(path)),
        ("--client-id", "FLOWBIND_CLIENT_ID", connect.sign_in.client_id.map(|id| id.to_string())),
        ("--tenant", "FLOWBIND_TENANT", connect.sign_in.tenant.clone()),
        ("--sandbox-state", "FLOWBIND_SANDBOX_STATE", connect.sandbox.state.sandbox_state.clone()),
        (
            "--sandbox-tenant",
            "FLOWBIND_SANDBOX_TENANT",
            connect.sandbox.sandbox_tenant.as_deref().map(path),
        ),
    ];
    let mut line = vec!["flowbind".to_owned()];
    line.extend(words.iter().map(|word| quoted(word)));
    for (option, variable, value) in options {
        let told = value.filter(|value| env::var(variable).as_ref() != Ok(value));
        line.extend(told.map(|value| format!("{option} {}", quoted(&value))));
    }
    line.join(" ")
}

/// The program with this word, about that manifest.
pub(super) fn with_manifest(word: &str, manifest: &Path) -> String {
    match manifest.display().to_string() {
        usual if usual == USUAL_MANIFEST => format!("flowbind {word}"),
        other => format!("flowbind {word} --manifest {}", quoted(&other)),
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    fn next(words: &str) -> String {
        let words = format!("flowbind plan {words}");
        let cli = Cli::read(words.split(' ').map(Into::into)).unwrap();
        let Command::Plan(args) = cli.command else { unreachable!() };
        command(&["apply", "--plan", "my plan"], &args.run.connect)
    }

    #[test]
    fn a_command_reaches_what_the_run_reached() {
        assert_eq!(next("--timeout 5"), "flowbind apply --plan 'my plan'");
        assert_eq!(
            next("-m a.toml -e prod --tenant contoso.example"),
            "flowbind apply --plan 'my plan' --manifest a.toml --environment prod --tenant contoso.example"
        );
        let more = next("-e https://contoso.crm4.dynamics.com --clouds c.toml");
        assert!(more.ends_with("--environment https://contoso.crm4.dynamics.com --clouds c.toml"));
    }
}
