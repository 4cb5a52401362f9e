//! What no way to sign in may ever show: everything that is secret in the traffic is looked for in
//! everything that the program leaves behind.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::harness::{ORDER_INTAKE, Place, Served, binds, place, root};
use super::sign_in::{FLOW, STORE_KEY, access_token, files_below, refresh_token};

/// The members of answers, and the fields of forms and addresses, whose values are secrets.
const MEMBERS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "device_code", "oidcToken", "value"];
const FIELDS: [&str; 7] = [
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "client_secret",
    "client_assertion",
    "assertion",
];

const SECRET: &str = "made-up-secret-of-the-writer-0042";
const REQUEST_TOKEN: &str = "made-up-request-token-of-a-job-0043";
const IDENTITY: &str = "00000000-0000-4000-8000-0000000a0001";

/// Passes connections on to a sandbox and keeps what went through.
struct Relay {
    url: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    fn to(url: &str) -> Self {
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

    /// Everything that went through, as text.
    fn traffic(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}

/// Copies one direction in a thread of its own.
fn copy(from: &TcpStream, to: &TcpStream, kept: &Arc<Mutex<Vec<u8>>>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let kept = Arc::clone(kept);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            kept.lock().unwrap().extend(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// The secrets of the traffic: by name, and whatever is borne in a header.
fn secrets(traffic: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in MEMBERS {
        for rest in traffic.split(&format!("\"{name}\":\"")).skip(1) {
            found.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    for name in FIELDS {
        for before in ["&", "?", "\r\n\r\n"] {
            for rest in traffic.split(&format!("{before}{name}=")).skip(1) {
                let end = |c: char| c == '&' || c.is_whitespace() || !c.is_ascii_graphic();
                let value = rest.split(end).next().unwrap_or_default();
                found.insert(value.split("HTTP/1.").next().unwrap().to_owned());
            }
        }
    }
    for rest in traffic.split("earer ").skip(1) {
        let token: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        found.insert(token);
    }
    found.retain(|text| {
        text.len() >= 20 && !text.starts_with("http") && !text.contains("authorization_uri")
    });
    found
}

/// Each form in which a secret could be seen.
fn forms(secret: &str) -> Vec<String> {
    let decoded = percent_encoding::percent_decode_str(secret).decode_utf8_lossy().into_owned();
    let texts = [secret.to_owned(), decoded.clone()];
    let coded = [STANDARD.encode(&decoded), URL_SAFE_NO_PAD.encode(&decoded)];
    texts.into_iter().chain(coded).collect()
}

/// What is watched: all that the program shows and leaves behind.
struct Watch {
    place: Place,
    shown: Vec<String>,
    watched: usize,
}

impl Watch {
    /// Runs the program to its end at the finest level of the log.
    fn run(&mut self, variables: &[(&str, &str)], arguments: &[&str]) -> i32 {
        self.finish(self.start(variables, arguments))
    }

    fn start(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Child {
        let mut command = self.place.command(&[arguments, &["--log", "trace"]].concat());
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Looks at the arguments of a process for as long as it runs, and keeps its two streams.
    fn finish(&mut self, mut child: Child) -> i32 {
        let out = read_all(child.stdout.take().unwrap());
        let err = read_all(child.stderr.take().unwrap());
        let arguments = format!("/proc/{}/cmdline", child.id());
        let code = loop {
            let line = fs::read(&arguments).unwrap_or_default();
            self.shown.push(String::from_utf8_lossy(&line).into_owned());
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        self.shown.dedup();
        self.shown.push(out.join().unwrap());
        self.shown.push(err.join().unwrap());
        self.watched += 1;
        code
    }

    /// Every file but those that hold secrets by their nature, and what the test itself wrote.
    fn left_behind(&self, own: &[&str]) -> Vec<PathBuf> {
        let files = files_below(&self.place.path("")).into_iter();
        files
            .filter(|file| {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                !own.contains(&&*name) && !["sandbox.json", "sign-ins.json"].contains(&&*name)
            })
            .collect()
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Fails if a part of a secret is anywhere in the texts.
fn search(secrets: &BTreeSet<String>, texts: &[String]) {
    let parts: BTreeSet<Vec<u8>> = secrets
        .iter()
        .flat_map(|secret| forms(secret))
        .flat_map(|form| form.as_bytes().windows(16).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect();
    for text in texts {
        for part in text.as_bytes().windows(16) {
            if parts.contains(part) {
                let part = String::from_utf8_lossy(part).into_owned();
                let (before, after) = text.split_once(&part).unwrap();
                let before: String = before.chars().rev().take(200).collect();
                let before: String = before.chars().rev().collect();
                let after: String = after.chars().take(50).collect();
                panic!("a part of a secret was shown: …{before}>>>{part}<<<{after}…");
            }
        }
    }
}

/// The tenant with an application that proves itself in every way.
fn tenant() -> String {
    let certificate =
        fs::read_to_string(root("tests/sandbox/certificate/certificate.pem")).unwrap();
    format!(
        "[[application]]\nname = \"Writer\"\nclient-id = \"{IDENTITY}\"\nsecret = \"{SECRET}\"\napplication-user = true\ncertificate = '''\n{certificate}'''\n\
        [[application.federated-credential]]\nissuer = \"https://token.actions.githubusercontent.com\"\nsubject = \"repo:contoso/flows:environment:production\"\n\
        [[application.federated-credential]]\nissuer = \"https://vstoken.dev.azure.com/00000000-0000-4000-8000-00000000ad00\"\nsubject = \"sc://contoso/Flows/production\"\n\
        [pipelines]\nrequest-token = \"{REQUEST_TOKEN}\"\n"
    )
}

/// A sandbox behind a relay, and everything that its programs show.
fn watch() -> (Watch, Served, Relay) {
    let place = place();
    let file = place.tenant_with(&tenant());
    let served =
        Served::start(&place, &["--approve-after", "0", "--tenant", &file, "--log", "trace"]);
    let relay = Relay::to(&served.url);
    (Watch { place, shown: Vec::new(), watched: 0 }, served, relay)
}

/// Goes where the program sends a browser, and brings the answer back.
fn browse(address: &str) {
    let mut next = url::Url::parse(address).unwrap();
    for _ in 0..2 {
        let host = format!("{}:{}", next.host_str().unwrap(), next.port().unwrap());
        let path = &next[url::Position::BeforePath..url::Position::AfterQuery];
        let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        let headers = lines.take_while(|line| !line.is_empty());
        let fields = headers.filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_lowercase(), value.to_owned()))
        });
        let Some((_, location)) = fields.into_iter().find(|(name, _)| name == "location") else {
            return;
        };
        next = url::Url::parse(&location).unwrap();
    }
}

/// What a run is told that asks nobody and keeps nothing.
const SILENT: [&str; 5] = ["--token-store", "none", "--non-interactive", "--format", "json"];

/// Values that the sandbox does not take, which are secrets of somebody all the same.
const WORTHLESS: &str = "made-up-worthless-refresh-token-0044";
const WRONG: &str = "made-up-wrong-secret-of-it-0045";

impl Watch {
    /// Writes the manifest, with more in its environment.
    fn manifest(&self, url: &str, more: &str) {
        let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
        let head = format!("version = 1\n[environments.here]\nurl = \"{url}\"\n{more}");
        self.place.write("flowbind.toml", &format!("{head}{flows}"));
    }

    /// A command on that manifest.
    fn on(&self, command: &[&str], more: &[&str]) -> Vec<String> {
        let manifest = self.place.path("flowbind.toml").display().to_string();
        // The manifest alone may not say where what is handed in goes.
        let text = fs::read_to_string(&manifest).unwrap();
        let url = text.split('"').nth(1).unwrap();
        let words = [command, &["--manifest", &manifest, "--environment", url], more].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    /// Runs a command on that manifest.
    fn run_on(&mut self, variables: &[(&str, &str)], command: &[&str], more: &[&str]) -> i32 {
        let words = self.on(command, more);
        self.run(variables, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A device code that is kept, in both kinds of files, told, and used.
    fn keeps(&mut self) {
        let key = [("FLOWBIND_STORE_KEY", STORE_KEY)];
        for store in ["plain", "file"] {
            let kept = ["--token-store", store];
            assert_eq!(self.run_on(&key, &["auth", "login"], &kept), 0);
            let status = ["auth", "status", "--format", "json", "--token-store", store];
            assert_eq!(self.run(&key, &status), 0);
            assert_eq!(self.run_on(&key, &["plan"], &kept), 0);
            assert_eq!(self.run_on(&key, &["apply", "--yes", "--format", "json"], &kept), 0);
        }
    }

    /// A sign-in in a browser.
    fn browses(&mut self) {
        let words = self.on(&["plan"], &["--browser", "--token-store", "none"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child = self.start(&[], &words);
        let mut shown = Vec::new();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for line in lines.map(Result::unwrap) {
            if line.starts_with("http") && line.contains("/authorize") {
                browse(&line);
            }
            shown.push(line);
        }
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{shown:?}");
        self.shown.extend(shown);
        self.shown.push(String::from_utf8(ended.stdout).unwrap());
    }

    /// What a pipeline hands in: a refresh token, a sealed line, tokens, and commands.
    fn is_handed(&mut self, url: &str, kept: &str) {
        let refresh = ("FLOWBIND_REFRESH_TOKEN", kept);
        assert_eq!(self.run_on(&[refresh], &["plan"], &SILENT), 0);
        let worthless = [("FLOWBIND_REFRESH_TOKEN", WORTHLESS)];
        assert_eq!(self.run_on(&worthless, &["plan"], &SILENT), 4);
        let sealing = [("FLOWBIND_STORE_KEY", STORE_KEY), refresh];
        assert_eq!(self.run_on(&sealing, &["auth", "login", "--export"], &[]), 0);
        let (dataverse, flow) = (access_token(url, kept, url), access_token(url, kept, FLOW));
        let quoted = format!("\"{dataverse} {flow}\"");
        for (first, second, code) in
            [(&dataverse, &flow, 0), (&flow, &dataverse, 4), (&quoted, &flow, 4)]
        {
            let given = [("FLOWBIND_DATAVERSE_TOKEN", &**first), ("FLOWBIND_FLOW_TOKEN", second)];
            assert_eq!(self.run_on(&given, &["plan"], &SILENT), code);
        }
        let dataverse = self.place.write("dataverse.txt", &dataverse);
        let flow = self.place.write("flow.txt", &flow);
        let good = [format!("dataverse:cat {dataverse}"), format!("flow:cat {flow}")];
        let complaining = format!("sh -c 'cat {flow} >&2; exit 1'");
        let printing = format!("sh -c 'echo two; cat {flow}'");
        for (first, second, code) in
            [(&good[0], &good[1], 0), (&complaining, &good[1], 4), (&good[0], &printing, 4)]
        {
            let by = ["--token-command", first, "--token-command", second];
            assert_eq!(self.run_on(&[], &["plan"], &[&SILENT[..], &by].concat()), code);
        }
    }

    /// An application of its own, by every kind of proof, of which one is wrong.
    fn has_an_application(&mut self, url: &str, kept: &str, pem: &str) {
        let github = format!("{url}/_sandbox/oidc/github?api-version=2.0");
        let azure = format!("{url}/_sandbox/oidc/azure-devops");
        let secret = "client-secret-variable = \"WRITER_SECRET\"";
        let connected = "federation = \"azure-devops\"\nservice-connection = \"11111111-0000-4000-8000-00000000ad01\"";
        for (proof, variable, value, other) in [
            (secret, "WRITER_SECRET", SECRET, ("X", "")),
            (secret, "WRITER_SECRET", WRONG, ("X", "")),
            ("certificate-variable = \"WRITER_PEM\"", "WRITER_PEM", pem, ("X", "")),
            (
                "federation = \"github\"",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                REQUEST_TOKEN,
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &*github),
            ),
            (connected, "SYSTEM_ACCESSTOKEN", REQUEST_TOKEN, ("SYSTEM_OIDCREQUESTURI", &azure)),
        ] {
            let own = "[environments.here.dataverse-identity]\nclient-id";
            self.manifest(url, &format!("{own} = \"{IDENTITY}\"\n{proof}\n"));
            let variables = [(variable, value), other, ("FLOWBIND_REFRESH_TOKEN", kept)];
            let wanted = if value == WRONG { 4 } else { 0 };
            assert_eq!(self.run_on(&variables, &["plan"], &SILENT), wanted, "{proof}");
        }
    }

    /// Forgets what is kept, and looks at the files that stay.
    fn ends(&mut self) {
        for store in ["plain", "file"] {
            assert_eq!(self.run(&[], &["auth", "logout", "--token-store", store]), 0);
        }
        for file in self.left_behind(&["tenant.toml", "dataverse.txt", "flow.txt"]) {
            let bytes = fs::read(&file).unwrap();
            self.shown.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        assert!(self.watched > 20, "{} programs", self.watched);
        assert!(self.shown.iter().any(|text| text.contains("TRACE") || text.contains("DEBUG")));
    }
}

#[test]
fn no_way_to_sign_in_shows_a_secret_anywhere() {
    let (mut watch, served, relay) = watch();
    let pem = ["certificate", "key"].map(|name| {
        fs::read_to_string(root(&format!("tests/sandbox/certificate/{name}.pem"))).unwrap()
    });
    watch.manifest(&relay.url, "");
    watch.keeps();
    watch.browses();
    let kept = refresh_token(&watch.place.stores().join("sign-ins.json"));
    watch.is_handed(&relay.url, &kept);
    watch.has_an_application(&relay.url, &kept, &pem.concat());
    drop(served);
    watch.ends();
    let traffic = relay.traffic();
    for kind in ["code_verifier=", "client_assertion=", "device_code=", "client_secret="] {
        assert!(traffic.contains(kind), "the traffic has a {kind}");
    }
    let mut wanted = secrets(&traffic);
    assert!(wanted.contains(&kept), "what is known to be secret is found in the traffic");
    assert!(wanted.len() > 40, "{} secrets", wanted.len());
    wanted.extend([STORE_KEY, SECRET, REQUEST_TOKEN, WORTHLESS, WRONG].map(str::to_owned));
    let private_key = pem[1].lines().filter(|line| !line.starts_with("-----"));
    wanted.extend(private_key.map(str::to_owned));
    search(&wanted, &watch.shown);
}
