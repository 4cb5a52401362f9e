//! What the tests of the sign-in share: a person who signed in, and requests by hand.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds};

/// The tenant and the application of the sandbox that ships.
pub(crate) const TENANT: &str = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40";
pub(crate) const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000f10b";

/// What a token for the Flow service is made for.
pub(crate) const FLOW: &str = "https://service.flow.microsoft.com/";

/// A passphrase for a store.
pub(crate) const STORE_KEY: &str = "made-up store key of this test";

impl Place {
    /// A run with variables of its own and nobody at its standard input.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        command.output().unwrap().into()
    }

    /// A run with a text on its standard input.
    pub(crate) fn run_fed(&self, text: &str, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// A manifest with one binding, in a file.
    pub(crate) fn one(&self) -> String {
        self.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"))
    }

    /// The tenant that ships, with more at its end, in a file.
    pub(crate) fn tenant_with(&self, more: &str) -> String {
        let text = fs::read_to_string(self.tenant(&[])).unwrap();
        self.write("tenant.toml", &format!("{text}\n{more}\n"))
    }

    /// The folder of the stores.
    pub(crate) fn stores(&self) -> PathBuf {
        self.path("state").join("flowbind")
    }

    /// A sandbox that serves the tenant with more at its end, and whose person approves at once.
    pub(crate) fn serving(&self, more: &str) -> Served {
        let tenant = self.tenant_with(more);
        Served::start(self, &["--approve-after", "0", "--tenant", &tenant])
    }

    /// Such a sandbox, and a refresh token that it gave.
    pub(crate) fn served(&self, more: &str) -> (Served, String) {
        let served = self.serving(more);
        let token = device_login(&served.url)["refresh_token"].as_str().unwrap().to_owned();
        (served, token)
    }
}

/// The only refresh token in a plain store.
pub(crate) fn refresh_token(file: &Path) -> String {
    let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    document["sign-ins"][0]["sign-in"]["refresh-token"].as_str().unwrap().to_owned()
}

/// Signs a person in as any other program would, and gives the token answer.
pub(crate) fn device_login(url: &str) -> Value {
    let scope = format!("{url}/.default offline_access openid profile");
    let code = post(
        url,
        &format!("/{TENANT}/oauth2/v2.0/devicecode"),
        &[("client_id", CLIENT_ID), ("scope", &scope)],
    );
    let form = [
        ("client_id", CLIENT_ID),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", code["device_code"].as_str().unwrap()),
    ];
    super::harness::until(|| {
        let answer = post(url, &format!("/{TENANT}/oauth2/v2.0/token"), &form);
        answer["access_token"].is_string().then_some(answer)
    })
}

/// A token for a resource, from a refresh token.
pub(crate) fn access_token(url: &str, refresh_token: &str, resource: &str) -> String {
    let scope = format!("{resource}/.default");
    let form = [
        ("client_id", CLIENT_ID),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("scope", &scope),
    ];
    let answer = post(url, &format!("/{TENANT}/oauth2/v2.0/token"), &form);
    let token = answer["access_token"].as_str();
    token.unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

/// A token that says this of itself and that no service takes.
pub(crate) fn made_up_token(claims: &Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    format!("{head}.{}.made-up", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Sends a form and reads the JSON of the answer.
pub(crate) fn post(url: &str, path: &str, form: &[(&str, &str)]) -> Value {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(form).finish();
    let length = body.len();
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let answer = body_of(stream);
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Reads what is at an address.
pub(crate) fn get(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    body_of(stream)
}

/// The body of an answer.
fn body_of(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}

/// The words of a text on one line, as it is before it is wrapped.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
