//! Files that a run reads and writes: none is lost, whatever leads to it and whatever the disk does.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::harness::{EXAMPLE, Ended, Place, Served, place};
use super::sign_in::{refresh_token, words};

/// Lets the program that follows write nothing to any file, as on a disk that is full.
const FULL_DISK: &str = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";

/// An authority that takes each refresh token once.
const ONCE: &str = "[switches.entra]\nrefresh-rotation = \"once\"";

impl Place {
    /// A run whose disk is full.
    fn run_on_full_disk(&self, arguments: &[&str]) -> Ended {
        let program = self.command(arguments);
        let mut command = Command::new("sh");
        command.args(["-c", FULL_DISK, "sh"]).arg(program.get_program()).args(program.get_args());
        command
            .env_clear()
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        command.output().unwrap().into()
    }

    /// Keeps a sign-in in a plain file.
    fn keep_in(&self, file: &Path, served: &Served, token: &str) {
        let (store, at) = (plain(file), ["--environment", &served.url]);
        let login = [&["auth", "login", "--token-store", &store][..], &at].concat();
        let ended = self.run_with(&[("FLOWBIND_REFRESH_TOKEN", token)], &login);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
}

fn plain(file: &Path) -> String {
    format!("plain:{}", file.display())
}

/// A plan that has nothing but the sign-in in that file.
fn plan_with<'run>(store: &'run str, served: &'run Served) -> Vec<&'run str> {
    let run = ["plan", "--non-interactive", "--manifest", EXAMPLE, "--token-store", store];
    [&run[..], &["--environment", &served.url]].concat()
}

#[test]
fn logout_through_a_link_takes_the_token_and_not_the_link_alone() {
    let place = place();
    let (served, token) = place.served("");
    let (real, link) = (place.path("real.json"), place.path("link.json"));
    place.keep_in(&real, &served, &token);
    symlink("real.json", &link).unwrap();
    let ended = place.run(&["auth", "logout", "--token-store", &plain(&link)]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!real.exists(), "{}", ended.stdout);

    place.keep_in(&real, &served, &token);
    fs::remove_file(&link).unwrap();
    fs::hard_link(&real, &link).unwrap();
    let refused = place.run(&plan_with(&plain(&real), &served));
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(words(&refused.stderr).contains("another name by a hard link"), "{}", refused.stderr);
    assert_eq!(place.run(&["auth", "logout", "--token-store", &plain(&link)]).code, 0);
    assert_eq!(fs::read(&real).unwrap(), b"");
}

#[test]
fn two_names_of_one_store_share_one_sign_in_that_rotates() {
    let place = place();
    let (served, token) = place.served(ONCE);
    let (real, link) = (place.path("real.json"), place.path("link.json"));
    symlink(&real, &link).unwrap();
    place.keep_in(&link, &served, &token);
    for name in [&link, &real, &link] {
        let ended = place.run(&plan_with(&plain(name), &served));
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert!(link.is_symlink());
}

#[test]
fn a_refresh_token_is_not_spent_where_the_next_one_could_not_be_kept() {
    let place = place();
    let (served, token) = place.served(ONCE);
    let store = place.path("store.json");
    place.keep_in(&store, &served, &token);
    let kept = refresh_token(&store);
    let ended = place.run_on_full_disk(&plan_with(&plain(&store), &served));
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(words(&ended.stderr).contains("cannot write beside"), "{}", ended.stderr);
    assert_eq!(refresh_token(&store), kept);
    let ended = place.run(&plan_with(&plain(&store), &served));
    assert_eq!(ended.code, 0, "the token serves still: {}", ended.stderr);
}

#[test]
fn a_full_disk_leaves_no_empty_file_behind_and_the_log_that_is_lost_is_told() {
    let place = place();
    let (served, token) = place.served("");
    let path = |name: &str| place.path(name).display().to_string();
    let earlier = place.run_with(
        &[("FLOWBIND_REFRESH_TOKEN", &token)],
        &["plan", "-m", EXAMPLE, "-e", &served.url, "--out", &path("earlier.plan")],
    );
    assert_eq!(earlier.code, 0, "{}", earlier.stderr);
    let reviewed = fs::read(place.path("earlier.plan")).unwrap();
    let run = ["plan", "-m", EXAMPLE, "-e", &served.url, "--token-store", "none"];
    for out in ["new.plan", "earlier.plan"] {
        let files = ["--out", &path(out), "--report", &path("a.md"), "--log-file", &path("log")];
        let ended = place.run_on_full_disk(&[&run[..], &files].concat());
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        let said = words(&ended.stderr);
        for part in ["the plan cannot be saved", "the report `", "the log file `"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        for file in ["new.plan", "a.md", "log"] {
            assert!(!place.path(file).exists(), "{file}");
        }
    }
    assert_eq!(fs::read(place.path("earlier.plan")).unwrap(), reviewed);
    let journal = ["--journal", &plain(&place.path("journal")), "--yes"];
    let apply = [&["apply"], &run[1..], &journal].concat();
    let ended = place.run_on_full_disk(&apply);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(words(&ended.stderr).contains("nothing was written"), "{}", ended.stderr);
    assert!(!place.path("journal").exists());
}

/// The folder takes no file, not even from root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_file_is_noticed_before_the_sign_in() {
    let place = place();
    let at = ["--manifest", EXAMPLE, "--environment", "sandbox"];
    let settings = place.write("settings.json", "{\"EnvironmentVariables\": []}");
    let cases: [&[&str]; 6] = [
        &["plan", "--report", "/proc/flowbind.md"],
        &["plan", "--out", "/proc/flowbind.plan"],
        &["plan", "--log-file", "/proc/flowbind.log"],
        &["apply", "--journal", "plain:/proc/flowbind.journal"],
        &["export", "--deployment-settings", "/proc/flowbind.json"],
        &["import", "--deployment-settings", &settings, "--out", "/proc/flowbind.toml"],
    ];
    for case in cases {
        let ended = place.run(&[case, &at].concat());
        assert_eq!(ended.code, 3, "{case:?}: {}", ended.stderr);
        assert!(
            words(&ended.stderr).contains("nothing was contacted"),
            "{case:?}: {}",
            ended.stderr
        );
    }
    let login = ["auth", "login", "--token-store", "plain:/proc/flowbind.json"];
    let ended = place.run(&[&login[..], &at].concat());
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(!ended.stderr.contains("To sign in"), "{}", ended.stderr);
    assert!(!place.state().exists(), "no sandbox was started");
}

#[test]
fn neither_a_file_of_the_program_itself_nor_one_of_the_pipeline_is_wiped_by_a_report() {
    let place = place();
    fs::create_dir_all(place.stores()).unwrap();
    let own = ["sign-ins.json", "sandbox.json"].map(|file| place.stores().join(file));
    let summary = place.path("summary.md");
    let at = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox", "--report"];
    for file in [&own[0], &own[1], &summary] {
        fs::write(file, "worth something").unwrap();
        let named = file.display().to_string();
        let variables = [("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        let ended = place.run_with(&variables, &[&at[..], &[&named]].concat());
        assert_eq!(ended.code, 3, "{named}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains("name the same file"), "{}", ended.stderr);
        assert_eq!(fs::read_to_string(file).unwrap(), "worth something");
    }
}
