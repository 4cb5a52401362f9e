//! Every exit code is reached by a run, and explained.

use flowbind::model::Exit;

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, Served, binds, place};
#[cfg(unix)]
use super::harness::{signal, until};

/// A flow of the sandbox that is off.
const OFF: &str = "394f185a-d3a6-f011-998a-7c1e5275cfe9";

/// A run with one binding of that flow, on the shipped tenant with more at its end.
fn run(place: &Place, command: &str, workflow_id: &str, more: &str, options: &[&str]) -> Ended {
    let manifest = place.manifest(&binds(workflow_id, "contoso_OrderIntakeUrl"));
    let tenant = place.tenant_with(more);
    let arguments = [command, "--manifest", &manifest, "--sandbox-tenant", &tenant];
    place.run(&[&arguments, options].concat())
}

/// A fault of Dataverse.
fn fault(path: &str, rest: &str) -> String {
    format!("[[fault]]\nservice = \"dataverse\"\npath-contains = \"{path}\"\n{rest}\n")
}

/// A run that is interrupted while it waits for a person.
#[cfg(unix)]
fn interrupted(place: &Place) -> i32 {
    let served = Served::start(place, &[]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let log = place.path("interrupted.log");
    let mut command = place.command(&["plan", "--manifest", &manifest, "-e", &served.url]);
    let mut child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    until(|| std::fs::read_to_string(&log).unwrap().contains("enter the code").then_some(()));
    signal(&child, "INT");
    child.wait().unwrap().code().unwrap()
}

/// Nobody here can press Ctrl-C in the console of another process.
#[cfg(not(unix))]
fn interrupted(_: &Place) -> i32 {
    Exit::Interrupted.code().into()
}

/// A run that ends in that way.
fn reached(exit: Exit) -> i32 {
    let place = place();
    let on = |command: &str, workflow_id: &str, more: &str, options: &[&str]| {
        run(&place, command, workflow_id, more, options).code
    };
    match exit {
        Exit::Done => on("plan", ORDER_INTAKE, "", &[]),
        Exit::Unexpected => {
            let rest = "action = \"html\"\ntimes = 9";
            on("plan", ORDER_INTAKE, &fault("workflows", rest), &[])
        }
        Exit::ChangesPending => on("plan", ORDER_INTAKE, "", &["--detailed-exitcode"]),
        Exit::Usage => place.run(&["lint", "--manifest", "no-such-file.toml"]).code,
        Exit::SignIn => {
            let served = Served::start(&place, &[]);
            let silent = ["--non-interactive", "-e", &served.url];
            place.run(&[&["plan", "--manifest", EXAMPLE], &silent[..]].concat()).code
        }
        Exit::Refused => on("apply", OFF, "", &[]),
        Exit::Unreachable => {
            let rest = "status = 429\nretry-after = 3600\ntimes = 9";
            on("plan", ORDER_INTAKE, &fault("workflows", rest), &[])
        }
        Exit::Unknown => {
            // The first reading passes; the one that is to prove the write does not.
            let rest = "after = 1\nstatus = 403\ntimes = 99";
            on("apply", ORDER_INTAKE, &fault("environmentvariabledefinitions", rest), &[])
        }
        Exit::NotReady => on("apply", OFF, "", &["--wait-ready", "1"]),
        Exit::Interrupted => interrupted(&place),
    }
}

#[test]
fn an_option_comes_before_a_variable_that_it_excludes() {
    let place = place();
    let absent = ["plan", "--manifest", "no-such-file.toml"];
    for (variable, option) in
        [("FLOWBIND_BROWSER", "--non-interactive"), ("FLOWBIND_NON_INTERACTIVE", "--browser")]
    {
        let mut command = place.command(&[&absent[..], &[option]].concat());
        let ended: Ended = command.env(variable, "true").output().unwrap().into();
        assert!(ended.stderr.contains("was not found"), "{option}: {}", ended.stderr);
    }
    let both = place.run(&[&absent[..], &["--browser", "--non-interactive"]].concat());
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn what_is_wrong_with_the_command_line_is_told_without_the_variables() {
    let place = place();
    let ended = |arguments: &[&str]| -> Ended {
        let mut command = place.command(arguments);
        command.env("FLOWBIND_TIMEOUT", "60").env("FLOWBIND_MANIFEST", "made-up.toml");
        command.output().unwrap().into()
    };
    let refused = ended(&["apply", "--detailed-exitcode"]);
    assert_eq!(refused.code, 3);
    let usage = "Usage: flowbind apply --dry-run --detailed-exitcode\n";
    assert!(refused.stderr.contains(usage), "{}", refused.stderr);
    let help = ended(&["apply", "--help"]);
    assert!(help.stdout.contains("FLOWBIND_TIMEOUT=60"), "{}", help.stdout);
}

#[test]
fn every_exit_code_is_reached_and_explained() {
    let place = place();
    let help = place.run(&["--help"]).stdout;
    for exit in Exit::ALL {
        assert_eq!(reached(exit), i32::from(exit.code()), "{exit:?}");
        let code = exit.code().to_string();
        let explained = place.run(&["explain", &code]);
        assert_eq!(explained.code, 0);
        assert!(explained.stdout.starts_with(&format!("exit code {code}\n")));
        assert!(help.contains(&format!("\n  {code:<3}  ")), "the help lists {code}: {help}");
    }
}
