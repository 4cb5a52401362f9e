//! The command line to type next, with the options to reach the same environment.

use std::env;
use std::fmt::Write as _;
use std::path::Path;

use crate::cli::{ConnectArgs, SignInArgs, SignInProgram, is_set};
use crate::plan::journal::JournalFile;
use crate::run::quoting::quote;
use crate::sign_in::{Audience, TokenCommandFor};

/// The default manifest.
const USUAL_MANIFEST: &str = "flowbind.toml";

/// The placeholder for a token command, which may hold a secret.
const COMMAND: &str = "COMMAND";

/// A builder for a command line, quoted for a shell.
pub(crate) struct NextCommand {
    line: String,
}

impl NextCommand {
    /// Begins a command line with `flowbind` and this command.
    pub(crate) fn command(command: &str) -> Self {
        Self { line: format!("flowbind {command}") }
    }

    /// Adds a journal as a positional argument.
    pub(crate) fn journal(mut self, file: &JournalFile) -> Self {
        let path = file.to_string();
        // Else it would be taken for an option.
        let here = if path.starts_with('-') { "./" } else { "" };
        let _ = write!(self.line, " {}", quote(&format!("{here}{path}")));
        self
    }

    /// Adds an option that has no value.
    pub(crate) fn flag(mut self, name: &str) -> Self {
        let _ = write!(self.line, " {name}");
        self
    }

    /// Adds an option and its value.
    pub(crate) fn option(mut self, name: &str, value: &str) -> Self {
        // Else it would be taken for an option of its own.
        let between = if value.starts_with('-') { '=' } else { ' ' };
        let _ = write!(self.line, " {name}{between}{}", quote(value));
        self
    }

    /// Returns the whole line, with `--manifest` unless the manifest has its default name.
    pub(crate) fn with_manifest(self, manifest: &Path) -> String {
        match shown(manifest) {
            usual if usual == USUAL_MANIFEST => self.line,
            other => self.option("--manifest", &other).line,
        }
    }

    /// Returns the whole line, with the options that this run used to reach the environment.
    /// Options that a variable sets are left out.
    pub(crate) fn with_connect_options(self, connect: &ConnectArgs) -> String {
        let (sign_in, sandbox) = (&connect.sign_in, &connect.sandbox);
        let manifest = Some(shown(&connect.manifest)).filter(|file| file != USUAL_MANIFEST);
        let path = |path: &Option<_>| path.as_deref().map(shown);
        let store = sign_in.store.token_store.as_ref().map(ToString::to_string);
        let options = [
            ("--manifest", "FLOWBIND_MANIFEST", manifest),
            ("--environment", "FLOWBIND_ENVIRONMENT", connect.environment.clone()),
            ("--clouds", "FLOWBIND_CLOUDS", path(&connect.clouds)),
            ("--ca-bundle", "FLOWBIND_CA_BUNDLE", path(&connect.ca_bundle)),
            ("--client-id", "FLOWBIND_CLIENT_ID", sign_in.client_id.map(|id| id.to_string())),
            ("--tenant", "FLOWBIND_TENANT", sign_in.tenant.clone()),
            ("--sign-in", "FLOWBIND_SIGN_IN", sign_in.sign_in.map(|SignInProgram::Az| "az".into())),
            ("--token-store", "FLOWBIND_TOKEN_STORE", store),
            ("--sandbox-state", "FLOWBIND_SANDBOX_STATE", sandbox.state.sandbox_state.clone()),
            ("--sandbox-tenant", "FLOWBIND_SANDBOX_TENANT", path(&sandbox.sandbox_tenant)),
        ];
        let told = options.into_iter().filter_map(|(name, variable, value)| {
            Some((name, value.filter(|value| env::var(variable).as_ref() != Ok(value))?))
        });
        let next = told.fold(self, |next, (name, value)| next.option(name, &value));
        let is_typed = connect.http1 && !is_set("FLOWBIND_HTTP1");
        let next = if is_typed { next.flag("--http1") } else { next };
        next.signing_in(sign_in).line
    }

    /// Adds the sign-in options of this run.
    fn signing_in(self, args: &SignInArgs) -> Self {
        let flags =
            [("--browser", args.browser), ("--refresh-token-stdin", args.refresh_token_stdin)];
        let given = flags.into_iter().filter(|(_, given)| *given);
        let next = given.fold(self, |next, (name, _)| next.flag(name));
        let variable = env::var("FLOWBIND_TOKEN_COMMAND").ok();
        let told = variable.and_then(|text| text.parse::<TokenCommandFor>().ok());
        let typed = args.token_command.iter().filter(|command| told.as_ref() != Some(command));
        let next = typed.fold(next, |next, command| {
            let service = command.audience.map(Audience::name);
            let service = service.map_or_else(String::new, |service| format!("{service}:"));
            next.option("--token-command", &format!("{service}{COMMAND}"))
        });
        let variables = args.token_command_variable.join(",");
        let is_typed = env::var("FLOWBIND_TOKEN_COMMAND_VARIABLE").as_ref() != Ok(&variables);
        if is_typed && !variables.is_empty() {
            return next.option("--token-command-variable", &variables);
        }
        next
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    fn next(words: &str) -> String {
        let words = format!("flowbind plan {words}");
        let cli = Cli::read(words.split(' ').map(Into::into)).unwrap();
        let Command::Plan(args) = cli.command else { unreachable!() };
        NextCommand::command("apply")
            .option("--plan", "my plan")
            .with_connect_options(&args.run.connect)
    }

    #[test]
    fn a_command_reaches_what_the_run_reached() {
        let plan = format!("flowbind apply --plan {}", quote("my plan"));
        assert_eq!(next("--timeout 5"), plan);
        assert_eq!(next("--http1"), format!("{plan} --http1"));
        assert_eq!(
            next("-m a.toml -e prod --tenant contoso.example"),
            format!("{plan} --manifest a.toml --environment prod --tenant contoso.example")
        );
        let more = next("-e https://contoso.crm4.dynamics.com --clouds c.toml");
        assert!(more.ends_with("--environment https://contoso.crm4.dynamics.com --clouds c.toml"));
    }

    #[test]
    fn a_command_signs_in_as_the_run_did_and_repeats_no_command_for_tokens() {
        for (words, end) in [
            ("--token-store file:a.age", "--token-store file:a.age"),
            ("--browser --token-store none", "--token-store none --browser"),
            ("--refresh-token-stdin", "--refresh-token-stdin"),
            ("--sign-in az", "--sign-in az"),
            ("--token-command print-one", "--token-command COMMAND"),
            ("--token-command flow:print-one", "--token-command flow:COMMAND"),
        ] {
            let plan = quote("my plan");
            assert_eq!(next(words), format!("flowbind apply --plan {plan} {end}"), "{words}");
        }
    }

    #[test]
    fn a_word_is_quoted_and_no_option_unless_it_is_one() {
        let next = || NextCommand::command("rollback");
        for (line, before, word) in [
            (next().journal(&"-a b".parse().unwrap()).line, " ", "./-a b"),
            (next().journal(&"a;b".parse().unwrap()).line, " ", "a;b"),
            (next().option("--tenant", "-x").line, " --tenant=", "-x"),
            (next().option("--tenant", "-x y").line, " --tenant=", "-x y"),
        ] {
            assert_eq!(line, format!("flowbind rollback{before}{}", quote(word)));
        }
        assert_eq!(next().with_manifest(Path::new(USUAL_MANIFEST)), "flowbind rollback");
        assert_eq!(next().with_manifest(Path::new("-m")), "flowbind rollback --manifest=-m");
    }
}
