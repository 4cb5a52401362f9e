//! The file that is spliced, and the two directions, on values.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::import::FlowUrl;
use super::settings::SettingsError;
use super::{Settings, import_bindings, plan_export};
use crate::manifest::{Environment, Location, Manifest};
use crate::model::{
    CallbackUrl, Cloud, Clouds, Observed, ObservedFlow, SchemaName, StoredText, Targets,
};
use crate::plan::Action;

/// As `pac solution create-settings` spaces it, with members that this program does not know.
const FILE: &str = r#"{
  "EnvironmentVariables": [
    {
      "SchemaName": "tst_First",
      "Value": "",
      "DefaultValue": "a\u0026b"
    },
    {
      "SchemaName": "tst_Second",
      "Value": "1.10"
    }
  ],
  "ConnectionReferences": [ {"LogicalName":"tst_ref", "ConnectionId":"" } ]
}
"#;

fn name(text: &str) -> SchemaName {
    text.parse().unwrap()
}

fn with(file: &str, variable: &str, value: &str) -> String {
    let settings = Settings::parse(file.as_bytes()).unwrap();
    let after = settings.with_values(&[(&name(variable), &StoredText::new(value))]);
    let document: serde_json::Value =
        serde_json::from_str(after.expose().trim_start_matches('\u{feff}')).unwrap();
    let entries = document["EnvironmentVariables"].as_array().unwrap();
    let own = entries
        .iter()
        .filter(|entry| entry["SchemaName"].as_str().unwrap().eq_ignore_ascii_case(variable));
    let values: Vec<_> = own.map(|entry| entry["Value"].as_str().unwrap()).collect();
    assert_eq!(values, [value], "another parser finds the value once");
    let again = Settings::parse(after.expose().as_bytes()).unwrap();
    assert_eq!(again.entry(&name(variable)).unwrap().value.as_ref().unwrap().expose(), value);
    after.expose().to_owned()
}

fn refused(file: impl AsRef<[u8]>) -> SettingsError {
    Settings::parse(file.as_ref()).unwrap_err()
}

#[test]
fn a_value_is_replaced_without_regard_to_case_and_every_other_byte_stays() {
    let expected = FILE.replace(r#""Value": """#, r#""Value": "new \"one\"""#);
    assert_eq!(with(FILE, "TST_first", "new \"one\""), expected);
    let expected = FILE.replace("1.10", "new");
    assert_eq!(with(FILE, "tst_Second", "new"), expected);
}

#[test]
fn the_mark_the_line_ends_and_a_missing_last_line_end_stay() {
    for file in [
        format!("\u{feff}{FILE}"),
        FILE.replace('\n', "\r\n"),
        FILE.trim_end().to_owned(),
        format!("\u{feff}{}", FILE.trim_end().replace('\n', "\r\n")),
    ] {
        assert_eq!(with(&file, "tst_Second", "new"), file.replace("1.10", "new"));
    }
}

#[test]
fn a_new_entry_comes_last_and_looks_like_the_one_before_it() {
    let after = with(FILE, "tst_Third", "x");
    let entry = ",\n    {\n      \"SchemaName\": \"tst_Third\",\n      \"Value\": \"x\"\n    }";
    assert_eq!(after, FILE.replace("    }\n  ],", &format!("    }}{entry}\n  ],")));
    let windows = with(&FILE.replace('\n', "\r\n"), "tst_Third", "x");
    assert_eq!(windows, after.replace('\n', "\r\n"));
    let tabs = FILE.replace("  ", "\t");
    assert_eq!(with(&tabs, "tst_Third", "x"), after.replace("  ", "\t"));
}

#[test]
fn a_new_entry_follows_the_spacing_of_other_programs() {
    let compact = r#"{"EnvironmentVariables":[{"SchemaName":"a","Value":"b"}]}"#;
    assert_eq!(
        with(compact, "c", "d"),
        r#"{"EnvironmentVariables":[{"SchemaName":"a","Value":"b"},{"SchemaName":"c","Value":"d"}]}"#
    );
    let wide = "{\n    \"EnvironmentVariables\":  [\n                 {\n                     \"SchemaName\":  \"a\",\n                     \"Value\":  \"b\"\n                 }\n             ]\n}";
    let entry = "{\n                     \"SchemaName\":  \"c\",\n                     \"Value\":  \"d\"\n                 }";
    assert_eq!(
        with(wide, "c", "d"),
        wide.replace(
            "}\n             ]",
            &format!("}},\n                 {entry}\n             ]")
        )
    );
    let lines = "{\"EnvironmentVariables\": [\n  { \"SchemaName\": \"a\", \"Value\": \"b\" }\n]}";
    assert_eq!(
        with(lines, "c", "d"),
        lines.replace("}\n", "},\n  { \"SchemaName\": \"c\", \"Value\": \"d\" }\n")
    );
}

#[test]
fn an_empty_or_missing_list_is_filled_in_the_files_own_spacing() {
    let list = "[\n    {\n      \"SchemaName\": \"a\",\n      \"Value\": \"b\"\n    }\n  ]";
    for empty in ["[]", "[ ]", "[\n  ]", "null"] {
        let file = format!("{{\n  \"EnvironmentVariables\": {empty},\n  \"x\": 1\n}}\n");
        assert_eq!(with(&file, "a", "b"), file.replace(empty, list));
    }
    let file = "{\n  \"ConnectionReferences\": [1]\n}";
    let expected =
        format!("{{\n  \"ConnectionReferences\": [1],\n  \"EnvironmentVariables\": {list}\n}}");
    assert_eq!(with(file, "a", "b"), expected);
    assert_eq!(with("{}", "a", "b"), format!("{{\n  \"EnvironmentVariables\": {list}\n}}"));
    assert_eq!(
        with("{\"ConnectionReferences\":[]}", "a", "b"),
        r#"{"ConnectionReferences":[],"EnvironmentVariables":[{"SchemaName":"a","Value":"b"}]}"#
    );
    let another = Settings::parse(b"{\"x\": 1}");
    assert!(matches!(another, Err(SettingsError::NotSettings)));
    let expected =
        format!("{{\n  \"EnvironmentVariables\": {list},\n  \"ConnectionReferences\": []\n}}\n");
    assert_eq!(with(Settings::NEW, "a", "b"), expected);
}

#[test]
fn an_entry_without_a_value_gets_one() {
    let file = r#"{"EnvironmentVariables":[{"SchemaName":"a"},{"SchemaName":"b","Value":null}]}"#;
    assert_eq!(
        with(file, "a", "x"),
        r#"{"EnvironmentVariables":[{"SchemaName":"a", "Value":"x"},{"SchemaName":"b","Value":null}]}"#
    );
    assert!(with(file, "b", "x").contains(r#"{"SchemaName":"b","Value":"x"}"#));
}

#[test]
fn several_values_are_written_at_once_as_they_would_be_one_after_the_other() {
    let several = [("tst_Second", "two"), ("tst_New", "three"), ("tst_First", "one"), ("a", "b")];
    let names = several.map(|(variable, _)| name(variable));
    let texts = several.map(|(_, value)| StoredText::new(value));
    let values: Vec<_> = names.iter().zip(&texts).collect();
    let without = FILE.replace("\"Value\": \"\",", "");
    for file in [FILE, &without, Settings::NEW, "{}", "{\"ConnectionReferences\":[]}"] {
        let one_by_one = several
            .iter()
            .fold(file.to_owned(), |file, (variable, value)| with(&file, variable, value));
        let at_once = Settings::parse(file.as_bytes()).unwrap().with_values(&values);
        assert_eq!(at_once.expose(), one_by_one);
    }
}

#[test]
fn a_file_that_an_import_would_trip_over_is_refused_with_its_place() {
    assert_eq!(refused([0xff, 0xfe, b'{', 0]), SettingsError::NotUtf8);
    assert!(matches!(refused("{\n  \"a\": }"), SettingsError::NotJson { line: 2, .. }));
    let surrogate = "{\n\"EnvironmentVariables\": [\n{\"\\ud800\": 1}]}";
    assert!(matches!(refused(surrogate), SettingsError::NotJson { line: 3, .. }));
    assert_eq!(refused("[]"), SettingsError::NotObject);
    assert_eq!(refused("{\n\"EnvironmentVariables\": {}}"), SettingsError::NotList(2));
    let list = |entries: &str| format!("{{\"EnvironmentVariables\": [\n{entries}]}}");
    for entry in ["[\"a\", \"b\"]", "\"a\"", "{}", "{\"SchemaName\": 1}"] {
        assert_eq!(refused(list(entry)), SettingsError::NotEntry(2), "{entry}");
    }
    let twice = list("{\"SchemaName\": \"a\"},\n{\"SchemaName\": \"b\"},\n{\"SchemaName\": \"A\"}");
    let duplicate = refused(twice);
    assert_eq!(duplicate.to_string(), "has two entries for the variable `A` (lines 2 and 4)");
    assert_eq!(
        refused("{\"EnvironmentVariables\":[],\"environmentVariables\":[]}"),
        SettingsError::Twice("EnvironmentVariables")
    );
}

#[test]
fn settings_do_not_show_what_they_hold() {
    let settings = Settings::parse(FILE.as_bytes()).unwrap();
    assert!(!format!("{settings:?}").contains("1.10"));
}

const HOST: &str = "https://0f.0f.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows";

fn url(flow: &str, query: &str) -> String {
    format!("{HOST}/{flow}/triggers/manual/paths/invoke?api-version=1{query}")
}

fn public() -> Cloud {
    Clouds::embedded().unwrap().get("public").unwrap().clone()
}

/// A manifest made of settings with these values, where two flows have URLs.
fn imported(values: &[(&str, &str)]) -> super::Import {
    let entries = values
        .iter()
        .map(|(name, value)| serde_json::json!({"SchemaName": name, "Value": value}).to_string());
    let entries = entries.collect::<Vec<_>>().join(",");
    let file = format!("{{\"EnvironmentVariables\":[{entries}]}}");
    let settings = Settings::parse(file.as_bytes()).unwrap();
    let urls: Vec<CallbackUrl> =
        [url("01", ""), url("02", "&sig=today")].iter().map(|url| url.parse().unwrap()).collect();
    let flow = |id: &str, name, url| FlowUrl {
        name,
        workflow_id: format!("a09e4a0d-3a1c-f011-998a-7c1e5275cfe{id}").parse().unwrap(),
        trigger: None,
        url,
    };
    let flows = [
        flow("1", "One \"flow\"", Some(&urls[0])),
        flow("2", "sig=hush", Some(&urls[1])),
        flow("3", "Somebody's\n[[flow]]", None),
    ];
    let address = "https://contoso.crm4.dynamics.com";
    let environment =
        Environment::unlisted(address.to_owned(), Location::Url(address.parse().unwrap()));
    import_bindings(&settings, &[], &flows, &environment, &public())
}

#[test]
fn what_is_imported_is_a_manifest_with_the_bindings_of_the_file() {
    let document = format!(
        "{{\"a/b\": [\"{}\", 7], \"other\": \"https://example.com/x\"}}",
        url("01", "").replace(":443", "")
    );
    let import = imported(&[
        ("tst_Json", &document),
        ("tst_Old", &url("02", "&sig=yesterday")),
        ("tst_Same", &url("02", "&sig=today")),
    ]);
    assert_eq!((import.bound, import.left_out), (3, 0));
    let manifest = Manifest::parse(import.manifest.as_bytes(), &Clouds::embedded().unwrap());
    let manifest = manifest.unwrap();
    let desired = manifest.desired();
    let addresses: Vec<_> =
        desired.bindings.iter().map(|binding| (binding.flow.0, binding.target.address())).collect();
    let address = |name: &str| format!("environment-variable/{name}");
    assert_eq!(
        addresses,
        [(0, address("tst_Json#/a~1b/0")), (1, address("tst_Old")), (1, address("tst_Same"))]
    );
    assert_eq!(desired.flows[0].name.as_deref(), Some("One \"flow\""));
    assert_eq!(desired.flows[1].name, None, "a name that a manifest cannot have is left out");
    assert!(manifest.choose_environment(Some("contoso")).is_ok());
    assert_eq!(import.manifest.matches("an earlier URL").count(), 1);
    assert!(!import.manifest.contains("today\"") && !import.manifest.contains("yesterday"));
}

/// The pointer of the one binding that is made of a JSON value with a member of that name; nothing
/// else is in the manifest.
fn pointer_of(member: &str) -> String {
    let document = serde_json::json!({ member: url("01", "") }).to_string();
    let text = imported(&[("tst_Json", &document)]).manifest;
    let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys: Vec<&str> = manifest.keys().map(String::as_str).collect();
    assert_eq!(keys, ["environments", "flow", "version"], "{text}");
    let flows = manifest["flow"].as_array().unwrap();
    let targets = flows[0]["target"].as_array().unwrap();
    assert_eq!((flows.len(), targets.len(), flows[0].as_table().unwrap().len()), (1, 1, 3));
    assert_eq!(targets[0].as_table().unwrap().len(), 2, "{text}");
    assert!(!text.contains("##"), "{text}");
    let begins = |line: &str| {
        line.is_empty() || line.starts_with(|c: char| c.is_ascii_alphabetic() || "[#".contains(c))
    };
    assert!(text.lines().all(begins), "{text}");
    targets[0]["json-pointer"].as_str().unwrap().to_owned()
}

#[test]
fn the_name_of_a_member_puts_nothing_into_the_manifest() {
    for name in [
        "a\"\nsigned-urls = \"allow\"\n#",
        "x\n[[flow]]\nworkflow-id = 1",
        "\n::error::x\r\n##vso[task.x]",
        "'''\n\"\"\"\n\\",
        "\u{7f}\u{202e}\u{1b}[2J\u{2028}::x",
        "# no comment",
    ] {
        assert_eq!(pointer_of(name), format!("/{name}"));
    }
}

proptest! {
    #[test]
    fn whatever_a_member_is_called_its_pointer_comes_back(name in "[^~/]{1,40}") {
        prop_assert_eq!(pointer_of(&name), format!("/{name}"));
    }
}

#[test]
fn what_is_no_flows_url_is_left_out_with_the_reason_and_without_the_value() {
    let strange = url("09", "&sig=made-up-secret");
    let import = imported(&[
        ("tst_Text", "made-up-secret"),
        ("tst_Empty", ""),
        ("tst_Elsewhere", "https://example.com/made-up-secret"),
        ("tst_Unknown", &strange),
        ("#{token}#\n[x]", "1"),
    ]);
    assert_eq!((import.bound, import.left_out), (0, 5));
    assert!(!import.manifest.contains("made-up-secret"));
    let fingerprint = strange.parse::<CallbackUrl>().unwrap().view().fingerprint.to_string();
    for part in ["a text of 14 characters", "holds nothing,", "a URL on example.com", &fingerprint]
    {
        assert!(import.manifest.contains(part), "{part}: {}", import.manifest);
    }
    let all_comments = import.manifest.lines().all(|line| line.is_empty() || line.starts_with('#'));
    assert!(all_comments, "{}", import.manifest);
}

/// A manifest that binds one flow to so many variables.
fn manifest_with(variables: usize) -> Manifest {
    let flow = "[[flow]]\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\n";
    let mut text = format!("version = 1\n[environments.a]\nsandbox = true\n{flow}");
    for number in 0..variables {
        text += "[[flow.target]]\n";
        let _ = writeln!(text, "environment-variable = \"tst_Url{number}\"");
    }
    Manifest::parse(text.as_bytes(), &Clouds::embedded().unwrap()).unwrap()
}

/// Settings with an empty entry for each of so many variables.
fn settings_with(variables: usize) -> Settings {
    let entry = |number| format!("{{\"SchemaName\":\"TST_url{number}\",\"Value\":\"\"}}");
    let entries = (0..variables).map(entry).collect::<Vec<_>>().join(",");
    Settings::parse(format!("{{\"EnvironmentVariables\":[{entries}]}}").as_bytes()).unwrap()
}

#[test]
fn thousands_of_variables_are_exported_in_one_pass() {
    let (manifest, settings) = (manifest_with(5_000), settings_with(2_000));
    let flows = vec![ObservedFlow::with_url(&url("01", ""))];
    let observed = Observed { flows, targets: Targets::default() };
    let begin = Instant::now();
    let export = plan_export(manifest.desired(), &observed, &settings, &public());
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    let count = |action| export.variables.iter().filter(|one| one.action == action).count();
    assert_eq!((count(Action::Update), count(Action::Create)), (2_000, 3_000));
    let after = Settings::parse(export.after.expose().as_bytes()).unwrap();
    assert_eq!(after.entries().len(), 5_000);
    assert!(after.entries().iter().all(|entry| entry.value.is_some()));
}
