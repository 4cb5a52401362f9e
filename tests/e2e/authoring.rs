//! What needs no environment: to begin a manifest, to check it, to look a code up, and what is made
//! for editors, shells and readers of manuals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::harness::{EXAMPLE, Place, place, root};

#[test]
fn a_manifest_is_begun_checked_and_planned_with() {
    let place = place();
    let out = place.path("flowbind.toml").display().to_string();
    let begun = place.run(&["init", "--out", &out]);
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    assert!(begun.stdout.is_empty() && begun.stderr.contains("flowbind lint"), "{}", begun.stderr);
    let checked = place.run(&["lint", "--manifest", &out]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stdout.ends_with("no problems. 1 flow, 1 target, 1 environment.\n"));
    assert_eq!(place.run(&["plan", "--manifest", &out, "--environment", "sandbox"]).code, 0);
    let again = place.run(&["init", "--out", &out]);
    assert_eq!(again.code, 3);
    assert!(again.stderr.contains("already exists and is not overwritten"), "{}", again.stderr);
    let nowhere = place.path("no/such/folder.toml").display().to_string();
    assert_eq!(place.run(&["init", "--out", &nowhere]).code, 3);
}

#[test]
fn a_manifest_alone_is_checked_and_nobody_is_contacted() {
    let place = place();
    let broken = place.write("broken.toml", "version = 2\n[[flow]]\nworkflowId = \"x\"\n");
    let refused = place.run(&["lint", "--manifest", &broken]);
    assert_eq!(refused.code, 3);
    for words in ["error[version-unknown]", "error[key-unknown]", "error[target-none]"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("Sandbox tenant at"), "{}", refused.stderr);
    let (code, document) = place.json(&["lint", "--manifest", &broken]);
    assert_eq!((code, &document["outcome"]), (3, &Value::from("refused")));
    assert_eq!(document["problems"][0]["code"], "version-unknown");
    let (code, document) = place.json(&["lint", "--manifest", EXAMPLE]);
    assert_eq!((code, &document["outcome"]), (0, &Value::from("agreed")));
    assert_eq!(document["requests"]["dataverse"], 0);
}

#[test]
fn a_code_is_looked_up_and_a_slip_finds_the_nearest() {
    let place = place();
    for (code, words) in [
        ("flow-draft", "its URL exists only once it is on"),
        ("error[flow-draft]", "turn the flow on"),
        ("AADSTS53003", "Conditional Access"),
        ("7", "says whether running again"),
    ] {
        let ended = place.run(&["explain", code]);
        assert_eq!(ended.code, 0, "{code}: {}", ended.stderr);
        assert!(ended.stdout.contains(words), "{code}: {}", ended.stdout);
    }
    let slip = place.run(&["explain", "flow-drafts"]);
    assert_eq!((slip.code, slip.stdout.as_str()), (3, ""));
    assert!(slip.stderr.contains("`flowbind explain flow-draft`"), "{}", slip.stderr);
    let all = place.run(&["explain"]).stdout;
    for words in ["\n  130  ", "\n  key-unknown  ", "\n  plan-moved  ", "\n  AADSTS7000218  "] {
        assert!(all.contains(words.trim_end()), "{words}");
    }
}

#[test]
fn the_schema_is_json_and_names_every_table() {
    let schema: Value = serde_json::from_str(&place().run(&["schema"]).stdout).unwrap();
    let target =
        &schema["properties"]["flow"]["items"]["properties"]["target"]["oneOf"][1]["items"];
    assert_eq!(target["oneOf"].as_array().unwrap().len(), 3);
    assert_eq!(target["properties"]["missing"]["enum"], serde_json::json!(["fail", "create"]));
}

#[test]
fn every_shell_has_completions_and_every_command_a_page() {
    let place = place();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = place.run(&["completions", shell]);
        assert_eq!(ended.code, 0);
        assert!(ended.stdout.contains("detailed-exitcode"), "{shell}");
    }
    assert_eq!(place.run(&["completions", "tcsh"]).code, 3);
    let page = place.run(&["man"]);
    assert!(page.code == 0 && page.stdout.contains(".TH flowbind 1"), "{}", page.stdout);
    let folder = place.path("man").display().to_string();
    assert_eq!(place.run(&["man", "--out", &folder]).code, 0);
    let pages = pages(&place);
    for name in ["flowbind.1", "flowbind-plan.1", "flowbind-auth-login.1"] {
        assert!(pages.contains_key(name), "{name}");
    }
    for (name, text) in pages {
        for heading in ["OPTIONS", "EXAMPLES", "ENVIRONMENT", "\"EXIT STATUS\"", "FILES"] {
            assert!(text.contains(&format!("\n.SH {heading}\n")), "{name} lacks {heading}: {text}");
        }
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{name}");
    }
    let file = place.write("file", "");
    assert_eq!(place.run(&["man", "--out", &file]).code, 3);
}

/// The manual pages that were written to the folder `man`, by file name.
fn pages(place: &Place) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(place.path("man")).unwrap().map(Result::unwrap);
    let read = |file: std::fs::DirEntry| {
        let text = std::fs::read_to_string(file.path()).unwrap();
        (file.file_name().into_string().unwrap(), text)
    };
    files.map(read).collect()
}

#[test]
fn no_help_manual_page_or_first_error_points_into_a_checkout() {
    let place = place();
    let folder = place.path("man").display().to_string();
    assert_eq!(place.run(&["man", "--out", &folder]).code, 0);
    let mut texts = pages(&place);
    for page in texts.clone().into_keys() {
        let command = page.trim_start_matches("flowbind").trim_end_matches(".1").replace('-', " ");
        let words: Vec<&str> = command.split_whitespace().collect();
        for option in ["-h", "--help"] {
            let help = place.run(&[&words[..], &[option]].concat());
            assert_eq!(help.code, 0, "{command}");
            texts.insert(format!("{command} {option}"), help.stdout);
        }
        let summary = &texts[&format!("{command} -h")];
        assert!(summary.lines().count() <= 40, "{summary}");
        assert!(summary.contains("Examples:\n  flowbind"), "{summary}");
    }
    let first_tries: [&[&str]; 5] = [
        &["plan"],
        &["plan", "--clientSecret", "x"],
        &["auth", "login", "--password", "x"],
        &["plan", "--githubFederated"],
        &["plan", "--environment", "https://contoso.crm4.dynamics.com", "--clouds", "none.toml"],
    ];
    for words in first_tries {
        let refused = place.run(words);
        assert_eq!(refused.code, 3, "{words:?}: {}", refused.stderr);
        texts.insert(words.join(" "), refused.stderr);
    }
    assert!(texts["plan"].contains("`flowbind init`"), "{}", texts["plan"]);
    for (name, text) in texts {
        for folder in ["docs/", "config/"] {
            let is_address = |line: &str| line.contains("https://");
            let pointing = text.lines().find(|line| line.contains(folder) && !is_address(line));
            assert_eq!(pointing, None, "{name}");
        }
    }
}

#[test]
fn the_version_names_the_commit() {
    let place = place();
    let long = place.run(&["--version"]).stdout;
    let number = concat!("flowbind ", env!("CARGO_PKG_VERSION"));
    let commit =
        long.trim_end().strip_prefix(number).and_then(|rest| rest.strip_prefix(" (commit "));
    let commit = commit.and_then(|rest| rest.strip_suffix(')')).unwrap_or_else(|| panic!("{long}"));
    // What else the machine says, an archive of the source has no commit.
    if root(".git").exists() && std::env::var_os("FLOWBIND_COMMIT").is_none() {
        let (hash, date) = commit.split_once(", ").unwrap_or_else(|| panic!("{long}"));
        assert!(hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{long}");
        assert_eq!(date.len(), "2026-11-23".len(), "{long}");
    }
    assert_eq!(place.run(&["-V"]).stdout, format!("{number}\n"));
}
