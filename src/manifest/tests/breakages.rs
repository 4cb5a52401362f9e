//! Everything that can be wrong, each with the code and the place that is told.

use super::{HEAD, TARGET, brief, problems};

/// What is wrong, the manifest, and the problems that are told.
type Breakage<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Asserts what is told of whole manifests.
fn assert_told(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        let told: Vec<String> = problems(text).iter().map(brief).collect();
        assert_eq!(told, *expected, "{what}:\n{text}");
    }
}

/// Asserts what is told of keys that begin on line 4, in place of a flow.
fn assert_told_at_the_top(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        let flow = &HEAD[HEAD.find("[[flow]]").unwrap()..];
        let top = "version = 1\n\n\n";
        assert_told(&[(what, &format!("{top}{text}\n{flow}{TARGET}"), expected)]);
    }
}

/// Asserts what is told of the lines after a flow's id, of which the first is line 6.
fn assert_told_of_a_flow(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        assert_told(&[(what, &format!("{HEAD}{text}"), expected)]);
    }
}

/// Asserts what is told of the keys of a target, of which the first is on line 7.
fn assert_told_of_a_target(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        assert_told_of_a_flow(&[(what, &format!("[[flow.target]]\n{text}"), expected)]);
    }
}

#[test]
fn a_file_that_is_no_manifest_at_all() {
    assert_told(&[
        ("an empty file", "", &["1:1 version-unknown", "1:1 flow-none"]),
        ("JSON", "{\"version\": 1}", &["1:1 manifest-not-toml"]),
        (
            "two slips",
            "x = \nversion: 1\n",
            &["1:5 manifest-not-toml", "2:8 manifest-not-toml", "2:10 manifest-not-toml"],
        ),
    ]);
    let bytes = b"version = 1\r\nx = \"\xff\"";
    assert_eq!(brief(&problems(bytes)[0]), "2:6 manifest-not-utf8");
    let bytes = vec![b' '; crate::manifest::MOST_BYTES + 1];
    assert_eq!(brief(&problems(bytes)[0]), "- manifest-too-large");
}

#[test]
fn a_key_that_is_there_twice_hides_no_other_problem() {
    let text = format!("version = 1\nversion = 1\ncolour = 1\n{}{TARGET}", &HEAD[12..]);
    assert_told(&[("", &text, &["2:1 manifest-not-toml", "3:1 key-unknown"])]);
    let text = format!("{HEAD}{TARGET}[policy]\n[policy]\n");
    assert_told(&[("", &text, &["9:2 manifest-not-toml"])]);
}

#[test]
fn another_version() {
    for (version, site) in [
        ("", "1:1"),
        ("version = 2", "1:11"),
        ("version = \"1\"", "1:11"),
        ("version = 1.0", "1:11"),
    ] {
        let text = format!("{version}\n{}{TARGET}", &HEAD[12..]);
        assert_told(&[(version, &text, &[&format!("{site} version-unknown")])]);
    }
}

#[test]
fn keys_of_the_top() {
    assert_told_at_the_top(&[
        ("an unknown key", "colour = 1", &["4:1 key-unknown"]),
        ("a key of another table", "sandbox = true", &["4:1 key-unknown"]),
        ("environments that are no table", "environments = 1", &["4:16 type-wrong"]),
        (
            "an environment that is no table",
            "environments.prod = \"https://contoso.crm4.dynamics.com\"",
            &["4:21 type-wrong"],
        ),
        ("a policy that is no table", "policy = \"allow\"", &["4:10 type-wrong"]),
        ("an unknown policy", "[policy]\nsigned_urls = \"warn\"", &["5:1 key-unknown"]),
        ("a policy of no known word", "[policy]\nsigned-urls = \"alow\"", &["5:15 value-invalid"]),
        ("a policy that is no word", "[policy]\nsigned-urls = true", &["5:15 type-wrong"]),
    ]);
}

#[test]
fn where_an_environment_is() {
    assert_told_at_the_top(&[
        ("neither", "[environments.a]", &["4:1 key-missing"]),
        (
            "both",
            "[environments.a]\nurl = \"https://a.crm4.dynamics.com\"\nsandbox = true",
            &["6:1 key-conflict"],
        ),
        ("false", "[environments.a]\nsandbox = false", &["5:11 value-invalid"]),
        ("no boolean", "[environments.a]\nsandbox = 1", &["5:11 type-wrong"]),
        ("no text", "[environments.a]\nurl = 1", &["5:7 type-wrong"]),
        ("no address", "[environments.a]\nurl = \"a.crm4.dynamics.com\"", &["5:7 value-invalid"]),
        (
            "not https",
            "[environments.a]\nurl = \"http://a.crm4.dynamics.com\"",
            &["5:7 value-invalid"],
        ),
        (
            "a path",
            "[environments.a]\nurl = \"https://a.crm4.dynamics.com/main.aspx\"",
            &["5:7 value-invalid"],
        ),
        (
            "a query",
            "[environments.a]\nurl = \"https://a.crm4.dynamics.com?x\"",
            &["5:7 value-invalid"],
        ),
        (
            "credentials",
            "[environments.a]\nurl = \"https://a:b@a.crm4.dynamics.com\"",
            &["5:7 value-invalid"],
        ),
        (
            "a host of no cloud",
            "[environments.a]\nurl = \"https://a.example.com\"",
            &["5:7 key-missing"],
        ),
        (
            "a name that is an address",
            "[environments.\"https://a\"]\nsandbox = true",
            &["4:15 value-invalid"],
        ),
        ("an empty name", "[environments.\"\"]\nsandbox = true", &["4:15 value-invalid"]),
    ]);
}

#[test]
fn what_is_known_of_an_environment() {
    for (line, expected) in [
        ("cloud = \"publik\"", "6:9 value-invalid"),
        ("cloud = \"sandbox\"", "6:9 value-invalid"),
        ("client-id = \"5b1c\"", "6:13 value-invalid"),
        ("client-id = \"00000000-0000-0000-0000-000000000000\"", "6:13 value-invalid"),
        ("clientId = 1", "6:1 key-unknown,6:12 type-wrong"),
        ("tenant = \"contoso\"", "6:10 value-invalid"),
        ("tenant = \"a/../b.example\"", "6:10 value-invalid"),
        ("tenant = \"00000000-0000-0000-0000-000000000000\"", "6:10 value-invalid"),
        ("environment-id = \"../x\"", "6:18 value-invalid"),
        ("environment-id = \"00000000-0000-0000-0000-000000000000\"", "6:18 value-invalid"),
    ] {
        let text = format!("[environments.a]\nurl = \"https://a.crm4.dynamics.com\"\n{line}");
        let expected: Vec<&str> = expected.split(',').collect();
        assert_told_at_the_top(&[(line, &text, &expected)]);
    }
    let text = "[environments.a]\nsandbox = true\ncloud = \"public\"";
    assert_told_at_the_top(&[("the sandbox's cloud", text, &["6:1 key-conflict"])]);
}

#[test]
fn keys_of_a_flow() {
    let version = "version = 1\n";
    let flow = |line: &str| format!("{version}[[flow]]\n{line}\n{TARGET}");
    assert_told(&[
        ("no flow", version, &["1:1 flow-none"]),
        ("an empty list", &format!("{version}flow = []"), &["2:1 flow-none"]),
        (
            "one bracket",
            &format!("{version}[flow]\nworkflow-id = \"x\"\n{TARGET}"),
            &["2:1 type-wrong", "3:15 value-invalid"],
        ),
        (
            "a list of numbers",
            &format!("{version}flow = [1, 2]"),
            &["2:9 type-wrong", "2:12 type-wrong"],
        ),
        ("no id", &flow(""), &["2:1 key-missing"]),
        ("an id of another form", &flow("workflow-id = \"a09e4a0d\""), &["3:15 value-invalid"]),
        (
            "the nil id",
            &flow("workflow-id = \"00000000-0000-0000-0000-000000000000\""),
            &["3:15 value-invalid"],
        ),
        ("an id that is no text", &flow("workflow-id = 5"), &["3:15 type-wrong"]),
        ("snake case", &flow("workflow_id = \"5\""), &["3:1 key-unknown", "3:15 value-invalid"]),
        ("camel case", &flow("workflowId = \"5\""), &["3:1 key-unknown", "3:14 value-invalid"]),
    ]);
    assert_told_of_a_flow(&[
        ("no target", "", &["4:1 target-none"]),
        ("an empty list of targets", "target = []", &["6:1 target-none"]),
        ("a target that is no table", "target = \"contoso_Url\"", &["6:10 type-wrong"]),
        ("a key of a target", "column = \"x\"\n", &["4:1 target-none", "6:1 key-unknown"]),
    ]);
}

#[test]
fn names_of_a_flow_and_its_trigger() {
    for (line, expected) in [
        ("name = 5", "6:8 type-wrong"),
        ("name = \"\"", "6:8 value-invalid"),
        ("name = \"a\\u001Bb\"", "6:8 value-invalid"),
        ("name = \"a\u{202e}b\"", "6:8 value-invalid"),
        ("name = \"https://a.example/?sig=made-up\"", "6:8 value-invalid"),
        ("trigger = \"\"", "6:11 value-invalid"),
        ("trigger = \"a\\nb\"", "6:11 value-invalid"),
        ("triggers = \"manual\"", "6:1 key-unknown"),
    ] {
        assert_told_of_a_flow(&[(line, &format!("{line}\n{TARGET}"), &[expected])]);
    }
    let long = format!("name = \"{}\"\n{TARGET}", "x".repeat(201));
    assert_told_of_a_flow(&[("a long name", &long, &["6:8 value-invalid"])]);
}

#[test]
fn the_place_of_a_target() {
    assert_told_of_a_target(&[
        ("no place", "missing = \"fail\"", &["6:1 key-missing"]),
        ("two places", "table = \"t\"\nenvironment-variable = \"t\"", &["8:1 key-conflict"]),
        ("an unknown key", "environment_variable = \"t\"", &["7:1 key-unknown"]),
        ("a display name", "environment-variable = \"Order Url\"", &["7:24 value-invalid"]),
        ("an empty name", "environment-variable = \"\"", &["7:24 value-invalid"]),
        (
            "a callback URL",
            "environment-variable = \"https://a.example/?sig=x\"",
            &["7:24 value-invalid"],
        ),
        (
            "a table's display name",
            "table = \"a b\"\nid = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ncolumn = \"c\"",
            &["7:9 value-invalid"],
        ),
    ]);
}

#[test]
fn a_target_in_an_environment_variable() {
    for (line, expected) in [
        ("json-pointer = \"orders\"", "8:16 value-invalid"),
        ("json-pointer = \"\"", "8:16 value-invalid"),
        ("json-pointer = \"/a~2\"", "8:16 value-invalid"),
        ("json-pointer = 1", "8:16 type-wrong"),
        ("key = { a = 1 }", "8:1 key-conflict"),
        ("id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"", "8:1 key-conflict"),
        ("column = \"a\"", "8:1 key-conflict"),
        ("missing = \"create\"", "8:1 key-conflict"),
    ] {
        let text = format!("environment-variable = \"contoso_Url\"\n{line}");
        assert_told_of_a_target(&[(line, &text, &[expected])]);
    }
    let long = format!("environment-variable = \"a\"\njson-pointer = \"/{}\"", "x".repeat(1000));
    assert_told_of_a_target(&[("a long pointer", &long, &["8:16 value-invalid"])]);
}

#[test]
fn a_target_in_a_record() {
    let id = "id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"";
    assert_told_of_a_target(&[
        ("no column", &format!("table = \"t\"\n{id}"), &["6:1 key-missing"]),
        ("no key", "table = \"t\"\ncolumn = \"c\"", &["6:1 key-missing"]),
        (
            "key and id",
            &format!("table = \"t\"\ncolumn = \"c\"\nkey = {{ a = 1 }}\n{id}"),
            &["10:1 key-conflict"],
        ),
        ("a malformed id", "table = \"t\"\ncolumn = \"c\"\nid = \"x\"", &["9:6 value-invalid"]),
        (
            "a pointer",
            &format!("table = \"t\"\ncolumn = \"c\"\n{id}\njson-pointer = \"/a\""),
            &["10:1 key-conflict"],
        ),
        (
            "a column in the key",
            "table = \"t\"\nkey = { c = 1 }\ncolumn = \"C\"",
            &["9:1 key-conflict"],
        ),
        (
            "creating by id",
            &format!("table = \"t\"\ncolumn = \"c\"\n{id}\nmissing = \"create\""),
            &["10:1 key-conflict"],
        ),
        (
            "another word",
            &format!("table = \"t\"\ncolumn = \"c\"\n{id}\nmissing = \"ignore\""),
            &["10:11 value-invalid"],
        ),
    ]);
}

#[test]
fn the_key_of_a_record() {
    for (key, expected) in [
        ("\"a\"", "9:7 type-wrong"),
        ("{}", "9:7 value-invalid"),
        ("{ a-b = 1 }", "9:9 value-invalid"),
        ("{ a = 1.5 }", "9:13 type-wrong"),
        ("{ a = [1] }", "9:13 type-wrong"),
        ("{ a.b = 1 }", "9:9 type-wrong"),
        ("{ a = 99999999999999999999 }", "9:13 value-invalid"),
        ("{ a = \"\" }", "9:13 value-invalid"),
        ("{ a = \"\\u0007\" }", "9:13 value-invalid"),
        ("{ a = \"?sig=made-up\" }", "9:13 value-invalid"),
        ("{ A = 1, a = 2 }", "9:16 key-conflict"),
        ("{ a = 1.5, b = [] }", "9:13 type-wrong,9:22 type-wrong"),
    ] {
        let text = format!("table = \"t\"\ncolumn = \"c\"\nkey = {key}");
        let expected: Vec<&str> = expected.split(',').collect();
        assert_told_of_a_target(&[(key, &text, &expected)]);
    }
    let long = format!("table = \"t\"\ncolumn = \"c\"\nkey = {{ a = \"{}\" }}", "x".repeat(4001));
    assert_told_of_a_target(&[("a long text", &long, &["9:13 value-invalid"])]);
}

#[test]
fn flows_that_are_there_twice() {
    let again = |lines: &str| {
        format!(
            "{TARGET}[[flow]]\nworkflow-id = \"A09E4A0D-3A1C-F011-998A-7C1E5275CFE9\"\n{lines}[[flow.target]]\nenvironment-variable = \"contoso_Other\"\n"
        )
    };
    assert_told_of_a_flow(&[
        ("the same flow", &again(""), &["9:1 flow-duplicate"]),
        ("once without a trigger", &again("trigger = \"manual\"\n"), &["5:1 flow-duplicate"]),
        (
            "the same flow and trigger",
            &format!("trigger = \"manual\"\n{}", again("trigger = \"manual\"\n")),
            &["10:1 flow-duplicate"],
        ),
        (
            "another trigger",
            &format!("trigger = \"other\"\n{}", again("trigger = \"manual\"\n")),
            &[],
        ),
    ]);
}

#[test]
fn places_that_are_bound_twice() {
    let variable = |name: &str| format!("[[flow.target]]\nenvironment-variable = \"{name}\"\n");
    let record =
        |key: &str| format!("[[flow.target]]\ntable = \"T\"\nkey = {{ {key} }}\ncolumn = \"c\"\n");
    let twice = |one: &str, other: &str| format!("{one}{other}");
    assert_told_of_a_flow(&[
        (
            "a variable",
            &twice(&variable("contoso_A"), &variable("CONTOSO_a")),
            &["9:1 target-duplicate"],
        ),
        (
            "a record's column",
            &twice(&record("a = \"X\", b = 1"), &record("B = 1, a = \"x\"")),
            &["11:1 target-duplicate"],
        ),
        ("another record", &twice(&record("a = \"X\""), &record("a = \"y\"")), &[]),
    ]);
}

#[test]
fn pointers_into_each_other() {
    let member = |pointer: &str| {
        format!(
            "[[flow.target]]\nenvironment-variable = \"contoso_A\"\njson-pointer = \"{pointer}\"\n"
        )
    };
    let whole = "[[flow.target]]\nenvironment-variable = \"contoso_a\"\n";
    let both = |one: &str, other: &str| format!("{one}{other}");
    assert_told_of_a_flow(&[
        ("the same member", &both(&member("/a"), &member("/a")), &["10:1 target-duplicate"]),
        ("a member of a member", &both(&member("/a/b"), &member("/a")), &["7:1 pointer-overlap"]),
        ("a member and the whole", &both(&member("/a"), whole), &["7:1 pointer-overlap"]),
        ("members side by side", &both(&member("/a"), &member("/ab")), &[]),
        ("members in another case", &both(&member("/a"), &member("/A")), &[]),
    ]);
}

#[test]
fn everything_at_once() {
    let text = format!(
        "version = 2\ncolour = 1\n[[flow]]\nworkflow-id = \"x\"\n{TARGET}{TARGET}[policy]\nsigned-urls = 1\n"
    );
    assert_told(&[(
        "",
        &text,
        &[
            "1:11 version-unknown",
            "2:1 key-unknown",
            "4:15 value-invalid",
            "8:1 target-duplicate",
            "10:15 type-wrong",
        ],
    )]);
}
