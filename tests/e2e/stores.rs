//! Sign-ins that are kept between runs, and everything that can happen to their file.

use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
#[cfg(unix)]
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;
use age::{scrypt, x25519};
use serde_json::Value;
#[cfg(unix)]
use serde_json::json;

use super::harness::{EXAMPLE, Ended, Place, Served, place};
#[cfg(unix)]
use super::harness::{signal, until};
use super::leaks::Secrets;
use super::sign_in::{STORE_KEY, files_below, refresh_token, words};

/// A place with a sandbox in which a person approves at once.
struct World {
    place: Place,
    served: Served,
}

impl World {
    fn new() -> Self {
        Self::with("")
    }

    fn with(more: &str) -> Self {
        let place = place();
        let served = place.serving(more);
        Self { place, served }
    }

    /// What a run is told of where it runs.
    fn at(&self) -> [&str; 4] {
        ["--manifest", EXAMPLE, "--environment", &self.served.url]
    }
}

/// What asks for a sign-in.
const PROMPT: &str = "To sign in";

/// How many times a program is killed in a test, unless `FLOWBIND_TEST_KILLS` says so.
const KILLS: u64 = 60;

fn auth(world: &World, command: &str, store: &str, key: Option<&str>) -> Ended {
    let at = world.at();
    let more: &[&str] = if command == "login" { &at } else { &[] };
    let variables: Vec<_> = key.into_iter().map(|key| ("FLOWBIND_STORE_KEY", key)).collect();
    world.place.run_with(&variables, &[&["auth", command, "--token-store", store], more].concat())
}

fn plan(world: &World, store: &str, key: Option<&str>) -> Ended {
    let variables: Vec<_> = key.into_iter().map(|key| ("FLOWBIND_STORE_KEY", key)).collect();
    let run = ["plan", "--token-store", store, "--non-interactive"];
    world.place.run_with(&variables, &[&run[..], &world.at()].concat())
}

/// Makes a file its owner's alone. On Windows it has the rights of its folder.
#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn make_private(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// An identity as `age-keygen` makes one.
fn identity() -> String {
    x25519::Identity::generate().to_string().expose_secret().to_owned()
}

/// What an encrypted store holds, read with the format's own library.
fn opened(file: &Path, key: &str) -> Value {
    let sealed = fs::read(file).unwrap();
    let plain = match key.parse::<x25519::Identity>() {
        Ok(identity) => age::decrypt(&identity, &sealed),
        Err(_) => age::decrypt(&scrypt::Identity::new(key.to_owned().into()), &sealed),
    };
    serde_json::from_slice(&plain.unwrap()).unwrap()
}

#[test]
fn a_sign_in_is_kept_told_used_rotated_and_forgotten_in_every_kind_of_store() {
    let stores = [
        ("plain", "sign-ins.json", None),
        ("file", "sign-ins.age", Some(STORE_KEY.to_owned())),
        ("file", "sign-ins.age", Some(identity())),
    ];
    for (store, file, key) in stores {
        let world = World::new();
        let place = &world.place;
        let key = key.as_deref();
        let file = place.stores().join(file);
        let token = || match key {
            Some(key) => opened(&file, key)["sign-ins"][0]["sign-in"]["refresh-token"].to_string(),
            None => refresh_token(&file),
        };
        let ended = auth(&world, "login", store, key);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains(PROMPT) && ended.stderr.contains("Stored the sign-in in "));
        assert_eq!(ended.stdout, "");
        #[cfg(unix)]
        assert_eq!((mode(&file), mode(&place.stores())), (0o600, 0o700));
        let first = token();
        assert_eq!(key.is_none(), fs::read_to_string(&file).is_ok(), "encrypted or not");
        let ended = plan(&world, store, key);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.stderr.contains(PROMPT), "{}", ended.stderr);
        assert_ne!(token(), first, "what came back from the renewal is kept");
        let ended = auth(&world, "logout", store, None);
        assert!(ended.stdout.starts_with("Removed "), "{}{}", ended.stdout, ended.stderr);
        assert!(!file.exists());
        assert_eq!(plan(&world, store, key).code, 4);
        assert!(auth(&world, "logout", store, None).stdout.starts_with("No sign-in found in"));
    }
}

#[test]
fn the_status_tells_who_is_signed_in_and_no_secret() {
    let world = World::new();
    let place = &world.place;
    auth(&world, "login", "plain", None);
    let token = refresh_token(&place.stores().join("sign-ins.json"));
    let ended = auth(&world, "status", "plain", None);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in ["sandy@contoso.example", "tenant", "client id", "authority", "dataverse", "flow"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let json = place.run(&["auth", "status", "--token-store", "plain", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert!(document.to_string().contains("sandy@contoso.example"), "{document:#}");
    for text in [ended.stdout, ended.stderr, json.stdout, json.stderr] {
        Secrets::of([&*token]).assert_absent("the status", text);
    }
    auth(&world, "logout", "plain", None);
    let ended = auth(&world, "status", "plain", None);
    assert_eq!(ended.code, 4);
    assert!(ended.stdout.starts_with("Nobody is signed in"), "{}", ended.stdout);
}

#[test]
fn a_sign_in_at_the_embedded_sandbox_serves_its_next_run_at_another_address() {
    let place = place();
    let at = ["--manifest", EXAMPLE, "--environment", "sandbox", "--token-store", "plain"];
    let login = place.run(&[&["auth", "login"], &at[..]].concat());
    assert_eq!(login.code, 0, "{}", login.stderr);
    let ended = place.run(&[&["plan", "--non-interactive"], &at[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// A refresh token that is good once is spent by a renewal whose answer the run does not need any more.
// Nobody can press Ctrl-C in the console of another process of Windows.
#[cfg(unix)]
#[test]
fn a_run_that_ends_beside_a_renewal_keeps_the_sign_in_for_the_next_one() {
    let world = World::with("[switches.entra]\nrefresh-rotation = \"once\"");
    auth(&world, "login", "plain", None);
    let slow = json!({"service": "entra", "path-contains": "/token", "nth": 2, "action": "delay", "delay": 3000});
    let refused = json!({"service": "dataverse", "path-contains": "workflows", "status": 403});
    world.served.control("PUT", "/_sandbox/faults", &json!([slow, refused]));
    let ended = plan(&world, "plain", None);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("for a token renewal to finish"), "{}", ended.stderr);

    world.served.control("PUT", "/_sandbox/faults", &json!([slow]));
    let run = ["plan", "--token-store", "plain", "--non-interactive"];
    let mut child = world.place.command(&[&run[..], &world.at()].concat());
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| {
        let faults = world.served.control("GET", "/_sandbox/faults", &Value::Null);
        (faults[0]["met"] == 2).then_some(())
    });
    signal(&child, "INT");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("for a token renewal to finish"), "{}", ended.stderr);

    world.served.control("DELETE", "/_sandbox/faults", &Value::Null);
    let ended = plan(&world, "plain", None);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn a_plain_file_that_others_may_read_is_refused_with_what_to_type() {
    let world = World::new();
    let place = &world.place;
    auth(&world, "login", "plain", None);
    let file = place.stores().join("sign-ins.json");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    for ended in [plan(&world, "plain", None), auth(&world, "status", "plain", None)] {
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let remedy = format!("chmod 600 {}", file.display());
        assert!(words(&ended.stderr).contains(&remedy), "{}", ended.stderr);
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(plan(&world, "plain", None).code, 0);
}

#[test]
fn a_wrong_key_and_a_missing_one_are_told_apart_from_a_damaged_file() {
    let world = World::new();
    let place = &world.place;
    auth(&world, "login", "file", Some(STORE_KEY));
    let file = place.stores().join("sign-ins.age");
    let kept = fs::read(&file).unwrap();
    let told = |key: Option<&str>, code, words_in: &str| {
        for ended in [
            plan(&world, "file", key),
            auth(&world, "status", "file", key),
            auth(&world, "login", "file", key),
        ] {
            assert_eq!(ended.code, code, "{}", ended.stderr);
            assert!(words(&ended.stderr).contains(words_in), "{words_in}: {}", ended.stderr);
            assert!(!ended.stderr.contains(PROMPT), "{}", ended.stderr);
        }
    };
    told(None, 3, "`FLOWBIND_STORE_KEY` is not set");
    told(Some("short"), 3, "fewer than 16 characters");
    told(Some("AGE-SECRET-KEY-1MADEUP"), 3, "no identity");
    told(Some("another made-up store key"), 3, "was made with another key");
    told(Some(&identity()), 3, "another key");
    assert_eq!(fs::read(&file).unwrap(), kept, "nothing was changed");
    for damaged in [&kept[..kept.len() - 7], b"", b"not of age"] {
        fs::write(&file, damaged).unwrap();
        told(Some(STORE_KEY), 4, "holds no sign-ins that can be read");
    }
    assert_eq!(auth(&world, "logout", "file", None).code, 0);
    assert_eq!(auth(&world, "login", "file", Some(STORE_KEY)).code, 0);
}

#[test]
fn a_damaged_plain_file_is_told_with_its_place_and_never_overwritten() {
    let world = World::new();
    let place = &world.place;
    let file = place.stores().join("sign-ins.json");
    fs::create_dir_all(place.stores()).unwrap();
    for text in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":99,"sign-ins":[]}"#] {
        fs::write(&file, text).unwrap();
        make_private(&file);
        let ended = plan(&world, "plain", None);
        assert_eq!(ended.code, 4, "{text}: {}", ended.stderr);
        assert!(words(&ended.stderr).contains("auth logout"), "{text}: {}", ended.stderr);
        assert_eq!(auth(&world, "login", "plain", None).code, 4, "{text}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn in_a_pipeline_nothing_is_kept_unless_it_is_asked_for() {
    for (name, value) in [("CI", "true"), ("TF_BUILD", "True"), ("GITHUB_ACTIONS", "true")] {
        let world = World::new();
        let place = &world.place;
        let login =
            place.run_with(&[(name, value)], &[&["auth", "login"], &world.at()[..]].concat());
        assert_eq!(login.code, 3, "{}", login.stderr);
        let said = words(&login.stderr);
        assert!(said.contains("--token-store") && said.contains("--export"), "{said}");
        assert!(!said.contains(PROMPT), "{said}");
        let status = place.run_with(&[(name, value)], &["auth", "status"]);
        assert!(status.stdout.contains("`none`"), "{}", status.stdout);
    }
}

#[test]
fn the_store_none_keeps_nothing() {
    let world = World::new();
    let place = &world.place;
    let run = [&["plan", "--token-store", "none"], &world.at()[..]].concat();
    for _ in 0..2 {
        let ended = place.run(&run);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains(PROMPT));
    }
    assert_eq!(files_below(&place.path("state")), Vec::<std::path::PathBuf>::new());
    assert_eq!(auth(&world, "login", "none", None).code, 3);
    assert_eq!(auth(&world, "logout", "none", None).code, 0);
}

// Windows has a keyring always.
#[cfg(unix)]
#[test]
fn a_run_goes_on_without_a_keyring_unless_the_keyring_was_asked_for() {
    let world = World::new();
    let place = &world.place;
    fs::create_dir_all(place.stores()).unwrap();
    fs::write(place.stores().join("sign-ins.keyring.age"), "kept by an earlier run").unwrap();
    let usual = place.run(&[&["plan"], &world.at()[..]].concat());
    assert_eq!(usual.code, 0, "{}", usual.stderr);
    assert!(words(&usual.stderr).contains("warning: no stored sign-in is used: the keyring"));
    let asked = plan(&world, "keyring", None);
    let login = place.run(&[&["auth", "login"], &world.at()[..]].concat());
    for ended in [asked, login] {
        assert_eq!(ended.code, 4, "{}", ended.stderr);
        let said = words(&ended.stderr);
        assert!(said.contains("the keyring of the operating system is unavailable"), "{said}");
        assert!(said.contains("--token-store file") && !said.contains(PROMPT), "{said}");
    }
}

/// Ten runs at once on one store.
fn ten_at_once(place: &Place, served: &Served) -> Vec<Ended> {
    let manifest = place.one();
    let run = ["plan", "--non-interactive", "--manifest", &manifest, "--environment", &served.url];
    let children: Vec<_> = (0..10)
        .map(|_| {
            let mut command = place.command(&run);
            command.env("FLOWBIND_TOKEN_STORE", "plain").stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect()
}

#[test]
fn ten_runs_at_once_take_turns_with_one_sign_in() {
    for rotation in ["each-use", "once"] {
        let place = place();
        let (served, token) =
            place.served(&format!("[switches.entra]\nrefresh-rotation = \"{rotation}\""));
        keep(&place, &served, &token);
        for ended in ten_at_once(&place, &served) {
            assert_eq!(ended.code, 0, "{rotation}: {}", ended.stderr);
        }
        let after = refresh_token(&place.stores().join("sign-ins.json"));
        assert_ne!(after, token);
        assert_eq!(ten_at_once(&place, &served).pop().unwrap().code, 0);
    }
}

/// Keeps a sign-in in the plain store without asking anybody.
fn keep(place: &Place, served: &Served, token: &str) {
    let ended = place.run_with(
        &[("FLOWBIND_REFRESH_TOKEN", token)],
        &["auth", "login", "--token-store", "plain", "--environment", &served.url],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// How often to kill.
fn kills() -> u64 {
    std::env::var("FLOWBIND_TEST_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

/// Instants that are spread over a time and the same in every run.
fn instants(count: u64, longest: Duration) -> impl Iterator<Item = Duration> {
    let golden = (1..=count).map(|turn| (turn * 618_034) % 1_000_000);
    golden.map(move |part| longest * u32::try_from(part).unwrap() / 1_000_000)
}

/// Starts the program with a token in its environment and kills it at an instant.
fn kill_after(place: &Place, token: &str, run: &[&str], instant: Duration) {
    let mut command = place.command(run);
    command.env("FLOWBIND_TOKEN_STORE", "plain").stdin(Stdio::null());
    if !token.is_empty() {
        command.env("FLOWBIND_REFRESH_TOKEN", token);
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(instant);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Files that hold a refresh token and are open to others.
#[cfg(unix)]
fn exposed(place: &Place) -> Vec<std::path::PathBuf> {
    let files = files_below(&place.path("state")).into_iter();
    files
        .filter(|file| mode(file) & 0o077 != 0)
        .filter(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("refresh-token")))
        .collect()
}

#[test]
fn a_store_outlives_being_killed_at_any_moment_of_a_login_or_a_run() {
    let place = place();
    let (served, token) = place.served("");
    let manifest = place.one();
    let at = ["--manifest", &manifest, "--environment", &served.url];
    let login = [&["auth", "login"], &at[..]].concat();
    let plan = [&["plan", "--non-interactive"], &at[..]].concat();
    let begin = Instant::now();
    keep(&place, &served, &token);
    let longest = begin.elapsed() * 5 / 4;
    for (turn, instant) in instants(kills(), longest).enumerate() {
        if turn % 2 == 0 {
            kill_after(&place, &token, &login, instant);
        } else {
            kill_after(&place, "", &plan, instant);
        }
        #[cfg(unix)]
        assert_eq!(exposed(&place), Vec::<std::path::PathBuf>::new());
        // The document can be read at every moment; a run is tried from time to time.
        refresh_token(&place.stores().join("sign-ins.json"));
        if turn % 10 == 9 {
            let ended = place.run_with(&[("FLOWBIND_TOKEN_STORE", "plain")], &plan);
            assert_eq!(ended.code, 0, "after {instant:?}: {}", ended.stderr);
            assert!(!place.stores().join("sign-ins.json.new").exists(), "left behind");
        }
    }
    let ended = place.run(&["auth", "status", "--token-store", "plain"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn what_a_killed_run_left_beside_the_store_does_no_harm() {
    let world = World::new();
    let place = &world.place;
    auth(&world, "login", "plain", None);
    let new = place.stores().join("sign-ins.json.new");
    fs::write(&new, "half a docum").unwrap();
    assert_eq!(plan(&world, "plain", None).code, 0);
    assert!(!new.exists());
    #[cfg(unix)]
    {
        let elsewhere = place.path("elsewhere");
        fs::write(&elsewhere, "untouched").unwrap();
        symlink(&elsewhere, &new).unwrap();
        assert_eq!(plan(&world, "plain", None).code, 0);
        assert_eq!(fs::read_to_string(elsewhere).unwrap(), "untouched");
    }
    fs::write(&new, "half a docum").unwrap();
    auth(&world, "logout", "plain", None);
    assert!(!new.exists(), "a half-written copy of a sign-in is removed as well");
}

#[test]
fn a_store_that_names_another_person_than_its_token_is_refused() {
    let world = World::new();
    auth(&world, "login", "plain", None);
    let file = world.place.stores().join("sign-ins.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let sign_in = &mut document["sign-ins"][0]["sign-in"];
    assert!(sign_in["tenant-id"].is_string());
    sign_in["object-id"] = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".into();
    sign_in["user"] = "somebody@contoso.example".into();
    fs::write(&file, document.to_string()).unwrap();
    let ended = plan(&world, "plain", None);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let said = words(&ended.stderr);
    assert!(said.contains("names somebody@contoso.example, but its token belongs to"), "{said}");
    assert!(said.contains("auth logout"), "{said}");
}

#[test]
fn signing_out_of_a_file_that_is_no_store_leaves_the_file_and_its_other_name() {
    let world = World::new();
    let (file, link) = (world.place.path("notes.toml"), world.place.path("second-name"));
    fs::write(&file, "version = 1\n").unwrap();
    fs::hard_link(&file, &link).unwrap();
    for kind in ["plain", "file"] {
        let store = format!("{kind}:{}", file.display());
        let mut command = world.place.command(&["auth", "logout", "--token-store", &store]);
        let ended: Ended = command.stdin(Stdio::null()).output().unwrap().into();
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("holds no sign-ins"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "version = 1\n");
    assert_eq!(fs::read_to_string(&link).unwrap(), "version = 1\n");
}
