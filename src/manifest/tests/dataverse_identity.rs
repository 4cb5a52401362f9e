//! The application that is used for Dataverse: what is read of it, and what can be wrong.

use super::breakages::assert_told_at_the_top;
use super::{HEAD, TARGET, parse, problems};
use crate::manifest::{DataverseIdentity, Federation, Proof, render_problems};

const CLIENT_ID: &str = "client-id = \"5B1C7F0D-2b2e-4011-998a-7c1e5275cfe9\"\n";

/// What the table of the application begins with: the lines 4 to 6.
const ENVIRONMENT: &str = "[environments.a]\nsandbox = true\n[environments.a.dataverse-identity]\n";

/// The application of an environment, by the lines after its id.
fn identity(lines: &str) -> DataverseIdentity {
    let text = format!("version = 1\n{ENVIRONMENT}{CLIENT_ID}{lines}\n{}", flow());
    parse(text).unwrap().choose_environment(None).unwrap().dataverse_identity.unwrap()
}

fn flow() -> String {
    format!("{}{TARGET}", &HEAD[HEAD.find("[[flow]]").unwrap()..])
}

/// Asserts what is told of the lines after the application's id, of which the first is line 8.
fn assert_told_of_an_identity(breakages: &[(&str, &[&str])]) {
    for (lines, expected) in breakages {
        let text = format!("{ENVIRONMENT}{CLIENT_ID}{lines}");
        assert_told_at_the_top(&[(lines, &text, expected)]);
    }
}

#[test]
fn an_environment_has_no_application_unless_the_manifest_says_so() {
    let manifest = parse(format!("{HEAD}{TARGET}")).unwrap();
    assert_eq!(manifest.choose_environment(None).unwrap().dataverse_identity, None);
}

#[test]
fn an_application_has_an_id_a_tenant_and_one_proof() {
    let identity = identity("tenant = \"Contoso.example\"\nclient-secret-variable = \"A_1\"");
    assert_eq!(identity.client_id, "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9");
    assert_eq!(identity.tenant.as_deref(), Some("contoso.example"));
    assert_eq!(identity.proof, Proof::Secret("A_1".parse().unwrap()));
}

#[test]
fn every_proof_is_read() {
    let proof = |lines| identity(lines).proof;
    let variable = Proof::Certificate("_CERTIFICATE".parse().unwrap());
    assert_eq!(proof("certificate-variable = \"_CERTIFICATE\""), variable);
    assert_eq!(proof("federation = \"github\""), Proof::Federated(Federation::GitHub));
    assert_eq!(proof("federation = \"kubernetes\""), Proof::Federated(Federation::Kubernetes));
    let azure = |id: Option<&str>| {
        let service_connection = id.map(str::to_owned);
        Proof::Federated(Federation::AzureDevOps { service_connection })
    };
    assert_eq!(proof("federation = \"azure-devops\""), azure(None));
    assert_eq!(
        proof(
            "federation = \"azure-devops\"\nservice-connection = \"A09E4A0D-3a1c-f011-998a-7c1e5275cfe9\""
        ),
        azure(Some("a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"))
    );
}

#[test]
fn what_is_wrong_with_an_application() {
    assert_told_of_an_identity(&[
        ("", &["6:1 key-missing"]),
        ("client-secret-variable = \"lower\"", &["8:26 value-invalid"]),
        ("client-secret-variable = \"\"", &["8:26 value-invalid"]),
        ("client-secret-variable = \"1A\"", &["8:26 value-invalid"]),
        ("client-secret-variable = \"A-B\"", &["8:26 value-invalid"]),
        ("client-secret-variable = 1", &["8:26 type-wrong"]),
        ("certificate-variable = \"\"\"-----BEGIN\nX\"\"\"", &["8:24 value-invalid"]),
        ("client-secret = \"x\"", &["6:1 key-missing", "8:1 key-unknown"]),
        ("federation = \"gitlab\"", &["8:14 value-invalid"]),
        ("federation = true", &["8:14 type-wrong"]),
        ("federation = \"github\"\nservice-connection = \"x\"", &["9:22 value-invalid"]),
        (
            "federation = \"github\"\nservice-connection = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"",
            &["9:1 key-conflict"],
        ),
        (
            "federation = \"github\"\ncertificate-variable = \"A\"\nclient-secret-variable = \"b\"",
            &["9:1 key-conflict", "10:1 key-conflict", "10:26 value-invalid"],
        ),
        ("federation = \"github\"\ntenant = \"x\"", &["9:10 value-invalid"]),
    ]);
    assert_told_at_the_top(&[
        (
            "no id",
            "environments.a.sandbox = true\nenvironments.a.dataverse-identity.federation = \"github\"",
            &["5:16 key-missing"],
        ),
        (
            "no table",
            "[environments.a]\nsandbox = true\ndataverse-identity = 1",
            &["6:22 type-wrong"],
        ),
        (
            "a key outside of its table",
            "[environments.a]\nsandbox = true\nclient-secret-variable = \"A\"",
            &["6:1 key-unknown"],
        ),
    ]);
}

#[test]
fn a_secret_in_the_place_of_a_name_is_refused_and_not_repeated() {
    for line in [
        "client-secret-variable = \"made-up\"",
        "certificate-variable = \"made-up\"",
        "client-secret = 'made-up'",
        "certificate-variable = '''-----BEGIN PRIVATE KEY-----\nmade-up'''",
    ] {
        let text = format!("version = 1\n{ENVIRONMENT}{CLIENT_ID}{line}\n{}", flow());
        let told = problems(&text);
        let shown = render_problems("flowbind.toml", text.as_bytes(), &told);
        assert!(!shown.contains("made-up"), "{shown}");
        assert!(shown.contains("variable"), "{shown}");
    }
}

#[test]
fn a_secret_in_the_place_of_a_name_is_told_what_to_do_instead() {
    let line = "client-secret-variable = \"made-up\"";
    let text = format!("version = 1\n{ENVIRONMENT}{CLIENT_ID}{line}\n{}", flow());
    insta::assert_snapshot!(render_problems("flowbind.toml", text.as_bytes(), &problems(&text)), @r#"
    error[value-invalid]: `client-secret-variable` is not an allowed variable name: use capital letters,
                          digits and `_`, no digit first, and no variable of flowbind itself such as
                          `FLOWBIND_STORE_KEY`
     --> flowbind.toml:6:26
      |
    6 | client-secret-variable = "*******"
      |                          ^^^^^^^^^
      |
      = help: put the secret into a variable of the pipeline and write that variable's name, such as
              `client-secret-variable = "FLOWBIND_DATAVERSE_CLIENT_SECRET"`; if the secret itself
              was in this file, replace it in Entra

    `flowbind explain value-invalid` says more.
    "#);
}
