//! The page `docs/sign-in-errors.md`, generated from the tables of codes and names.

use std::fs;

use super::codes::{KNOWN_CODES, KNOWN_NAMES, Remedy};

/// The path of the page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sign-in-errors.md");

/// The variable that makes the test write the page.
const WRITE: &str = "FLOWBIND_WRITE_DOCS";

/// The end of remedies that the page states once for all.
const RUN_AGAIN: &str = "; then run the same command again";

/// The text before the tables.
const INTRODUCTION: &str = "\
<!-- Generated, together with this introduction: FLOWBIND_WRITE_DOCS=1 cargo test --lib docs_page -->

# Errors of a sign-in

`flowbind explain AADSTS53003` shows one row of this page.

- **Entra** is Microsoft's service that signs people in. A **tenant** is the directory of one
  organisation in Entra: its people, applications and rules.
- The **application** is the entry in that directory with which flowbind signs in
  ([sign-in.md](sign-in.md#the-application)).
- **Conditional Access** holds an organisation's rules for signing in.

When Entra refuses, flowbind shows the meaning with Entra's number (`AADSTS53003`); Entra's own
words if they name an account, an id or an address; what to do, and who can do it; and the
**correlation id**, by which an administrator finds the attempt in *Entra admin center > Monitoring
& health > Sign-in logs*. Some numbers appear only on the page in the browser.

- **You** run the program.
- **An Entra administrator** administers the tenant. Owners of the application can also change
  what is under *App registrations*.
- **A Power Platform administrator** administers the environments.
- **The account's own organisation** is the one that issued the account, if that is not the
  organisation of the environment.

After each remedy, run the same command again. With `--non-interactive`, sign in with
`flowbind auth login` where a person can be asked
([sign-in.md](sign-in.md#one-sign-in-for-many-runs)). `[environments.NAME.dataverse-identity]` is
the table of the manifest with which an
[application signs in by itself](sign-in.md#dataverse-under-an-identity-of-its-own).
";

/// Renders the page.
fn render_page() -> String {
    let codes = KNOWN_CODES.iter().map(|row| {
        let codes: Vec<String> = row.codes.iter().map(ToString::to_string).collect();
        let remedies: Vec<String> = row.remedies(None).map(render_remedy).collect();
        format!("| {} | {} | {} |\n", codes.join(", "), row.meaning, remedies.join("<br>"))
    });
    let names = KNOWN_NAMES
        .iter()
        .map(|(name, remedy)| format!("| `{name}` | {} |\n", render_remedy(remedy)));
    format!(
        "{INTRODUCTION}\n## By number\n\n| code | meaning | what to do |\n| --- | --- | --- |\n{}\n\
         ## By name\n\nFor errors without a number from the table above.\n\n\
         | error | what to do |\n| --- | --- |\n{}",
        codes.collect::<String>(),
        names.collect::<String>()
    )
}

/// Renders a remedy without the end that all share.
fn render_remedy(remedy: &Remedy) -> String {
    let text = remedy.to_string();
    text.strip_suffix(RUN_AGAIN).unwrap_or(&text).to_owned()
}

#[test]
fn the_page_is_what_the_tables_say() {
    let page = render_page();
    if std::env::var_os(WRITE).is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(
        fs::read_to_string(PAGE).unwrap() == page,
        "docs/sign-in-errors.md is out of date: run `{WRITE}=1 cargo test --lib docs_page`"
    );
}
