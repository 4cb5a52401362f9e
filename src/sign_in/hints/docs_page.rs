//! The page `docs/sign-in-errors.md`, generated from the tables of codes and names.

use std::fs;

use super::codes::{CodeRow, KNOWN_CODES, KNOWN_NAMES, NewSignInEffect};

/// The path of the page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sign-in-errors.md");

/// The variable that makes the test write the page.
const WRITE: &str = "FLOWBIND_WRITE_DOCS";

/// The end of remedies that the page states once for all.
const RUN_AGAIN: &str = "; then run the same command again";

/// Words of the texts that the page states once, and their short forms.
const STATED_ONCE: [(&str, &str); 14] = [
    ("Entra admin center > ", ""),
    ("Conditional Access > Policies > (the policy)", "(the policy)"),
    ("an Entra administrator of the account's own organisation: ", "**home admin:** "),
    ("an Entra administrator: ", "**admin:** "),
    ("a Power Platform administrator: ", "**Power Platform admin:** "),
    ("you: ", ""),
    ("run the same command again", "run again"),
    ("a rule of your organisation (a Conditional Access policy)", "a Conditional Access policy"),
    (" (the directory of your organisation in Entra)", ""),
    (" (an organisation's directory in Entra)", ""),
    (" (its organisation's directory in Entra)", ""),
    (
        " (for an application that signs in by itself, those of `[environments.NAME.dataverse-identity]`)",
        "",
    ),
    (" (multifactor authentication)", ""),
    (" of who you are", ""),
];

/// The remedy of the rows where a sign-in in a browser may help.
const BY_BROWSER: &str = "sign in [with a browser](#with-a-browser)";

/// The text before the tables.
const INTRODUCTION: &str = "\
<!-- Generated, together with this introduction: FLOWBIND_WRITE_DOCS=1 cargo test --lib docs_page -->

# Errors of a sign-in

`flowbind explain AADSTS53003` explains one number. When Entra, Microsoft's sign-in service, refuses,
flowbind shows the number, its meaning, what to do, and the **correlation id**, by which an
administrator finds the attempt in the sign-in logs. Some numbers appear only in the browser.

- A **tenant** is the directory of an organisation in Entra. The **application** is [its entry
  there](sign-in.md#the-application) with which flowbind signs in.
- A **Conditional Access policy** is a rule of an organisation for sign-ins. The **second proof** is
  multifactor authentication.
- **admin:** an Entra administrator of the tenant. Owners of the application can also change what is
  under *App registrations*. **home admin:** one of the organisation that issued the account, if that
  is another. Everything else you can do yourself.
- Menu paths begin in the [Entra admin center](https://entra.microsoft.com); a policy is under
  *Conditional Access > Policies*.

After each remedy, run the same command again; with `--non-interactive`, [sign
in](sign-in.md#one-sign-in-for-many-runs) first where a person can be asked. For an [application that
signs in by itself](sign-in.md#dataverse-under-an-identity-of-its-own), `client-id` and `tenant` are
those of `[environments.NAME.dataverse-identity]`.

## With a browser

If you signed in with a device code, run again with `--browser`. If an earlier sign-in was used, sign
in once with `flowbind auth login --browser`; a sign-in with a device code may stay blocked.
";

/// Renders the page.
fn render_page() -> String {
    let codes = KNOWN_CODES.iter().map(|row| {
        let codes: Vec<String> = row.codes.iter().map(ToString::to_string).collect();
        format!("| {} | {} | {} |\n", codes.join(", "), shorten(row.meaning), render_remedies(row))
    });
    let names = KNOWN_NAMES
        .iter()
        .map(|(name, remedy)| format!("| `{name}` | {} |\n", shorten(&remedy.to_string())));
    format!(
        "{INTRODUCTION}\n## By number\n\n| code | meaning | what to do |\n| --- | --- | --- |\n{}\n\
         ## By name\n\nFor errors without a number from the table above.\n\n\
         | error | what to do |\n| --- | --- |\n{}",
        codes.collect::<String>(),
        names.collect::<String>()
    )
}

/// Renders the remedies of a row.
fn render_remedies(row: &CodeRow) -> String {
    let may_help = row.new_sign_in == NewSignInEffect::MayFixInBrowser;
    let by_browser = may_help.then(|| BY_BROWSER.to_owned());
    let remedies = row.remedies.iter().map(|remedy| shorten(&remedy.to_string()));
    by_browser.into_iter().chain(remedies).collect::<Vec<_>>().join("<br>")
}

/// Shortens a text by what the page states once for all.
fn shorten(text: &str) -> String {
    let text = text.strip_suffix(RUN_AGAIN).unwrap_or(text).to_owned();
    STATED_ONCE.iter().fold(text, |text, (long, short)| text.replace(long, short))
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
