//! What the program says to who looks at it.

use std::process::Stdio;

use clap::{Command, CommandFactory};
use flowbind::cli::Cli;

use super::harness::{EXAMPLE, Ended, place};

/// An environment that is no sandbox, and an application.
const URL: &str = "https://contoso.crm4.dynamics.com";
const CLIENT: &str = "00000000-0000-4000-8000-00000000f10b";

/// The variables of the options of a command and of those below it.
fn variables(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.map(|name| name.to_str().unwrap().to_owned()).collect();
    let below = command.get_subcommands().map(variables);
    std::iter::once(own).chain(below).flatten().collect()
}

#[test]
fn a_variable_that_is_set_to_nothing_is_one_that_is_not_set() {
    let place = place();
    let mut command = place.command(&["plan", "-m", EXAMPLE, "-e", "sandbox"]);
    let names = variables(&Cli::command());
    assert!(names.len() > 15 && names.contains(&"FLOWBIND_TIMEOUT".to_owned()), "{names:?}");
    for name in names.iter().filter(|name| *name != "FLOWBIND_SANDBOX_STATE") {
        command.env(name, if name.len() % 2 == 0 { "" } else { " " });
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_bad_value_names_the_variable_that_it_is_from() {
    let place = place();
    let said = |name: &str, value: &str, words: &[&str]| {
        let all = [&["plan", "-m", EXAMPLE, "-e", "sandbox"], words].concat();
        let output = place.command(&all).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stderr).unwrap()
    };
    let tip = |name: &str| format!("the value comes from the environment variable {name}");
    let bad = [
        ("FLOWBIND_TIMEOUT", "x"),
        ("FLOWBIND_FORMAT", "yaml"),
        ("FLOWBIND_NON_INTERACTIVE", "never"),
    ];
    for (name, value) in bad {
        let text = said(name, value, &[]);
        assert!(text.contains(&tip(name)), "{text}");
    }
    let positional = place.run(&["completions", "tcsh"]);
    assert_eq!(positional.code, 3, "{}", positional.stderr);
    let typed = said("FLOWBIND_TIMEOUT", "x", &["--timeout=x"]);
    assert!(!typed.contains("environment variable"), "{typed}");
}

#[test]
fn who_cannot_be_asked_is_told_why_and_what_to_type() {
    let place = place();
    // Nothing is contacted; if it were, nothing would leave this machine.
    let mut command = place.command(&["apply", "-m", EXAMPLE, "-e", URL, "--client-id", CLIENT]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").stdin(Stdio::null());
    let ended: Ended = command.output().unwrap().into();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "to confirm the plan: standard input is not a terminal",
        "add --yes",
        "`flowbind apply --plan FILE`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_sandbox_asks_only_if_that_is_wanted() {
    let place = place();
    let run = ["apply", "-m", EXAMPLE, "-e", "sandbox"];
    for more in [&["--ask"][..], &["--ask", "--yes"]] {
        let ended = place.run(&[&run[..], more].concat());
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains("nobody can be asked"), "{}", ended.stderr);
        assert!(ended.stderr.contains("omit --ask"), "{}", ended.stderr);
    }
    assert_eq!(place.run(&run).code, 0);
}

#[test]
fn what_is_up_to_date_is_listed_if_that_is_wanted() {
    let place = place();
    let run = ["apply", "-m", EXAMPLE, "-e", "sandbox"];
    assert_eq!(place.run(&run).code, 0);
    let plan = ["plan", "-m", EXAMPLE, "-e", "sandbox"];
    let all = place.run(&[&plan[..], &["--verbose"]].concat());
    assert_eq!(all.stdout.matches("\n  = ").count(), 7, "{}", all.stdout);
    let short = place.run(&plan);
    assert!(!short.stdout.contains("  = "), "{}", short.stdout);
    assert!(all.stderr.lines().last().unwrap().starts_with("Took "), "{}", all.stderr);
}

#[test]
fn a_yes_is_a_yes_and_nothing_else() {
    let place = place();
    let words = ["apply", "-m", EXAMPLE, "-e", URL, "--client-id", CLIENT];
    let said = |value: &str| -> Ended {
        let mut command = place.command(&words);
        command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("FLOWBIND_YES", value);
        command.stdin(Stdio::null()).output().unwrap().into()
    };
    for value in ["never", "maybe", "disabled"] {
        let ended = said(value);
        assert_eq!(ended.code, 3, "{value}: {}", ended.stderr);
        assert!(ended.stderr.contains("environment variable FLOWBIND_YES"), "{}", ended.stderr);
    }
    for value in ["NO ", "no", "False", "0"] {
        let ended = said(value);
        assert_eq!(ended.code, 3, "{value}: {}", ended.stderr);
        assert!(ended.stderr.contains("nobody can be asked"), "{}", ended.stderr);
    }
    let ended = place.run(&[&words[..], &["--non-interactive"]].concat());
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("`--non-interactive` is given"), "{}", ended.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let place = place();
    for words in [
        &["plan", "-m", EXAMPLE, "-e", "sandbox", "--format", "json"][..],
        &["lint", "-m", EXAMPLE],
        &["schema"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended: Ended = place.command(words).stdout(full).output().unwrap().into();
        assert_eq!(ended.code, 1, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("cannot be written to standard output"), "{}", ended.stderr);
    }
    for (words, is_written) in [(["apply", "--dry-run"], false), (["apply", "--yes"], true)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let words = [&words[..], &["-m", EXAMPLE, "-e", "sandbox"]].concat();
        let ended: Ended = place.command(&words).stdout(full).output().unwrap().into();
        assert_eq!(ended.code, 1, "{words:?}: {}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(said.matches("cannot be written to standard output").count(), 1, "{said}");
        assert_eq!(
            said.contains("everything was written to the environment"),
            is_written,
            "{said}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_record_of_the_sandbox_that_cannot_be_written_is_told_at_the_end() {
    let place = place();
    let run = ["plan", "-m", EXAMPLE, "-e", "sandbox", "--sandbox-record", "/dev/full"];
    let ended = place.run(&run);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the sandbox's record `/dev/full` is not complete"),
        "{}",
        ended.stderr
    );
}
