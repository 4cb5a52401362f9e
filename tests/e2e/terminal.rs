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
    assert!(typed.contains("write a duration such as 90s, 10m or 2h"), "{typed}");
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

/// Runs a program at a terminal of this width, and types what it may ask for; everything that the
/// terminal was sent.
#[cfg(target_os = "linux")]
fn at_a_terminal(mut command: std::process::Command, columns: u16, typed: &str) -> (i32, String) {
    use std::io::{Read, Write};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&screen, size).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
    let line = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
    command.stdin(line.try_clone().unwrap()).stdout(line.try_clone().unwrap()).stderr(line);
    command.env("TERM", "xterm").env_remove("NO_COLOR").env("FORCE_HYPERLINK", "1");
    let mut child = command.spawn().unwrap();
    // The terminal ends when nobody holds its other side.
    drop(command);
    let mut screen = std::fs::File::from(screen);
    screen.write_all(typed.as_bytes()).unwrap();
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = screen.read(&mut part) {
        shown.extend_from_slice(&part[..length]);
    }
    (child.wait().unwrap().code().unwrap(), String::from_utf8(shown).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn who_sits_at_a_terminal_sees_the_progress_and_is_asked_below_the_totals() {
    let place = place();
    let run = place.command(&["apply", "-m", EXAMPLE, "-e", "sandbox", "--ask"]);
    let (code, shown) = at_a_terminal(run, 80, "yes\n");
    assert_eq!(code, 0, "{shown}");
    let (_, prompt) = shown.split_once("enter the code:\r\n\r\n  page  \u{1b}]8;;http://").unwrap();
    let (page, rest) = prompt.split_once("\u{1b}\\").unwrap();
    assert!(
        rest.starts_with(&format!("http://{page}\u{1b}]8;;\u{1b}\\\r\n  code  \u{1b}[1m")),
        "{rest}"
    );
    let mut rest = rest;
    for part in [
        "Reading flows [",
        "Plan for sandbox, ",
        "Plan:\u{1b}[0m 4 to create, 3 to update.\r\n",
        "Write these changes to \u{1b}[1msandbox, http://127.0.0.1:",
        "Writing 6 rows in one change set",
        "Applied:\u{1b}[0m 4 created, 3 updated. Read back and verified.\r\n",
        "Took ",
    ] {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part}: {rest}"));
        rest = after;
    }
    assert!(!rest.contains("Reading"), "{rest}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_wait_says_why_below_the_progress_and_in_a_line_where_there_is_none() {
    let place = place();
    let fault =
        "[[fault]]\nservice = \"flow\"\nstatus = 429\nretry-after = 4\ntimes = 1\n\n[[flow]]";
    let tenant = place.tenant(&[("[[flow]]", fault)]);
    let run = ["plan", "-m", EXAMPLE, "-e", "sandbox", "--sandbox-tenant", &tenant];
    let why = "The Flow service is throttling (429); next try in ";
    let (code, shown) = at_a_terminal(place.command(&run), 80, "");
    assert_eq!(code, 0, "{shown}");
    for left in ["4 s", "3 s"] {
        assert!(shown.contains(&format!("{why}{left}")), "{left}: {shown}");
    }
    let ended = place.run(&run);
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    assert!(ended.stderr.contains(" of 7 flows read\n"), "{}", ended.stderr);
    assert!(!(ended.stderr + &ended.stdout).contains('\u{1b}'));
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
