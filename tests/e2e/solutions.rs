//! The whole job over real exports of solutions, where they lie beside the project.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::harness::{place, root};

/// A flow of an export.
struct Exported {
    workflow_id: String,
    file: PathBuf,
    http: bool,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json")
            && path.parent().unwrap().ends_with("Workflows")
        {
            found.push(path);
        }
    }
}

/// The flow in a file: its name ends in the workflow id.
fn exported(file: PathBuf) -> Exported {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let workflow_id = stem[stem.len() - 36..].to_lowercase();
    let text = std::fs::read_to_string(&file).unwrap();
    let definition: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
    let triggers = definition["properties"]["definition"]["triggers"].as_object().unwrap();
    let http =
        triggers.values().any(|trigger| trigger["type"] == "Request" && trigger["kind"] == "Http");
    Exported { workflow_id, file, http }
}

/// Every flow of every export, each workflow id once.
fn all() -> Vec<Exported> {
    let folder = root("../shared/solutions");
    let mut found = Vec::new();
    if folder.is_dir() {
        files(&folder, &mut found);
    }
    found.sort();
    let mut flows: Vec<Exported> = found.into_iter().map(exported).collect();
    flows.sort_by(|one, other| one.workflow_id.cmp(&other.workflow_id));
    flows.dedup_by(|one, other| one.workflow_id == other.workflow_id);
    flows
}

/// The shipped tenant with the exported flows and a variable for each in the place of its own.
fn tenant(flows: &[Exported]) -> String {
    let shipped = std::fs::read_to_string(root("config/sandbox.toml")).unwrap();
    let (head, _) = shipped.split_once("[[flow]]").unwrap();
    let mut text = head.to_owned();
    for flow in flows {
        let (id, file) = (&flow.workflow_id, flow.file.display());
        let _ = writeln!(
            text,
            "[[flow]]\nname = \"{id}\"\nworkflow-id = \"{id}\"\ndefinition = '{file}'\n"
        );
    }
    for index in 0..flows.len() {
        let _ = writeln!(
            text,
            "[[environment-variable]]\nschema-name = \"real_Url{index}\"\ndisplay-name = \"x\"\ntype = \"string\"\n"
        );
    }
    text
}

fn manifest(flows: &[Exported], which: impl Fn(&Exported) -> bool) -> String {
    let mut text = String::new();
    for (index, flow) in flows.iter().enumerate().filter(|(_, flow)| which(flow)) {
        let id = &flow.workflow_id;
        let _ = writeln!(
            text,
            "[[flow]]\nworkflow-id = \"{id}\"\n[[flow.target]]\nenvironment-variable = \"real_Url{index}\""
        );
    }
    text
}

#[test]
fn every_http_flow_of_real_exports_is_bound_and_every_other_is_refused_with_its_kind() {
    let flows = all();
    if flows.is_empty() {
        eprintln!("skipped: there are no exports in ../shared/solutions");
        return;
    }
    let place = place();
    let tenant = place.write("real.toml", &tenant(&flows));
    let bound = place.manifest(&manifest(&flows, |flow| flow.http));
    let (code, document) =
        place.json(&["apply", "--manifest", &bound, "--sandbox-tenant", &tenant]);
    assert_eq!((code, &document["outcome"]), (0, &"applied".into()), "{document:#}");
    let http = flows.iter().filter(|flow| flow.http).count();
    assert_eq!(document["changes"].as_array().unwrap().len(), http);

    let every = place.manifest(&manifest(&flows, |_| true));
    let (code, document) = place.json(&["plan", "--manifest", &every, "--sandbox-tenant", &tenant]);
    let problems = document["problems"].as_array().unwrap();
    assert_eq!((code, problems.len()), (5, flows.len() - http), "{document:#}");
    for problem in problems {
        assert_eq!(problem["code"], "trigger-not-http");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("of type ") || message.contains("kind "), "{message}");
    }
}
