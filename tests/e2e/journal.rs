//! Applies that keep a journal, and their rollbacks.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::harness::{EXAMPLE, Ended, ORDER_INTAKE, Place, binds, pasted, place, until};
use super::leaks::Secrets;

const KEY: &str = "a made-up passphrase";

/// A change to a journal.
type Forgery = fn(&mut Value);

/// Makes the origin of a row that the apply created, from the row's id.
type NewOrigin = fn(&Value) -> Value;

/// The rows of the sandbox, by table and id, without what tells only that they were written to.
type Rows = BTreeMap<(String, String), Value>;

fn state(place: &Place) -> Value {
    serde_json::from_str(&fs::read_to_string(place.state()).unwrap()).unwrap()
}

fn rows(place: &Place) -> Rows {
    let state = state(place);
    let tables = state["tables"].as_object().unwrap().iter();
    let rows = tables.flat_map(|(table, rows)| {
        rows.as_object().unwrap().iter().map(move |(id, row)| {
            let mut values = row["values"].clone();
            values.as_object_mut().unwrap().remove("modifiedon");
            ((table.clone(), id.clone()), values)
        })
    });
    rows.collect()
}

/// Changes the one row whose column holds such a text, behind everybody's back.
fn change(place: &Place, column: &str, part: &str, to: &str) {
    let mut state = state(place);
    let tables = state["tables"].as_object_mut().unwrap().values_mut();
    let rows = tables.flat_map(|rows| rows.as_object_mut().unwrap().values_mut());
    let holds =
        |row: &&mut Value| row["values"][column].as_str().is_some_and(|text| text.contains(part));
    let mut found: Vec<_> = rows.filter(holds).collect();
    assert_eq!(found.len(), 1, "{column} {part}");
    found[0]["values"][column] = Value::from(to);
    found[0]["version"] = Value::from(found[0]["version"].as_u64().unwrap() + 1_000_000);
    fs::write(place.state(), state.to_string()).unwrap();
}

impl Place {
    /// A run with the key that journals are encrypted with.
    fn with_key(&self, arguments: &[&str]) -> Ended {
        self.command(arguments)
            .env("FLOWBIND_STORE_KEY", KEY)
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into()
    }

    fn journal(&self) -> String {
        self.path("journal").display().to_string()
    }

    /// The journal as a command line names it that knows it to be plain.
    fn plain(&self) -> String {
        format!("plain:{}", self.journal())
    }

    /// Changes what is in the plain journal.
    fn forge(&self, change: impl FnOnce(&mut Value)) {
        let mut document =
            serde_json::from_str(&fs::read_to_string(self.journal()).unwrap()).unwrap();
        change(&mut document);
        fs::write(self.journal(), document.to_string()).unwrap();
    }

    /// An apply of the example that keeps a plain journal; and the rows before it.
    fn applied(&self) -> Rows {
        assert_eq!(self.run(&["plan", "--manifest", EXAMPLE, "-e", "sandbox"]).code, 0);
        let before = rows(self);
        let journal = format!("plain:{}", self.journal());
        let ended =
            self.run(&["apply", "--manifest", EXAMPLE, "-e", "sandbox", "--journal", &journal]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_ne!(rows(self), before);
        before
    }

    fn rollback(&self, more: &[&str]) -> (i32, Value) {
        self.json(&[&["rollback", &self.plain()], more].concat())
    }
}

/// How many changes do what.
fn count(document: &Value, action: &str) -> usize {
    let changes = document["changes"].as_array().unwrap();
    changes.iter().filter(|change| change["action"] == action).count()
}

#[test]
fn a_rollback_restores_every_byte_and_a_second_one_has_nothing_to_do() {
    let place = place();
    let before = place.applied();
    let journal = fs::read_to_string(place.journal()).unwrap();
    assert!(!journal.contains("\"id\": null"), "the ids of new rows were added");
    let (code, document) = place.rollback(&["--dry-run"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("planned")));
    assert_eq!(
        place.run(&["rollback", &place.plain(), "--dry-run", "--detailed-exitcode"]).code,
        2
    );
    let (code, document) = place.rollback(&[]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{document:#}");
    assert_eq!((count(&document, "delete"), count(&document, "update")), (4, 3));
    assert_eq!(document["changes"][0]["after"], Value::Null);
    assert_eq!(document["warnings"], json!([]));
    assert_eq!(rows(&place), before);
    let (code, document) = place.rollback(&[]);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")));
    let human = place.run(&["rollback", &place.plain()]);
    assert!(human.stdout.contains("Already rolled back: 7 already restored."), "{}", human.stdout);
}

#[test]
fn a_journal_that_was_rolled_back_undoes_no_later_apply() {
    let place = place();
    place.applied();
    assert_eq!(place.rollback(&[]).1["outcome"], "applied");
    let apply = ["apply", "--manifest", EXAMPLE, "--environment", "sandbox"];
    assert_eq!(place.run(&apply).code, 0);
    let after = rows(&place);
    let (code, document) = place.rollback(&[]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    assert!(document["problems"][0]["message"].as_str().unwrap().contains("already rolled back"));
    assert_eq!(rows(&place), after);
}

#[test]
fn rows_that_were_made_are_found_by_their_keys_while_their_ids_are_not_known() {
    let place = place();
    let before = place.applied();
    let journal = fs::read_to_string(place.journal()).unwrap();
    let mut document: Value = serde_json::from_str(&journal).unwrap();
    let mut made = 0;
    for row in document["rows"].as_array_mut().unwrap() {
        if let Some(created) = row["origin"].get_mut("created") {
            created["id"] = Value::Null;
            created["tag"] = Value::Null;
            made += 1;
        }
    }
    fs::write(place.journal(), document.to_string()).unwrap();
    let (_, document) = place.rollback(&[]);
    assert_eq!(document["outcome"], "applied", "{document:#}");
    assert_eq!(rows(&place), before);
    let warnings = document["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), made, "{document:#}");
    for warning in warnings {
        assert_eq!(warning["code"], "changed-since");
        assert!(
            warning["message"]
                .as_str()
                .unwrap()
                .contains("the journal does not have the row's version")
        );
    }
}

#[test]
fn a_row_that_was_there_before_the_apply_is_not_deleted_whatever_the_journal_calls_it() {
    let place = place();
    place.applied();
    let kept = fs::read_to_string(place.journal()).unwrap();
    let written = rows(&place);
    let record: NewOrigin =
        |id| json!({"id": id, "tag": null, "key": {"columns": {"contoso_name": "shipments"}}});
    let unnamed: NewOrigin =
        |_| json!({"id": null, "tag": null, "key": {"columns": {"contoso_name": "shipments"}}});
    let variable: NewOrigin =
        |id| json!({"id": id, "tag": null, "key": {"definition": ORDER_INTAKE}});
    let forgeries: [(&str, NewOrigin); 3] =
        [("record/", record), ("record/", unnamed), ("PartnerWebhook", variable)];
    for (part, origin) in forgeries {
        fs::write(place.journal(), &kept).unwrap();
        place.forge(|document| {
            let row = updated(document, part);
            row["origin"] = json!({"created": origin(&row["origin"]["updated"])});
        });
        for more in [&[][..], &["--skip-changed"]] {
            let (code, document) = place.rollback(more);
            assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
            assert_eq!(document["problems"][0]["code"], "not-created-by-apply", "{document:#}");
            assert_eq!(rows(&place), written, "{part}");
        }
    }
}

#[test]
fn what_somebody_changed_since_stops_a_rollback_or_is_left_alone_if_that_is_asked_for() {
    let place = place();
    let before = place.applied();
    let shipments = before.values().find(|row| row["contoso_name"] == "shipments").unwrap();
    let written = rows(&place);
    let held = written.values().find(|row| row["contoso_name"] == "shipments").unwrap();
    let other = "https://prod-99.westeurope.logic.azure.com/workflows/1?api-version=1";
    change(&place, "contoso_url", held["contoso_url"].as_str().unwrap(), other);
    let changed = rows(&place);

    let (code, document) = place.rollback(&[]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    let problem = &document["problems"][0];
    assert_eq!(problem["code"], "changed-since");
    assert_eq!(problem["address"], "record/contoso_endpoint[contoso_name=shipments]/contoso_url");
    assert_eq!(rows(&place), changed, "nothing was written at all");

    let (code, document) = place.rollback(&["--skip-changed"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{document:#}");
    assert_eq!(document["warnings"][0]["code"], "changed-since");
    let after = rows(&place);
    let differs: Vec<_> = after.iter().filter(|(key, row)| before.get(*key) != Some(row)).collect();
    assert_eq!((after.len(), differs.len()), (before.len(), 1));
    assert_eq!(differs[0].1["contoso_url"], other);
    assert_ne!(shipments["contoso_url"], other);
    let ended = place.run(&["rollback", &place.plain(), "--skip-changed"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.ends_with(" already restored, 1 skipped.\n"), "{}", ended.stdout);
}

#[test]
fn a_journal_is_encrypted_and_nothing_of_it_is_shown_at_any_level_of_the_log() {
    let place = place();
    let everything = ["--log", "trace"];
    let journal = place.journal();
    let apply = ["apply", "--manifest", EXAMPLE, "-e", "sandbox", "--journal", &journal];
    let mut shown = String::new();
    let mut run = |arguments: &[&str], code| {
        let ended = place.with_key(&[arguments, &everything].concat());
        assert_eq!(ended.code, code, "{}", ended.stderr);
        shown += &ended.stdout;
        shown += &ended.stderr;
    };
    run(&apply, 0);
    let bytes = fs::read(&journal).unwrap();
    let file = String::from_utf8_lossy(&bytes).into_owned();
    run(&["rollback", &journal, "--dry-run"], 0);
    let written = fs::read_to_string(place.state()).unwrap();
    run(&["rollback", &journal, "--format", "json"], 0);
    run(&["rollback", &journal], 0);
    let earlier = fs::read_to_string(place.state()).unwrap();
    let signatures = [&written, &earlier].map(|state| signature(state));
    assert_ne!(signatures[0], signatures[1]);
    let secrets = Secrets::of(signatures.iter().map(String::as_str).chain([KEY]));
    secrets.assert_absent("the program", &shown);
    secrets.assert_absent("the journal", &bytes);
    assert!(bytes.starts_with(b"age-encryption.org/"));
    assert!(!file.contains("contoso") && !file.contains("https://") && !file.contains("sig="));
    assert!(!shown.contains("sig=") && shown.contains("$batch"));
}

/// The signature of the partner's webhook in the sandbox's state.
fn signature(state: &str) -> String {
    let state: Value = serde_json::from_str(state).unwrap();
    let values = state["tables"]["environmentvariablevalue"].as_object().unwrap().values();
    let texts = values.filter_map(|row| row["values"]["value"].as_str());
    let signed = texts.filter_map(|text| text.split_once("sig=")).map(|(_, rest)| rest);
    let signed: Vec<&str> = signed.collect();
    assert_eq!(signed.len(), 1);
    signed[0].split('&').next().unwrap().to_owned()
}

#[test]
fn the_wrong_key_no_key_and_a_damaged_journal_are_told_apart_before_anything_is_contacted() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let journal = place.journal();
    let apply = ["apply", "--manifest", &manifest, "--journal", &journal];
    let refused = place.run(&apply);
    assert_eq!(refused.code, 3);
    let said = words(&refused.stderr);
    assert!(said.contains("openssl rand -base64 32") && said.contains("plain:"), "{said}");
    assert!(said.contains("nothing was contacted") && !place.state().exists());

    assert_eq!(place.with_key(&apply).code, 0);
    let rollback = |key: &str| {
        let mut command = place.command(&["rollback", &journal]);
        let ended: Ended = command.env("FLOWBIND_STORE_KEY", key).output().unwrap().into();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        words(&ended.stderr)
    };
    assert!(rollback("another passphrase").contains("another key"));
    assert!(rollback("").contains("FLOWBIND_STORE_KEY is not set"));
    let mut bytes = fs::read(&journal).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&journal, &bytes).unwrap();
    assert!(rollback(KEY).contains("cannot be opened"));
    fs::write(&journal, "{}").unwrap();
    assert!(rollback(KEY).contains("no journal of flowbind"));
}

/// A text without the places where its lines end.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_journal_that_is_there_is_never_overwritten() {
    let place = place();
    fs::write(place.journal(), "worth something").unwrap();
    for journal in [place.journal(), format!("plain:{}", place.journal())] {
        let ended = place.with_key(&[
            "apply",
            "--manifest",
            EXAMPLE,
            "-e",
            "sandbox",
            "--journal",
            &journal,
        ]);
        assert_eq!(ended.code, 3);
        assert!(words(&ended.stderr).contains("not overwritten"), "{}", ended.stderr);
    }
    assert!(!place.state().exists(), "nothing was contacted");
    assert_eq!(fs::read_to_string(place.journal()).unwrap(), "worth something");
    let nowhere = place.path("no-such-folder/journal").display().to_string();
    let ended =
        place.with_key(&["apply", "--manifest", EXAMPLE, "-e", "sandbox", "--journal", &nowhere]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
}

#[test]
fn where_nothing_changes_no_journal_is_kept_and_the_run_says_so() {
    let place = place();
    place.applied();
    let second = format!("plain:{}", place.path("second").display());
    for more in [&[][..], &["--dry-run"]] {
        let apply = ["apply", "--manifest", EXAMPLE, "-e", "sandbox", "--journal", &second];
        let ended = place.run(&[&apply, more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("no journal was written"), "{}", ended.stderr);
    }
    assert!(!place.path("second").exists());
}

#[cfg(unix)]
#[test]
fn a_journal_is_its_owners_alone_and_a_plain_one_must_stay_so() {
    use std::os::unix::fs::PermissionsExt;

    let place = place();
    place.applied();
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.journal()), 0o600);
    let left: Vec<_> =
        fs::read_dir(place.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
    fs::set_permissions(place.journal(), fs::Permissions::from_mode(0o644)).unwrap();
    let ended = place.run(&["rollback", &place.plain()]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("chmod 600"), "{}", ended.stderr);
}

#[test]
fn a_journal_of_another_environment_is_refused() {
    let place = place();
    place.applied();
    let journal = fs::read_to_string(place.journal()).unwrap();
    let mut document: Value = serde_json::from_str(&journal).unwrap();
    document["head"]["environment-id"] = "7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4e".into();
    fs::write(place.journal(), document.to_string()).unwrap();
    let written = rows(&place);
    let (code, document) = place.rollback(&[]);
    assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("another environment") && message.contains("nothing was written"));
    assert_eq!(rows(&place), written);
}

#[test]
fn an_apply_that_is_killed_before_its_change_set_is_in_has_nothing_to_undo() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\nstatus = 429\nretry-after = 60\ntimes = 9\n";
    let text = fs::read_to_string(place.tenant(&[])).unwrap();
    let tenant = place.write("tenant.toml", &format!("{text}\n{fault}"));
    let journal = format!("plain:{}", place.journal());
    let apply =
        ["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant, "--journal", &journal];
    let mut child =
        place.command(&apply).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    until(|| place.path("journal").exists().then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, document) = place.rollback(&["--sandbox-tenant", &tenant]);
    assert_eq!((code, &document["outcome"]), (0, &json!("agreed")), "{document:#}");
    let again = place.run(&apply);
    assert_eq!(again.code, 3, "{}", again.stderr);
}

#[test]
fn a_row_that_is_deleted_between_reading_and_writing_is_a_conflict_and_nothing_is_written() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_PartnerWebhookUrl"));
    // The row is read at once, and what was read arrives after the row is gone.
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"environmentvariabledefinitions\"\naction = \"delay\"\ndelay = 6000\ntimes = 1\n";
    let (tenant, record) = (place.tenant_with(fault), place.path("record").display().to_string());
    let options = ["--sandbox-tenant", &tenant, "--sandbox-record", &record, "--yes"];
    let mut command = place.command(&[&["apply", "--manifest", &manifest], &options[..]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| {
        let record = fs::read_to_string(&record).ok()?;
        record.contains("environmentvariabledefinitions").then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut state = state(&place);
    let values = state["tables"]["environmentvariablevalue"].as_object_mut().unwrap();
    let kept = values.len();
    values.retain(|_, row| !row["values"]["value"].as_str().unwrap().contains("sig="));
    assert_eq!(values.len(), kept - 1);
    fs::write(place.state(), state.to_string()).unwrap();
    let before = rows(&place);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let said = words(&ended.stderr);
    assert!(said.contains("404") && said.contains("nothing was written"), "{said}");
    assert_eq!(rows(&place), before);
}

#[test]
fn a_rollback_whose_answer_is_lost_is_looked_for_and_found() {
    let place = place();
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"$batch\"\nstatus = 504\ntimes = 9\nexecuted = true\n";
    let text = fs::read_to_string(place.tenant(&[])).unwrap();
    let tenant = place.write("tenant.toml", &format!("{text}\n{fault}"));
    let run = |arguments: &[&str]| {
        let ended = place.run(&[arguments, &["--sandbox-tenant", &tenant]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended
    };
    run(&["plan", "--manifest", EXAMPLE, "-e", "sandbox"]);
    let before = rows(&place);
    let journal = format!("plain:{}", place.journal());
    run(&["apply", "--manifest", EXAMPLE, "-e", "sandbox", "--journal", &journal]);
    let ended = run(&["rollback", &place.plain()]);
    assert!(ended.stdout.contains("Rolled back: 3 restored, 4 removed"), "{}", ended.stdout);
    assert_eq!(rows(&place), before);
}

#[test]
fn a_served_environment_needs_no_manifest_to_be_rolled_back() {
    let place = place();
    let served = super::harness::Served::start(&place, &["--approve-after", "0"]);
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let journal = format!("plain:{}", place.journal());
    let apply = ["apply", "--manifest", &manifest, "-e", &served.url, "--journal", &journal];
    assert_eq!(place.json(&apply).1["outcome"], "applied");
    let (code, document) = place.rollback(&["--manifest", "no-such-file.toml"]);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{document:#}");
    assert_eq!(document["environment"]["url"], served.url.as_str());
}

#[test]
fn a_run_that_does_not_know_what_is_in_says_how_to_undo_it() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    // The first reading passes; the one that is to prove the write does not.
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"environmentvariabledefinitions\"\nafter = 1\nstatus = 403\ntimes = 99\n";
    let tenant = place.tenant_with(fault);
    let journal = place.journal();
    let run = ["apply", "--manifest", &manifest, "--sandbox-tenant", &tenant];
    let ended = place.with_key(&[&run[..], &["--journal", &journal]].concat());
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let (at, with) = (pasted(&journal), pasted(&manifest));
    let undo = format!("or undo what was written: `flowbind rollback {at} --manifest {with}");
    assert!(said.contains(&undo), "{said}");
    let undone = place.with_key(&["rollback", &journal, "--manifest", &manifest]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
}

#[test]
fn the_same_command_keeps_a_new_journal_each_time_and_names_it() {
    let place = place();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_OrderIntakeUrl"));
    let fault = "[[fault]]\nservice = \"dataverse\"\npath-contains = \"environmentvariabledefinitions\"\nafter = 1\nstatus = 403\ntimes = 99\n";
    let tenant = place.tenant_with(fault);
    fs::create_dir(place.path("kept")).unwrap();
    let kept = || {
        let files = fs::read_dir(place.path("kept")).unwrap();
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let folder = place.path("kept").display().to_string();
    let apply = ["apply", "--manifest", &manifest, "--journal"];
    let refused = place.with_key(&[&apply[..], &[&folder]].concat());
    assert_eq!((refused.code, kept().len()), (3, 0), "{}", refused.stderr);
    assert!(
        words(&refused.stderr).contains(&format!("`--journal {folder}/`")),
        "{}",
        refused.stderr
    );

    let folder = format!("{folder}/");
    let in_folder = [&apply[..], &[&folder, "--sandbox-tenant", &tenant]].concat();
    let unknown = place.with_key(&in_folder);
    assert_eq!((unknown.code, kept().len()), (7, 1), "{}", unknown.stderr);
    let first = kept()[0].display().to_string();
    assert!(first.ends_with("Z.journal"), "{first}");
    let said = words(&unknown.stderr);
    assert!(said.contains(&format!("`flowbind rollback {first} ")), "{said}");
    assert!(said.contains(&format!("in the journal {first} ")), "{said}");
    assert_eq!(place.with_key(&["rollback", &first, "--manifest", &manifest]).code, 0);
    let again = place.with_key(&[&apply[..], &[&folder]].concat());
    assert_eq!((again.code, kept().len()), (0, 2), "{}", again.stderr);
}

/// The rows of a journal that were there before the apply and belong to such an address.
fn updated<'a>(document: &'a mut Value, part: &str) -> &'a mut Value {
    let rows = document["rows"].as_array_mut().unwrap();
    let is_meant = |row: &&mut Value| {
        let address = row["places"][0]["address"].as_str().unwrap();
        row["origin"].get("updated").is_some() && address.contains(part)
    };
    rows.iter_mut().find(is_meant).unwrap()
}

#[test]
fn what_a_journal_is_taken_for_comes_from_the_command_and_never_from_the_file() {
    let place = place();
    place.applied();
    let written = rows(&place);
    for ended in [
        place.with_key(&["rollback", &place.journal()]),
        place.run(&["rollback", &place.journal()]),
    ] {
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let said = words(&ended.stderr);
        for part in ["is not encrypted", "nothing was contacted", "someone has replaced the file"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let command = format!("`flowbind rollback {}", pasted(&place.plain()));
        assert!(said.contains(&command), "{said}");
    }
    assert_eq!(rows(&place), written);

    let sealed = place.path("sealed").display().to_string();
    let manifest = place.manifest(&binds(ORDER_INTAKE, "contoso_StockUrl"));
    let apply = ["apply", "--manifest", &manifest, "--journal", &sealed];
    assert_eq!(place.with_key(&apply).code, 0);
    let ended = place.with_key(&["rollback", &format!("plain:{sealed}")]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let said = words(&ended.stderr);
    assert!(said.contains("is encrypted, but there is `plain:`"), "{said}");
    assert!(said.contains(&format!("`flowbind rollback {}", pasted(&sealed))), "{said}");
}

#[test]
fn a_journal_that_calls_a_row_by_the_address_of_another_target_is_refused() {
    let place = place();
    place.applied();
    let kept = fs::read_to_string(place.journal()).unwrap();
    let written = rows(&place);
    let cases = [
        ("contoso_PartnerWebhookUrl", "environment-variable/contoso_OrderIntakeUrl"),
        ("record/", "record/contoso_endpoint[contoso_name=somebody]/contoso_url"),
        ("record/", "record/contoso_endpoint[contoso_nothing=shipments]/contoso_url"),
        ("record/", "record/account[contoso_name=shipments]/contoso_url"),
        ("record/", "record/contoso_nothing[contoso_name=shipments]/contoso_url"),
        ("record/", "record/contoso_endpoint[contoso_name=shipments ]/contoso_url"),
        ("record/", "record/contoso_endpoint[contoso_region=emea]/contoso_url"),
        ("record/", "record/contoso_endpoint[a09e4a0d-3a1c-f011-998a-7c1e5275cfe9]/contoso_url"),
    ];
    for (part, other) in cases {
        fs::write(place.journal(), &kept).unwrap();
        place.forge(|document| updated(document, part)["places"][0]["address"] = other.into());
        let (code, document) = place.rollback(&[]);
        assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{other}: {document:#}");
        assert_eq!(document["problems"][0]["code"], "label-mismatch", "{document:#}");
        assert_eq!(rows(&place), written, "{other}");
    }
}

#[test]
fn a_journal_with_another_primary_key_is_refused_with_that_reason() {
    let place = place();
    place.applied();
    let kept = fs::read_to_string(place.journal()).unwrap();
    let written = rows(&place);
    for other in ["contoso_otherid", "contoso_name", "ownerid"] {
        fs::write(place.journal(), &kept).unwrap();
        place.forge(|document| updated(document, "record/")["primary-id"] = other.into());
        let (code, document) = place.rollback(&[]);
        assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{other}: {document:#}");
        let problem = &document["problems"][0];
        assert_eq!(problem["code"], "label-mismatch");
        let said = format!("is `{other}`, and it is `contoso_endpointid`");
        assert!(problem["message"].as_str().unwrap().contains(&said), "{document:#}");
        assert_eq!(rows(&place), written, "{other}");
    }
}

/// What is said of a lookup column, added to the shipped tenant.
const LOOKUP: &str = "[[table.column]]\nname = \"contoso_parent\"\ntype = \"lookup\"\ntarget = \"contoso_endpoint\"\nnavigation = \"contoso_Parent\"\n\n[[table.key]]";

#[test]
fn a_record_that_was_found_by_a_lookup_is_rolled_back() {
    let place = place();
    let parent = "8e946dae-28fb-4011-998a-7c1e5275cfe9";
    let child = format!("contoso_name = \"orders\"\ncontoso_parent = \"{parent}\"");
    let tenant =
        place.tenant(&[("[[table.key]]", LOOKUP), ("contoso_name = \"orders\"", child.as_str())]);
    let target = format!(
        "[[flow.target]]\ntable = \"contoso_endpoint\"\nkey = {{ contoso_parent = \"{parent}\" }}\ncolumn = \"contoso_url\"\n"
    );
    let manifest = place.manifest(&format!("[[flow]]\nworkflow-id = \"{ORDER_INTAKE}\"\n{target}"));
    let of_tenant = ["--manifest", &manifest, "--sandbox-tenant", &tenant];
    let plain = place.plain();
    let apply = [&["apply", "--journal", &plain], &of_tenant[..]].concat();
    assert_eq!(place.json(&apply).1["outcome"], "applied");
    let (code, document) = place.rollback(&of_tenant);
    assert_eq!((code, &document["outcome"]), (0, &json!("applied")), "{document:#}");
}

#[test]
fn rows_without_a_version_are_not_rolled_back_and_the_problem_says_so() {
    for table in ["contoso_endpoint", "environmentvariablevalue"] {
        let place = place();
        place.applied();
        let without = format!("location = \"europe\"\nwithout-etags = [\"{table}\"]");
        let tenant = place.tenant(&[("location = \"europe\"", &without)]);
        // The state stays that of the apply.
        let mut state = state(&place);
        let other = place.path("other.json").display().to_string();
        let of_tenant = ["--sandbox-tenant", tenant.as_str(), "--sandbox-state", other.as_str()];
        let manifest = ["--manifest", EXAMPLE, "-e", "sandbox"];
        assert_eq!(place.run(&[&["plan"], &manifest[..], &of_tenant].concat()).code, 5);
        let fresh: Value = serde_json::from_str(&fs::read_to_string(&other).unwrap()).unwrap();
        state["tenant"] = fresh["tenant"].clone();
        fs::write(&other, state.to_string()).unwrap();
        let (code, document) = place.rollback(&of_tenant);
        assert_eq!((code, &document["outcome"]), (5, &json!("refused")), "{document:#}");
        assert_eq!(document["problems"][0]["code"], "row-without-etag", "{document:#}");
        let after: Value = serde_json::from_str(&fs::read_to_string(&other).unwrap()).unwrap();
        assert_eq!(after["tables"], state["tables"]);
    }
}

#[test]
fn a_journal_that_no_apply_kept_is_refused_with_the_reason_before_anything_is_contacted() {
    let place = place();
    place.applied();
    let kept = fs::read_to_string(place.journal()).unwrap();
    let forgeries: [(&str, Forgery); 3] = [
        ("changes the same row twice", |document| {
            let row = updated(document, "record/").clone();
            document["rows"].as_array_mut().unwrap().push(row);
        }),
        ("a wrong primary key", |document| {
            updated(document, "PartnerWebhook")["primary-id"] = "componentidunique".into();
        }),
        ("does not say when it was kept", |document| {
            document["head"]["time"] = "long ago".into();
        }),
    ];
    for (reason, forge) in forgeries {
        fs::write(place.journal(), &kept).unwrap();
        place.forge(forge);
        let ended = place.run(&["rollback", &place.plain()]);
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        assert!(words(&ended.stderr).contains(reason), "{}", ended.stderr);
    }
}

#[test]
fn a_journal_that_changes_what_no_address_shows_is_refused_before_anything_is_contacted() {
    let place = place();
    place.applied();
    let kept = fs::read_to_string(place.journal()).unwrap();
    let forgeries: [Forgery; 4] = [
        |document| updated(document, "environment-variable/")["places"] = json!([]),
        |document| {
            let row = updated(document, "record/");
            row["columns"]["contoso_name"] = json!({"before": "x", "after": "shipments"});
        },
        |document| updated(document, "#")["columns"]["value"]["before"] = "{\"other\": 1}".into(),
        |document| {
            let place = &mut updated(document, "record/")["places"][0];
            place["address"] = "record/contoso_endpoint[contoso_name=a]/another".into();
        },
    ];
    for forge in forgeries {
        fs::write(place.journal(), &kept).unwrap();
        place.forge(forge);
        let ended = place.run(&["rollback", &place.plain()]);
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        assert!(
            words(&ended.stderr).contains("something that none of its addresses names"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn an_earlier_value_that_leads_to_a_foreign_host_is_a_warning_in_the_plan_of_the_rollback() {
    let place = place();
    place.applied();
    assert_eq!(place.rollback(&["--dry-run"]).1["warnings"], json!([]));
    for earlier in [
        "https://collector.example/take",
        "collector.example/take",
        "//collector.example/take",
        "wss://collector.example/take",
        "see https://collector.example/take, and no other",
    ] {
        place.forge(|document| {
            updated(document, "record/")["columns"]["contoso_url"]["before"] = earlier.into();
        });
        let (code, document) = place.rollback(&["--dry-run"]);
        assert_eq!(code, 0, "{document:#}");
        let warnings = document["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{earlier}: {document:#}");
        assert_eq!(warnings[0]["code"], "restores-elsewhere");
        assert!(warnings[0]["message"].as_str().unwrap().contains("`collector.example`"));
    }
    place.forge(|document| {
        updated(document, "record/")["columns"]["contoso_url"]["before"] =
            "http://prod-08.westeurope.logic.azure.com/workflows/1".into();
    });
    let (_, document) = place.rollback(&["--dry-run"]);
    let message = document["warnings"][0]["message"].as_str().unwrap();
    assert!(message.contains("`http`, which is not encrypted"), "{document:#}");
}
