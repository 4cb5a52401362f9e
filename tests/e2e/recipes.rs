//! The recipes of the documentation, run as somebody would who has copied them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::harness::{place, root};

/// The blocks of a language that follow a heading, up to the next heading of its level.
fn blocks(page: &str, heading: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(root(page)).unwrap();
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let begin = format!("```{language}\n");
    let parts = section.split(begin.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_recipe_for_cron_bears_every_character_in_a_path() {
    let place = place();
    let odd = place.path("it's; touch owned; $(touch owned) `touch owned` \"b\"");
    let (home, programs) = (odd.join("home"), place.path("programs"));
    let log = place.path("log");
    fs::create_dir_all(home.join("bin")).unwrap();
    fs::create_dir(&programs).unwrap();
    write_program(&programs.join("openssl"), "#!/bin/sh\necho made-up/key=\n");
    let prints = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$1\" \"$FLOWBIND_MANIFEST\" \"$FLOWBIND_TOKEN_STORE\" \"$FLOWBIND_STORE_KEY\" >>{}\n",
        log.display()
    );
    write_program(&programs.join("flowbind"), &prints);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let scripts = blocks("docs/pipelines.md", "## cron", "sh");
    let line = &blocks("docs/pipelines.md", "## cron", "text")[0];
    let line = line.trim().splitn(6, ' ').last().unwrap().trim();
    write_program(&home.join("bin/flow-urls"), &scripts[1]);
    for script in [&scripts[0], line] {
        let mut command = place.isolated("sh");
        command.args(["-c", script]).current_dir(&odd).env("HOME", &home).env("PATH", &path);
        let ended = command.env("FLOWBIND_ENVIRONMENT", "prod; touch owned").output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let store = format!("file:{}/.config/flowbind/sign-ins.age", home.display());
    let manifest = odd.join("flowbind.toml").display().to_string();
    let run = |command: &str| format!("{command}\n{manifest}\n{store}\nmade-up/key=\n");
    assert_eq!(fs::read_to_string(log).unwrap(), run("auth") + &run("check"));
    assert!(!odd.join("owned").exists(), "a path was run as a command");
    let kept = fs::metadata(home.join(".config/flowbind/environment")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o77, 0);
}

#[test]
fn no_recipe_has_an_encrypted_sign_in_without_its_key() {
    for entry in fs::read_dir(root("docs")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for block in text.split("```yaml\n").skip(1).map(|part| part.split("```").next().unwrap()) {
            let has = |name: &str| block.contains(&format!("{name}: "));
            let is_whole = !has("FLOWBIND_REFRESH_TOKEN") || has("FLOWBIND_STORE_KEY");
            assert!(is_whole, "{}: {block}", path.display());
        }
    }
}
