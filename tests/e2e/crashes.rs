//! Runs that are killed at every instant: what was to be written is in as a whole, or not at all,
//! and the next run ends well.
#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;

use super::harness::{EXAMPLE, Place, alone, place};
use super::tenant::{Targets, Tenant, document, put, targets};

/// How many runs are killed in a test, unless `FLOWBIND_TEST_KILLS` says so.
const KILLS: u32 = 40;

/// How long the sandbox takes at most to carry out a request that has reached it.
const SETTLING: Duration = Duration::from_millis(60);

/// What a run says when it begins to write.
const WRITING: &str = "Writing";

const APPLY: [&str; 3] = ["apply", "--manifest", EXAMPLE];

/// How often to kill.
fn kills() -> u32 {
    std::env::var("FLOWBIND_TEST_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

/// How the runs ended that were to be killed.
#[derive(Debug, Default)]
struct Tally {
    before_the_commit: u32,
    after_the_commit: u32,
    by_themselves: u32,
}

/// When to kill a run: after its start, or after it begins to write.
#[derive(Clone, Copy, Debug)]
enum Instance {
    AfterStart(Duration),
    AfterWriting(Duration),
}

/// How long a run takes, and how much of that it takes from where it begins to write.
#[derive(Clone, Copy, Debug)]
struct Pace {
    all: Duration,
    writing: Duration,
}

impl Pace {
    /// The pace of a run that is not killed.
    fn of(mut command: Command) -> Self {
        let begin = Instant::now();
        let mut child = quiet(&mut command);
        wait_for(&mut child, WRITING);
        let writing = Instant::now();
        assert!(child.wait().unwrap().success());
        Self { all: begin.elapsed(), writing: writing.elapsed() }
    }

    /// Instants over all of a run, and a little more; and as many again from where it begins to
    /// write. They are the same in every test, and no two fall together.
    fn instant(&self, turn: u32) -> Instance {
        let part = (u64::from(turn / 2 + 1) * 618_034) % 1_000_000;
        let of = |time: Duration| time * u32::try_from(part).unwrap() / 1_000_000;
        if turn.is_multiple_of(2) {
            Instance::AfterStart(of(self.all * 11 / 10))
        } else {
            Instance::AfterWriting(of(self.writing * 11 / 10))
        }
    }
}

/// Starts a run of which only standard error is read.
fn quiet(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Reads what a run says until it says that, or ends.
fn wait_for(child: &mut Child, word: &str) {
    let stderr = child.stderr.as_mut().unwrap();
    let (mut said, mut byte) = (String::new(), [0]);
    while !said.contains(word) && stderr.read(&mut byte).unwrap() > 0 {
        said.push(char::from(byte[0]));
    }
}

/// Starts a run and kills it at an instant. Tells whether it was alive until then.
fn killed(mut command: Command, instant: Instance) -> bool {
    let mut child = quiet(&mut command);
    let delay = match instant {
        Instance::AfterStart(delay) => delay,
        Instance::AfterWriting(delay) => {
            wait_for(&mut child, WRITING);
            delay
        }
    };
    std::thread::sleep(delay);
    let alive = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    alive
}

impl Tally {
    fn note(&mut self, alive: bool, is_new: bool) {
        match (alive, is_new) {
            (false, _) => self.by_themselves += 1,
            (true, false) => self.before_the_commit += 1,
            (true, true) => self.after_the_commit += 1,
        }
    }

    /// Both sides of the commit were met.
    fn check(&self, what: &str) {
        eprintln!("{what}: {self:?}");
        assert!(self.before_the_commit > 0 && self.after_the_commit > 0, "{what}: {self:?}");
    }
}

/// The states between which a run goes: as files, and what the targets hold in each.
struct Swing {
    state: PathBuf,
    start: Vec<u8>,
    old: Targets,
    new: Targets,
    pace: Pace,
}

impl Swing {
    fn of(world: &Place, command: impl Fn() -> Command) -> Self {
        let state = world.state();
        let start = fs::read(&state).unwrap();
        let pace = Pace::of(command());
        let (old, new) = (targets(&start), targets(&fs::read(&state).unwrap()));
        assert_ne!(old, new);
        let swing = Self { state, start, old, new, pace };
        swing.back();
        swing
    }

    fn back(&self) {
        put(&self.state, &self.start);
    }

    /// Whether everything is in; else nothing is. The state is read whole, as of one instant.
    fn is_new(&self, why: &str) -> bool {
        let now = targets(&fs::read(&self.state).unwrap());
        assert!(now == self.old || now == self.new, "{why}: a mixture: {now:#?}");
        now == self.new
    }

    /// The same, once the sandbox has carried out what reached it before the kill: when what is
    /// there has not changed for a while.
    fn settled(&self, why: &str) -> bool {
        let mut is_new = self.is_new(why);
        let mut quiet = 0;
        while quiet < 10 {
            std::thread::sleep(SETTLING);
            let now = self.is_new(why);
            assert!(now || !is_new, "{why}: what was in is gone");
            quiet = if now == is_new { quiet + 1 } else { 0 };
            is_new = now;
        }
        is_new
    }
}

#[test]
fn a_run_that_is_killed_at_any_instant_leaves_no_mixture_and_the_next_one_ends_well() {
    let _alone = alone();
    let tenant = Tenant::with("");
    let swing = Swing::of(&tenant.place, || tenant.command(&APPLY));
    let mut tally = Tally::default();
    for turn in 0..kills() {
        let instant = swing.pace.instant(turn);
        let why = format!("turn {turn}, {instant:?}");
        let alive = killed(tenant.command(&APPLY), instant);
        tally.note(alive, swing.is_new(&why));
        let (code, document) = tenant.json(&APPLY);
        let outcome = document["outcome"].as_str().unwrap();
        assert!(code == 0 && ["applied", "agreed"].contains(&outcome), "{why}: {document:#}");
        assert!(swing.is_new(&why), "{why}");
        if turn % 10 == 9 {
            let (code, document) = tenant.json(&["plan", "--manifest", EXAMPLE]);
            assert_eq!((code, document["outcome"].as_str()), (0, Some("agreed")), "{why}");
        }
        swing.back();
    }
    tally.check("apply");
}

#[test]
fn a_journal_of_a_killed_run_is_whole_or_absent_and_rolls_back_to_the_old_state() {
    let _alone = alone();
    let tenant = Tenant::with("");
    let key = age::x25519::Identity::generate().to_string().expose_secret().to_owned();
    let journal = tenant.place.path("journal");
    let with_key = |arguments: &[&str]| {
        let mut command = tenant.command(arguments);
        command.env("FLOWBIND_STORE_KEY", &key);
        command
    };
    let encrypted = journal.display().to_string();
    let plain = format!("plain:{encrypted}");
    let named = |turn| if turn % 4 < 2 { plain.as_str() } else { encrypted.as_str() };
    let apply = |turn| with_key(&[&APPLY[..], &["--journal", named(turn)]].concat());
    let swing = Swing::of(&tenant.place, || apply(0));
    fs::remove_file(&journal).unwrap();
    let (mut tally, mut left) = (Tally::default(), 0);
    for turn in 0..kills() / 2 {
        let instant = swing.pace.instant(turn);
        let why = format!("turn {turn}, {instant:?}");
        let alive = killed(apply(turn), instant);
        let is_new = swing.settled(&why);
        tally.note(alive, is_new);
        left += leftovers(&tenant.place);
        if journal.exists() {
            let rollback = with_key(&["rollback", named(turn), "--format", "json"]).output();
            let ended = rollback.unwrap().into();
            let document = document(&ended);
            let outcome = document["outcome"].as_str().unwrap();
            assert_eq!(ended.code, 0, "{why}: {document:#}");
            if outcome != "applied" && swing.settled(&why) {
                // It was carried out after all, as it may be for a while after a kill.
                let again = with_key(&["rollback", named(turn)]).output().unwrap();
                assert!(again.status.success(), "{why}");
            }
            assert!(outcome == "applied" || !is_new, "{why}: {document:#}");
            assert!(!swing.is_new(&why), "{why}: rolled back");
            fs::remove_file(&journal).unwrap();
        }
        assert!(!swing.is_new(&why), "{why}: nothing is written before the journal is kept");
        assert!(apply(turn).output().unwrap().status.success(), "{why}");
        assert_eq!((leftovers(&tenant.place), swing.is_new(&why)), (0, true), "{why}");
        fs::remove_file(&journal).unwrap();
        swing.back();
    }
    eprintln!("half-made journals that were left and swept: {left}");
    tally.check("apply --journal");
}

/// How many files lie about that were to become a journal.
fn leftovers(place: &Place) -> usize {
    let files = fs::read_dir(place.path("")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("journal.")).count()
}

#[test]
fn a_killed_run_of_the_embedded_sandbox_leaves_its_state_whole() {
    let _alone = alone();
    let place = place();
    let at = ["--environment", "sandbox", "--token-store", "plain"];
    let login = place.run(&[&["auth", "login", "--manifest", EXAMPLE], &at[..]].concat());
    assert_eq!(login.code, 0, "{}", login.stderr);
    let apply = [&APPLY[..], &at, &["--non-interactive"]].concat();
    let swing = Swing::of(&place, || place.command(&apply));
    let mut tally = Tally::default();
    for turn in 0..kills() / 2 {
        let instant = swing.pace.instant(turn);
        let why = format!("turn {turn}, {instant:?}");
        let alive = killed(place.command(&apply), instant);
        tally.note(alive, swing.is_new(&why));
        let ended = place.run(&apply);
        assert_eq!((ended.code, swing.is_new(&why)), (0, true), "{why}: {}", ended.stderr);
        swing.back();
    }
    tally.check("the embedded sandbox");
}

#[test]
fn a_run_that_is_killed_while_the_embedded_sandbox_begins_leaves_a_whole_state_or_none() {
    let _alone = alone();
    let place = place();
    let plan = ["plan", "--manifest", EXAMPLE, "--environment", "sandbox"];
    for turn in 0..kills() / 2 {
        let _ = fs::remove_file(place.state());
        let delay = Duration::from_micros(u64::from(turn) * 61_803 % 150_000);
        killed(place.command(&plan), Instance::AfterStart(delay));
        if let Ok(state) = fs::read(place.state()) {
            assert!(!targets(&state).is_empty(), "after {delay:?}");
        }
    }
    assert_eq!(place.run(&plan).code, 0);
}
