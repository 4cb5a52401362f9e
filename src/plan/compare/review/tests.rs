use super::*;
use crate::model::{Code, DocumentError, EntityTag, Fingerprint, UrlAccess, UrlView};
use crate::plan::{Difference, UrlPart, WriteStage};

const NOW: &str = "2026-01-31T09:00:00Z";

fn user(id: &str) -> User {
    User {
        name: Some("sandy@contoso.example".to_owned()),
        object_id: Some(id.to_owned()),
        tenant_id: None,
    }
}

fn head() -> ReviewHead {
    ReviewHead {
        made: NOW.to_owned(),
        expires: "2026-02-01T09:00:00Z".to_owned(),
        manifest_sha256: "ab".repeat(32),
        only: Vec::new(),
        environment: "prod".to_owned(),
        environment_id: "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6".to_owned(),
        user: user("1"),
    }
}

fn url(text: &str) -> ValueView {
    let host = "example.environment.api.powerplatform.com".into();
    let fingerprint = Fingerprint::from_text(text);
    ValueView::Url(UrlView { kind: UrlAccess::Signed, host, fingerprint })
}

fn change(action: Action, before: Option<&str>, after: &str, version: &str) -> Change {
    Change {
        address: "environment-variable/contoso_Url".to_owned(),
        action,
        reason: "signature rotated".into(),
        flow_name: "Order intake".into(),
        workflow_id: "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap(),
        before: before.map(url),
        after: Some(url(after)),
        differences: Vec::new(),
        site: None,
        guard: EntityTag::new(version),
        held: None,
    }
}

fn plan(change: Change) -> Plan {
    Plan::new(vec![change], Vec::new(), Vec::new(), WriteStage::default())
}

fn reviewed() -> Reviewed {
    Reviewed::from_plan(head(), &plan(change(Action::Update, Some("old"), "new", "W/\"1\"")))
}

/// What the file of a plan holds.
fn text_of(reviewed: &Reviewed) -> String {
    let mut text = Vec::new();
    reviewed.write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn present() -> Present {
    Present { environment_id: head().environment_id.parse().unwrap(), user: user("1") }
}

/// The codes and the sentences of what moved to that change.
fn moved(now: Change) -> Vec<(Code, String)> {
    let problems = reviewed().problems_since_review(&present(), &plan(now), NOW);
    problems.into_iter().map(|problem| (problem.code, problem.message)).collect()
}

#[test]
fn a_plan_is_read_as_it_was_saved_and_holds_no_stored_text() {
    let text = text_of(&reviewed());
    assert_eq!(Reviewed::from_json(text.as_bytes()).unwrap(), reviewed());
    assert!(text.contains("W/\\\"1\\\"") && text.contains("signed"), "{text}");
}

#[test]
fn what_is_no_plan_is_told_apart() {
    let read = |text: &str| Reviewed::from_json(text.as_bytes()).unwrap_err();
    let text = text_of(&reviewed());
    let of = ReviewError::Document;
    let malformed = |line, column| DocumentError::Malformed { called: "plan", line, column };
    assert_eq!(read("{"), of(malformed(1, 1)));
    let another = text.replace("flowbind-plan", "flowbind-journal");
    assert_eq!(read(&another), of(DocumentError::Kind("plan")));
    let later = text.replace("\"version\": 1", "\"version\": 2");
    assert_eq!(read(&later), of(DocumentError::Version { found: 2, known: 1 }));
    assert_eq!(read(&text.replace("2026-02-01T09:00:00Z", "never")), ReviewError::Time);
    let changed = read(&text.replace("reason", "season"));
    assert!(matches!(changed, ReviewError::Document(DocumentError::Malformed { .. })));
    let fingerprint = Fingerprint::from_text("new").to_string();
    for other in [fingerprint.to_uppercase(), fingerprint[1..].to_owned()] {
        assert_ne!(other, fingerprint);
        let changed = read(&text.replace(&fingerprint, &other));
        let is_refused = matches!(changed, ReviewError::Document(DocumentError::Malformed { .. }));
        assert!(is_refused, "{changed:?}");
    }
}

#[test]
fn another_manifest_and_an_old_plan_are_known_before_anything_is_contacted() {
    let codes = |sha256: &str, now: &str| -> Vec<Code> {
        reviewed()
            .problems_before_requests(sha256, now)
            .iter()
            .map(|problem| problem.code)
            .collect()
    };
    let sha256 = head().manifest_sha256;
    assert!(codes(&sha256, NOW).is_empty());
    assert_eq!(codes("cd", &head().expires), [Code::PlanManifest, Code::PlanExpired]);
}

#[test]
fn a_plan_that_expires_after_the_run_began_no_longer_holds() {
    let same = plan(change(Action::Update, Some("old"), "new", "W/\"1\""));
    let codes = |now: &str| -> Vec<Code> {
        let problems = reviewed().problems_since_review(&present(), &same, now);
        problems.iter().map(|problem| problem.code).collect()
    };
    assert!(codes(NOW).is_empty());
    assert_eq!(codes(&head().expires), [Code::PlanExpired]);
}

#[test]
fn another_environment_and_another_user_are_told() {
    let now = plan(change(Action::Update, Some("old"), "new", "W/\"1\""));
    assert!(reviewed().problems_since_review(&present(), &now, NOW).is_empty());
    let moved = reviewed().problems_since_review(
        &Present { environment_id: "other".parse().unwrap(), ..present() },
        &plan(change(Action::Update, Some("old"), "newer", "W/\"1\"")),
        NOW,
    );
    assert_eq!(moved.len(), 1, "what follows from that is not told: {moved:?}");
    let elsewhere = Present { environment_id: "other".parse().unwrap(), user: user("2") };
    let problems = reviewed().problems_since_review(&elsewhere, &now, NOW);
    let codes: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::PlanEnvironment, Code::PlanUser]);
    assert!(Reviewed::is_other_environment_or_user(&problems));
}

#[test]
fn a_target_moves_with_its_url_its_value_and_its_row() {
    let old = || Some("old");
    for (now, sentence) in [
        (change(Action::Update, old(), "newer", "W/\"1\""), "the flow's URL was"),
        (change(Action::Update, Some("hand"), "new", "W/\"1\""), "the target held"),
        (change(Action::Create, None, "new", ""), "the target held"),
        (change(Action::Update, old(), "new", "W/\"2\""), "the row, or the default"),
    ] {
        let moved = moved(now);
        assert!(
            matches!(&moved[..], [(Code::PlanMoved, message)] if message.starts_with(sentence)),
            "{sentence}: {moved:?}"
        );
    }
}

#[test]
fn what_a_difference_means_is_told_as_far_as_it_is_known() {
    let said = |now: Change| moved(now).remove(0).1;
    let newer = said(change(Action::Update, Some("old"), "newer", "W/\"1\""));
    let honest = ": the signature was rotated, or a part other than the host differs";
    assert!(newer.ends_with(honest), "{newer}");
    let hand = said(change(Action::Update, Some("hand"), "new", "W/\"1\""));
    assert!(hand.ends_with(honest), "{hand}");
    // What was reviewed is there, so that both URLs are known in all of their parts.
    let part = Difference { part: UrlPart::Signature, before: None, after: None };
    let rotated = change(Action::Update, Some("new"), "newer", "W/\"2\"");
    let rotated = said(Change { differences: vec![part], ..rotated });
    assert!(rotated.ends_with(": signature rotated"), "{rotated}");
    let nothing = said(change(Action::Create, None, "new", ""));
    assert!(nothing.ends_with("and now holds nothing"), "{nothing}");
    let mut elsewhere = change(Action::Update, Some("old"), "new", "W/\"1\"");
    if let Some(ValueView::Url(view)) = &mut elsewhere.after {
        view.host = "prod-1.westeurope.logic.azure.com".into();
    }
    assert!(said(elsewhere).ends_with(": another host"));
}

#[test]
fn a_target_that_has_what_was_reviewed_by_now_did_not_move() {
    assert!(moved(change(Action::NoOp, Some("new"), "new", "W/\"2\"")).is_empty());
}

#[test]
fn a_target_that_was_not_reviewed_moved() {
    let mut other = change(Action::Update, Some("old"), "new", "W/\"1\"");
    other.address = "environment-variable/contoso_Other".to_owned();
    assert_eq!(moved(other), [(Code::PlanMoved, "was not in the plan".to_owned())]);
}
