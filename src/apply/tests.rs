//! Writes whose end is in doubt, against a service that plays every part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

mod model;

use super::conflict::{MOST_ROUNDS, is_conflict};
use super::*;
use crate::http::testing::{Received, Reply, Server};
use crate::http::{Answer, Settings, Transport};
use crate::model::{CallbackUrl, Clouds, EntityTag, Exit, Failure, SchemaName, StoredText, *};
use crate::plan::{MOST_ROWS, TargetState, Write, plan};
use crate::services::dataverse::{ChangeSetRefusal, MOST_OPERATIONS, RefusedPart};
use crate::sign_in::Session;

const FOREIGN: &str = "https://other.environment.api.powerplatform.com/workflows/1?api-version=1";
const URL: &str = "https://new.environment.api.powerplatform.com/workflows/1?api-version=1";

/// What the service does with a change set: whether it carries it out, and what it answers.
type OnBatch = fn(usize) -> (bool, Reply);

/// What the service holds: how many variables have the value, and whether it still answers.
#[derive(Default)]
struct Held {
    batches: usize,
    written: usize,
    silent: bool,
    /// Whether the values are somebody else's.
    foreign: bool,
    /// Whether somebody interrupts the run.
    interrupted: bool,
    /// The name of a value that is there and belongs to no variable that is asked for.
    orphan: Option<&'static str>,
}

/// Nobody listens.
struct Deaf;

impl Listener for Deaf {
    fn on_event(&self, _: Event<'_>) {}
}

fn guid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn name(index: usize) -> SchemaName {
    format!("contoso_Url{index}").parse().unwrap()
}

/// One flow bound to so many variables.
fn desired(variables: usize) -> Desired {
    let site = ManifestPosition { line: 1, column: 1 };
    let workflow_id = guid(1).parse().unwrap();
    let flow = Flow { name: None, workflow_id, trigger: None, site, removed: false };
    let binding = |index| {
        let target = Target::Variable { schema_name: name(index), pointer: None };
        Binding { flow: FlowIndex(0), target, site }
    };
    let bindings = (0..variables).map(binding).collect();
    Desired { flows: vec![flow], bindings, ..Desired::default() }
}

fn observed(variables: usize) -> Observed {
    let flow = ObservedFlow::with_url(URL);
    let variable = |index| {
        let variable = Variable {
            definition: guid(100 + index).parse().unwrap(),
            schema_name: name(index),
            variable_type: VariableType::String,
            default: None,
            values: vec![],
        };
        (name(index), Reading::Found(variable))
    };
    let variables: BTreeMap<_, _> = (0..variables).map(variable).collect();
    Observed { flows: vec![flow], targets: Targets { variables, ..Targets::default() } }
}

/// The page of the variables that a request asks for.
fn page(held: &Held, request: &Received) -> Reply {
    let asked = |index: &usize| request.line.contains(&format!("%22{}%22", name(*index)));
    let url = if held.foreign { FOREIGN } else { URL };
    let row = |index: usize| {
        let value = format!(
            r#"{{"@odata.etag":"W/\"2\"","environmentvariablevalueid":"{}","value":"{url}"}}"#,
            guid(5_000 + index)
        );
        let value = if index < held.written { value } else { String::new() };
        format!(
            r#"{{"environmentvariabledefinitionid":"{}","schemaname":"{}","type":100000000,"environmentvariabledefinition_environmentvariablevalue":[{value}]}}"#,
            guid(100 + index),
            name(index)
        )
    };
    let rows: Vec<String> = (0..2_000).filter(asked).map(row).collect();
    Reply::json(200, &format!(r#"{{"value":[{}]}}"#, rows.join(",")))
}

/// The page of the values that are asked for by their ids.
fn orphans(held: &Held) -> Reply {
    let row = |name: &&str| {
        format!(
            r#"{{"@odata.etag":"W/\"3\"","environmentvariablevalueid":"{}","schemaname":"{name}","value":"{URL}"}}"#,
            guid(7_000)
        )
    };
    let row = held.orphan.as_ref().map(row).unwrap_or_default();
    Reply::json(200, &format!(r#"{{"value":[{row}]}}"#))
}

/// The answer to a change set of so many writes that is in. Each row has the id 7000 and more.
fn committed(writes: usize) -> Reply {
    let part = |number: usize| {
        let id = guid(7_000 + number - 1);
        format!(
            "--c\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 204 No Content\r\nOData-EntityId: https://x.example/api/data/v9.2/environmentvariablevalues({id})\r\n\r\n\r\n"
        )
    };
    let parts: String = (1..=writes).map(part).collect();
    Reply::text(200, "multipart/mixed; boundary=b", &batch(&parts))
}

/// The answer to a batch of one change set with those parts.
fn batch(parts: &str) -> String {
    format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{parts}--c--\r\n--b--\r\n")
}

/// The refusal of one write of a change set, with what tells which.
fn refused_part(status: u16, code: &str, id: &str) -> Reply {
    let part = format!(
        "--c\r\nContent-Type: application/http\r\n{id}\r\nHTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n{{\"error\":{{\"code\":\"{code}\",\"message\":\"no\"}}}}\r\n"
    );
    Reply::text(400, "multipart/mixed; boundary=b", &batch(&part))
}

fn refused(status: u16, code: &str) -> Reply {
    Reply::json(status, &format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#))
}

/// Applies to so many variables at a service that does so with change sets.
async fn applied(variables: usize, on_batch: OnBatch) -> Result<Applied, ApplyError> {
    applied_and_then(variables, on_batch, |_| ()).await
}

/// The same, with something that befalls the service after each change set.
async fn applied_and_then(
    variables: usize,
    on_batch: OnBatch,
    then: fn(&mut Held),
) -> Result<Applied, ApplyError> {
    let held = Arc::new(Mutex::new(Held::default()));
    let shared = Arc::clone(&held);
    let server = Server::start(move |_, request| {
        let mut held = held.lock().unwrap();
        if held.silent {
            return Reply::json(500, "{}");
        }
        if request.line.contains("/environmentvariablevalues") {
            return orphans(&held);
        }
        if !request.line.contains("$batch") {
            return page(&held, request);
        }
        held.batches += 1;
        let (carried_out, reply) = on_batch(held.batches);
        if carried_out {
            held.written += request.body.matches("Content-ID:").count();
        }
        then(&mut held);
        reply
    });
    let server = server.await;
    let transport = Transport::new(Settings::default()).unwrap();
    let session = Session::for_tests(&transport);
    let environment = server.url("").as_str().parse().unwrap();
    let (desired, observed) = (desired(variables), observed(variables));
    let clouds = Clouds::embedded().unwrap();
    let cloud = clouds.get("public").unwrap();
    let reader = Reader::new(&transport, &session, &environment, cloud, None);
    let agreed = plan(&desired, &observed, cloud);
    let look_pauses = &[Duration::ZERO, Duration::from_millis(20)];
    let applying = ApplyRun {
        may_replan: true,
        reader: &reader,
        goal: Goal::Manifest {
            desired: &desired,
            flows: &observed.flows,
            tables: &observed.targets.tables,
        },
        cloud,
        listener: &Deaf,
        look_pauses,
        progress: Progress::default(),
    };
    let mut work = std::pin::pin!(applying.apply(&agreed));
    loop {
        tokio::select! {
            biased;
            ended = &mut work => return ended,
            () = tokio::task::yield_now() => (),
        }
        if shared.lock().unwrap().interrupted {
            applying.stop();
        }
    }
}

#[tokio::test]
async fn writes_that_are_in_and_read_back_are_applied() {
    let ended = applied(2, |_| (true, committed(2))).await;
    assert!(matches!(ended, Ok(Applied::ByThisRun)), "{ended:?}");
}

/// The failure of an apply.
async fn failed(variables: usize, on_batch: OnBatch, then: fn(&mut Held)) -> Failure {
    Failure::from(applied_and_then(variables, on_batch, then).await.unwrap_err())
}

#[tokio::test]
async fn a_service_that_says_yes_and_keeps_nothing_is_not_believed() {
    let ended = applied(2, |_| (false, committed(2))).await;
    let Err(ApplyError::Altered { results, created, .. }) = &ended else { panic!("{ended:?}") };
    assert!(results.iter().all(|one| one.state == TargetState::Unchanged), "{results:?}");
    assert!(created.iter().all(|row| row.state == RowState::Absent), "{created:?}");
    let failure = Failure::from(ended.unwrap_err());
    assert_eq!(failure.exit, Exit::Unknown);
    let hints = failure.hints.join("\n");
    for words in ["a plug-in, a flow, auto-numbering", "it holds what it held before, nothing"] {
        assert!(hints.contains(words), "{hints}");
    }
    assert!(!failure.message.contains("nothing was written"), "{failure:?}");
    assert!(!hints.contains("do not run again"), "{hints}");
}

#[tokio::test]
async fn a_new_row_that_its_key_does_not_find_is_told_by_its_id_and_not_made_again() {
    let ended = applied_and_then(2, |_| (false, committed(2)), |held| held.orphan = Some("A-1"));
    let ended = ended.await.unwrap_err();
    let ApplyError::Altered { results, created, .. } = &ended else { panic!("{ended:?}") };
    assert_eq!(results[0].row, Some(guid(7_000).parse().unwrap()));
    let RowState::Present(columns) = &created[0].state else { panic!("{created:?}") };
    assert_eq!(columns.iter().map(ToString::to_string).collect::<Vec<_>>(), ["schemaname"]);
    let failure = Failure::from(ended);
    let hints = failure.hints.join("\n");
    assert!(hints.contains(&guid(7_000)) && hints.contains("`schemaname`"), "{hints}");
    assert!(hints.contains("do not run again") && !hints.contains("is safe"), "{hints}");
    assert!(!hints.contains("A-1"), "what a row holds is not shown: {hints}");
}

#[tokio::test]
async fn a_value_that_was_rewritten_is_told_beside_what_was_sent() {
    let failure = failed(2, |_| (true, committed(2)), |held| held.foreign = true).await;
    assert_eq!(failure.exit, Exit::Unknown);
    let fingerprint =
        |url: &str| url.parse::<CallbackUrl>().unwrap().view().fingerprint.to_string();
    for url in [URL, FOREIGN] {
        assert!(failure.hints[0].contains(&fingerprint(url)), "{failure:?}");
    }
    let part = failed(2, |_| (false, committed(2)), |held| held.written = 1).await;
    assert!(part.hints[0].contains("Url1: sent") && part.exit == Exit::Unknown, "{part:?}");
    assert!(part.hints[1].contains("Url0 reads back as sent"), "{part:?}");
}

#[tokio::test]
async fn a_no_is_not_believed_before_the_targets_were_read() {
    for refusal in [
        |_| (true, refused(403, "0x80040220")),
        |_| (true, refused(400, "x")),
        |_| (true, refused(412, "0x80040216")),
        |_| (true, refused_part(403, "0x80040220", "Content-ID: 1\r\n")),
    ] {
        let ended = applied(2, refusal).await;
        assert!(matches!(ended, Ok(Applied::ThoughRefused { .. })), "{ended:?}");
    }
    let in_part = failed(2, |_| (false, refused(403, "x")), |held| held.written = 1).await;
    assert_eq!(in_part.exit, Exit::Unknown, "{in_part:?}");
    let unread = failed(2, |_| (true, refused(403, "x")), |held| held.silent = true).await;
    assert_eq!(unread.exit, Exit::Unknown);
    assert!(unread.message.contains("it is not known whether"), "{unread:?}");
    assert!(!unread.message.contains("nothing was written;"), "{unread:?}");
    let nothing = failed(2, |_| (false, refused(403, "x")), |_| ()).await;
    assert!(nothing.exit == Exit::Refused && nothing.message.ends_with("nothing was written"));
}

#[tokio::test]
async fn the_target_of_the_refused_row_is_named_where_the_service_tells_it() {
    let said = async |on_batch: OnBatch| failed(3, on_batch, |_| ()).await.message;
    let named = said(|_| (false, refused_part(400, "0x80040265", "Content-ID: 2\r\n"))).await;
    assert!(named.starts_with("the write to `environment-variable/contoso_Url1` was refused"));
    for id in [(|_| (false, refused_part(400, "x", ""))) as OnBatch, |_| {
        (false, refused_part(400, "x", "Content-ID: 7\r\n"))
    }] {
        let untold = said(id).await;
        assert!(untold.contains("the service did not say which of 3 rows it refuses"), "{untold}");
    }
    let whole = said(|_| (false, refused(403, "x"))).await;
    assert!(!whole.contains("which of") && !whole.contains("contoso_Url"), "{whole}");
}

#[tokio::test]
async fn a_key_that_is_taken_by_a_row_that_nobody_sees_ends_the_run_at_once() {
    let taken: [OnBatch; 3] = [
        |set| (set > 1, refused(412, "0x80060892")),
        |set| (set > 1, refused_part(412, "0x80040237", "Content-ID: 1\r\n")),
        |set| (set > 1, refused_part(412, "0x80040237", "")),
    ];
    for on_batch in taken {
        let ended = applied(2, on_batch).await;
        assert!(matches!(ended, Err(ApplyError::KeyTaken { .. })), "{ended:?}");
        let failure = Failure::from(ended.unwrap_err());
        assert_eq!(failure.exit, Exit::Refused);
        let hints = failure.hints.join(" ");
        assert!(
            hints.contains("depth Organization") && !hints.contains("and run again"),
            "{hints}"
        );
    }
    let seen_by_now = applied_and_then(
        2,
        |set| match set {
            1 => (false, refused(412, "0x80040237")),
            _ => (true, committed(1)),
        },
        |held| held.written += usize::from(held.batches == 1),
    );
    let ended = seen_by_now.await;
    assert!(matches!(ended, Ok(Applied::ByThisRunAnew(_))), "{ended:?}");
}

#[tokio::test]
async fn a_lost_answer_is_looked_for() {
    for lost in [|_| (true, Reply::Drop), |_| (true, Reply::text(403, "text/html", "<html>"))] {
        let ended = applied(1, lost).await;
        assert!(matches!(ended, Ok(Applied::ByThisRun)), "{ended:?}");
    }
    let ended = applied(1, |_| (false, Reply::Drop)).await;
    assert!(matches!(ended, Err(ApplyError::NotWritten { .. })), "{ended:?}");
}

#[tokio::test]
async fn where_looking_fails_the_outcome_is_unknown() {
    let ended = applied_and_then(1, |_| (true, Reply::Drop), |held| held.silent = true).await;
    assert!(matches!(ended, Err(ApplyError::Unverified { .. })), "{ended:?}");
}

#[tokio::test]
async fn a_refusal_is_told_from_somebody_elses_write() {
    let ended = applied(1, |_| (false, refused(403, "0x80040220"))).await;
    assert!(matches!(ended, Err(ApplyError::Refused(_))), "{ended:?}");
    let ended = applied(1, |_| (false, refused(412, "0x80060882"))).await;
    assert!(matches!(ended, Err(ApplyError::Conflict { .. })), "{ended:?}");
    let same =
        applied_and_then(1, |_| (false, refused(412, "0x80060892")), |held| held.written = 1);
    let ended = same.await;
    assert!(matches!(&ended, Ok(Applied::ByAnotherRun(plan)) if plan.is_up_to_date()), "{ended:?}");
}

#[tokio::test]
async fn a_run_that_is_interrupted_sends_nothing_more() {
    let interrupt = |held: &mut Held| held.interrupted = true;
    let ended = applied_and_then(1, |_| (true, committed(1)), interrupt).await;
    assert!(matches!(ended, Ok(Applied::ByThisRun)), "what is in is read back: {ended:?}");
    let refused = applied_and_then(1, |_| (false, refused(412, "0x80060882")), interrupt).await;
    assert!(matches!(refused, Err(ApplyError::Interrupted)), "{refused:?}");
}

#[tokio::test]
async fn after_a_conflict_that_changed_nothing_shown_the_run_goes_on_and_not_for_ever() {
    let once: OnBatch =
        |set| if set == 1 { (false, refused(412, "0x80060882")) } else { (true, committed(2)) };
    let ended = applied(2, once).await;
    assert!(matches!(&ended, Ok(Applied::ByThisRunAnew(plan)) if plan.writes().len() == 2));
    let too_often: OnBatch = |set| {
        let done = set > MOST_ROUNDS;
        (done, if done { committed(1) } else { refused(412, "0x80060882") })
    };
    let ended = applied(1, too_often).await;
    assert!(matches!(ended, Err(ApplyError::Conflict { unmoved: true, .. })), "{ended:?}");
}

#[test]
fn a_row_that_is_gone_is_a_conflict_and_a_404_of_something_else_is_none() {
    let error = |status| {
        let answer = Answer::new(status, http::HeaderMap::default(), Vec::new());
        crate::services::read_service_error(Service::Dataverse, &answer, "x")
    };
    let text = StoredText::new("x");
    let tag = EntityTag::new("W/\"1\"").unwrap();
    let writes = [
        Write::UpdateVariableValue { id: guid(1).parse().unwrap(), guard: tag, text: text.clone() },
        Write::CreateVariableValue {
            definition: guid(2).parse().unwrap(),
            schema_name: name(1),
            text,
        },
    ];
    let conflicts =
        |status, part| is_conflict(&ChangeSetRefusal { error: error(status), part }, &writes);
    assert!(conflicts(404, RefusedPart::Write(0)) && conflicts(404, RefusedPart::Untold));
    assert!(!conflicts(404, RefusedPart::Write(1)) && !conflicts(404, RefusedPart::Whole));
    assert!(conflicts(412, RefusedPart::Whole) && !conflicts(403, RefusedPart::Write(0)));
}

#[test]
fn a_plan_has_as_many_rows_at_most_as_a_change_set_takes() {
    assert_eq!(MOST_ROWS, MOST_OPERATIONS);
    let problems = |rows| {
        let clouds = Clouds::embedded().unwrap();
        let mut plan = plan(&desired(rows), &observed(rows), clouds.get("public").unwrap());
        plan.refuse_too_many_rows("split");
        (plan.problems.len(), plan.writes().len())
    };
    assert_eq!((problems(MOST_ROWS), problems(MOST_ROWS + 1)), ((0, MOST_ROWS), (1, 0)));
}

#[tokio::test]
async fn after_a_conflict_that_changed_what_was_shown_both_sides_are_told() {
    let ended = applied_and_then(
        1,
        |_| (false, refused(412, "0x80060892")),
        |held| (held.written, held.foreign) = (1, true),
    );
    let failure = Failure::from(ended.await.unwrap_err());
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.message.ends_with("nothing was written"), "{failure:?}");
    let fingerprint = FOREIGN.parse::<CallbackUrl>().unwrap().view().fingerprint.to_string();
    let hint = &failure.hints[0];
    assert!(hint.starts_with("environment-variable/contoso_Url0 held nothing, and now"), "{hint}");
    assert!(hint.contains(&fingerprint), "{hint}");
}
