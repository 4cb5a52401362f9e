//! A sandbox in a process of its own, with as many made-up flows as are wanted, and the program as
//! its user runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The tenant that ships, to which limits and faults are added.
const TENANT: &str = include_str!("../../config/sandbox.toml");

/// How a sandbox is served.
pub(crate) struct Served<'text> {
    /// How many flows a run binds, each to variables of its own.
    pub(crate) flows: usize,
    /// How many variables each flow is bound to.
    pub(crate) targets_per_flow: usize,
    /// How long every answer is held back.
    pub(crate) latency: Duration,
    /// The limits and faults of the services, as a tenant file has them.
    pub(crate) strain: &'text str,
}

/// A sandbox, and somebody who is signed in to it.
pub(crate) struct World {
    folder: TempDir,
    process: Child,
}

/// What came of a run.
pub(crate) struct Run {
    /// How long it took, from its start to its end.
    pub(crate) time: Duration,
    /// The document that it printed.
    pub(crate) document: Value,
}

impl World {
    /// Starts a sandbox and signs in.
    pub(crate) fn start(served: &Served<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("tenant.toml"), format!("{TENANT}\n{}", served.strain)).unwrap();
        let mut process = program(&folder)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--approve-after", "0"])
            .args(["--sandbox-state", "none", "--latency"])
            .arg(served.latency.as_millis().to_string())
            .args(["--flows", &served.flows.to_string()])
            .args(["--targets-per-flow", &served.targets_per_flow.to_string()])
            .arg("--tenant")
            .arg(path("tenant.toml"))
            .arg("--write-manifest")
            .arg(path("flowbind.toml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until_served(&mut process);
        let world = Self { folder, process };
        let login = world.ended(&["auth", "login"]);
        assert!(login.status.success(), "{}", String::from_utf8_lossy(&login.stderr));
        world
    }

    /// Runs a command with these options.
    pub(crate) fn run(&self, command: &str, options: &[&str]) -> Run {
        let begin = Instant::now();
        let all = [&[command, "--non-interactive", "--format", "json"], options].concat();
        let output = self.ended(&all);
        let time = begin.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Run { time, document: serde_json::from_slice(&output.stdout).unwrap() }
    }

    fn ended(&self, arguments: &[&str]) -> Output {
        let mut command = program(&self.folder);
        command.args(arguments).args(["--token-store", "plain"]);
        command.arg("--manifest").arg(self.manifest()).output().unwrap()
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("flowbind.toml")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, which finds nothing of the machine's own.
fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowbind"));
    command.env_clear().env("HOME", folder.path()).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Waits until the sandbox tells that it serves, and reads on, so that it never waits for a reader.
fn wait_until_served(process: &mut Child) {
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("Sign in at")));
    std::thread::spawn(move || lines.for_each(drop));
}
