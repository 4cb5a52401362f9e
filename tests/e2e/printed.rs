//! Everything that is printed passes one door: no text from outside steers a terminal or a runner,
//! hides what stands beside it, or begins a command.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use clap::{Arg, CommandFactory};
use flowbind::cli::Cli;
use serde_json::Value;

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, binds, place, root};
use super::hostile::{json, read, whole};

/// Line breaks, commands of both runners, terminal sequences, and characters that are invisible or
/// turn the direction of a text.
const HOSTILE: &str = "x\n::error::owned\r\n##vso[task.owned]b\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{3164}\u{2800}\u{200b}y";

/// The characters of [`HOSTILE`] that may not be printed.
const HIDDEN: [char; 8] =
    ['\r', '\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{3164}', '\u{2800}', '\u{200b}'];

/// Checks what a run printed.
fn assert_harmless(what: &str, ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(HIDDEN), "{what}: {text:?}");
        for line in text.lines() {
            let begins = line.trim_start();
            let is_command = begins.starts_with("::error::owned")
                || line.contains("##vso[task.owned")
                || line.matches("##vso[").count() > 1;
            assert!(!is_command, "{what}: {text:?}");
        }
    }
}

/// Ends a run that prints something of a text from outside, and checks it.
fn check(what: &str, command: &mut Command) -> Ended {
    let ended: Ended = command.stdin(Stdio::null()).output().unwrap().into();
    assert_ne!(ended.code, 101, "{what}: {}", ended.stderr);
    assert_harmless(what, &ended);
    ended
}

/// A hostile text as a string of TOML and of JSON.
fn quoted() -> String {
    serde_json::to_string(HOSTILE).unwrap().replace('\u{9b}', "\\u009b")
}

/// The commands without subcommands, each with the words that lead to it.
fn commands(command: &clap::Command, words: &[String]) -> Vec<(Vec<String>, clap::Command)> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    let below: Vec<_> = below
        .flat_map(|below| commands(below, &[words, &[below.get_name().to_owned()]].concat()))
        .collect();
    let own = below.is_empty() || command.get_name() == "sandbox";
    own.then(|| (words.to_vec(), command.clone())).into_iter().chain(below).collect()
}

/// The words that give an argument a hostile value.
fn given(argument: &Arg) -> Vec<String> {
    let prefixes = ["", "plain:", "file:", "dataverse:", "a="];
    let value = |prefix: &str| match argument.get_long() {
        Some(name) => format!("--{name}={prefix}{HOSTILE}"),
        None => format!("{prefix}{HOSTILE}"),
    };
    prefixes.map(value).into()
}

#[test]
fn no_option_and_no_variable_reaches_the_screen_as_it_is() {
    let place = place();
    let mut seen = BTreeSet::new();
    // The options of every command belong to the program itself.
    let own = (vec!["plan".to_owned()], Cli::command());
    for (words, command) in commands(&Cli::command(), &[]).into_iter().chain([own]) {
        for argument in command.get_arguments().filter(|one| one.get_action().takes_values()) {
            if !seen.insert(argument.get_id().to_string()) {
                continue;
            }
            let run = || {
                let mut run = place.command(&[]);
                run.current_dir(place.path("")).env_remove("FLOWBIND_SANDBOX_STATE").args(&words);
                // One that would serve does not.
                run.args((words == ["sandbox"]).then_some("--listen=192.0.2.1:1"));
                run
            };
            let what = format!("{words:?} {}", argument.get_id());
            for word in given(argument) {
                check(&what, run().arg(word));
            }
            if let Some(name) = argument.get_env() {
                check(&what, run().env(name, HOSTILE));
                check(&what, run().env(name, HOSTILE).arg("--help"));
                check(&what, run().env(name, HOSTILE).args(["--log", "trace"]));
            }
        }
    }
    assert!(seen.len() > 36, "{seen:?}");
    let ended = check("a word", place.command(&[]).args(["plan", "--log", HOSTILE]));
    assert!(
        ended.stderr.starts_with("error: invalid value 'x ::error::owned  ## vso["),
        "{}",
        ended.stderr
    );
}

#[test]
fn no_field_of_a_manifest_reaches_the_screen_as_it_is() {
    let place = place();
    let text = std::fs::read_to_string(root(EXAMPLE)).unwrap();
    let places: Vec<_> = text.match_indices('"').map(|(place, _)| place).collect();
    for pair in places.chunks_exact(2) {
        let hostile = format!("{}{}{}", &text[..pair[0]], quoted(), &text[pair[1] + 1..]);
        let manifest = place.write("manifest.toml", &hostile);
        for format in ["human", "json"] {
            let arguments = ["lint", "--manifest", &manifest, "--format", format];
            check(&text[pair[0]..pair[1]], &mut place.command(&arguments));
        }
    }
}

#[test]
fn a_record_that_is_named_by_hidden_characters_is_shown_by_their_numbers() {
    let place = place();
    let target = |name: &str| {
        format!(
            "[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = {{ contoso_name = {name} }}\ncolumn = \"contoso_url\"\nmissing = \"create\"\n"
        )
    };
    for name in [quoted(), "\"a\u{3164}\"".to_owned()] {
        let manifest = place.manifest(&target(&name));
        for format in ["human", "json"] {
            let arguments = ["plan", "--manifest", &manifest, "--format", format, "--log", "trace"];
            check(&name, &mut place.command(&arguments));
        }
    }
}

/// A document with each of its texts made hostile in turn.
fn each_hostile(document: &Value) -> Vec<(String, Value)> {
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Array(all) => {
                all.iter().take(1).for_each(|one| pointers(one, &format!("{at}/0"), found));
            }
            Value::Object(all) => all.iter().for_each(|(name, one)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(one, &format!("{at}/{name}"), found);
            }),
            _ => (),
        }
    }
    let mut found = Vec::new();
    pointers(document, "", &mut found);
    let replaced = |pointer: String| {
        let mut hostile = document.clone();
        let text = hostile.pointer_mut(&pointer).unwrap();
        *text = format!("{}{HOSTILE}", text.as_str().unwrap()).into();
        (pointer, hostile)
    };
    found.into_iter().map(replaced).collect()
}

#[test]
fn no_field_of_a_journal_or_a_saved_plan_reaches_the_screen_as_it_is() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let (plan, journal) = (place.path("plan.json"), place.path("journal.json"));
    let (plan, journal) = (plan.to_str().unwrap(), journal.to_str().unwrap());
    let saved = place.run(&["plan", "--manifest", &manifest, "--out", plan]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    let kept = format!("plain:{journal}");
    let applied = place.run(&["apply", "--manifest", &manifest, "--journal", &kept]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    for (file, option) in [(plan, "--plan"), (journal, "plain")] {
        let text = std::fs::read_to_string(file).unwrap();
        for (pointer, hostile) in each_hostile(&serde_json::from_str(&text).unwrap()) {
            std::fs::write(file, hostile.to_string()).unwrap();
            let words: &[&str] = match option {
                "plain" => &["rollback", &kept, "--dry-run", "--manifest", &manifest],
                _ => &["apply", option, file, "--manifest", &manifest],
            };
            check(&pointer, &mut place.command(words));
        }
    }
}

#[test]
fn no_name_in_an_environment_reaches_the_screen_as_it_is() {
    let tenant = std::fs::read_to_string(root("config/sandbox.toml")).unwrap();
    let mut seen = BTreeSet::new();
    for line in tenant.lines() {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        if !(value.starts_with('"') && value.len() > 3 && seen.insert(key)) {
            continue;
        }
        let place = place();
        let more = format!("{}\"", &quoted()[1..quoted().len() - 1]);
        let hostile = format!("{key} = {}{more}", value.trim_end_matches('"'));
        let file = place.write("tenant.toml", &tenant.replacen(line, &hostile, 1));
        let arguments = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox"];
        let mut command = place.command(&[&arguments[..], &["--sandbox-tenant", &file]].concat());
        check(key, command.args(["--log", "trace"]));
    }
    assert!(seen.len() > 10, "{seen:?}");
}

/// Serves a sign-in and an environment that put hostile texts wherever they can.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        let text = quoted();
        let text = text.trim_matches('"');
        for stream in listener.incoming().flatten() {
            let Some(request) = read(&stream) else { continue };
            let answer = if request.line.contains("/devicecode") {
                let message = format!("open {own}/devicelogin and enter MADEUP {text}");
                json(
                    "200 OK",
                    &format!(
                        r#"{{"user_code":"MADEUP","device_code":"made-up","verification_uri":"{own}/devicelogin","message":"{message}","expires_in":900,"interval":1}}"#
                    ),
                )
            } else if request.line.contains("/token") {
                json(
                    "400 Bad Request",
                    &format!(
                        r#"{{"error":"invalid_grant","error_description":"AADSTS50034: {text}","suberror":"{text}","trace_id":"{text}"}}"#
                    ),
                )
            } else {
                let challenge = format!(
                    "WWW-Authenticate: Bearer authorization_uri={own}/contoso/oauth2/authorize"
                );
                whole("401 Unauthorized", &challenge, "")
            };
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_sign_in_that_is_hostile_reaches_no_runner() {
    let place: Place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    for runner in ["GITHUB_ACTIONS", "TF_BUILD", "NO_RUNNER"] {
        let url = serve();
        let arguments = ["plan", "--manifest", &manifest, "--environment", &url, "--log", "trace"];
        let ended = check(runner, place.command(&arguments).env(runner, "true"));
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        assert!(ended.stderr.contains("MADEUP"), "{}", ended.stderr);
    }
}
