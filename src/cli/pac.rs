//! Names that users of `pac` try: names with the same meaning here are translated, and all others
//! are refused with the right one. The value of an option is never repeated, as it may be a secret.
//!
//! The names are those of
//! <https://learn.microsoft.com/power-platform/developer/cli/reference/auth> and of PowerShell's
//! common parameters.

use std::ffi::OsString;

use crate::model::docs_page;

/// What a name of others means here.
#[derive(Clone, Copy)]
enum Meaning {
    /// The same as these words.
    Same(&'static [&'static str]),
    /// What happens anyway.
    Default,
    /// Nothing of this program: how it is done here.
    Otherwise(&'static str),
    /// A cloud: its name follows.
    Cloud,
}

/// A word that means nothing here, and the right one.
#[derive(Debug, PartialEq, Eq)]
pub struct Misunderstood {
    /// The word.
    pub word: String,
    /// What to type or write instead.
    pub hint: String,
}

/// The hint for signing in as an application.
const APPLICATION: &str = concat!(
    "the Flow service accepts only people; for Dataverse, configure an application under `[environments.NAME.dataverse-identity]` in the manifest; see ",
    docs_page!("sign-in")
);

/// The hint for signing in with a password.
const PASSWORD: &str = concat!(
    "a person signs in with a device code or --browser, a pipeline with FLOWBIND_REFRESH_TOKEN; see ",
    docs_page!("sign-in")
);

/// The hint for signing in as a federated application.
const FEDERATED: &str = concat!(
    "write `federation = \"github\"` or `\"azure-devops\"` under `[environments.NAME.dataverse-identity]` in the manifest; the Flow service accepts only people; see ",
    docs_page!("sign-in")
);

/// The hint for more messages.
const MORE: &str = "use `--log debug` for more messages, and `--log-file FILE` to save them";

/// The hint for JSON output.
const DOCUMENT: &str = "use `--format json` to print JSON, or `--report FILE` to write a report";

/// Options, in small letters and without what stands before them.
const OPTIONS: &[(&[&str], Meaning)] = &[
    (&["--devicecode", "--device-code", "-dc"], Meaning::Default),
    (&["--environment", "-env", "-environment"], Meaning::Same(&["--environment"])),
    (&["--url", "-u", "-url"], Meaning::Same(&["--environment"])),
    (
        &["--applicationid", "--application-id", "-id", "-applicationid"],
        Meaning::Same(&["--client-id"]),
    ),
    (&["-t", "-tenant"], Meaning::Same(&["--tenant"])),
    (&["--json"], Meaning::Same(&["--format", "json"])),
    (&["-whatif"], Meaning::Same(&["--dry-run"])),
    (&["-verbose", "--debug", "-debug"], Meaning::Otherwise(MORE)),
    (&["--output", "-output"], Meaning::Otherwise(DOCUMENT)),
    (&["--cloud", "-ci", "-cloud"], Meaning::Cloud),
    (
        &["--clientsecret", "--client-secret", "-cs", "-clientsecret"],
        Meaning::Otherwise(APPLICATION),
    ),
    (&["--certificatediskpath", "-cdp"], Meaning::Otherwise(APPLICATION)),
    (&["--certificatepassword", "-cp"], Meaning::Otherwise(APPLICATION)),
    (&["--managedidentity", "-mi"], Meaning::Otherwise(APPLICATION)),
    (&["--azuredevopsfederated", "-adof"], Meaning::Otherwise(FEDERATED)),
    (&["--githubfederated", "-ghf"], Meaning::Otherwise(FEDERATED)),
    (&["--username", "-un", "-username"], Meaning::Otherwise(PASSWORD)),
    (&["--password", "-p", "-password"], Meaning::Otherwise(PASSWORD)),
];

/// Groups of commands, each with a hint.
const GROUPS: &[(&str, &str)] = &[
    ("org", "`flowbind auth status` shows who is signed in, `flowbind plan` reads the environment"),
    ("env", "name the environment with --environment; `flowbind plan` reads it"),
    (
        "solution",
        "`flowbind export --deployment-settings FILE` writes the file for `pac solution import --settings-file FILE`",
    ),
    ("connection", "`pac solution import --settings-file FILE` binds connection references"),
    ("power-automate", "`flowbind plan` reads the URLs of the manifest's flows"),
];

/// Commands about sign-ins, each with a hint.
const PROFILES: &[(&str, &str)] = &[
    (
        "select",
        "there are no profiles: choose the environment with --environment; flowbind uses the stored sign-in for it",
    ),
    ("name", "there are no profiles: name environments in the manifest"),
    ("update", "run `flowbind auth login` again"),
    ("delete", "`flowbind auth logout` removes every stored sign-in"),
];

/// The clouds of `pac`, each with the manifest's name.
const CLOUDS: &[(&str, &str)] = &[
    ("public", "public"),
    ("usgov", "gcc"),
    ("usgovhigh", "gcc-high"),
    ("usgovdod", "dod"),
    ("china", "china"),
];

/// Translates the command line into this program's own words.
///
/// # Errors
/// A word that means nothing here.
pub fn understood(
    words: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, Misunderstood> {
    let words: Vec<OsString> = words.into_iter().collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (options, rest) = words.split_at(end);
    let mut own = Vec::new();
    for (place, word) in options.iter().enumerate() {
        own.extend(translated(word, options.get(place + 1))?);
    }
    own.extend_from_slice(rest);
    commands(&own)?;
    Ok(own)
}

/// Translates one word; the next word may be its value.
fn translated(word: &OsString, next: Option<&OsString>) -> Result<Vec<OsString>, Misunderstood> {
    let (name, value) = split(word.to_str().unwrap_or_default());
    match meaning(name) {
        None => Ok(vec![word.clone()]),
        Some(Meaning::Default) => Ok(Vec::new()),
        Some(Meaning::Same(same)) => {
            Ok(same.iter().copied().chain(value).map(OsString::from).collect())
        }
        Some(Meaning::Otherwise(hint)) => Err(misunderstood(name, hint)),
        Some(Meaning::Cloud) => {
            let value = value.or_else(|| next?.to_str()).unwrap_or_default();
            Err(misunderstood(name, &cloud_hint(value)))
        }
    }
}

/// Splits a word into an option and its value, if it holds one: `pac` and PowerShell write
/// `-env:VALUE` as well.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.find(['=', ':']) {
        Some(end) if word.starts_with('-') => (&word[..end], Some(&word[end + 1..])),
        _ => (word, None),
    }
}

fn meaning(name: &str) -> Option<Meaning> {
    if !name.starts_with('-') {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let found = OPTIONS.iter().find(|(names, _)| names.contains(&name.as_str()));
    found.map(|(_, meaning)| *meaning)
}

fn misunderstood(word: &str, hint: &str) -> Misunderstood {
    Misunderstood { word: word.to_owned(), hint: hint.to_owned() }
}

fn cloud_hint(value: &str) -> String {
    let name = CLOUDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    let name = name.map_or("gcc-high", |(_, own)| own);
    format!(
        "the cloud is derived from the environment's URL; if it cannot be, write `cloud = \"{name}\"` under `[environments.NAME]` in the manifest"
    )
}

/// Refuses commands that this program does not have.
fn commands(own: &[OsString]) -> Result<(), Misunderstood> {
    let word = |place: usize| own.get(place).and_then(|word| word.to_str()).unwrap_or_default();
    let find = |table: &[(&'static str, &'static str)], word: &str| {
        table.iter().find(|(name, _)| *name == word).copied()
    };
    let profile = find(PROFILES, word(2)).filter(|_| word(1) == "auth");
    match find(GROUPS, word(1)).or(profile) {
        Some((name, hint)) => Err(misunderstood(name, hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, Misunderstood> {
        let words = understood(line.split(' ').map(OsString::from))?;
        let words: Vec<String> =
            words.into_iter().map(|word| word.into_string().unwrap()).collect();
        Ok(words.join(" "))
    }

    #[test]
    fn names_that_mean_the_same_are_understood() {
        for (line, own) in [
            ("flowbind auth login --deviceCode", "flowbind auth login"),
            ("flowbind plan -env prod", "flowbind plan --environment prod"),
            ("flowbind plan -env:prod", "flowbind plan --environment prod"),
            ("flowbind plan -Environment prod", "flowbind plan --environment prod"),
            (
                "flowbind plan --url https://a.example",
                "flowbind plan --environment https://a.example",
            ),
            ("flowbind plan -id G -t T", "flowbind plan --client-id G --tenant T"),
            ("flowbind apply -WhatIf --json", "flowbind apply --dry-run --format json"),
            ("flowbind plan -e prod --tenant T", "flowbind plan -e prod --tenant T"),
            ("flowbind plan -- --clientSecret x", "flowbind plan -- --clientSecret x"),
        ] {
            assert_eq!(read(line).unwrap(), own, "{line}");
        }
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for option in ["--clientSecret", "--client-secret", "-cs", "--password", "-p", "-un"] {
            for between in [" ", "=", ":"] {
                let line = format!("flowbind auth login {option}{between}made-up-secret");
                let refused = read(&line).unwrap_err();
                assert_eq!(refused.word, option);
                assert!(!refused.hint.contains("made-up"), "{line}");
            }
        }
    }

    #[test]
    fn a_cloud_is_answered_with_the_manifests_name_for_it() {
        let hint = read("flowbind plan --cloud UsGovDod").unwrap_err().hint;
        assert!(hint.contains("`cloud = \"dod\"`"), "{hint}");
    }

    #[test]
    fn commands_that_are_not_there_are_answered_with_those_that_are() {
        for (line, word) in [
            ("flowbind org who", "org"),
            ("flowbind solution import", "solution"),
            ("flowbind auth select --index 2", "select"),
        ] {
            assert_eq!(read(line).unwrap_err().word, word);
        }
        assert!(read("flowbind auth create").is_ok());
    }
}
