//! The store as its callers use it, over real files.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use keyring_core::Error;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::testing::{keyring, name, sign_in};
use super::*;

/// Names the folder in which a child of a test holds the lock.
const HELD_FOLDER: &str = "FLOWBIND_TEST_HELD_FOLDER";

/// A folder and the stores in it.
struct Place {
    folder: TempDir,
    key: StoreKey,
    keyring: Keyring,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, key: StoreKey::generate().0, keyring: keyring().0 }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("state").join(file)
    }

    fn store(&self, choice: &str) -> Store {
        let (choice, folder) = (choice.parse().unwrap(), self.folder.path().join("state"));
        let mut store = Store::open(&choice, &folder, Some(self.key.clone())).unwrap().unwrap();
        if choice == TokenStore::Keyring {
            store.protection = FileProtection::Keyring(self.keyring.clone());
        }
        store
    }

    /// One store of each kind.
    fn stores(&self) -> [Store; 3] {
        ["keyring", "file", "plain"].map(|choice| self.store(choice))
    }
}

/// Where this process writes what is to take the store's place.
fn beside_new(store: &Store) -> PathBuf {
    file::with_added_ending(store.file_path(), &format!("{}.new", std::process::id()))
}

/// Adds a sign-in as a run does.
async fn add(store: &Store, client_id: &str, token: &str) -> Result<(), StoreError> {
    let mut exclusive = store.lock_and_read().await?;
    let mut sign_ins = exclusive.sign_ins().clone();
    sign_ins.put(name(client_id), sign_in(token));
    exclusive.save(sign_ins)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn kept(sign_ins: &SignIns, client_id: &str) -> Option<String> {
    sign_ins.find(&name(client_id)).map(|found| found.refresh_token.expose().to_owned())
}

#[tokio::test]
async fn what_one_run_keeps_the_next_one_finds_in_every_store() {
    let place = Place::new();
    for store in place.stores() {
        assert!(store.read().await.unwrap().is_empty());
        add(&store, "a", "first").await.unwrap();
        add(&store, "b", "other").await.unwrap();
        add(&store, "a", "second").await.unwrap();
        let sign_ins = store.read().await.unwrap();
        assert_eq!(kept(&sign_ins, "a").as_deref(), Some("second"));
        assert_eq!(kept(&sign_ins, "b").as_deref(), Some("other"));
        assert_eq!(store.lock_and_read().await.unwrap().sign_ins(), &sign_ins);
    }
}

#[tokio::test]
async fn a_look_makes_no_folder_and_no_key() {
    let place = Place::new();
    for store in place.stores() {
        assert!(store.read().await.unwrap().is_empty());
    }
    assert!(!place.path("").exists());
    assert!(place.keyring.read_key().await.unwrap().is_none());
}

#[test]
fn none_is_no_store_and_a_file_needs_a_key() {
    let folder = Path::new("/nowhere");
    assert!(Store::open(&TokenStore::None, folder, None).unwrap().is_none());
    let missing = Store::open(&TokenStore::File(None), folder, None).unwrap_err();
    assert!(matches!(missing, StoreError::MissingKey));
    let named = TokenStore::Plain(Some("else/kept.json".into()));
    let store = Store::open(&named, folder, None).unwrap().unwrap();
    assert_eq!(store.file_path(), Path::new("else/kept.json"));
}

#[tokio::test]
async fn files_and_folders_are_the_users_alone() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "made-up").await.unwrap();
        assert_eq!(mode(store.file_path()), 0o600);
        assert_eq!(mode(&file::with_added_ending(store.file_path(), "lock")), 0o600);
        assert!(!beside_new(&store).exists());
    }
    assert_eq!(mode(&place.path("")), 0o700);
}

#[tokio::test]
async fn only_a_plain_file_shows_a_token() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "hush-hush").await.unwrap();
        let content = fs::read(store.file_path()).unwrap();
        let shows = content.windows(9).any(|part| part == b"hush-hush");
        assert_eq!(shows, store.file_path().ends_with(PLAIN_FILE), "{store:?}");
    }
}

#[tokio::test]
async fn no_debug_text_shows_a_secret() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "hush-hush").await.unwrap();
        let text = format!("{store:?} {:?}", store.lock_and_read().await.unwrap());
        assert!(!text.contains("hush") && !text.contains("AGE-"), "{text}");
    }
}

#[tokio::test]
async fn the_last_sign_in_takes_the_file_with_it() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "made-up").await.unwrap();
        let mut exclusive = store.lock_and_read().await.unwrap();
        exclusive.save(SignIns::default()).unwrap();
        assert!(exclusive.sign_ins().is_empty() && !store.file_path().exists());
    }
}

#[tokio::test]
async fn clearing_removes_what_cannot_be_read_and_says_whether_there_was_anything() {
    let place = Place::new();
    for store in place.stores() {
        assert!(!store.remove_all().await.unwrap());
        add(&store, "a", "made-up").await.unwrap();
        fs::write(store.file_path(), "damaged").unwrap();
        fs::write(file::with_added_ending(store.file_path(), "new"), "left").unwrap();
        assert!(store.remove_all().await.unwrap());
        assert!(
            !store.file_path().exists()
                && !file::with_added_ending(store.file_path(), "new").exists()
        );
        assert!(!store.remove_all().await.unwrap());
    }
    assert!(place.keyring.read_key().await.unwrap().is_none());
}

#[tokio::test]
async fn a_plain_file_that_others_may_read_is_refused() {
    let place = Place::new();
    let store = place.store("plain");
    add(&store, "a", "made-up").await.unwrap();
    for open in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(store.file_path(), fs::Permissions::from_mode(open)).unwrap();
        for error in [store.read().await.unwrap_err(), store.lock_and_read().await.unwrap_err()] {
            assert!(matches!(error, StoreError::Exposed { mode, .. } if mode == open), "{error}");
            assert!(error.is_input_error() && error.hints()[0].contains("chmod 600"));
        }
    }
}

#[tokio::test]
async fn a_link_is_read_through_to_a_regular_file_only() {
    let place = Place::new();
    let store = place.store("plain");
    add(&store, "a", "made-up").await.unwrap();
    let elsewhere = place.path("elsewhere");
    fs::rename(store.file_path(), &elsewhere).unwrap();
    symlink(&elsewhere, store.file_path()).unwrap();
    assert!(!store.read().await.unwrap().is_empty());

    fs::remove_file(store.file_path()).unwrap();
    for other in [Path::new("/dev/zero"), &place.path("")] {
        symlink(other, store.file_path()).unwrap();
        let error = store.read().await.unwrap_err();
        assert!(matches!(error, StoreError::NotAFile { .. }), "{error}");
        fs::remove_file(store.file_path()).unwrap();
    }
}

#[tokio::test]
async fn a_link_is_followed_when_a_sign_in_is_kept_and_when_it_is_removed() {
    let place = Place::new();
    for choice in ["file", "plain"] {
        let (real, link) = (place.path("real"), place.path("link"));
        fs::create_dir_all(place.path("")).unwrap();
        symlink("real", &link).unwrap();
        let store = place.store(&format!("{choice}:{}", link.display()));
        add(&store, "a", "first").await.unwrap();
        assert!(link.is_symlink() && !real.is_symlink() && mode(&real) == 0o600);
        let direct = place.store(&format!("{choice}:{}", real.display()));
        assert_eq!(kept(&direct.read().await.unwrap(), "a").as_deref(), Some("first"));
        assert!(store.remove_all().await.unwrap());
        assert!(!real.exists(), "the token is gone, and not only the link to it");
        fs::remove_file(&link).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn two_names_of_one_file_have_one_lock_or_are_refused() {
    let place = Place::new();
    let store = place.store("plain");
    add(&store, "a", "made-up").await.unwrap();
    let (link, hard) = (place.path("link"), place.path("hard"));
    symlink(store.file_path(), &link).unwrap();
    let linked = place.store(&format!("plain:{}", link.display()));
    let held = store.lock_and_read().await.unwrap();
    assert!(matches!(linked.lock_and_read().await.unwrap_err(), StoreError::Busy { .. }));
    drop(held);
    fs::hard_link(store.file_path(), &hard).unwrap();
    let other = place.store(&format!("plain:{}", hard.display()));
    for one in [&store, &other] {
        let error = one.lock_and_read().await.unwrap_err();
        assert!(matches!(error, StoreError::Linked { .. }) && error.is_input_error(), "{error}");
    }
    assert!(other.remove_all().await.unwrap());
    assert_eq!(fs::read(store.file_path()).unwrap(), b"", "no name leads to the token any more");
}

#[tokio::test]
async fn the_place_of_the_next_token_is_there_before_it_comes_and_goes_if_none_comes() {
    let place = Place::new();
    let store = place.store("file");
    add(&store, "a", "old").await.unwrap();
    let mut exclusive = store.lock_and_read().await.unwrap();
    exclusive.reserve_space().unwrap();
    assert!(fs::metadata(beside_new(&store)).unwrap().len() > 16_000);
    drop(exclusive);
    assert!(!beside_new(&store).exists());
    fs::create_dir(beside_new(&store)).unwrap();
    let error = store.lock_and_read().await.unwrap().reserve_space().unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert_eq!(kept(&store.read().await.unwrap(), "a").as_deref(), Some("old"));
}

#[tokio::test]
async fn a_link_in_the_place_of_the_new_file_is_not_followed() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "first").await.unwrap();
        let victim = place.path("victim");
        fs::write(&victim, "untouched").unwrap();
        for new in ["new".to_owned(), "1.new".to_owned()] {
            symlink(&victim, file::with_added_ending(store.file_path(), &new)).unwrap();
        }
        add(&store, "a", "second").await.unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert!(!store.file_path().is_symlink() && mode(store.file_path()) == 0o600);
        assert_eq!(kept(&store.read().await.unwrap(), "a").as_deref(), Some("second"));
    }
}

#[tokio::test]
async fn a_run_that_ends_before_the_new_file_is_in_place_leaves_the_old_one() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "old").await.unwrap();
        fs::write(beside_new(&store), b"half of someth").unwrap();
        assert_eq!(kept(&store.read().await.unwrap(), "a").as_deref(), Some("old"));
        add(&store, "b", "new").await.unwrap();
        let sign_ins = store.read().await.unwrap();
        assert_eq!(kept(&sign_ins, "a").as_deref(), Some("old"));
        assert_eq!(kept(&sign_ins, "b").as_deref(), Some("new"));
    }
}

#[tokio::test]
async fn a_save_that_fails_keeps_what_was_kept() {
    let place = Place::new();
    let store = place.store("file");
    add(&store, "a", "old").await.unwrap();
    fs::create_dir(beside_new(&store)).unwrap();
    let error = add(&store, "a", "lost").await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert_eq!(kept(&store.read().await.unwrap(), "a").as_deref(), Some("old"));
}

#[tokio::test]
async fn a_file_of_another_key_is_told_and_left_as_it_is() {
    let place = Place::new();
    let store = place.store("file");
    add(&store, "a", "made-up").await.unwrap();
    let content = fs::read(store.file_path()).unwrap();
    let other = Store { protection: FileProtection::Key(StoreKey::generate().0), ..store.clone() };
    let error = add(&other, "b", "lost").await.unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { holder: KeySource::Variable, .. }), "{error}");
    assert_eq!(fs::read(store.file_path()).unwrap(), content);
}

#[tokio::test]
async fn a_keyring_that_lost_or_changed_the_key_is_told() {
    let place = Place::new();
    let store = place.store("keyring");
    add(&store, "a", "made-up").await.unwrap();
    place.keyring.remove_key().await.unwrap();
    for error in [store.read().await.unwrap_err(), store.lock_and_read().await.unwrap_err()] {
        assert!(matches!(error, StoreError::LostKey { .. }), "{error}");
    }
    assert!(place.keyring.read_key().await.unwrap().is_none());
    place.keyring.make_key().await.unwrap();
    let error = store.read().await.unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { holder: KeySource::Keyring, .. }), "{error}");
}

#[tokio::test]
async fn an_unavailable_keyring_is_known_before_anybody_signs_in() {
    let place = Place::new();
    let absent = Keyring::new(|| Err(Error::NoStorageAccess("no bus".into())));
    let store = Store { protection: FileProtection::Keyring(absent), ..place.store("keyring") };
    assert!(store.read().await.unwrap().is_empty());
    let error = store.lock_and_read().await.unwrap_err();
    assert!(matches!(error, StoreError::KeyringUnavailable { .. }) && !error.is_input_error());
    let commands = error.hints().split_off(2);
    assert!(commands[0].contains("FLOWBIND_STORE_KEY"), "{commands:?}");
    assert_eq!(commands[1], "`flowbind auth login --token-store file`");

    fs::write(store.file_path(), "left").unwrap();
    assert!(store.remove_all().await.is_err());
    assert!(!store.file_path().exists());
}

#[tokio::test]
async fn what_somebody_tampered_with_is_told_without_its_content() {
    let place = Place::new();
    for store in place.stores() {
        add(&store, "a", "hush-hush").await.unwrap();
        let mut content = fs::read(store.file_path()).unwrap();
        *content.last_mut().unwrap() ^= 1;
        fs::write(store.file_path(), content).unwrap();
        let error = store.read().await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
        assert!(error.hints()[0].contains("`flowbind auth logout`"), "{:?}", error.hints());
        assert!(!format!("{error:?}").contains("hush"));
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read_whole() {
    let place = Place::new();
    let store = place.store("file");
    file::make_folder(store.file_path()).unwrap();
    fs::write(store.file_path(), vec![b'a'; file::MOST_BYTES + 1]).unwrap();
    let error = store.read().await.unwrap_err();
    assert!(
        matches!(error, StoreError::Unreadable { source: Damage::Size, .. }),
        "{error}: {error:?}"
    );
}

#[tokio::test]
async fn ten_tasks_at_once_lose_nothing() {
    let place = Place::new();
    for store in place.stores() {
        let mut tasks = JoinSet::new();
        for number in 0..10 {
            let store = store.clone();
            tasks.spawn(async move { add(&store, &format!("app-{number}"), "made-up").await });
        }
        while let Some(added) = tasks.join_next().await {
            added.unwrap().unwrap();
        }
        assert_eq!(store.read().await.unwrap().iter().count(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_task_waits_until_the_first_lets_go() {
    let place = Place::new();
    let store = place.store("file");
    let held = store.lock_and_read().await.unwrap();
    let error = store.lock_and_read().await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    assert!(error.to_string().contains("sign-ins.age.lock` for 600 seconds"), "{error}");
    assert!(store.read().await.unwrap().is_empty());
    drop(held);
    store.lock_and_read().await.unwrap();
}

/// Runs this test program again, in which one test holds the lock until its input ends.
fn holder(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sign_in::store::tests::a_child_holds_the_lock", "--nocapture"])
        .env(HELD_FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));
    child
}

#[tokio::test]
async fn a_child_holds_the_lock() {
    let Some(folder) = std::env::var_os(HELD_FOLDER) else { return };
    let store = Store::open(&TokenStore::Plain(None), Path::new(&folder), None).unwrap().unwrap();
    let _held = store.lock_and_read().await.unwrap();
    std::io::stdout().write_all(b"held\n").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_process_waits_too_and_a_dead_one_holds_nothing() {
    let place = Place::new();
    let store = place.store("plain");
    let mut child = holder(&place.path(""));
    assert!(matches!(store.lock_and_read().await.unwrap_err(), StoreError::Busy { .. }));
    child.kill().unwrap();
    child.wait().unwrap();
    store.lock_and_read().await.unwrap();
}

#[tokio::test]
async fn a_passphrase_serves_as_a_key_too() {
    let place = Place::new();
    let key = "a passphrase that is long".parse().unwrap();
    let store = Store { protection: FileProtection::Key(key), ..place.store("file") };
    add(&store, "a", "made-up").await.unwrap();
    assert_eq!(kept(&store.read().await.unwrap(), "a").as_deref(), Some("made-up"));
}

#[test]
fn a_made_key_is_an_identity_of_age() {
    let (_, text) = StoreKey::generate();
    assert!(text.expose_secret().starts_with("AGE-SECRET-KEY-1"));
    assert!(text.expose_secret().len() < 2560 / 2);
}
