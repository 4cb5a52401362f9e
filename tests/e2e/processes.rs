//! What the program inherits from whoever starts it, and what the programs inherit that it starts.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::Duration;

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, Served, binds, place, signal, until};
use super::sign_in::words;
#[cfg(target_os = "linux")]
use super::tenant::Tenant;

/// The program, started by a shell that does something first.
fn after(place: &Place, first: &str, arguments: &[&str]) -> Command {
    let mut command = place.isolated("sh");
    command.arg("-c").arg(format!("{first}; exec \"$0\" \"$@\""));
    command.arg(env!("CARGO_BIN_EXE_flowbind")).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}

#[test]
fn a_token_command_inherits_no_secret_of_the_pipeline() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "0"]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let seen = place.path("seen");
    let token = format!("sh -c 'env > {}; exit 1'", seen.display());
    let mut command =
        place.command(&["plan", "--manifest", &manifest, "--environment", &served.url]);
    let secrets = [
        "FLOWBIND_STORE_KEY",
        "CONTOSO_CLIENT_SECRET",
        "SYSTEM_ACCESSTOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ];
    command.args(["--token-store", "none", "--token-command", &token]);
    command.envs(secrets.map(|name| (name, "made-up-secret-of-a-pipeline")));
    command.env("AZURE_CONFIG_DIR", "/made-up/azure");
    command.env("IDENTITY_HEADER", "made-up-for-az").env("MSI_SECRET", "made-up-secret");
    command.args(["--token-command-variable", "IDENTITY_HEADER,CONTOSO_MISSING"]);
    let ended: Ended = command.stdin(Stdio::null()).output().unwrap().into();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("made-up-secret"), "{seen}");
    for name in [
        "PATH=",
        "HOME=",
        "AZURE_CONFIG_DIR=/made-up/azure",
        "FLOWBIND_RESOURCE=",
        "IDENTITY_HEADER=made-up-for-az",
    ] {
        assert!(seen.lines().any(|line| line.starts_with(name)), "{name}: {seen}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    let tenant = Tenant::with(
        "[[fault]]\nservice = \"dataverse\"\npath-contains = \"environmentvariabledefinitions\"\naction = \"delay\"\ndelay = 60000\ntimes = 99\n",
    );
    let run = tenant.command(&["plan", "--manifest", EXAMPLE]);
    let words: Vec<&str> = run.get_args().map(|word| word.to_str().unwrap()).collect();
    let mut command = after(&tenant.place, "trap '' HUP INT", &words);
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    for name in ["HUP", "INT"] {
        super::harness::send_signal(&child, name);
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "{name} ended the run");
    }
    signal(&child, "TERM");
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
}

#[test]
fn too_few_files_end_a_run_with_a_sentence() {
    let place = place();
    for most in ["7", "16"] {
        let arguments = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox"];
        let mut command = after(&place, &format!("ulimit -n {most}"), &arguments);
        let ended: Ended = command.output().unwrap().into();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let sentence = format!("may open only {most} files at once");
        assert!(ended.stderr.contains(&sentence), "{}", ended.stderr);
    }
    let mut enough = after(&place, "ulimit -n 64", &["plan", "--manifest", EXAMPLE]);
    let ended: Ended = enough.args(["--environment", "sandbox"]).output().unwrap().into();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_file_that_may_not_grow_is_told_in_a_sentence() {
    let place = place();
    let log = place.path("log.txt");
    let arguments = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox", "--log", "trace"];
    let arguments = [&arguments[..], &["--sandbox-state", "none", "--log-file"]].concat();
    let mut command = after(&place, "ulimit -f 1", &arguments);
    let ended: Ended = command.arg(&log).output().unwrap().into();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("is incomplete: File too large"), "{}", ended.stderr);
}

#[test]
fn a_file_without_an_end_is_refused() {
    let place = place();
    for (option, why) in [
        ("--ca-bundle", "file too large"),
        ("--sandbox-tenant", "file too large"),
        ("--sandbox-state", "it is not a regular file"),
    ] {
        let arguments = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox"];
        let ended = place.run(&[&arguments[..], &[option, "/dev/zero"]].concat());
        assert_eq!(ended.code, 3, "{option}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains(why), "{option}: {}", ended.stderr);
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_keeps_no_signal_from_ending_the_run() {
    let place = place();
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for option in ["--ca-bundle", "--sandbox-tenant", "--manifest", "--clouds"] {
        let arguments = ["plan", "--environment", "sandbox", option, pipe.to_str().unwrap()];
        let manifest = ["--manifest", EXAMPLE];
        let more = if option == "--manifest" { &[][..] } else { &manifest };
        let mut command = place.command(&[&arguments[..], more].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(child.try_wait().unwrap().is_none(), "{option} was not read");
        signal(&child, "TERM");
        until(|| child.try_wait().unwrap());
    }
}
