//! Runs on a part of the manifest.

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, Served, binds, place};

/// A flow of the sandbox whose URL is signed.
const SIGNED: &str = "f50bd416-9f62-f011-998a-7c1e5275cfe9";

const INTAKE: &str = "environment-variable/contoso_OrderIntakeUrl";
const STATUS: &str = "environment-variable/contoso_Endpoints#/orders/status";

/// A run of a command on the example in the sandbox.
fn example(place: &Place, arguments: &[&str]) -> (i32, Value) {
    place.json(&[arguments, &["--manifest", EXAMPLE, "--environment", "sandbox"]].concat())
}

fn addresses(document: &Value) -> Vec<&str> {
    let changes = document["changes"].as_array().unwrap().iter();
    changes.map(|change| change["address"].as_str().unwrap()).collect()
}

fn words(ended: &Ended) -> String {
    ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_run_on_a_part_of_the_manifest_writes_that_part_and_says_what_it_left_out() {
    let place = place();
    let report = place.path("report.md").display().to_string();
    let only = ["--only", "Order intake", "--only", STATUS];
    let (code, planned) = example(&place, &[&["plan"], &only[..]].concat());
    assert_eq!((code, addresses(&planned)), (0, vec![INTAKE, STATUS]), "{planned:#}");
    assert!(planned["requests"]["flow"].as_u64().unwrap() < 6, "{planned:#}");
    let apply = [&["apply", "--report", &report], &only[..]].concat();
    let (code, applied) = example(&place, &apply);
    assert_eq!((code, &applied["outcome"]), (0, &json!("applied")), "{applied:#}");
    let warnings = applied["warnings"].as_array().unwrap().iter();
    let left_out: Vec<_> = warnings.filter(|warning| warning["code"] == "left-out").collect();
    let message = left_out[0]["message"].as_str().unwrap();
    assert!(message.starts_with("`--only` left out 5 of 7 targets: `environment-variable/"));
    assert!(message.contains("contoso_StockUrl") && !message.contains(INTAKE), "{message}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("left-out") && report.contains("contoso_StockUrl"), "{report}");
    let text = place.run(&["check", "-m", EXAMPLE, "-e", "sandbox", "--only", ORDER_INTAKE]);
    assert!(text.code == 0 && (text.stdout + &text.stderr).contains("left out 6 of 7 targets"));
    let (_, all) = example(&place, &["plan"]);
    assert!(!all["warnings"].to_string().contains("left-out"), "{all:#}");
    let open = all["changes"].as_array().unwrap().iter().filter(|one| one["action"] != "no-op");
    assert_eq!(open.count(), 5, "{all:#}");
}

#[test]
fn a_name_that_fits_nothing_contacts_nobody_and_gets_the_nearest_one() {
    let place = place();
    for command in ["plan", "apply", "check"] {
        let run = [command, "-m", EXAMPLE, "-e", "sandbox", "--only", "Order intaek"];
        let ended = place.run(&run);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let said = words(&ended);
        assert!(said.contains("names no flow and no target of the manifest"), "{said}");
        assert!(said.contains("nothing was contacted"), "{said}");
        assert!(said.contains("did you mean `Order intake`?"), "{said}");
        assert!(!place.state().exists());
    }
}

#[test]
fn a_saved_plan_of_a_part_is_applied_to_that_part_alone() {
    let place = place();
    let file = place.path("plan").display().to_string();
    let (code, _) = example(&place, &["plan", "--only", "Order intake", "--out", &file]);
    assert_eq!(code, 0);
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(saved["head"]["only"], json!(["Order intake"]));
    let both = ["apply", "-m", EXAMPLE, "-e", "sandbox", "--plan", &file, "--only", INTAKE];
    assert_eq!(place.run(&both).code, 3);
    let (code, applied) = example(&place, &["apply", "--plan", &file]);
    assert_eq!((code, addresses(&applied)), (0, vec![INTAKE]), "{applied:#}");
    assert!(applied["warnings"].to_string().contains("left out 6 of 7"), "{applied:#}");
    // Whoever widens the file gets nothing written that was not reviewed.
    std::fs::write(&file, saved.to_string().replace("Order intake\"]", "Stock levels\"]")).unwrap();
    let (code, refused) = example(&place, &["apply", "--plan", &file]);
    assert_eq!((code, &refused["outcome"]), (5, &json!("refused")), "{refused:#}");
}

#[test]
fn a_flow_with_a_name_as_its_target_is_bound_to_that_variable() {
    let place = place();
    let short = format!(
        "[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\ntarget = \"contoso_OrderIntakeUrl\"\n"
    );
    let manifest = place.manifest(&short);
    let (code, applied) = place.json(&["apply", "--manifest", &manifest]);
    assert_eq!((code, addresses(&applied)), (0, vec![INTAKE]), "{applied:#}");
    let long = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    assert_eq!(place.json(&["plan", "--manifest", &long]).1["outcome"], "agreed");
}

#[test]
fn one_flow_is_bound_without_a_manifest_and_undone() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "0"]);
    let at = ["--environment", &served.url, "--manifest", "no-such-file.toml"];
    let set = ["set", "contoso_OrderIntakeUrl", "--flow", SIGNED];
    let strict = [&set[..], &at].concat();
    let (code, refused) = place.json(&strict);
    assert_eq!((code, &refused["problems"][0]["code"]), (5, &json!("signed-url")), "{refused:#}");
    let set = [&strict[..], &["--signed-urls", "allow"]].concat();
    let (code, planned) = place.json(&[&set[..], &["--dry-run"]].concat());
    assert_eq!((code, &planned["outcome"]), (0, &json!("planned")), "{planned:#}");
    let journal = format!("plain:{}", place.path("journal").display());
    let (code, applied) = place.json(&[&set[..], &["--journal", &journal]].concat());
    assert_eq!((code, &applied["outcome"]), (0, &json!("applied")), "{applied:#}");
    assert_eq!((addresses(&applied), &applied["file"]), (vec![INTAKE], &json!("command line")));
    assert_eq!(place.json(&set).1["outcome"], "agreed");
    let (code, undone) = place.json(&[&["rollback", &journal][..], &at].concat());
    assert_eq!((code, &undone["outcome"]), (0, &json!("applied")), "{undone:#}");
    assert_eq!(place.json(&[&set[..], &["--dry-run"]].concat()).1["outcome"], "planned");
    let wrong = ["set", "contoso OrderIntakeUrl", "--flow", ORDER_INTAKE];
    assert_eq!(place.run(&[&wrong[..], &at].concat()).code, 3);
}
