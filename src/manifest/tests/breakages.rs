//! Everything that can be wrong, each with the code and the place that is told.

use super::{HEAD, TARGET, brief, problems};

/// What is wrong, the manifest, and the problems that are told.
pub(super) type Breakage<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Asserts what is told of whole manifests.
fn assert_told(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        let told: Vec<String> = problems(text).iter().map(brief).collect();
        assert_eq!(told, *expected, "{what}:\n{text}");
    }
}

/// Asserts what is told of keys that begin on line 4, in place of a flow.
pub(super) fn assert_told_at_the_top(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        let flow = &HEAD[HEAD.find("[[flow]]").unwrap()..];
        let top = "version = 1\n\n\n";
        assert_told(&[(what, &format!("{top}{text}\n{flow}{TARGET}"), expected)]);
    }
}

/// Asserts what is told of the lines after a flow's id, of which the first is line 6.
pub(super) fn assert_told_of_a_flow(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        assert_told(&[(what, &format!("{HEAD}{text}"), expected)]);
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
        ("a target that is neither a text nor a table", "target = 5", &["6:10 type-wrong"]),
        ("a target that is no name", "target = \"Order URL\"", &["6:10 value-invalid"]),
        (
            "a target in both forms",
            "target = \"contoso_Url\"\n[[flow.target]]\nenvironment-variable = \"contoso_Other\"\n",
            &["7:8 manifest-not-toml"],
        ),
        (
            "nothing removed",
            &format!("{TARGET}[[removed]]\n"),
            &["8:1 key-missing", "8:1 target-none"],
        ),
        (
            "a target that is bound and removed",
            &format!(
                "{TARGET}[[removed]]\nworkflow-id = \"b09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ntarget = \"contoso_OrderUrl\"\n"
            ),
            &["10:1 target-duplicate"],
        ),
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
