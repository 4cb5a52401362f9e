//! What Windows does otherwise: names of files, commands of cmd, redirected output, and files that another program
//! holds.
#![cfg(windows)]

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::harness::{EXAMPLE, Ended, Place, Served, place, root};
use super::sign_in::{FLOW, access_token, refresh_token, words};

/// The name of a folder with blanks, signs of shells and letters of many scripts.
const FOLDER: &str = "Grüße 日本 עברית हिन्दी (1) & co";

impl Place {
    /// A command that was printed, pasted into cmd.
    fn paste(&self, line: &str) -> Ended {
        let program = Path::new(env!("CARGO_BIN_EXE_flowbind"));
        let mut command = self.command(&[]);
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables: Vec<_> =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        command = Command::new("cmd");
        command.raw_arg(format!("/d /s /c \"{line}\"")).env_clear().envs(variables);
        command.env("PATH", program.parent().unwrap()).env("FLOWBIND_YES", "true");
        command.current_dir(root("")).stdin(Stdio::null()).output().unwrap().into()
    }
}

/// The command that a run says to type next.
fn next_command(ended: &Ended) -> &str {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut lines = ended.stderr.lines().chain(ended.stdout.lines()).map(str::trim);
    lines.find(|line| line.starts_with("flowbind ")).unwrap_or_else(|| panic!("{}", ended.stderr))
}

#[test]
fn the_main_job_runs_in_any_folder_and_the_commands_to_type_next_run_in_cmd() {
    let place = place();
    let folder = place.path(FOLDER);
    fs::create_dir(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let manifest = file("my manifest.toml");
    fs::copy(root(EXAMPLE), &manifest).unwrap();
    let plan = ["plan", "-m", &manifest, "-e", "sandbox", "--out", &file("a plan")];
    let more = ["--report", &file("a report.md"), "--log-file", &file("log")];
    let planned = place.run(&[&plan[..], &more].concat());
    let applied = place.paste(next_command(&planned));
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    for name in ["a plan", "a report.md", "log"] {
        assert!(fs::metadata(file(name)).unwrap().len() > 0, "{name}");
    }

    let journal = format!("plain:{}", file("a journal"));
    let other = place.path("other.json").display().to_string();
    let apply = ["apply", "-m", &manifest, "-e", "sandbox", "--sandbox-state", &other];
    let applied = place.run(&[&apply[..], &["--yes", "--journal", &journal]].concat());
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let rollback = ["rollback", &file("a journal"), "-m", &manifest, "-e", "sandbox"];
    let (code, document) = place.json(&[&rollback[..], &["--sandbox-state", &other]].concat());
    assert_eq!(code, 3, "without `plain:`: {document:#}");
    let hints = document["error"]["hints"].as_array().unwrap();
    let mut commands = hints.iter().flat_map(|hint| hint.as_str().unwrap().split('`'));
    let command = commands.find(|part| part.starts_with("flowbind rollback ")).unwrap();
    let rolled_back = place.paste(command);
    assert_eq!(rolled_back.code, 0, "{}", rolled_back.stderr);
}

#[test]
fn no_name_of_a_manifest_lets_it_be_written_over() {
    let place = place();
    let manifest = place.one();
    let text = fs::read(&manifest).unwrap();
    fs::hard_link(&manifest, place.path("hard.toml")).unwrap();
    for other in [
        manifest.to_uppercase(),
        manifest.replace('\\', "/"),
        format!(r"\\?\{manifest}"),
        place.path("hard.toml").display().to_string(),
    ] {
        let run = ["plan", "-m", &manifest, "-e", "sandbox", "--log-file", &other];
        let ended = place.run(&run);
        assert_eq!(ended.code, 3, "{other}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains("name the same file"), "{}", ended.stderr);
        assert_eq!(fs::read(&manifest).unwrap(), text, "{other}");
    }
}

#[test]
fn a_script_of_cmd_gives_tokens_under_the_name_that_people_type() {
    let place = place();
    let (served, token) = place.served("");
    let manifest = place.one();
    let folder = place.path(FOLDER);
    fs::create_dir(&folder).unwrap();
    for (name, resource) in [("dataverse", &*served.url), ("flow", FLOW)] {
        place.write(&format!("{FOLDER}/{name}.txt"), &access_token(&served.url, &token, resource));
    }
    let script = "@echo off\r\nif not \"%1\"==\"get\" exit /b 3\r\ntype \"%~dp0%FLOWBIND_AUDIENCE%.txt\"\r\n";
    place.write(&format!("{FOLDER}/az-like.cmd"), script);
    let path = format!("{};{}", folder.display(), std::env::var("PATH").unwrap());
    let whole = format!("\"{}\" get {{resource}}", folder.join("az-like").display());
    for command in ["az-like get {resource}", "az-like.cmd get", &*whole] {
        let run = ["plan", "-m", &manifest, "-e", &served.url, "--token-store", "none"];
        let more = ["--non-interactive", "--token-command", command];
        let ended = place.run_with(&[("PATH", &path)], &[&run[..], &more].concat());
        assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
    }
}

#[test]
fn redirected_output_is_utf_8_without_a_mark_and_with_line_feeds() {
    let place = place();
    let out = place.path("out.json");
    let mut command = place.command(&["plan", "-m", EXAMPLE, "-e", "sandbox", "--format", "json"]);
    let status = command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).status().unwrap();
    assert!(status.success());
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.starts_with('{') && !text.contains('\r'), "{text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

/// Opens a file as a scanner does that lets nobody else touch it.
fn hold(file: &Path) -> File {
    OpenOptions::new().read(true).share_mode(1).open(file).unwrap()
}

/// A run with the sign-in in a plain store.
fn plan_with(place: &Place, served: &Served, store: &str) -> Command {
    let run = ["plan", "--non-interactive", "-m", EXAMPLE, "-e", &served.url];
    place.command(&[&run[..], &["--token-store", store]].concat())
}

#[test]
fn a_token_that_rotates_is_kept_although_another_program_holds_the_store_for_a_while() {
    let place = place();
    let (served, token) = place.served("[switches.entra]\nrefresh-rotation = \"once\"");
    let store = place.path("store.json");
    let option = format!("plain:{}", store.display());
    let login = ["auth", "login", "--token-store", &option, "-e", &served.url];
    let ended = place.run_with(&[("FLOWBIND_REFRESH_TOKEN", &token)], &login);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let before = refresh_token(&store);

    let held = hold(&store);
    let mut command = plan_with(&place, &served, &option);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    drop(held);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_ne!(refresh_token(&store), before);
    let ended = Ended::from(plan_with(&place, &served, &option).output().unwrap());
    assert_eq!(ended.code, 0, "the token serves still: {}", ended.stderr);
}

#[test]
fn a_report_that_another_program_holds_stays_and_the_run_says_what_to_do() {
    let place = place();
    let report = place.path("report.md");
    fs::write(&report, "an earlier report").unwrap();
    let held = hold(&report);
    let shown = report.display().to_string();
    let ended = place.run(&["plan", "-m", EXAMPLE, "-e", "sandbox", "--report", &shown]);
    drop(held);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(words(&ended.stderr).contains("close the program that holds it"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&report).unwrap(), "an earlier report");
}
