//! What people see of a manifest that is wrong.

use super::{HEAD, TARGET, problems};
use crate::manifest::{render_problems, unreadable};

fn rendered(text: &str) -> String {
    render_problems("flowbind.toml", text.as_bytes(), &problems(text))
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_and_the_right_spelling() {
    let text = HEAD.replace("workflow-id", "workflowId") + TARGET;
    insta::assert_snapshot!(rendered(&text), @r#"
    error[key-unknown]: `workflowId` is not a key of `[[flow]]`
     --> flowbind.toml:5:1
      |
    5 | workflowId = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
      | ^^^^^^^^^^
      |
      = help: write `workflow-id`

    `flowbind explain key-unknown` says more.
    "#);
}

#[test]
fn problems_are_shown_in_the_order_of_their_places() {
    let text = "version = 1\n[policy]\nsigned-urls = \"alow\"\n[[flow]]\nworkflow-id = 5\n[[flow.target]]\nenvironment-variable = \"Order Url\"\n";
    insta::assert_snapshot!(rendered(text), @r#"
    error[value-invalid]: `signed-urls` cannot be `alow`
     --> flowbind.toml:3:15
      |
    3 | signed-urls = "alow"
      |               ^^^^^^
      |
      = help: write `signed-urls = "allow"`

    error[type-wrong]: `workflow-id` is a whole number, but a text is needed
     --> flowbind.toml:5:15
      |
    5 | workflow-id = 5
      |               ^
      |
      = help: write the flow's `workflowid`, which ends the name of its file in the solution's
              folder `Workflows`, such as `workflow-id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"`

    error[value-invalid]: `environment-variable` has the character ` `: such a name has only letters,
                          digits and `_`, and does not begin with a digit
     --> flowbind.toml:7:24
      |
    7 | environment-variable = "Order Url"
      |                        ^^^^^^^^^^^
      |
      = help: write the variable's schema name, not its display name, such as `environment-variable
              = "contoso_OrderIntakeUrl"`

    `flowbind explain CODE` says more about a code in brackets.
    "#);
}

#[test]
fn a_key_that_is_there_twice_is_named() {
    let text = format!("{HEAD}workflow-id = \"x\"\n{TARGET}");
    insta::assert_snapshot!(rendered(&text), @r#"
    error[manifest-not-toml]: the key `workflow-id` appears twice in this table
     --> flowbind.toml:6:1
      |
    6 | workflow-id = "x"
      | ^^^^^^^^^^^
      |
      = help: keep one of the two

    `flowbind explain manifest-not-toml` says more.
    "#);
}

#[test]
fn a_text_without_quotes_is_told_to_have_them() {
    insta::assert_snapshot!(rendered("name = Order intake\n"), @r#"
    error[manifest-not-toml]: this is not TOML: string values must be quoted, expected literal string
     --> flowbind.toml:1:8
      |
    1 | name = Order intake
      |        ^^^^^
      |
      = help: put the value in quotes, such as `name = "Order intake"`

    `flowbind explain manifest-not-toml` says more.
    "#);
}

#[test]
fn a_flow_that_is_there_twice_names_the_other_line() {
    let text = format!(
        "{HEAD}{TARGET}{}trigger = \"manual\"\n{}",
        &HEAD[HEAD.find("[[flow]]").unwrap()..],
        TARGET.replace("Order", "Other")
    );
    insta::assert_snapshot!(rendered(&text), @r#"
    error[flow-duplicate]: this flow is here without `trigger`, and on line 9 with the trigger `manual`:
                           they may be the same
     --> flowbind.toml:5:1
      |
    5 | workflow-id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
      | ^^^^^^^^^^^
      |
      = help: write `trigger` here too, or move the targets under one `[[flow]]`

    `flowbind explain flow-duplicate` says more.
    "#);
}

#[test]
fn nothing_in_a_hostile_manifest_reaches_the_terminal_as_it_is() {
    let text = format!("{HEAD}{TARGET}\"\\u001B[2J\u{202e}{}\" = 1\n", "x".repeat(500));
    insta::assert_snapshot!(rendered(&text), @r#"
    error[key-unknown]: `\u{1b}[2J\u{202e}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is
                        not a key of `[[flow.target]]`
     --> flowbind.toml:8:1
      |
    8 | "\u001B[2J\u{202e}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: use one of `environment-variable`, `json-pointer`, `table`, `key`, `id`, `column`,
              `missing`

    `flowbind explain key-unknown` says more.
    "#);
}

#[test]
fn a_signed_url_that_stands_where_a_name_should_is_not_shown() {
    let text = HEAD.to_owned()
        + &TARGET.replace("contoso_OrderUrl", "https://a.example/?sp=1&sig=made-up");
    let shown = rendered(&text);
    assert!(!shown.contains("made-up"), "{shown}");
    assert!(shown.contains("sig=*******"), "{shown}");
}

#[test]
fn a_problem_without_a_place_is_shown_without_a_line() {
    let problem = unreadable("deploy.toml", &std::io::ErrorKind::NotFound.into());
    insta::assert_snapshot!(render_problems("deploy.toml", b"", &[problem]), @r#"
    error[manifest-unreadable]: the file `deploy.toml` was not found
    --> deploy.toml
     = help: name your manifest with `--manifest FILE`, or write one with `flowbind init`

    `flowbind explain manifest-unreadable` says more.
    "#);
}

#[test]
fn a_file_that_is_not_utf8_is_shown_as_far_as_it_can_be() {
    let bytes = b"version = 1\nname = \"Ordr\xe9 intake\"\n";
    insta::assert_snapshot!(render_problems("flowbind.toml", bytes, &problems(bytes)), @r#"
    error[manifest-not-utf8]: the byte 0xe9 here is not UTF-8
     --> flowbind.toml:2:13
      |
    2 | name = "Ordr� intake"
      |             ^
      |
      = help: save the file as UTF-8; in PowerShell, `Set-Content -Encoding utf8` does so

    `flowbind explain manifest-not-utf8` says more.
    "#);
}

#[test]
fn after_a_hundred_problems_the_rest_are_counted() {
    let unknown: Vec<String> = (0..150).map(|key| format!("x{key} = 1")).collect();
    let shown = rendered(&format!("{HEAD}{TARGET}{}", unknown.join("\n")));
    assert_eq!(shown.matches("error[key-unknown]").count(), 100);
    assert!(shown.contains("\n... and 50 more problems\n"), "{shown}");
}
