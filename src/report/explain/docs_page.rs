//! The page `docs/service-errors.md`, generated from the table of causes.

use std::fs;

use crate::model::{ErrorCause, Waiting, known_causes};

/// The path of the page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/service-errors.md");

/// The variable that makes the test write the page.
const WRITE: &str = "FLOWBIND_WRITE_DOCS";

/// The text before the table.
const INTRODUCTION: &str = "\
<!-- Generated, together with this introduction: FLOWBIND_WRITE_DOCS=1 cargo test --lib docs_page -->

# Errors of Dataverse and of the Flow service

An error shows the service's code and sentence, the cause, and what to do; `flowbind explain
0x80040265` explains one code. If waiting helps, the run ends with exit code 6, otherwise with 5.
Other codes are shown with the service's sentence alone.
";

/// Renders the page.
fn render_page() -> String {
    let head = "| code | cause | waiting helps | what to do |\n| --- | --- | --- | --- |\n";
    let rows: String = known_causes().map(row).collect();
    format!("{INTRODUCTION}\n{head}{rows}")
}

/// Renders the row of a cause.
fn row(cause: &ErrorCause) -> String {
    let codes: Vec<String> = cause.codes.iter().map(|code| format!("`{code}`")).collect();
    let waiting = match cause.waiting {
        Waiting::Helps => "yes",
        Waiting::MayHelp => "maybe",
        Waiting::DoesNotHelp => "no",
    };
    let codes = codes.join(", ");
    format!("| {codes} | {} | {waiting} | {} |\n", cause.meaning, cause.remedy)
}

#[test]
fn the_page_is_what_the_table_says() {
    let page = render_page();
    if std::env::var_os(WRITE).is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(
        fs::read_to_string(PAGE).unwrap_or_default() == page,
        "docs/service-errors.md is out of date: run `{WRITE}=1 cargo test --lib docs_page`"
    );
}
