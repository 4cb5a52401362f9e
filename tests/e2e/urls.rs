//! URLs that targets hold, and the triggers that they lead to, as people meet them.

use serde_json::{Value, json};

use super::harness::{Ended, Place, place};

const FLOW: &str = "22222222-0000-4000-8000-00000000ab01";

/// A URL of another environment, which was copied here. Its signature is made up.
const COPIED: &str = "https://7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/fedcba9876543210fedcba9876543210/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=made-up-signature-of-no-use-AAAAAAAAAAAAAAA1";

/// A run on a tenant with a flow and a text variable, which the manifest binds.
struct Bound {
    place: Place,
    manifest: String,
    tenant: String,
}

impl Bound {
    fn new(flow: &str, value: &str, switches: &str) -> Self {
        let place = place();
        let value =
            if value.is_empty() { String::new() } else { format!("value = {}", json!(value)) };
        let tenant = place.tenant_with(&format!(
            "[[flow]]\nname = \"Clips\"\nworkflow-id = \"{FLOW}\"\n{flow}\n[[environment-variable]]\nschema-name = \"contoso_Clips\"\ndisplay-name = \"Clips\"\ntype = \"string\"\n{value}\n{switches}"
        ));
        let manifest = place.manifest(&super::harness::binds(FLOW, "contoso_Clips"));
        Self { place, manifest, tenant }
    }

    fn run(&self, command: &str) -> Ended {
        self.place.run(&[command, "--manifest", &self.manifest, "--sandbox-tenant", &self.tenant])
    }

    fn json(&self, command: &str) -> Value {
        let arguments = [command, "--manifest", &self.manifest, "--sandbox-tenant", &self.tenant];
        self.place.json(&arguments).1
    }
}

/// The text of a run on one line, however it was wrapped.
fn words(ended: &Ended) -> String {
    ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_flow_service_decides_whether_a_trigger_of_another_kind_has_a_url() {
    let teams = "kind = \"TeamsWebhook\"\nauthentication = \"All\"";
    let ended = Bound::new(teams, "", "").run("apply");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let blocked = "[switches.flow]\nblocked-kinds = [\"VirtualAgent\"]";
    let ended = Bound::new("kind = \"VirtualAgent\"", "", blocked).run("plan");
    let text = words(&ended);
    assert_eq!(ended.code, 5, "{text}");
    assert!(text.contains("no URL for the trigger `manual` of kind VirtualAgent"), "{text}");
    assert!(text.contains("ListCallbackUrlOperationBlocked"), "{text}");
    assert!(text.contains("VirtualAgent has none: bind a flow"), "{text}");
    let ended = Bound::new("kind = \"Button\"", "", "").run("plan");
    assert!(words(&ended).contains("Request, kind Button at"), "{}", words(&ended));
}

#[test]
fn a_url_with_something_around_it_is_still_told_to_lead_into_another_environment() {
    for (value, odd) in [
        (format!("{COPIED}\n"), " (stored with a line break)"),
        (format!(" {COPIED}\u{a0}"), " (stored with a blank)"),
        (format!("\u{feff}\"{COPIED}\""), " (stored with an invisible character and quotes)"),
        (COPIED.replace('&', "&amp;"), " (stored with `&amp;` for `&`)"),
        (COPIED.to_owned(), ""),
    ] {
        let bound = Bound::new("state = \"draft\"", &value, "");
        let text = words(&bound.run("check"));
        let wanted = format!("warning[points-elsewhere]: the current URL{odd} points at");
        assert!(text.contains(&wanted), "{text}");
        assert!(text.contains("`7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d`"), "{text}");
        assert!(!text.contains("made-up"), "no part of the signature is shown: {text}");
        let bound = Bound::new("authentication = \"Tenant\"", &value, "");
        let change = bound.json("check")["changes"][0].clone();
        assert_eq!(change["differences"][0]["part"], "environment", "{change:#}");
        assert_eq!(change["before"]["host"], COPIED[8..].split(':').next().unwrap());
    }
}

#[test]
fn the_right_url_with_a_line_break_is_replaced_and_told_as_such() {
    let bound = Bound::new("authentication = \"Tenant\"", "", "");
    assert_eq!(bound.run("apply").code, 0);
    let state = std::fs::read_to_string(bound.place.state()).unwrap();
    let url = stored(&state);
    let odd = Bound::new("authentication = \"Tenant\"", &format!("{url}\r\n"), "");
    let text = words(&odd.run("plan"));
    assert!(text.contains("Clips: the URL is stored with a line break"), "{text}");
    assert_eq!(odd.run("apply").code, 0);
    assert_eq!(stored(&std::fs::read_to_string(odd.place.state()).unwrap()), url);
}

/// The URL of the flow that a state has in the variable.
fn stored(state: &str) -> String {
    let state: Value = serde_json::from_str(state).unwrap();
    let rows = state["tables"]["environmentvariablevalue"].as_object().unwrap().values();
    let mut texts = rows.filter_map(|row| row["values"]["value"].as_str());
    texts.rfind(|text| text.contains(".a6.environment.")).unwrap().to_owned()
}

#[test]
fn a_filled_in_path_is_that_of_the_trigger_and_another_trigger_is_none() {
    let flow = "authentication = \"Tenant\"\nrelative-path = \"/clips/{id}\"";
    let bound = Bound::new(flow, "", "");
    assert_eq!(bound.run("apply").code, 0);
    let url = stored(&std::fs::read_to_string(bound.place.state()).unwrap());
    let reason = |value: &str| {
        let document = Bound::new(flow, value, "").json("check");
        document["changes"][0]["reason"].as_str().unwrap().to_owned()
    };
    assert!(url.contains("/clips/{id}?"), "the path of the template");
    assert_eq!(reason(&url.replace("{id}", "4711")), "up to date, with its path filled in");
    assert_eq!(
        reason(&url.replace("/clips/{id}", "/tapes/4711")),
        "another path below the trigger"
    );
    assert_eq!(reason(&url.replace("manual", "manual_(v2)")), "another trigger");
    assert_eq!(
        reason(&format!("{url}&x=1")),
        "the address differs in details that do not change which flow it starts"
    );
}

#[test]
fn ids_and_names_with_digits_are_shown_where_the_program_asks_for_them() {
    let names = ["When_a_HTTP_request_is_received_2026_11", "contoso_Order2026Url1_for_the_report"];
    let triggers = names.map(|name| format!("[[flow.triggers]]\nkey = \"{name}\"\n")).concat();
    let bound = Bound::new(&triggers, "", "");
    let text = words(&bound.run("plan"));
    assert!(
        text.contains("trigger = \"When_a_HTTP_request_is_received_2026_11\"")
            || text.contains("trigger = \"contoso_Order2026Url1_for_the_report\""),
        "{text}"
    );
    let first = COPIED.replace(
        "https://7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d",
        "https://default7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d",
    );
    let text = words(&Bound::new("authentication = \"Tenant\"", &first, "").run("check"));
    assert!(text.contains("environment: Default-7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d →"), "{text}");
    assert!(!text.contains("****"), "{text}");
}

#[test]
fn a_file_that_has_a_url_with_a_line_break_is_imported_and_the_line_break_is_told() {
    let bound = Bound::new("authentication = \"Tenant\"", "", "");
    assert_eq!(bound.run("apply").code, 0);
    let url = stored(&std::fs::read_to_string(bound.place.state()).unwrap());
    let entry = json!({"SchemaName": "contoso_Clips", "Value": format!("{url}\n")});
    let file = json!({"EnvironmentVariables": [entry]}).to_string();
    let file = bound.place.write("settings.json", &file);
    let (manifest, tenant) = (&bound.manifest, &bound.tenant);
    let import = ["import", "-s", &file, "-m", manifest, "--sandbox-tenant", tenant];
    let ended = bound.place.run(&import);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = &ended.stdout;
    assert!(text.contains("# The file has the URL with a line break; `flowbind apply` writes it without.\nenvironment-variable = \"contoso_Clips\""), "{text}");
}
