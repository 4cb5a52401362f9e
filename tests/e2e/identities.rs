//! Environments in which an application writes, and the person is asked for the Flow API alone.

use super::harness::{Ended, ORDER_INTAKE, Place, Served, binds, place, root};
use super::sign_in::{FLOW, TENANT, made_up_token, words};
use serde_json::json;

const SECRET: &str = "made-up-secret-of-the-writer-0042";
const WRITER: &str = "00000000-0000-4000-8000-0000000a0001";

/// What proves that the application alone asks for Dataverse, and the person alone for the Flow API:
/// the other way round is refused.
const APART: &str = "
[[sign-in-refusal]]
on = \"refresh\"
resource = \"dataverse\"
code = 53003
[[sign-in-refusal]]
on = \"client-credentials\"
resource = \"flow\"
code = 53003
";

/// The application with everything that it could prove itself by.
fn writer(more: &str) -> String {
    let certificate = std::fs::read_to_string(root("tests/sandbox/certificate/certificate.pem"));
    let certificate = certificate.unwrap();
    format!(
        "[[application]]\nname = \"Writer\"\nclient-id = \"{WRITER}\"\nsecret = \"{SECRET}\"\n{more}certificate = '''\n{certificate}'''\n\
        [[application.federated-credential]]\nissuer = \"https://token.actions.githubusercontent.com\"\nsubject = \"repo:contoso/flows:environment:production\"\n\
        [[application.federated-credential]]\nissuer = \"https://vstoken.dev.azure.com/00000000-0000-4000-8000-00000000ad00\"\nsubject = \"sc://contoso/Flows/production\"\n\
        [pipelines]\nrequest-token = \"made-up-request-token\"\n"
    )
}

/// A place with a sandbox in which the application may write.
struct Written {
    place: Place,
    served: Served,
    token: String,
}

impl Written {
    fn new(more: &str) -> Self {
        let place = place();
        let (served, token) = place.served(&format!("{}{APART}", writer(more)));
        Self { place, served, token }
    }

    fn run(&self, command: &str, proof: &str, variables: &[(&str, &str)]) -> Ended {
        run_at(
            &self.place,
            &self.served.url,
            command,
            proof,
            &[variables, &[("FLOWBIND_REFRESH_TOKEN", &self.token)]].concat(),
        )
    }
}

fn run_at(
    place: &Place,
    url: &str,
    command: &str,
    proof: &str,
    variables: &[(&str, &str)],
) -> Ended {
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    let manifest = place.write(
        "flowbind.toml",
        &format!(
            "version = 1\n[environments.here]\nurl = \"{url}\"\n[environments.here.dataverse-identity]\nclient-id = \"{WRITER}\"\n{proof}\n{flows}"
        ),
    );
    let yes: &[&str] = if command == "apply" { &["--yes"] } else { &[] };
    let run = [command, "--manifest", &manifest, "--environment", url, "--non-interactive"];
    place.run_with(variables, &[&run[..], yes].concat())
}

#[test]
fn the_application_writes_and_the_person_is_asked_for_flows_by_every_kind_of_proof() {
    let written = Written::new("application-user = true\n");
    let url = &written.served.url;
    let pem = ["certificate", "key"].map(|name| {
        std::fs::read_to_string(root(&format!("tests/sandbox/certificate/{name}.pem"))).unwrap()
    });
    let pem = pem.concat();
    let file = written.place.write("writer.pem", &pem);
    let github = format!("{url}/_sandbox/oidc/github?api-version=2.0");
    let azure = format!("{url}/_sandbox/oidc/azure-devops");
    let request = "made-up-request-token";
    let assertion = assertion(url, request);
    let assertion = written.place.write("federated-token", &assertion);
    let cases: [(&str, Vec<(&str, &str)>); 6] = [
        ("client-secret-variable = \"WRITER_SECRET\"", vec![("WRITER_SECRET", SECRET)]),
        ("certificate-variable = \"WRITER_PEM\"", vec![("WRITER_PEM", &pem)]),
        ("certificate-variable = \"WRITER_PEM\"", vec![("WRITER_PEM", &file)]),
        (
            "federation = \"github\"",
            vec![
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &github),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request),
            ],
        ),
        (
            "federation = \"azure-devops\"\nservice-connection = \"11111111-0000-4000-8000-00000000ad01\"",
            vec![("SYSTEM_OIDCREQUESTURI", &azure), ("SYSTEM_ACCESSTOKEN", request)],
        ),
        ("federation = \"kubernetes\"", vec![("AZURE_FEDERATED_TOKEN_FILE", &assertion)]),
    ];
    for (proof, variables) in cases {
        for command in ["plan", "apply"] {
            let ended = written.run(command, proof, &variables);
            assert_eq!(ended.code, 0, "{proof}: {}", ended.stderr);
        }
    }
}

/// What a workflow's platform issues to it.
fn assertion(url: &str, request_token: &str) -> String {
    use std::io::{Read, Write};
    let host = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let path = "/_sandbox/oidc/github?api-version=2.0&audience=api://AzureADTokenExchange";
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {request_token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_proof_that_is_wrong_is_told_with_the_setting_to_change() {
    let written = Written::new("application-user = true\n");
    let secret = "client-secret-variable = \"WRITER_SECRET\"";
    let ended = written.run("plan", secret, &[("WRITER_SECRET", "made-up-and-wrong-secret")]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let said = words(&ended.stderr);
    assert!(said.contains("AADSTS7000215") && said.contains("Certificates & secrets"), "{said}");
    assert!(!said.contains("made-up-and-wrong-secret"));
}

#[test]
fn an_application_that_is_no_user_of_the_environment_is_told_so() {
    let written = Written::new("");
    let secret = "client-secret-variable = \"WRITER_SECRET\"";
    let ended = written.run("plan", secret, &[("WRITER_SECRET", SECRET)]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(words(&ended.stderr).contains("or the application that uses"), "{}", ended.stderr);
}

#[test]
fn variables_that_are_missing_are_named_all_at_once_before_anything_is_contacted() {
    for (proof, names) in [
        ("client-secret-variable = \"WRITER_SECRET\"", vec!["WRITER_SECRET"]),
        ("certificate-variable = \"WRITER_PEM\"", vec!["WRITER_PEM"]),
        (
            "federation = \"github\"",
            vec![
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                "id-token: write",
            ],
        ),
        (
            "federation = \"azure-devops\"",
            vec![
                "SYSTEM_OIDCREQUESTURI",
                "SYSTEM_ACCESSTOKEN",
                "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            ],
        ),
        ("federation = \"kubernetes\"", vec!["AZURE_FEDERATED_TOKEN_FILE"]),
    ] {
        let place = place();
        // Nobody listens there, so that an attempt to contact it would end otherwise.
        let ended = run_at(&place, "http://127.0.0.1:1", "plan", proof, &[]);
        assert_eq!(ended.code, 3, "{proof}: {}", ended.stderr);
        for name in names {
            assert!(words(&ended.stderr).contains(name), "{name}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_login_for_flows_needs_none_of_the_applications_variables() {
    let place = place();
    let (served, _) = place.served("");
    let manifest = place.write(
        "flowbind.toml",
        &format!(
            "version = 1\n[environments.here]\nurl = \"{}\"\n[environments.here.dataverse-identity]\nclient-id = \"{WRITER}\"\nclient-secret-variable = \"WRITER_SECRET\"\n{}",
            served.url,
            binds(ORDER_INTAKE, "contoso_OrderIntakeUrl")
        ),
    );
    let ended = place.run(&["auth", "login", "--token-store", "plain", "--manifest", &manifest]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_token_of_an_application_alone_is_never_sent_to_the_flow_service() {
    let place = place();
    let (served, token) = place.served("");
    let manifest = place.one();
    let claims = json!({"aud": FLOW, "tid": TENANT, "idtyp": "app", "exp": 9_999_999_999_u64});
    let flow = made_up_token(&claims);
    let run = ["plan", "--manifest", &manifest, "--environment", &served.url, "--format", "json"];
    let ended =
        place.run_with(&[("FLOWBIND_REFRESH_TOKEN", &token), ("FLOWBIND_FLOW_TOKEN", &flow)], &run);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["requests"]["flow"], 0);
    assert!(
        words(&ended.stderr).contains("belongs to an application, not to a person"),
        "{}",
        ended.stderr
    );
}
