//! What no way to sign in may ever show: everything that is secret in the traffic is looked for in
//! everything that the program leaves behind.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::harness::{ORDER_INTAKE, Served, binds, place, printing, root};
use super::leaks::Secrets;
use super::sign_in::{FLOW, STORE_KEY, access_token, refresh_token};
use super::watch::{Relay, TURNS, Watch};

const SECRET: &str = "made-up-secret-of-the-writer-0042";
const REQUEST_TOKEN: &str = "made-up-request-token-of-a-job-0043";
const IDENTITY: &str = "00000000-0000-4000-8000-0000000a0001";

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
    (Watch::of(place), served, relay)
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
    /// Runs a command, each in another turn.
    fn next(&mut self, variables: &[(&str, &str)], arguments: &[&str]) -> i32 {
        self.run(&TURNS[self.watched % TURNS.len()], variables, arguments)
    }

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
        self.next(variables, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A device code that is kept, in both kinds of files, told, and used.
    fn keeps(&mut self) {
        let key = [("FLOWBIND_STORE_KEY", STORE_KEY)];
        for store in ["plain", "file"] {
            let kept = ["--token-store", store];
            assert_eq!(self.run_on(&key, &["auth", "login"], &kept), 0);
            let status = ["auth", "status", "--format", "json", "--token-store", store];
            assert_eq!(self.next(&key, &status), 0);
            assert_eq!(self.run_on(&key, &["plan"], &kept), 0);
            assert_eq!(self.run_on(&key, &["apply", "--yes", "--format", "json"], &kept), 0);
        }
    }

    /// A sign-in in a browser.
    fn browses(&mut self) {
        let words = self.on(&["plan"], &["--browser", "--token-store", "none"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child = self.start(&TURNS[0], &[], &words);
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
        self.shows("standard error with --browser", shown.join("\n"));
        self.shows("standard output with --browser", String::from_utf8(ended.stdout).unwrap());
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
        let good =
            [format!("dataverse:{}", printing(&dataverse)), format!("flow:{}", printing(&flow))];
        let script = |unix: String, windows: String| {
            if cfg!(windows) {
                format!("cmd /d /c \"{windows}\"")
            } else {
                format!("sh -c '{unix}'")
            }
        };
        let complaining =
            script(format!("cat {flow} >&2; exit 1"), format!("type {flow} >&2 & exit 1"));
        let chatty = script(format!("echo two; cat {flow}"), format!("echo two & type {flow}"));
        for (first, second, code) in
            [(&good[0], &good[1], 0), (&complaining, &good[1], 4), (&good[0], &chatty, 4)]
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
            assert_eq!(self.next(&[], &["auth", "logout", "--token-store", store]), 0);
        }
        self.looks_at_files(&["tenant.toml", "dataverse.txt", "flow.txt"]);
        assert!(self.watched > 20, "{} programs", self.watched);
        for level in [" DEBUG ", "\"level\":\"DEBUG\""] {
            assert!(self.shown().any(|(_, text)| text.contains(level)), "{level}");
        }
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
    let mut secrets = Secrets::default();
    secrets.add_traffic(&traffic);
    assert!(secrets.knows(&kept), "what is known to be secret is found in the traffic");
    assert!(secrets.count() > 40, "{} secrets", secrets.count());
    let state = fs::read_to_string(watch.place.state()).unwrap();
    secrets.add_state(&state);
    let private_key = pem[1].lines().filter(|line| line.len() >= 16 && !line.starts_with("-----"));
    let own = [STORE_KEY, SECRET, REQUEST_TOKEN, WORTHLESS, WRONG];
    own.into_iter().chain(private_key).for_each(|secret| secrets.add(secret));
    watch.search(&secrets);
}
