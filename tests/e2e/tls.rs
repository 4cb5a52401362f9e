//! The sandbox over https, under names of this machine and under real ones, and what the client trusts.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, Served, binds, place};
use super::proxy::Proxy;

/// The names that programs for the public cloud have wired in.
const REAL: [&str; 6] = [
    "--host",
    "login.microsoftonline.com",
    "--host",
    "contoso.crm4.dynamics.com",
    "--host",
    "api.flow.microsoft.com",
];
const CLIENT: &str = "00000000-0000-4000-8000-00000000f10b";

/// A sandbox that serves https, and the file to trust it by.
fn served(place: &Place, arguments: &[&str]) -> (Served, String) {
    let folder = place.path("tls");
    let folder = folder.to_str().unwrap();
    let all = [&["--approve-after", "0", "--tls-dir", folder], arguments].concat();
    (Served::start(place, &all), format!("{folder}/ca.pem"))
}

impl Served {
    fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }
}

/// An apply of the example somewhere, without anybody to ask.
fn apply(place: &Place, environment: &str, more: &[&str]) -> Command {
    let run = ["apply", "--yes", "--manifest", EXAMPLE, "--environment", environment];
    let mut command = place.command(&[&run, more].concat());
    command.stdin(Stdio::null());
    command
}

/// A text without the line breaks that a narrow screen gets.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ended(mut command: Command) -> Ended {
    command.output().unwrap().into()
}

#[test]
fn the_example_is_applied_over_https_and_over_http_at_the_same_address() {
    let place = place();
    let (served, bundle) = served(&place, &[]);
    let secure = format!("https://localhost:{}", served.address().port());
    let first = ended(apply(&place, &secure, &["--ca-bundle", &bundle]));
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stdout.contains("Applied: 4 created, 3 updated"), "{}", first.stdout);
    assert!(first.stderr.contains(&format!("{secure}/devicelogin")), "{}", first.stderr);
    let by_address = secure.replace("localhost", "127.0.0.1");
    let mut named = apply(&place, &by_address, &[]);
    named.env("FLOWBIND_CA_BUNDLE", &bundle);
    assert!(ended(named).stdout.contains("No changes."));
    assert!(ended(apply(&place, &served.url, &[])).stdout.contains("No changes."));
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_with_the_remedy() {
    let place = place();
    let (served, _) = served(&place, &[]);
    let secure = format!("https://localhost:{}", served.address().port());
    let begin = Instant::now();
    let refused = ended(apply(&place, &secure, &[]));
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    let said = " is not trusted; nothing was written note: its issuer is unknown";
    assert!(unwrapped(&refused.stderr).contains(said), "{}", refused.stderr);
    assert!(refused.stderr.contains("--ca-bundle"), "{}", refused.stderr);
    assert!(begin.elapsed() < Duration::from_secs(5), "it was tried again for nothing");
}

#[test]
fn a_certificate_for_other_names_is_refused() {
    let place = place();
    let (served, bundle) = served(&place, &REAL);
    let proxy = Proxy::start(served.address());
    let mut command =
        apply(&place, "https://fabrikam.crm4.dynamics.com", &["--ca-bundle", &bundle]);
    command.args(["--client-id", CLIENT]).env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let refused = ended(command);
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    assert!(
        unwrapped(&refused.stderr).contains("it is for another host name"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_bundle_that_is_none_is_refused_before_anything_is_contacted() {
    let place = place();
    let refused = |file: &str| {
        let ended = ended(apply(&place, "https://localhost:9", &["--ca-bundle", file]));
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let said = unwrapped(&ended.stderr);
        assert!(said.contains(file), "{said}");
        said
    };
    assert!(refused("no-such-file.pem").contains("No such file"));
    assert!(refused(EXAMPLE).contains("it contains no certificate"));
}

#[test]
fn the_authority_can_be_read_by_all_and_its_key_is_nowhere() {
    let place = place();
    let (first, bundle) = served(&place, &[]);
    let before = std::fs::read_to_string(&bundle).unwrap();
    assert_eq!(std::fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(std::fs::read_dir(place.path("tls")).unwrap().count(), 1);
    assert!(before.starts_with("-----BEGIN CERTIFICATE-----") && !before.contains("KEY"));
    drop(first);
    let (_second, bundle) = served(&place, &[]);
    assert_ne!(std::fs::read_to_string(&bundle).unwrap(), before);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let place = place();
    let folder = place.path("tls").display().to_string();
    let start = ["sandbox", "--listen", "127.0.0.1:0", "--tls-dir", &folder, "--host", "https://x"];
    let refused = place.run(&start);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let said = unwrapped(&refused.stderr);
    assert!(said.contains("`https://x` is no host name"), "{said}");
    assert_eq!(place.run(&["sandbox", "--host", "a.example"]).code, 3);
}

#[test]
fn connections_that_are_silent_or_broken_hold_nothing_up() {
    let place = place();
    let (served, bundle) = served(&place, &[]);
    let connect = || TcpStream::connect(served.address()).unwrap();
    let _silent: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
    for broken in
        [&b"\x16"[..], b"\x16\x03\x01\x00\x05hello", b"\x16\xff\xff\xff\xff", b"\x00\n", b""]
    {
        let mut stream = connect();
        stream.write_all(broken).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    let secure = format!("https://localhost:{}", served.address().port());
    assert_eq!(ended(apply(&place, &secure, &["--ca-bundle", &bundle])).code, 0);
}

#[test]
fn real_names_are_reached_through_a_proxy_whose_password_is_never_shown() {
    let place = place();
    let (served, bundle) = served(&place, &REAL);
    let proxy = Proxy::start(served.address());
    let environment = "https://contoso.crm4.dynamics.com";
    let more = ["--ca-bundle", &bundle, "--client-id", CLIENT, "--log", "trace"];
    let mut command = apply(&place, environment, &more);
    command.env("HTTPS_PROXY", format!("http://somebody:made-up-password@{}", proxy.address));
    let applied = ended(command);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert!(applied.stdout.contains("Applied: 4 created, 3 updated"), "{}", applied.stdout);
    let page = "https://login.microsoftonline.com/devicelogin";
    assert!(applied.stderr.contains(page), "{}", applied.stderr);
    let heads = proxy.heads();
    for name in REAL.into_iter().filter(|name| *name != "--host") {
        let line = format!("CONNECT {name}:443 HTTP/1.1\r\n");
        assert!(heads.iter().any(|head| head.starts_with(&line)), "{name}: {heads:?}");
    }
    // RFC 7617: `somebody:made-up-password` in base 64.
    let password = "c29tZWJvZHk6bWFkZS11cC1wYXNzd29yZA==";
    assert!(heads.iter().all(|head| head.contains(&format!("Basic {password}"))), "{heads:?}");
    for secret in ["made-up-password", password] {
        assert!(!(applied.stdout.clone() + &applied.stderr).contains(secret), "it was shown");
    }
}

#[test]
fn no_proxy_is_used_for_this_machine_nor_where_none_is_wanted() {
    let place = place();
    let (served, bundle) = served(&place, &[]);
    let proxy = Proxy::start(served.address());
    let through = format!("http://{}", proxy.address);
    let secure = format!("https://localhost:{}", served.address().port());
    for environment in [&secure, &served.url] {
        let mut command = apply(&place, environment, &["--ca-bundle", &bundle]);
        command.env("HTTPS_PROXY", &through).env("HTTP_PROXY", &through);
        assert_eq!(ended(command).code, 0);
    }
    let manifest = place.write(
        "elsewhere.toml",
        &format!(
            "version = 1\n[environments.x]\nurl = \"https://contoso.invalid\"\ncloud = \"public\"\nclient-id = \"{CLIENT}\"\n{}",
            binds(ORDER_INTAKE, "contoso_Url")
        ),
    );
    let mut command = place.command(&["plan", "--manifest", &manifest]);
    command.env("HTTPS_PROXY", &through).env("NO_PROXY", "example.com,.invalid");
    let unreachable = ended(command);
    assert_eq!(unreachable.code, 6, "{}", unreachable.stderr);
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
}

/// How many requests arrived by which protocol.
fn protocols(served: &Served) -> Value {
    let told = served.control("GET", "/_sandbox/requests", &Value::Null);
    let total = &told["total"];
    assert!(total.as_u64().unwrap() > 10, "{told}");
    assert_eq!(told["protocols"].as_object().unwrap().values().collect::<Vec<_>>(), [total]);
    told["protocols"].clone()
}

#[test]
fn a_run_over_http_2_opens_one_connection_to_each_host() {
    let place = place();
    let arguments = [&REAL[..], &["--latency", "200"]].concat();
    let (served, bundle) = served(&place, &arguments);
    let proxy = Proxy::start(served.address());
    let more = ["--ca-bundle", &bundle, "--client-id", CLIENT];
    let mut command = apply(&place, "https://contoso.crm4.dynamics.com", &more);
    command.env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let applied = ended(command);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert!(protocols(&served)["h2"].is_u64());
    let heads = proxy.heads();
    for name in REAL.into_iter().filter(|name| *name != "--host") {
        let line = format!("CONNECT {name}:443 HTTP/1.1\r\n");
        let count = heads.iter().filter(|head| head.starts_with(&line)).count();
        assert_eq!(count, 1, "{name}: {heads:?}");
    }
}

#[test]
fn http_1_1_is_spoken_where_nothing_else_is_offered_or_wanted() {
    for (offers, wants) in [(&[][..], &["--http1"][..]), (&["--http1"][..], &[][..])] {
        let place = place();
        let (served, bundle) = served(&place, offers);
        let secure = format!("https://localhost:{}", served.address().port());
        let applied = ended(apply(&place, &secure, &[&["--ca-bundle", &bundle], wants].concat()));
        assert_eq!(applied.code, 0, "{}", applied.stderr);
        assert!(protocols(&served)["http/1.1"].is_u64());
    }
}

/// A run of the example over HTTP/2, of which a fault strikes a request.
fn struck(path: &str, action: &str, times: u32) -> Ended {
    let place = place();
    let (served, bundle) = served(&place, &[]);
    let fault = json!([{"service": "dataverse", "path-contains": path, "action": action, "executed": true, "times": times}]);
    served.control("PUT", "/_sandbox/faults", &fault);
    let secure = format!("https://localhost:{}", served.address().port());
    let ended = ended(apply(&place, &secure, &["--ca-bundle", &bundle]));
    let faults = served.control("GET", "/_sandbox/faults", &Value::Null);
    assert!(faults[0]["struck"].as_u64().unwrap() > 0, "{faults}");
    protocols(&served);
    ended
}

#[test]
fn a_connection_that_breaks_under_all_requests_at_once_is_survived() {
    for action in ["reset", "close", "truncate", "garbage"] {
        for path in ["workflows", "$batch"] {
            let ended = struck(path, action, 1);
            assert_eq!(ended.code, 0, "{action} {path}: {}", ended.stderr);
            assert!(ended.stdout.contains("Applied: 4 created, 3 updated"), "{}", ended.stdout);
        }
    }
}

#[test]
fn http_2_that_fails_again_and_again_is_told_with_the_way_round_it() {
    for (action, words) in [
        ("garbage", "the other side broke the rules of HTTP/2 (FRAME_SIZE_ERROR)"),
        ("close", "the HTTP/2 connection broke: "),
    ] {
        let ended = struck("workflows", action, 99);
        assert_eq!(ended.code, 6, "{}", ended.stderr);
        let said = unwrapped(&ended.stderr);
        assert!(said.contains(words), "{said}");
        assert!(said.contains("use HTTP/1.1 with `--http1` or FLOWBIND_HTTP1=true"), "{said}");
    }
}

#[test]
fn an_answer_without_end_is_cut_off_over_http_2_too() {
    let ended = struck("environmentvariabledefinitions", "oversized", 9);
    assert_eq!(ended.code, 6, "{}", ended.stderr);
    let said = unwrapped(&ended.stderr);
    assert!(said.contains("(status 200) is longer than 33554432 bytes"), "{said}");
}

/// Whether this machine lets a test have a network and files of its own.
fn can_be_apart() -> bool {
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--net", "sh", "-c"])
        .arg("ip link set lo up && mount --bind /etc/hostname /etc/hosts")
        .output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn real_names_at_their_own_port_are_served_in_a_network_apart() {
    if !can_be_apart() {
        eprintln!("skipped: this machine does not let a test have a network of its own");
        return;
    }
    let place = place();
    let names = REAL.into_iter().filter(|name| *name != "--host");
    let hosts: Vec<&str> = ["localhost"].into_iter().chain(names).collect();
    place.write("hosts", &format!("127.0.0.1 {}\n", hosts.join(" ")));
    let script = r#"
        set -eu
        ip link set lo up
        mount --bind "$HERE/hosts" /etc/hosts
        "$PROGRAM" sandbox --listen 127.0.0.1:443 --tls-dir "$HERE/tls" --approve-after 0 "$@" &
        trap 'kill $!' EXIT
        for _ in $(seq 600); do [ -f "$HERE/tls/ca.pem" ] && break; sleep 0.05; done
        "$PROGRAM" apply --yes --manifest "$EXAMPLE" --environment prod --client-id "$CLIENT" \
          --ca-bundle "$HERE/tls/ca.pem"
    "#;
    let mut command = place.isolated("unshare");
    command.args(["--map-root-user", "--mount", "--net", "sh", "-c", script, "sh"]).args(REAL);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("HERE", place.path("")).env("PROGRAM", env!("CARGO_BIN_EXE_flowbind"));
    command.env("EXAMPLE", EXAMPLE).env("CLIENT", CLIENT);
    let applied = ended(command);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    assert!(applied.stdout.contains("Plan for prod, https://contoso.crm4.dynamics.com"));
    assert!(applied.stdout.contains("Applied: 4 created, 3 updated"), "{}", applied.stdout);
}
