//! Runs with the tokens of the Azure CLI, for which a script of the test stands in.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::pipelines::Pipeline;
use super::sign_in::{FLOW, TENANT, made_up_token, words};

/// How a person signs in to the Azure CLI.
const LOGIN: &str =
    "az login --tenant 7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40 --allow-no-subscriptions";

/// A run of `plan --sign-in az`: its exit code, its document, and standard error as words.
fn plan(pipeline: &Pipeline, path: &str, more: &[&str]) -> (i32, serde_json::Value, String) {
    let options = [&["--sign-in", "az"], more].concat();
    let (code, document, stderr) = pipeline.plan(&[("PATH", path)], &options);
    (code, document, words(&stderr))
}

/// Puts a script in the place of the Azure CLI; the `PATH` that has it.
fn azure_cli(pipeline: &Pipeline, script: &str) -> String {
    let folder = pipeline.place.path("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("az");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// The script of an Azure CLI that prints these tokens, and notes its arguments.
fn printing(pipeline: &Pipeline, dataverse: &str, flow: &str) -> String {
    let calls = pipeline.place.path("calls");
    let print =
        |token| format!("echo '{{\"accessToken\": \"{token}\", \"tokenType\": \"Bearer\"}}'");
    format!(
        "echo \"$*\" >> '{}'\ncase \"$*\" in *service.flow*) {};; *) {};; esac",
        calls.display(),
        print(flow),
        print(dataverse)
    )
}

#[test]
fn a_person_who_is_signed_in_to_the_azure_cli_needs_no_application() {
    let pipeline = Pipeline::new("");
    let tokens = (pipeline.dataverse_token(), pipeline.flow_token());
    let path = azure_cli(&pipeline, &printing(&pipeline, &tokens.0, &tokens.1));
    let (code, document, said) = plan(&pipeline, &path, &[]);
    assert_eq!((code, &document["requests"]["entra"]), (0, &json!(0)), "{said}");
    let calls = fs::read_to_string(pipeline.place.path("calls")).unwrap();
    assert_eq!(calls.lines().count(), 2, "{calls}");
    for call in calls.lines() {
        assert!(call.starts_with("account get-access-token --output json --resource "), "{call}");
        assert!(call.ends_with(&format!(" --tenant {TENANT}")), "{call}");
    }
    let (code, _, said) = plan(&pipeline, &path, &["--tenant", "contoso.onmicrosoft.com"]);
    assert_eq!(code, 0, "{said}");
    let calls = fs::read_to_string(pipeline.place.path("calls")).unwrap();
    assert_eq!(calls.matches("--tenant contoso.onmicrosoft.com").count(), 2, "{calls}");
}

#[test]
fn a_service_principal_is_refused_before_the_flow_service_is_asked() {
    let pipeline = Pipeline::new("");
    let claims = json!({"aud": FLOW, "tid": TENANT, "idtyp": "app", "exp": 9_999_999_999_u64});
    let script = printing(&pipeline, &pipeline.dataverse_token(), &made_up_token(&claims));
    let path = azure_cli(&pipeline, &script);
    let (code, document, said) = plan(&pipeline, &path, &[]);
    assert_eq!((code, &document["requests"]["flow"]), (4, &json!(0)), "{said}");
    assert!(said.contains("the Azure CLI (`az`)"), "{said}");
    assert!(said.contains("`azure/login`") && said.contains("serves Dataverse only"), "{said}");
}

#[test]
fn an_azure_cli_that_is_absent_or_signed_in_elsewhere_is_told_with_the_command_to_type() {
    let pipeline = Pipeline::new("");
    let nowhere = pipeline.place.path("nowhere").display().to_string();
    let (code, _, said) = plan(&pipeline, &nowhere, &[]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("install the Azure CLI") && said.contains(LOGIN), "{said}");

    let path = azure_cli(&pipeline, "echo \"Please run 'az login' to setup account.\" >&2; exit 1");
    let (code, document, said) = plan(&pipeline, &path, &[]);
    assert_eq!((code, &document["requests"]["flow"]), (4, &json!(0)), "{said}");
    assert!(said.contains("Please run 'az login'") && said.contains(LOGIN), "{said}");

    let claims = json!({"aud": FLOW, "tid": "11111111-9d0e-4b7a-8a35-5e2f6d1b9c40", "scp": "User"});
    let script = printing(&pipeline, &pipeline.dataverse_token(), &made_up_token(&claims));
    let (code, _, said) = plan(&pipeline, &azure_cli(&pipeline, &script), &[]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("is from the tenant 11111111-") && said.contains(LOGIN), "{said}");
}

#[test]
fn nothing_of_the_azure_cli_is_stored() {
    let pipeline = Pipeline::new("");
    let login = ["auth", "login", "--sign-in", "az", "-e", &pipeline.served.url];
    let ended = pipeline.place.run_with(&[("FLOWBIND_TOKEN_STORE", "plain")], &login);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("the Azure CLI keeps the sign-in"), "{}", ended.stderr);
}
