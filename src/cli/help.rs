//! The help pages: the examples of each command, the exit codes, and the summary of `-h`.

use std::ffi::OsString;
use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// The exit codes, each with its meaning in one line.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "success, also with changes pending or drift"),
    (1, "unexpected failure"),
    (2, "changes, drift or a changed export file (only with --detailed-exitcode)"),
    (3, "usage, manifest or file error, or --yes missing; nothing was contacted"),
    (4, "not signed in: refused, or --non-interactive and a person has to sign in"),
    (5, "refused: a problem, a policy or a conflict; nothing was written"),
    (6, "a service was unreachable or throttled the run; nothing was written"),
    (7, "outcome unknown: a write was sent and could not be verified"),
    (8, "not ready: a flow was off at the end of --wait-ready; nothing was written"),
    (130, "interrupted; nothing was written"),
];

/// The examples of each command, by the words that follow the name of the program.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["flowbind init", "flowbind apply --environment sandbox"]),
    (
        "plan",
        &[
            "flowbind plan --environment prod",
            "flowbind plan --environment prod --out release.plan --report plan.md",
        ],
    ),
    ("check", &["flowbind check --environment prod --detailed-exitcode"]),
    (
        "apply",
        &[
            "flowbind apply --environment prod --journal release.journal",
            "flowbind apply --environment prod --plan release.plan",
        ],
    ),
    (
        "set",
        &[
            "flowbind set contoso_OrderUrl --flow a09e4a0d-3a1c-f011-998a-7c1e5275cfe9 --environment sandbox",
        ],
    ),
    (
        "rollback",
        &["flowbind rollback release.journal --dry-run", "flowbind rollback release.journal"],
    ),
    ("export", &["flowbind export --environment prod --settings-file deploymentSettings.json"]),
    (
        "import",
        &["flowbind import --environment prod --settings-file settings.json --out flowbind.toml"],
    ),
    ("auth", &["flowbind auth login --environment prod", "flowbind auth status"]),
    (
        "auth login",
        &[
            "flowbind auth login --environment prod",
            "flowbind auth login --environment prod --export",
        ],
    ),
    ("auth status", &["flowbind auth status --format json"]),
    ("auth logout", &["flowbind auth logout"]),
    ("sandbox", &["flowbind sandbox", "flowbind sandbox --approve-after 1 --flows 200"]),
    ("sandbox reset", &["flowbind sandbox reset"]),
    ("init", &["flowbind init", "flowbind init --out deploy/flowbind.toml"]),
    ("lint", &["flowbind lint", "flowbind lint --manifest deploy/flowbind.toml"]),
    ("schema", &["flowbind schema > flowbind.schema.json"]),
    ("explain", &["flowbind explain 5", "flowbind explain flow-draft"]),
    ("completions", &["flowbind completions bash > flowbind.bash"]),
    ("man", &["flowbind man --out man"]),
];

/// The last line of the long help.
const DOCUMENTATION: &str = concat!("Documentation: ", env!("FLOWBIND_DOCUMENTATION"));

/// Options that the summary of a command that runs on an environment leaves to `--help`.
const RARE: &[&str] = &[
    "browser",
    "ci",
    "client_id",
    "format",
    "non_interactive",
    "output_url",
    "sandbox_state",
    "sign_in",
    "signed_urls",
    "skip_changed",
    "tenant",
    "timeout",
    "token_store",
    "valid_for",
];

/// Options of every command, which every summary leaves to `--help`.
const OF_EVERY_COMMAND: &[&str] = &["color", "log", "log_file"];

/// Returns the program with the examples below the help of each command.
pub fn program() -> Command {
    let program = with_examples(Cli::command(), "");
    let below = format!("{}\n{}\n\n{DOCUMENTATION}", exit_codes(), examples_text(""));
    program.after_long_help(below)
}

/// Returns the examples of the command with these words.
pub fn examples(words: &str) -> &'static [&'static str] {
    EXAMPLES.iter().find(|(command, _)| *command == words).map_or(&[], |(_, examples)| examples)
}

fn with_examples(command: Command, words: &str) -> Command {
    let command = command.mut_subcommands(|below| {
        let words = format!("{words} {}", below.get_name());
        with_examples(below, words.trim_start())
    });
    command.after_help(examples_text(words))
}

fn examples_text(words: &str) -> String {
    format!("Examples:\n  {}", examples(words).join("\n  "))
}

fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for (code, meaning) in EXIT_CODES {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {code:<3}  {meaning}");
    }
    text + "`flowbind explain CODE` says what to do.\n"
}

/// Returns the program as the help for these words shows it: `-h` gets a summary, which leaves rare
/// options and all variables to `--help`.
pub(super) fn for_words(program: Command, words: &[OsString]) -> Command {
    if words.iter().any(|word| word == "-h") { summary(program) } else { program }
}

fn summary(command: Command) -> Command {
    let runs = command.get_arguments().any(|arg| arg.get_id() == "environment");
    let is_left_out = |arg: &Arg| {
        let id = arg.get_id().as_str();
        OF_EVERY_COMMAND.contains(&id) || (runs && RARE.contains(&id))
    };
    let command = command.mut_args(|arg| {
        let is_left_out = is_left_out(&arg);
        let arg = arg.hide_env(true);
        if is_left_out { arg.hide_short_help(true) } else { arg }
    });
    command.mut_subcommands(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Exit;

    /// The most lines of a summary, at the width of a narrow terminal.
    const MOST_LINES: usize = 40;

    /// Every command that help shows, by its words.
    fn commands(command: &Command, words: &str) -> Vec<(String, Command)> {
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        let mut found = vec![(words.to_owned(), command.clone())];
        found.extend(below.flat_map(|below| {
            commands(below, format!("{words} {}", below.get_name()).trim_start())
        }));
        found
    }

    fn every_command(program: Command) -> Vec<(String, Command)> {
        let mut program = program.term_width(80);
        program.build();
        commands(&program, "")
    }

    #[test]
    fn a_summary_has_at_most_forty_lines() {
        for (words, mut command) in every_command(summary(program())) {
            let text = command.render_help().to_string();
            let lines = text.lines().count();
            assert!(lines <= MOST_LINES, "flowbind {words} -h has {lines} lines:\n{text}");
            assert!(text.contains("Examples:\n  flowbind"), "{text}");
        }
    }

    #[test]
    fn the_long_help_has_every_option_with_its_variable() {
        for (words, mut command) in every_command(program()) {
            let text = command.render_long_help().to_string();
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let option = arg.get_long().map(|name| format!("--{name}"));
                let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
                for word in option.into_iter().chain(variable) {
                    assert!(text.contains(&word), "flowbind {words} --help lacks {word}");
                }
            }
        }
    }

    #[test]
    fn every_command_has_one_or_two_examples_that_are_understood() {
        let commands = every_command(program());
        assert_eq!(commands.len(), EXAMPLES.len());
        for (words, _) in commands {
            let examples = examples(&words);
            assert!((1..=2).contains(&examples.len()), "flowbind {words}");
            for example in examples {
                let typed = example.split(" > ").next().unwrap();
                assert!(typed.starts_with(format!("flowbind {words}").trim_end()), "{example}");
                Cli::read(typed.split(' ').map(OsString::from)).unwrap();
            }
        }
    }

    #[test]
    fn every_exit_code_is_listed() {
        let codes: Vec<u8> = EXIT_CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, Exit::ALL.map(Exit::code));
    }
}
