//! Tables, columns, keys and texts that a URL must not be written to: each is refused with its reason
//! and a remedy, and nothing is written.

use serde_json::Value;

use super::harness::{ORDER_INTAKE, Place, place};

/// The shipped tenant's table, and its columns and key.
const TABLE: &str = "name = \"contoso_endpoint\"";
const URL: &str = "name = \"contoso_url\"";
const NAME: &str = "[[table.column]]\nname = \"contoso_name\"";
const KEY: &str = "columns = [\"contoso_name\"]";

/// A record of the shipped tenant whose column is empty, one with a URL, and one that is not there.
const ORDERS: &str =
    "table = \"contoso_endpoint\"\nkey = { contoso_name = \"orders\" }\ncolumn = \"contoso_url\"\n";
const SHIPMENTS: &str = "table = \"contoso_endpoint\"\nkey = { contoso_name = \"shipments\" }\ncolumn = \"contoso_url\"\n";
const NEW: &str = "table = \"contoso_endpoint\"\nkey = { contoso_name = \"new\" }\ncolumn = \"contoso_url\"\nmissing = \"create\"\n";

/// A replacement in the tenant that adds a line after another.
fn with(after: &str, line: &str) -> (String, String) {
    (after.to_owned(), format!("{after}\n{line}"))
}

/// A manifest that binds one flow to those targets.
fn manifest(place: &Place, targets: &[&str]) -> String {
    let targets: Vec<String> =
        targets.iter().map(|target| format!("[[flow.target]]\n{target}")).collect();
    let targets = targets.concat();
    place.manifest(&format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n{targets}"))
}

/// The outcome of a command on a tenant that differs from the shipped one.
fn ran(command: &[&str], targets: &[&str], changes: &[(String, String)]) -> (i32, Value) {
    let place = place();
    let manifest = manifest(&place, targets);
    let changes: Vec<(&str, &str)> =
        changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let tenant = place.tenant(&changes);
    place.json(&[command, &["--manifest", &manifest, "--sandbox-tenant", &tenant]].concat())
}

/// The codes of the problems of an apply that ends as refused, before it has sent a change set.
fn refused(targets: &[&str], changes: &[(String, String)]) -> String {
    let (code, document) = ran(&["apply", "--yes"], targets, changes);
    assert_eq!((code, &document["outcome"]), (5, &"refused".into()), "{document:#}");
    let problems = document["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["code"].as_str().unwrap()).collect::<Vec<_>>().join(",")
}

#[test]
fn a_table_that_is_not_transactional_is_refused() {
    assert_eq!(refused(&[ORDERS], &[with(TABLE, "type = \"elastic\"")]), "table-elastic");
    let (code, document) = ran(&["check"], &[ORDERS], &[with(TABLE, "type = \"elastic\"")]);
    assert_eq!((code, &document["outcome"]), (5, &"refused".into()), "{document:#}");
    assert_eq!(
        refused(&[ORDERS, NEW], &[with(TABLE, "type = \"virtual\"")]),
        "table-virtual,table-virtual"
    );
}

#[test]
fn a_secured_column_that_reads_as_empty_is_refused_and_one_that_is_read_is_written() {
    let unreadable = [with(URL, "secured = \"unreadable\"")];
    let readable = [with(URL, "secured = \"readable\"")];
    for target in [ORDERS, SHIPMENTS, NEW] {
        assert_eq!(refused(&[target], &unreadable), "column-secured");
    }
    assert_eq!(refused(&[ORDERS], &readable), "column-secured");
    assert_eq!(ran(&["apply", "--yes"], &[SHIPMENTS], &readable).0, 0);
    let (code, document) = ran(&["check"], &[SHIPMENTS], &unreadable);
    assert_eq!((code, &document["outcome"]), (5, &"refused".into()), "{document:#}");
}

#[test]
fn a_secured_column_of_a_key_is_refused_unless_it_is_read() {
    let unreadable = [with(NAME, "secured = \"unreadable\"")];
    assert_eq!(refused(&[SHIPMENTS], &unreadable), "column-secured");
    assert_eq!(refused(&[NEW], &unreadable), "column-secured");
    let readable = [with(NAME, "secured = \"readable\"")];
    assert_eq!(ran(&["apply", "--yes"], &[SHIPMENTS], &readable).0, 0);
}

#[test]
fn a_column_that_is_not_valid_for_read_is_refused_without_asking_for_it() {
    let hidden = |column: &str| [with(column, "valid-for-read = false")];
    assert_eq!(refused(&[SHIPMENTS], &hidden(URL)), "column-not-readable");
    assert_eq!(refused(&[SHIPMENTS], &hidden(NAME)), "column-not-readable");
}

#[test]
fn a_record_is_not_created_under_a_key_that_is_not_enforced() {
    for status in ["pending", "in-progress", "failed"] {
        let changes = [with(KEY, &format!("index-status = \"{status}\""))];
        assert_eq!(refused(&[NEW], &changes), "key-not-active");
        assert_eq!(ran(&["apply", "--yes"], &[SHIPMENTS], &changes).0, 0);
    }
}

#[test]
fn rows_without_a_version_are_a_problem_and_no_failure() {
    let without =
        |table: &str| [with("location = \"europe\"", &format!("without-etags = [\"{table}\"]"))];
    assert_eq!(refused(&[SHIPMENTS], &without("contoso_endpoint")), "row-without-etag");
    let variable = "environment-variable = \"contoso_PartnerWebhookUrl\"\n";
    assert_eq!(refused(&[variable], &without("environmentvariablevalue")), "row-without-etag");
}

#[test]
fn a_record_is_found_by_a_lookup_and_by_an_id_and_created_by_neither() {
    let site = "8e946dae-28fb-4011-998a-7c1e5275cfe9";
    let columns = "[[table.column]]\nname = \"contoso_parent\"\ntype = \"lookup\"\ntarget = \"contoso_endpoint\"\nnavigation = \"contoso_Parent\"\n\n[[table.column]]\nname = \"contoso_other\"\ntype = \"guid\"\n";
    let changes = [
        ("[[table.key]]".to_owned(), format!("{columns}\n[[table.key]]")),
        with(
            "contoso_name = \"orders\"",
            &format!("contoso_parent = \"{site}\"\ncontoso_other = \"{site}\""),
        ),
    ];
    let by = |column: &str, id: &str, more: &str| {
        format!(
            "table = \"contoso_endpoint\"\nkey = {{ {column} = \"{id}\" }}\ncolumn = \"contoso_url\"\n{more}"
        )
    };
    for column in ["contoso_parent", "contoso_other"] {
        let (code, document) = ran(&["apply", "--yes"], &[&by(column, site, "")], &changes);
        assert_eq!((code, &document["outcome"]), (0, &"applied".into()), "{document:#}");
        let nobody = by(column, ORDER_INTAKE, "missing = \"create\"\n");
        assert_eq!(refused(&[&nobody], &changes), "record-missing");
        assert_eq!(refused(&[&by(column, "orders", "")], &changes), "key-type");
    }
}

#[test]
fn json_that_holds_more_than_a_url_stays_whole() {
    let value = r#"{\"order\":{\"url\":\"https://x.example\",\"timeout\":30},\"z\":1}"#;
    let variable = |kind: &str| {
        let text = format!(
            "[[environment-variable]]\nschema-name = \"contoso_More\"\ntype = \"{kind}\"\nvalue = \"{value}\"\n\n[[table]]"
        );
        [("[[table]]".to_owned(), text)]
    };
    let at = |pointer: &str| {
        format!("environment-variable = \"contoso_More\"\njson-pointer = \"{pointer}\"\n")
    };
    for kind in ["json", "string"] {
        assert_eq!(refused(&[&at("/order")], &variable(kind)), "member-not-text");
        assert_eq!(refused(&[&at("/z")], &variable(kind)), "member-not-text");
        assert_eq!(ran(&["apply", "--yes"], &[&at("/order/url")], &variable(kind)).0, 0);
    }
    let whole = "environment-variable = \"contoso_More\"\n";
    assert_eq!(refused(&[whole], &variable("string")), "text-holds-more");
    let column = [(
        "contoso_notes = \"Not in use since the spring.\"".to_owned(),
        format!("contoso_notes = \"{value}\""),
    )];
    let target = "table = \"contoso_endpoint\"\nkey = { contoso_name = \"returns\" }\ncolumn = \"contoso_notes\"\n";
    assert_eq!(refused(&[target], &column), "text-holds-more");
}

// The temporary folder of Windows has a longer path, by which a line wraps.
#[cfg(unix)]
#[test]
fn a_refusal_says_what_is_there_and_what_to_do() {
    let place = place();
    let manifest = manifest(&place, &[ORDERS]);
    let tenant = place.tenant(&[(URL, "name = \"contoso_url\"\nsecured = \"unreadable\"")]);
    let ended = place.run(&["plan", "--manifest", &manifest, "--sandbox-tenant", &tenant]);
    insta::assert_snapshot!(ended.transcript(&place), @r"
    exit: 5
    --- stdout

    Plan for sandbox, http://127.0.0.1:PORT

    error[column-secured]: column security is on for the column `contoso_url`, and it reads as empty: a
            user who may not read the column sees the same, and a write could not be verified
      at    flowbind.toml:9:1  record/contoso_endpoint[contoso_name=orders]/contoso_url
      help: give the signed-in user Read and Update for `contoso_url` in a column security profile; if
            the column is empty, have somebody put any text such as `-` into it, then run again

    `flowbind explain column-secured` says more.

    Refused: 1 problem. Nothing was written.
    --- stderr
    Sandbox tenant at http://127.0.0.1:PORT, its state in STATE

    To sign in, open this page and enter the code:

      page  http://127.0.0.1:PORT/devicelogin
      code  CODE

    The sandbox approves the sign-in automatically.
    Signed in as sandy@contoso.example.
    Reading 1 flow and 1 target …
    Took TIME.
    ");
}
