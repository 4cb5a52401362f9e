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
        let location = headers
            .filter_map(|line| {
                Some(line.split_once(": ")?.1.to_owned())
                    .filter(|_| line.to_lowercase().starts_with("location: "))
            })
            .next();
        let Some(location) = location else { return };
        next = url::Url::parse(&location).unwrap();
    }
}

#[test]
fn no_way_to_sign_in_shows_a_secret_anywhere() {
    let (mut watch, served, relay) = watch();
    let url = relay.url.clone();
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let manifest = watch.place.write(
        "flowbind.toml",
        &format!("version = 1\n[environments.here]\nurl = \"{url}\"\n{flows}"),
    );
    let run = |command: &'static str| [command, "--manifest", &manifest, "--environment", &url];
    let key = ("FLOWBIND_STORE_KEY", STORE_KEY);

    // A device code that is kept, in both kinds of files, told, used and forgotten.
    for store in ["plain", "file"] {
        let kept = ["--token-store", store];
        let login = [&["auth"], &run("login")[..], &kept[..]].concat();
        assert_eq!(watch.run(&[key], &login), 0);
        assert_eq!(
            watch.run(&[key], &[&["auth", "status", "--format", "json"], &kept[..]].concat()),
            0
        );
        assert_eq!(watch.run(&[key], &[&run("plan")[..], &kept[..]].concat()), 0);
        assert_eq!(
            watch.run(
                &[key],
                &[&run("apply")[..], &kept[..], &["--yes", "--format", "json"]].concat()
            ),
            0
        );
    }

    // A browser.
    let mut child =
        watch.start(&[], &[&run("plan")[..], &["--browser", "--token-store", "none"]].concat());
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut before = String::new();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        before += &line;
        before.push('\n');
        if line.starts_with("http") && line.contains("/authorize") {
            break line;
        }
    };
    browse(&address);
    for line in lines {
        before += &line.unwrap();
        before.push('\n');
    }
    child.stderr = None;
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{before}");
    watch.shown.extend([before, out]);

    // What a pipeline hands in.
    let kept = refresh_token(&watch.place.stores().join("sign-ins.json"));
    let stay = ["--token-store", "none", "--non-interactive"];
    let silent = [&run("plan")[..], &stay[..]].concat();
    assert_eq!(watch.run(&[("FLOWBIND_REFRESH_TOKEN", &kept)], &silent), 0);
    assert_eq!(
        watch.run(&[("FLOWBIND_REFRESH_TOKEN", "made-up-worthless-refresh-token-0044")], &silent),
        4
    );
    let export = [&["auth"], &run("login")[..], &["--export"]].concat();
    assert_eq!(watch.run(&[key, ("FLOWBIND_REFRESH_TOKEN", &kept)], &export), 0);
    let (dataverse, flow) = (access_token(&url, &kept, &url), access_token(&url, &kept, FLOW));
    let given = [("FLOWBIND_DATAVERSE_TOKEN", &*dataverse), ("FLOWBIND_FLOW_TOKEN", &flow)];
    assert_eq!(watch.run(&given, &silent), 0);
    let swapped = [("FLOWBIND_DATAVERSE_TOKEN", &*flow), ("FLOWBIND_FLOW_TOKEN", &dataverse)];
    assert_eq!(watch.run(&swapped, &silent), 4);
    let quoted = format!("\"{dataverse} {flow}\"");
    assert_eq!(watch.run(&[("FLOWBIND_FLOW_TOKEN", &quoted)], &silent), 4);
    let dataverse = watch.place.write("dataverse.txt", &dataverse);
    let flow = watch.place.write("flow.txt", &flow);
    let commands = [format!("dataverse:cat {dataverse}"), format!("flow:cat {flow}")];
    let by = ["--token-command", &commands[0], "--token-command", &commands[1]];
    assert_eq!(watch.run(&[], &[&silent[..], &by].concat()), 0);
    let complaining = format!("sh -c 'cat {flow} >&2; exit 1'");
    let printing = format!("sh -c 'echo two; cat {flow}'");
    for command in [&complaining, &printing] {
        assert_eq!(watch.run(&[], &[&silent[..], &["--token-command", command]].concat()), 4);
    }

    // An application of its own.
    let pem = ["certificate", "key"].map(|name| {
        fs::read_to_string(root(&format!("tests/sandbox/certificate/{name}.pem"))).unwrap()
    });
    let github = format!("{url}/_sandbox/oidc/github?api-version=2.0");
    let azure = format!("{url}/_sandbox/oidc/azure-devops");
    let (certificate, private_key) = (pem.concat(), pem[1].clone());
    let ways: [(&str, Vec<(&str, &str)>); 5] = [
        ("client-secret-variable = \"WRITER_SECRET\"", vec![("WRITER_SECRET", SECRET)]),
        (
            "client-secret-variable = \"WRITER_SECRET\"",
            vec![("WRITER_SECRET", "made-up-wrong-secret-of-it-0045")],
        ),
        ("certificate-variable = \"WRITER_PEM\"", vec![("WRITER_PEM", &certificate)]),
        (
            "federation = \"github\"",
            vec![
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &github),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN),
            ],
        ),
        (
            "federation = \"azure-devops\"\nservice-connection = \"11111111-0000-4000-8000-00000000ad01\"",
            vec![("SYSTEM_OIDCREQUESTURI", &azure), ("SYSTEM_ACCESSTOKEN", REQUEST_TOKEN)],
        ),
    ];
    for (proof, variables) in ways {
        let own = format!(
            "[environments.here.dataverse-identity]\nclient-id = \"{IDENTITY}\"\n{proof}\n"
        );
        watch.place.write(
            "flowbind.toml",
            &format!("version = 1\n[environments.here]\nurl = \"{url}\"\n{own}{flows}"),
        );
        let wrong = variables.contains(&("WRITER_SECRET", "made-up-wrong-secret-of-it-0045"));
        let variables = [&variables[..], &[("FLOWBIND_REFRESH_TOKEN", &*kept)]].concat();
        assert_eq!(watch.run(&variables, &silent), if wrong { 4 } else { 0 }, "{proof}");
    }
    for store in ["plain", "file"] {
        assert_eq!(watch.run(&[], &["auth", "logout", "--token-store", store]), 0);
    }
    drop(served);

    let mut wanted = secrets(&relay.traffic());
    for kind in
        ["code_verifier=", "client_assertion=", "device_code=", "refresh_token=", "client_secret="]
    {
        assert!(relay.traffic().contains(kind), "the traffic has a {kind}");
    }
    assert!(wanted.contains(&kept), "what is known to be secret is found in the traffic");
    assert!(wanted.len() > 40, "{} secrets", wanted.len());
    wanted.extend([STORE_KEY, SECRET, REQUEST_TOKEN, &kept].map(str::to_owned));
    wanted.extend(
        ["made-up-worthless-refresh-token-0044", "made-up-wrong-secret-of-it-0045"]
            .map(str::to_owned),
    );
    let body = private_key.lines().filter(|line| !line.starts_with("-----"));
    wanted.extend(body.map(str::to_owned));
    let own = ["tenant.toml", "dataverse.txt", "flow.txt"];
    for file in watch.left_behind(&own) {
        let bytes = fs::read(&file).unwrap();
        watch.shown.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    assert!(
        watch.watched > 20
            && watch.shown.iter().any(|text| text.contains("TRACE") || text.contains("DEBUG"))
    );
    search(&wanted, &watch.shown);
}
