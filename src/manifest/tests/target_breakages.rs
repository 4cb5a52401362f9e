//! What can be wrong with a target, and with targets and flows that do not fit together.

use super::TARGET;
use super::breakages::{Breakage, assert_told_of_a_flow};

/// Asserts what is told of the keys of a target, of which the first is on line 7.
fn assert_told_of_a_target(breakages: &[Breakage<'_>]) {
    for (what, text, expected) in breakages {
        assert_told_of_a_flow(&[(what, &format!("[[flow.target]]\n{text}"), expected)]);
    }
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
