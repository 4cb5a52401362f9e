//! Tenant files.

use std::error::Error as _;
use std::path::Path;

use flowbind_sandbox::{SandboxError, Tenant};

use crate::world::{World, with_tenant};

const SHIPPED: &str = include_str!("../../config/sandbox.toml");
const EXPORTED: &str = "\u{feff}{\"properties\":{\"definition\":{\"triggers\":{\"from_file\":{\"type\":\"Request\",\"kind\":\"Http\",\"inputs\":{}}},\"actions\":{}}}}";

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("tenant.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn with_definition(name: &str) -> String {
    format!(
        "{SHIPPED}\n[[flow]]\nname = \"Exported\"\nworkflow-id = \"aaaaaaaa-0000-4000-8000-000000000001\"\ndefinition = \"{name}\"\n"
    )
}

#[tokio::test]
async fn a_definition_can_be_a_file_of_an_exported_solution() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("Workflows")).unwrap();
    std::fs::write(folder.path().join("Workflows/Exported.json"), EXPORTED).unwrap();
    let path = write(folder.path(), &with_definition("Workflows/Exported.json"));
    let world = World::with(with_tenant(Tenant::load(path).unwrap())).await;
    let row = world
        .get("workflows(aaaaaaaa-0000-4000-8000-000000000001)?$select=clientdata")
        .await
        .expect(200)
        .json();
    assert_eq!(row["clientdata"], EXPORTED.trim_start_matches('\u{feff}'));
}

#[test]
fn a_missing_definition_is_named_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &with_definition("gone.json"));
    let error = Tenant::load(path).unwrap_err();
    assert!(matches!(error, SandboxError::TenantUnreadable { .. }));
    assert!(error.to_string().contains("gone.json"), "{error}");
}

#[test]
fn a_syntax_error_tells_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &SHIPPED.replace("interval = 1", "interval = \"soon\""));
    let error = Tenant::load(&path).unwrap_err();
    assert!(error.to_string().contains("tenant.toml"));
    assert!(error.source().unwrap().to_string().contains("interval = \"soon\""));
}

#[test]
fn all_contradictions_are_told_together_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = SHIPPED
        .replace("columns = [\"contoso_name\"]", "columns = [\"contoso_nothing\"]")
        .replace("authentication = \"User\"", "authentication = \"Everybody\"")
        .replace("version = 1\n", "version = 2\n");
    let error = Tenant::load(write(folder.path(), &text)).unwrap_err().to_string();
    for place in [
        "version: 2",
        "flow \"Shipment tracking\"",
        "table \"contoso_endpoint\", key \"contoso_NameKey\"",
    ] {
        assert!(error.contains(place), "{place} is missing from {error}");
    }
}

#[test]
fn a_second_value_needs_the_older_key() {
    let folder = tempfile::tempdir().unwrap();
    let text = SHIPPED.replace("value = \"50\"", "value = \"50\"\nsecond-value = \"60\"");
    let error = Tenant::load(write(folder.path(), &text)).unwrap_err().to_string();
    assert!(error.contains("second-value needs"), "{error}");
}

#[tokio::test]
async fn the_older_key_admits_two_values() {
    let folder = tempfile::tempdir().unwrap();
    let text = SHIPPED.replace("value = \"50\"", "value = \"50\"\nsecond-value = \"60\"");
    let text =
        format!("{text}\n[switches.dataverse]\nenvironment-variable-key = \"schema-name\"\n");
    let world = World::with(with_tenant(Tenant::load(write(folder.path(), &text)).unwrap())).await;
    let id = world.definition_id("contoso_MaxItems").await;
    let path =
        format!("environmentvariablevalues?$filter=_environmentvariabledefinitionid_value eq {id}");
    assert_eq!(world.get(&path).await.expect(200).json()["value"].as_array().unwrap().len(), 2);
}

#[test]
fn a_definition_in_utf16_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("flow.json"), text).unwrap();
    let path = write(folder.path(), &with_definition("flow.json"));
    let told = Tenant::load(&path).unwrap_err().to_string();
    assert!(told.contains("flow.json` is UTF-16, but UTF-8 is needed"), "{told}");
}
