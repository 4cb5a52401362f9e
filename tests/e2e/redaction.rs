//! The contract of redaction: no command shows a secret, at any level of the log, in any form of it,
//! on any stream and in any file.

use std::fs;

use clap::CommandFactory;
use flowbind::cli::Cli;

use super::harness::{EXAMPLE, Place, Served, place, root};
use super::leaks::Secrets;
use super::sign_in::{STORE_KEY, get};
use super::watch::{LOG_FILE, Relay, TURNS, Turn, Watch};

/// Every command of the program, with its exit code and its arguments, run in this order. A new one
/// needs one line; several may show more.
///
/// `{at}` is an environment and its manifest, `{kept}` the sign-in that `auth login` kept, `{folder}`
/// a folder for files, all of which are searched, and `{embedded}` the sandbox of a run. What comes
/// out of `sandbox` is that of the one which serves all others.
const COMMANDS: &[(&str, i32, &str)] = &[
    (SERVES, 0, "--approve-after 0 --record {folder}record.txt"),
    ("auth login", 0, "{at} {kept}"),
    ("auth login", 0, "{at} --token-store file"),
    ("auth login", 0, "{at} --export"),
    ("auth status", 0, "{kept}"),
    ("auth status", 0, "--token-store file --format json"),
    ("plan", 0, "{at} {kept} --bundle {folder}bundle-plan.json"),
    ("plan", 0, "{at} --token-store none --format json"),
    ("plan", 2, "{embedded} --detailed-exitcode --sandbox-record {folder}embedded.txt"),
    ("apply", 0, "{at} {kept} --journal plain:{folder}journal-plain"),
    ("rollback", 0, "plain:{folder}journal-plain {kept}"),
    ("apply", 0, "{at} {kept} --format json --journal {folder}journal-sealed"),
    ("rollback", 0, "{folder}journal-sealed {kept} --dry-run --format json"),
    ("apply", 0, "{at} {kept}"),
    ("apply", 0, "{embedded} --bundle {folder}bundle-apply.json"),
    ("apply", 0, "{embedded} --format json"),
    ("plan", 0, "{at} {kept} --out {folder}release.plan --report {folder}plan.xml"),
    ("check", 0, "{at} {kept} --probe --probe-signed --report {folder}check.sarif"),
    (
        "apply",
        0,
        "{at} {kept} --plan {folder}release.plan --report {folder}a.md --report {folder}a.html",
    ),
    ("check", 0, "{at} {kept} --probe --probe-signed --format json"),
    ("export", 0, "{at} {kept} --deployment-settings {folder}settings.json"),
    (
        "import",
        0,
        "{at} {kept} --deployment-settings {folder}settings.json --out {folder}read.toml",
    ),
    (
        "set",
        0,
        "contoso_StockUrl --flow a09e4a0d-3a1c-f011-998a-7c1e5275cfe9 {at} {kept} --signed-urls allow",
    ),
    ("explain", 0, "flow-draft"),
    ("init", 0, "--out {folder}starter.toml"),
    ("lint", 0, "--manifest {folder}starter.toml --report {folder}lint.sarif"),
    ("schema", 0, ""),
    ("completions", 0, "bash"),
    ("man", 0, ""),
    ("sandbox reset", 0, "--sandbox-state {folder}embedded.json"),
    ("auth logout", 0, "--token-store file"),
    ("auth logout", 0, "{kept}"),
    ("auth status", 4, "{kept}"),
];

/// The command that does not end by itself.
const SERVES: &str = "sandbox";

/// A place with a sandbox behind a relay, and what is known to be secret there.
struct World {
    turn: &'static Turn,
    watch: Watch,
    served: Served,
    relay: Relay,
    secrets: Secrets,
}

impl World {
    fn begin(turn: &'static Turn) -> Self {
        let place = place();
        let (_, _, serving) = COMMANDS.iter().find(|(name, ..)| *name == SERVES).unwrap();
        let serving = words(&place, "", serving);
        let options = serving.iter().map(String::as_str).chain(turn.options.iter().copied());
        let served = Served::start(&place, &options.collect::<Vec<_>>());
        let relay = Relay::to(&served.url);
        let secrets = Secrets::of([STORE_KEY]);
        Self { turn, watch: Watch::of(place), served, relay, secrets }
    }

    fn run(&mut self, command: &str, code: i32, arguments: &str) {
        let place = &self.watch.place;
        let words = [words(place, "", command), words(place, &self.relay.url, arguments)].concat();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = self.watch.run(self.turn, &[("FLOWBIND_STORE_KEY", STORE_KEY)], &words);
        let (_, shown) = self.watch.shown().last().unwrap();
        assert_eq!(ended, code, "{command} {arguments}: {shown}");
        self.learns();
    }

    /// Learns what the sandboxes keep by now, some of which the next command removes.
    fn learns(&mut self) {
        for state in ["sandbox.json", "embedded.json"] {
            if let Ok(text) = fs::read_to_string(self.watch.place.path(state)) {
                self.secrets.add_state(&text);
            }
        }
    }

    fn end(mut self) {
        for path in ["/_sandbox/requests", "/_sandbox/faults"] {
            self.watch.shows(path, get(&self.served.url, path));
        }
        drop(self.served);
        self.secrets.add_traffic(&self.relay.traffic());
        assert!(self.secrets.count() > 20, "{} secrets", self.secrets.count());
        self.watch.looks_at_files(&[]);
        self.watch.search(&self.secrets);
        shows_no_name_of_a_secret(&self.watch);
        shows_a_log(self.turn, &self.watch);
    }
}

/// The arguments of a command.
fn words(place: &Place, url: &str, arguments: &str) -> Vec<String> {
    let example = root(EXAMPLE).display().to_string();
    let at = format!("--manifest {example} --environment {url}");
    let state = place.path("embedded.json").display().to_string();
    let embedded = format!(
        "--manifest {example} --environment sandbox --token-store none --sandbox-state {state}"
    );
    let text = arguments.replace("{at}", &at).replace("{kept}", "--token-store plain");
    let text = text.replace("{embedded}", &embedded);
    let folder = place.path("").display().to_string();
    text.replace("{folder}", &folder).split_whitespace().map(str::to_owned).collect()
}

/// Looks for what stands before a secret, since not every token of an embedded sandbox is known.
fn shows_no_name_of_a_secret(watch: &Watch) {
    for (place, text) in watch.shown() {
        for word in ["sig=", "device_code", "refresh_token", "access_token", "Bearer ", "eyJ0"] {
            // What is encrypted and then encoded may hold any four characters.
            let sealed = text.starts_with("YWdlLWVuY3J5cHRpb24ub3JnL3Yx");
            assert!(sealed || !text.contains(word), "{place} shows `{word}`: {text}");
        }
    }
}

/// Makes sure that there was something to search: every request is in the log.
fn shows_a_log(turn: &Turn, watch: &Watch) {
    let logs = watch.shown().filter(|(_, text)| text.contains("listCallbackUrl"));
    let places: Vec<&str> = logs.map(|(place, _)| place).collect();
    let file = format!("the file {LOG_FILE}");
    let expected = if turn.to_file { &file } else { "standard error of `plan" };
    assert!(places.iter().any(|place| place.starts_with(expected)), "{places:?}");
}

/// Runs every command, and searches everything that left it.
fn run_and_search(turn: &'static Turn) {
    let mut world = World::begin(turn);
    for (command, code, arguments) in COMMANDS.iter().filter(|(name, ..)| *name != SERVES) {
        world.run(command, *code, arguments);
    }
    world.end();
}

#[test]
fn no_command_shows_a_secret_with_a_text_log_on_standard_error() {
    run_and_search(&TURNS[0]);
}

#[test]
fn no_command_shows_a_secret_with_a_json_log_under_github_actions() {
    run_and_search(&TURNS[1]);
}

#[test]
fn no_command_shows_a_secret_with_a_text_log_in_a_file_under_azure_pipelines() {
    run_and_search(&TURNS[2]);
}

#[test]
fn no_command_shows_a_secret_with_a_json_log_in_a_file_under_another_runner() {
    run_and_search(&TURNS[3]);
}

/// A watch over a run whose log is told a secret that does not belong there.
fn leaking(file: &str) -> Watch {
    let place = place();
    place.write(file, "2026-01-01 INFO made-up-secret-of-a-file-0048");
    let mut watch = Watch::of(place);
    watch.looks_at_files(&[]);
    watch
}

#[test]
#[should_panic(expected = "the file watched.log shows a part of a secret")]
fn a_secret_in_a_file_fails_the_search() {
    leaking(LOG_FILE).search(&Secrets::of(["made-up-secret-of-a-file-0048"]));
}

#[test]
fn a_secret_in_the_plain_token_store_is_where_it_belongs() {
    leaking("sign-ins.json").search(&Secrets::of(["made-up-secret-of-a-file-0048"]));
}

/// The commands that can be run, below one.
fn commands(command: &clap::Command, path: &str) -> Vec<String> {
    let inner = command
        .get_subcommands()
        .flat_map(|inner| commands(inner, format!("{path} {}", inner.get_name()).trim_start()));
    let runs = !command.is_subcommand_required_set();
    runs.then(|| path.to_owned()).into_iter().chain(inner).collect()
}

#[test]
fn every_command_is_searched_for_secrets() {
    let all = commands(&Cli::command(), "");
    assert!(all.contains(&"auth login".to_owned()), "{all:?}");
    for name in &all {
        assert!(
            COMMANDS.iter().any(|(known, ..)| known == name),
            "`{name}` is not searched for secrets: add a line to COMMANDS in tests/e2e/redaction.rs, such as (\"{name}\", 0, \"{{at}} {{kept}}\"), with its exit code and arguments"
        );
    }
    for (name, ..) in COMMANDS {
        assert!(all.iter().any(|known| known == name), "there is no command `{name}`");
    }
}
