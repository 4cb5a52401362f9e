//! Runs the program as a user would and looks at what came of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The example that ships with the program.
pub(crate) const EXAMPLE: &str = "config/example.toml";

/// The first flow of the sandbox, and a target for it.
pub(crate) const ORDER_INTAKE: &str = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";

/// What a program needs of the machine that a test runs on; whatever else is set there could let a test
/// end otherwise, or touch what is its user's own.
const OF_THE_MACHINE: [&str; 9] = [
    "PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "LD_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
];

/// Held by tests that load the machine, or that look at the clock, so that none of them meets another.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other test of that kind runs. One that failed stops nobody.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder of a test's own, with the sandbox's state in it.
pub(crate) struct Place {
    folder: TempDir,
}

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn place() -> Place {
    Place { folder: tempfile::tempdir().unwrap() }
}

impl Place {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("sandbox.json")
    }

    /// The program with arguments, in a world of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.isolated(env!("CARGO_BIN_EXE_flowbind"));
        command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
        if let Some(folder) = std::env::var_os("FLOWBIND_TEST_RECORD") {
            command.env("FLOWBIND_SANDBOX_RECORD", Path::new(&folder).join("requests.txt"));
        }
        command
    }

    /// A program that knows nothing of whoever runs the tests.
    pub(crate) fn isolated(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let passed_on = |name| std::env::var_os(name).map(|value| (name, value));
        command.env_clear().envs(OF_THE_MACHINE.into_iter().filter_map(passed_on));
        command.env("NO_COLOR", "1").env("HOME", self.path("home"));
        command.env("XDG_STATE_HOME", self.path("state")).env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("FLOWBIND_SANDBOX_STATE", self.state());
        if cfg!(windows) {
            let folders = [("USERPROFILE", "home"), ("APPDATA", "home"), ("LOCALAPPDATA", "state")];
            command.envs(folders.map(|(name, folder)| (name, self.path(folder))));
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    /// A run on the sandbox with its result as a document.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ended = self.run(&[arguments, &["--format", "json"]].concat());
        let document = serde_json::from_str(&ended.stdout);
        (
            ended.code,
            document.unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr)),
        )
    }

    /// A manifest on the sandbox with these flows.
    pub(crate) fn manifest(&self, flows: &str) -> String {
        let head = "version = 1\n[environments.sandbox]\nsandbox = true\n[policy]\nsigned-urls = \"allow\"\n";
        self.write("flowbind.toml", &format!("{head}{flows}"))
    }

    /// The shipped tenant with some of its text replaced.
    pub(crate) fn tenant(&self, replacements: &[(&str, &str)]) -> String {
        let mut text = std::fs::read_to_string(root("config/sandbox.toml")).unwrap();
        for (from, to) in replacements {
            assert!(text.contains(from), "the tenant has `{from}`");
            text = text.replacen(from, to, 1);
        }
        self.write("tenant.toml", &text)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Everything that left the process, with what differs from run to run taken out.
    pub(crate) fn transcript(&self, place: &Place) -> String {
        let state = place.state().display().to_string();
        let text =
            format!("exit: {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr);
        let text = text.replace(&state, "STATE").replace(place.path("").to_str().unwrap(), "");
        without_times(&without_codes(&without_ports(&text)))
    }
}

/// The file that takes everything and holds nothing.
pub(crate) const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// A path as commands to paste have it: the backslashes of Windows are quoted.
pub(crate) fn pasted(path: &str) -> String {
    if cfg!(windows) { format!("\"{path}\"") } else { path.to_owned() }
}

/// A token command that prints a file.
pub(crate) fn printing(file: &str) -> String {
    let program = if cfg!(windows) { "cmd /d /c type" } else { "cat" };
    format!("{program} {file}")
}

/// A file of the project.
pub(crate) fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// `127.0.0.1:PORT` in the place of each port.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{text}127.0.0.1:PORT{rest}")
    })
}

/// `TIME` in the place of the duration of a run.
fn without_times(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\nTook ") else { return text.to_owned() };
    let (_, after) = rest.split_once(".\n").unwrap_or_default();
    format!("{before}\nTook TIME.\n{after}")
}

/// `CODE` in the place of the code that a person enters.
fn without_codes(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\n  code  ") else { return text.to_owned() };
    let (_, after) = rest.split_once('\n').unwrap_or_default();
    format!("{before}\n  code  CODE\n{after}")
}

/// A binding of one flow to one variable.
pub(crate) fn binds(workflow_id: &str, variable: &str) -> String {
    format!(
        "[[flow]]\nworkflow-id = \"{workflow_id}\"\n[[flow.target]]\nenvironment-variable = \"{variable}\"\n"
    )
}

/// A sandbox that serves until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let all = [&["sandbox", "--listen", "127.0.0.1:0"], arguments].concat();
        let log = place.path("served.log");
        let mut command = place.command(&all);
        command.stdout(std::fs::File::create(place.path("served.out")).unwrap());
        let child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        let url = until(|| {
            let text = std::fs::read_to_string(&log).unwrap();
            let (_, rest) = text.split_once("Sandbox tenant at ")?;
            rest.split_once(',').map(|(url, _)| url.to_owned())
        });
        Self { child, url }
    }
}

/// Who the sandbox's organisation is, and who asks for tokens of it.
const TENANT: &str = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40";
const CLIENT: &str = "00000000-0000-4000-8000-00000000f10b";

impl Served {
    /// Sends a request by hand, past the program; the status and the body of its answer.
    pub(crate) fn call(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let more = lines.collect::<Vec<_>>().concat();
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n{body}"
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// What a place of the sandbox itself answers.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.call((method, path), &[], &body);
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// A token for the organisation, by a sign-in that approves itself.
    pub(crate) fn token(&self) -> String {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let ask = |path: &str, body: &str| {
            let path = format!("/{TENANT}/oauth2/v2.0/{path}");
            let (_, answer) = self.call(("POST", &path), &form, body);
            serde_json::from_str::<Value>(&answer).unwrap()
        };
        let scope = self.url.replace(':', "%3A").replace('/', "%2F");
        let asked = ask("devicecode", &format!("client_id={CLIENT}&scope={scope}%2F.default"));
        let code = asked["device_code"].as_str().unwrap();
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let form = format!("client_id={CLIENT}&grant_type={grant}&device_code={code}");
        until(|| ask("token", &form)["access_token"].as_str().map(str::to_owned))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something to come about, within a generous bound.
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "it did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process of ours.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, name: &str) {
    // The program heeds no signal that whoever runs the tests ignores, such as `nohup`.
    send_signal(child, if is_ignored(name) { "TERM" } else { name });
}

/// Sends exactly this signal to a process of ours.
#[cfg(unix)]
pub(crate) fn send_signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Checks whether this process was started so that it ignores a signal.
#[cfg(unix)]
fn is_ignored(name: &str) -> bool {
    let place = match name {
        "HUP" => 0,
        "INT" => 1,
        _ => return false,
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> place & 1 == 1
}

#[cfg(unix)]
#[test]
fn no_variable_of_whoever_runs_the_tests_reaches_the_program() {
    let place = place();
    let output = place.isolated("env").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let ours = ["NO_COLOR", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "FLOWBIND_SANDBOX_STATE"];
    let strange: Vec<&str> =
        names.filter(|name| !OF_THE_MACHINE.contains(name) && !ours.contains(name)).collect();
    assert_eq!(strange, [""; 0]);
    assert!(
        std::env::vars().any(|(name, _)| name.starts_with("CARGO")),
        "there is something to keep away"
    );
}
