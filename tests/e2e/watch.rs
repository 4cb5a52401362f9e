//! Watches the program: what goes over the wire, and everything that it shows and leaves behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::harness::Place;
use super::leaks::Secrets;
use super::sign_in::files_below;

/// Where and in which form the program logs at its finest level, and under which runner.
pub(crate) struct Turn {
    pub(crate) options: &'static [&'static str],
    pub(crate) variables: &'static [(&'static str, &'static str)],
    pub(crate) to_file: bool,
}

/// Each form of the log at both places, under each runner and none.
pub(crate) const TURNS: [Turn; 4] = [
    Turn { options: &["--log", "trace"], variables: &[], to_file: false },
    Turn {
        options: &["--log", "trace", "--log-format", "json"],
        variables: &[("GITHUB_ACTIONS", "true")],
        to_file: false,
    },
    Turn { options: &["--log", "trace"], variables: &[("TF_BUILD", "True")], to_file: true },
    Turn {
        options: &["--log", "trace", "--log-format", "json"],
        variables: &[("CI", "true")],
        to_file: true,
    },
];

/// The files that hold secrets by their nature, as docs/threat-model.md says: a sandbox's own state,
/// the plain token store, and a plain journal.
const HOLD_SECRETS: [&str; 5] =
    ["sandbox.json", "embedded.json", "sign-ins.json", "journal-plain", "settings.json"];

/// The log of the programs that log to a file.
pub(crate) const LOG_FILE: &str = "watched.log";

/// All that the program shows and leaves behind.
pub(crate) struct Watch {
    pub(crate) place: Place,
    /// What was shown, each with where.
    shown: Vec<(String, String)>,
    /// How many programs were run.
    pub(crate) watched: usize,
}

impl Watch {
    pub(crate) fn of(place: Place) -> Self {
        Self { place, shown: Vec::new(), watched: 0 }
    }

    /// Runs the program to its end, and gives its exit code.
    pub(crate) fn run(
        &mut self,
        turn: &Turn,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> i32 {
        let child = self.start(turn, variables, arguments);
        self.finish(&arguments.join(" "), child)
    }

    /// Starts the program, with nobody at its standard input.
    pub(crate) fn start(
        &self,
        turn: &Turn,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Child {
        let file = self.place.path(LOG_FILE).display().to_string();
        let to_file: &[&str] = if turn.to_file { &["--log-file", &file] } else { &[] };
        let mut command = self.place.command(&[arguments, turn.options, to_file].concat());
        command.envs(turn.variables.iter().copied()).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Looks at the arguments of a process for as long as it runs, and keeps its two streams.
    fn finish(&mut self, name: &str, mut child: Child) -> i32 {
        let out = read_all(child.stdout.take().unwrap());
        let err = read_all(child.stderr.take().unwrap());
        // Where there is no such file, the arguments are not looked at.
        let arguments = format!("/proc/{}/cmdline", child.id());
        let code = loop {
            let line = fs::read(&arguments).unwrap_or_default();
            self.shows("the arguments", String::from_utf8_lossy(&line).into_owned());
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        self.shown.dedup();
        self.shows(&format!("standard output of `{name}`"), out.join().unwrap());
        self.shows(&format!("standard error of `{name}`"), err.join().unwrap());
        self.watched += 1;
        code
    }

    /// Keeps what was shown somewhere.
    pub(crate) fn shows(&mut self, place: &str, text: String) {
        self.shown.push((place.to_owned(), text));
    }

    /// Looks at every file but those that hold secrets by their nature, and those that the test
    /// itself wrote.
    pub(crate) fn looks_at_files(&mut self, own: &[&str]) {
        for file in files_below(&self.place.path("")) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if !own.contains(&&*name) && !HOLD_SECRETS.contains(&&*name) {
                let bytes = fs::read(&file).unwrap();
                self.shows(
                    &format!("the file {name}"),
                    String::from_utf8_lossy(&bytes).into_owned(),
                );
            }
        }
    }

    /// Everything that was shown, each with where.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.shown.iter().map(|(place, text)| (&**place, &**text))
    }

    /// Fails if a secret is in anything that was shown.
    pub(crate) fn search(&self, secrets: &Secrets) {
        for (place, text) in self.shown() {
            secrets.assert_absent(place, text);
        }
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What went one way through one connection.
type Way = Arc<Mutex<Vec<u8>>>;

/// Passes connections on to a sandbox and keeps what went through.
pub(crate) struct Relay {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Way>>>,
}

impl Relay {
    pub(crate) fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let target = url.trim_start_matches("http://").to_owned();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                copy(&client, &server, &kept);
                copy(&server, &client, &kept);
            }
        });
        Self { url: own, seen }
    }

    /// Everything that went through, as text: one way through one connection after the other, so
    /// that nothing is torn apart.
    pub(crate) fn traffic(&self) -> String {
        let ways = self.seen.lock().unwrap();
        let texts =
            ways.iter().map(|way| String::from_utf8_lossy(&way.lock().unwrap()).into_owned());
        texts.collect::<Vec<_>>().join("\r\n")
    }
}

/// Copies one direction in a thread of its own.
fn copy(from: &TcpStream, to: &TcpStream, kept: &Mutex<Vec<Way>>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let way = Way::default();
    kept.lock().unwrap().push(Arc::clone(&way));
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            way.lock().unwrap().extend(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
