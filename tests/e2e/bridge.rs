//! The way to and from the deployment settings of `pac`.

use std::fs;

use serde_json::{Value, json};

use super::harness::{EXAMPLE, ORDER_INTAKE, Place, binds, place};

/// A secret part of the sandbox's signed URLs.
const SIGNATURE: &str = "sig=";

const SETTINGS: &str = "\u{feff}{\r\n  \"EnvironmentVariables\": [\r\n    {\r\n      \"SchemaName\": \"CONTOSO_orderintakeurl\",\r\n      \"Value\": \"\"\r\n    },\r\n    {\r\n      \"SchemaName\": \"contoso_MaxItems\",\r\n      \"Value\": \"50\"\r\n    }\r\n  ],\r\n  \"ConnectionReferences\": [ {\"LogicalName\":\"contoso_ref\",\"ConnectionId\":\"\",\"ConnectorId\":\"\"} ]\r\n}";

impl Place {
    fn settings(&self) -> String {
        self.path("deploymentSettings.json").display().to_string()
    }

    fn export(&self, more: &[&str]) -> (i32, Value) {
        let settings = self.settings();
        let all = ["export", "--deployment-settings", &settings, "-m", EXAMPLE, "-e", "sandbox"];
        self.json(&[&all[..], more].concat())
    }

    fn file(&self) -> String {
        fs::read_to_string(self.settings()).unwrap()
    }
}

fn actions(document: &Value) -> Vec<(&str, &str, bool)> {
    let variables = document["deployment-settings"]["variables"].as_array().unwrap();
    variables
        .iter()
        .map(|variable| {
            (
                variable["schema-name"].as_str().unwrap(),
                variable["action"].as_str().unwrap(),
                variable["secret"].as_bool().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_new_file_is_made_once_and_a_second_export_has_nothing_to_do() {
    let place = place();
    let (code, document) = place.export(&["--detailed-exitcode"]);
    assert_eq!((code, &document["outcome"]), (2, &json!("exported")), "{document:#}");
    assert_eq!(
        actions(&document),
        [
            ("contoso_OrderIntakeUrl", "create", false),
            ("contoso_Endpoints", "create", false),
            ("contoso_PartnerWebhookUrl", "create", true),
            ("contoso_StockUrl", "create", false),
        ]
    );
    assert_eq!(document["deployment-settings"]["records"], 2);
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1, "{document:#}");
    assert_eq!(document["warnings"][0]["code"], "signed-url");
    assert!(!document.to_string().contains(SIGNATURE));
    let file = place.file();
    let settings: Value = serde_json::from_str(&file).unwrap();
    let names: Vec<_> = settings["EnvironmentVariables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["SchemaName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "contoso_OrderIntakeUrl",
            "contoso_Endpoints",
            "contoso_PartnerWebhookUrl",
            "contoso_StockUrl"
        ]
    );
    assert!(settings["EnvironmentVariables"][2]["Value"].as_str().unwrap().contains(SIGNATURE));
    let endpoints = settings["EnvironmentVariables"][1]["Value"].as_str().unwrap();
    assert!(endpoints.starts_with("{\"version\": 3, \"orders\": {\"status\": \"https://"));
    assert!(endpoints.contains("\"region\": \"emea\"") && endpoints.contains("\"posted\""));
    let (code, document) = place.export(&["--detailed-exitcode"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")), "{document:#}");
    assert_eq!(place.file(), file);
    let human = place.run(&["export", "-s", &place.settings(), "-m", EXAMPLE, "-e", "sandbox"]);
    let last = format!("Already exported to {}: 4 variables up to date.\n", place.settings());
    assert!(human.stdout.ends_with(&last), "{}", human.stdout);
    assert!(human.stderr.contains("Not exported: 2 targets in records"), "{}", human.stderr);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone_and_another_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let mode = || fs::metadata(place.settings()).unwrap().permissions().mode() & 0o777;
    place.export(&[]);
    assert_eq!(mode(), 0o600);
    fs::write(place.settings(), SETTINGS).unwrap();
    fs::set_permissions(place.settings(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.export(&[]).0, 0);
    assert_eq!(mode(), 0o644);
}

#[test]
fn a_file_that_is_there_keeps_every_other_byte() {
    let place = place();
    fs::write(place.settings(), SETTINGS).unwrap();
    let (code, document) = place.export(&["--what-if"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("planned")));
    assert_eq!(place.file(), SETTINGS);
    let (code, document) = place.export(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(actions(&document)[0], ("contoso_OrderIntakeUrl", "update", false));
    let file = place.file();
    let (before, after) = SETTINGS.split_once("\"Value\": \"\"").unwrap();
    assert!(file.starts_with(before));
    let (between, end) = after.split_once("\r\n  ],").unwrap();
    assert!(file.contains(between) && file.ends_with(&format!("\r\n  ],{end}")));
    assert!(!file.replace("\r\n", "").contains('\n'), "every line ends as before");
    serde_json::from_str::<Value>(file.trim_start_matches('\u{feff}')).unwrap();
}

#[test]
fn the_end_of_an_export_speaks_of_the_file_in_every_form() {
    let place = place();
    let text = fs::read_to_string(super::harness::root(EXAMPLE)).unwrap();
    let manifest = place.write("flowbind.toml", &text);
    let report = place.path("report.md").display().to_string();
    let settings = place.settings();
    let export = ["export", "-s", &settings, "-m", &manifest, "-e", "sandbox", "--report", &report];
    let ended = |more: &[&str]| {
        fs::write(place.settings(), SETTINGS).unwrap();
        let ended = place.run(&[&export[..], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let report = fs::read_to_string(&report).unwrap();
        (ended.stdout.lines().last().unwrap().to_owned(), report.lines().nth(2).unwrap().to_owned())
    };
    let (written, to_write) = (
        format!("to {settings}: 4 variables written, 1 other left alone."),
        format!("to {settings}: 4 variables to write, 1 other left alone."),
    );
    let (last, summary) = ended(&["--dry-run"]);
    assert_eq!(last, format!("Export {to_write} Nothing was written."));
    assert!(
        summary.ends_with(
            "in `SETTINGS`. Nothing was written.".replace("SETTINGS", &settings).as_str()
        ),
        "{summary}"
    );
    let (last, summary) = ended(&[]);
    assert_eq!(last, format!("Exported {written}"));
    assert!(summary.contains("4 variables written"), "{summary}");
    assert!(summary.ends_with("Nothing was written to the environment."), "{summary}");
    let agreed = place.run(&export);
    assert!(agreed.stdout.ends_with(": 4 variables up to date, 1 other left alone.\n"));
    let report = fs::read_to_string(&report).unwrap();
    assert!(!report.contains("All targets are up to date"), "{report}");
    assert!(report.contains("Nothing had to be written."), "{report}");
}

#[test]
fn members_of_a_json_value_in_the_file_stay_as_the_file_has_them() {
    let place = place();
    let text = r#"{"EnvironmentVariables":[{"SchemaName":"contoso_Endpoints","Value":"{\"version\": 4}"}]}"#;
    fs::write(place.settings(), text).unwrap();
    let (code, document) = place.export(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert!(place.file().contains(r#"{\"version\": 4,\"orders\":{\"status\":\"https://"#));
}

#[test]
fn with_a_problem_nothing_is_written() {
    let place = place();
    fs::write(place.settings(), SETTINGS).unwrap();
    let flows = [
        binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"),
        binds("394f185a-d3a6-f011-998a-7c1e5275cfe9", "contoso_StockUrl"),
        binds("5b613a7c-f5c8-f011-998a-7c1e5275cfe9", "contoso_Site"),
    ];
    let manifest = place.manifest(&flows.concat());
    let (code, document) =
        place.json(&["export", "-s", &place.settings(), "--manifest", &manifest]);
    let codes: Vec<_> =
        document["problems"].as_array().unwrap().iter().map(|p| &p["code"]).collect();
    assert_eq!(code, 5, "{document:#}");
    assert_eq!(codes, ["flow-draft", "flow-not-owned", "variable-type"]);
    assert_eq!(place.file(), SETTINGS);
}

#[test]
fn a_signed_url_is_not_exported_against_the_policy() {
    let place = place();
    let text = fs::read_to_string(super::harness::root(EXAMPLE)).unwrap();
    let manifest = place.write("strict.toml", &text.replace("signed-urls = \"allow\"", ""));
    let settings = place.settings();
    let (code, document) =
        place.json(&["export", "-s", &settings, "-m", &manifest, "-e", "sandbox"]);
    assert_eq!((code, &document["problems"][0]["code"]), (5, &json!("signed-url")));
    assert!(!place.path("deploymentSettings.json").exists());
}

#[test]
fn a_variable_that_is_to_come_with_the_solution_is_exported_with_a_warning() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_NotThereYet"));
    let (code, document) = place.json(&["export", "-s", &place.settings(), "-m", &manifest]);
    assert_eq!((code, &document["outcome"]), (0, &json!("exported")), "{document:#}");
    assert_eq!(document["warnings"][0]["code"], "definition-missing");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_before_anything_is_contacted() {
    let place = place();
    let twice =
        r#"{"EnvironmentVariables":[{"SchemaName":"a","Value":""},{"SchemaName":"A","Value":""}]}"#;
    for (text, part) in [(twice, "lines 1 and 1"), ("{", "is not JSON"), ("[]", "not an object")] {
        fs::write(place.settings(), text).unwrap();
        let (code, document) = place.export(&[]);
        let message = document["error"]["message"].as_str().unwrap();
        assert_eq!(code, 3, "{document:#}");
        assert!(message.contains(part) && message.ends_with("nothing was contacted"), "{message}");
        assert_eq!(place.file(), text);
    }
}

#[test]
fn what_was_exported_is_imported_and_agrees() {
    let place = place();
    assert_eq!(place.export(&[]).0, 0);
    assert_eq!(place.run(&["apply", "-m", EXAMPLE, "-e", "sandbox"]).code, 0);
    let out = place.path("imported.toml").display().to_string();
    let import = ["import", "-s", &place.settings(), "-m", EXAMPLE, "-e", "sandbox", "--out", &out];
    let ended = place.run(&import);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("5 bindings, 0 left out"), "{}", ended.stderr);
    let manifest = fs::read_to_string(&out).unwrap();
    assert!(!manifest.contains(SIGNATURE) && manifest.contains("name = \"Order intake\""));
    let (code, document) = place.json(&["plan", "--manifest", &out]);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")), "{document:#}\n{manifest}");
    assert_eq!(document["changes"].as_array().unwrap().len(), 5);
    let again = place.run(&import);
    assert_eq!(again.code, 3);
    assert!(again.stderr.contains("is not overwritten"), "{}", again.stderr);
}

#[test]
fn an_import_without_a_binding_is_refused_and_tells_why() {
    let place = place();
    fs::write(place.settings(), SETTINGS).unwrap();
    let ended = place.run(&["import", "-s", &place.settings(), "-m", EXAMPLE, "-e", "sandbox"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""));
    assert!(
        ended.stderr.contains("# contoso_MaxItems: holds a text of 2 characters"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("Payroll export"), "{}", ended.stderr);
}

#[test]
fn what_users_of_pac_type_works_or_is_answered_with_the_right_word() {
    let place = place();
    let plan = ["plan", "-m", EXAMPLE, "-env", "sandbox", "--deviceCode"];
    assert_eq!(place.run(&plan).code, 0);
    assert_eq!(place.run(&["auth", "list", "--token-store", "none"]).code, 4);
    for (words, part) in [
        (&["auth", "create", "--clientSecret", "made-up-secret"][..], "dataverse-identity"),
        (&["plan", "--cloud", "UsGov"], "`cloud = \"gcc\"`"),
        (&["org", "who"], "flowbind auth status"),
        (&["plan", "-m", EXAMPLE, "-e", "7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d"], "Environment URL"),
    ] {
        let ended = place.run(words);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
        assert!(!ended.stderr.contains("made-up-secret") && ended.stdout.is_empty());
    }
}
