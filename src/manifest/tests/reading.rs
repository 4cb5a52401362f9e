//! What is read of a manifest with nothing wrong in it.

use super::{EXAMPLE, HEAD, TARGET, parse};
use crate::manifest::{Manifest, schema};
use crate::model::{Code, ManifestPosition, SignedUrls};

fn addresses(manifest: &Manifest) -> Vec<String> {
    let bindings = manifest.desired().bindings.iter();
    bindings
        .map(|binding| {
            let flow = manifest.desired().flow(binding.flow);
            let name = flow.name.as_deref().unwrap_or("-");
            format!("{name} -> {}", binding.target)
        })
        .collect()
}

#[test]
fn the_example_binds_every_kind_of_target() {
    let manifest = parse(EXAMPLE).unwrap();
    insta::assert_snapshot!(addresses(&manifest).join("\n"), @r"
    Order intake -> environment-variable/contoso_OrderIntakeUrl
    Order status -> environment-variable/contoso_Endpoints#/orders/status
    Invoice posted -> environment-variable/contoso_Endpoints#/invoices/posted
    Shipment tracking -> record/contoso_endpoint[contoso_name=shipments]/contoso_url
    Customer feedback -> record/contoso_endpoint[contoso_name=feedback]/contoso_url
    Partner webhook -> environment-variable/contoso_PartnerWebhookUrl
    Stock levels -> environment-variable/contoso_StockUrl
    ");
    assert_eq!(manifest.desired().signed_urls, SignedUrls::Allow);
    assert_eq!(manifest.environment_names().collect::<Vec<_>>(), ["prod", "sandbox"]);
}

#[test]
fn every_key_that_the_example_shows_in_a_comment_is_valid() {
    let shown = EXAMPLE.replace("\n# client", "\nclient").replace("\n# tenant", "\ntenant");
    let shown =
        shown.replace("\n# environment-id", "\nenvironment-id").replace("\n# cloud", "\ncloud");
    let prod = parse(shown).unwrap().choose_environment(Some("prod")).unwrap();
    assert_eq!(prod.cloud.as_deref(), Some("public"));
    assert_eq!(prod.tenant.as_deref(), Some("contoso.onmicrosoft.com"));
    assert!(prod.client_id.is_some() && prod.environment_id.is_some());
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    let windows = parse(text).unwrap();
    let plain = parse(EXAMPLE).unwrap();
    assert_eq!(format!("{:?}", windows.desired()), format!("{:?}", plain.desired()));
}

#[test]
fn a_flow_is_placed_at_its_id_and_a_binding_at_its_target() {
    let manifest = parse(format!("{HEAD}{TARGET}")).unwrap();
    assert_eq!(manifest.desired().flows[0].site, ManifestPosition { line: 5, column: 1 });
    assert_eq!(manifest.desired().bindings[0].site, ManifestPosition { line: 7, column: 1 });
}

#[test]
fn tables_may_be_written_inline() {
    let text = "version = 1\nflow = [{ workflow-id = \"A09E4A0D-3A1C-F011-998A-7C1E5275CFE9\", target = [\n  { environment-variable = \"contoso_A\" },\n  { table = \"t\", key = { a = 0x10, b = true, c = \"x\" }, column = \"u\" },\n] }]\n";
    let manifest = parse(text).unwrap();
    insta::assert_snapshot!(addresses(&manifest).join("\n"), @r"
    - -> environment-variable/contoso_A
    - -> record/t[a=16,b=true,c=x]/u
    ");
    assert_eq!(manifest.desired().bindings[0].site, ManifestPosition { line: 3, column: 5 });
}

#[test]
fn a_name_alone_is_a_target_in_an_environment_variable() {
    let manifest = parse(format!("{HEAD}target = \"contoso_OrderUrl\"\n")).unwrap();
    assert_eq!(addresses(&manifest), ["- -> environment-variable/contoso_OrderUrl"]);
    assert_eq!(manifest.desired().bindings[0].site, ManifestPosition { line: 6, column: 1 });
}

#[test]
fn a_removed_entry_is_a_flow_whose_targets_lose_its_url() {
    let same = "workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"";
    let manifest =
        parse(format!("{HEAD}{TARGET}[[removed]]\n{same}\ntarget = \"contoso_OldUrl\"\n"));
    let manifest = manifest.unwrap();
    let desired = manifest.desired();
    let removed: Vec<bool> = desired.bindings.iter().map(|one| desired.is_removed(one)).collect();
    assert_eq!(removed, [false, true]);
    assert_eq!(desired.bindings[1].target.address(), "environment-variable/contoso_OldUrl");
    assert_eq!(desired.only_variables().bindings.len(), 1);
}

#[test]
fn signed_urls_are_refused_unless_the_manifest_says_otherwise() {
    let manifest = parse(format!("{HEAD}{TARGET}")).unwrap();
    assert_eq!(manifest.desired().signed_urls, SignedUrls::Refuse);
    let manifest = parse(format!("{HEAD}{TARGET}[policy]\nsigned-urls = \"warn\"\n")).unwrap();
    assert_eq!(manifest.desired().signed_urls, SignedUrls::Warn);
}

#[test]
fn the_documentation_names_every_key_and_every_problem() {
    let page = include_str!("../../../docs/manifest.md");
    for schema in schema::ALL {
        for name in schema.names() {
            assert!(page.contains(&format!("\n| `{name}` | ")), "{name}");
        }
    }
    let manifest = Code::ALL.iter().take_while(|code| **code != Code::FlowNotFound);
    for code in manifest {
        assert!(page.contains(&format!("\n| `{code}` | ")), "{code}");
    }
}

#[test]
fn the_example_of_the_documentation_is_a_manifest() {
    let page = include_str!("../../../docs/manifest.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    assert!(parse(example.unwrap()).is_ok());
}
