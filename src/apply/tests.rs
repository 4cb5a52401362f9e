//! Writes whose end is in doubt, against a service that plays every part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

mod model;

use super::*;
use crate::auth::Session;
use crate::domain::{CallbackUrl, Clouds, SchemaName};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::testing::{Received, Reply, Server};
use crate::http::{Settings, Transport};
use crate::plan::plan;
use crate::state::*;

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
}

/// Nobody listens.
struct Deaf;

impl Listener for Deaf {
    fn tell(&self, _: Event<'_>) {}
}

fn guid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn name(index: usize) -> SchemaName {
    format!("contoso_Url{index}").parse().unwrap()
}

/// One flow bound to so many variables.
fn desired(variables: usize) -> Desired {
    let site = Site { line: 1, column: 1 };
    let workflow_id = guid(1).parse().unwrap();
    let flow = Flow { name: None, workflow_id, trigger: None, site };
    let binding = |index| {
        let target = Target::Variable { schema_name: name(index), pointer: None };
        Binding { flow: FlowIndex(0), target, site }
    };
    let bindings = (0..variables).map(binding).collect();
    Desired { flows: vec![flow], bindings, signed_urls: SignedUrls::Refuse }
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

/// The answer to a change set of so many writes that is in.
fn committed(writes: usize) -> Reply {
    let part = "--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n";
    let body = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}--c--\r\n--b--\r\n",
        part.repeat(writes)
    );
    Reply::text(200, "multipart/mixed; boundary=b", &body)
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
    let cloud = clouds.named("public").unwrap();
    let reader = Reader::new(&transport, &session, &environment, cloud, None);
    let agreed = plan(&desired, &observed, cloud);
    let looks = &[Duration::ZERO, Duration::from_millis(20)];
    let applying = Applying {
        goes_on: true,
        reader: &reader,
        goal: Goal::Manifest {
            desired: &desired,
            flows: &observed.flows,
            tables: &observed.targets.tables,
        },
        cloud,
        listener: &Deaf,
        looks,
        progress: Progress::default(),
    };
    let writer = Writer::new(&reader);
    let mut work = std::pin::pin!(applying.apply(&writer, &agreed));
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

#[tokio::test]
async fn a_service_that_says_yes_and_does_nothing_is_not_believed() {
    let ended = applied(2, |_| (false, committed(2))).await;
    assert!(matches!(ended, Err(ApplyError::NotWritten { .. })), "{ended:?}");
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
    assert!(matches!(&ended, Ok(Applied::ByAnotherRun(plan)) if plan.is_agreed()), "{ended:?}");
}

#[tokio::test]
async fn past_a_thousand_writes_the_sets_go_in_order_and_a_failure_says_how_far_they_came() {
    let all = applied(1_001, |set| (true, committed(if set == 1 { 1_000 } else { 1 }))).await;
    assert!(matches!(all, Ok(Applied::ByThisRun)), "{all:?}");
    let second_refused: OnBatch = |set| {
        if set == 1 { (true, committed(1_000)) } else { (false, refused(403, "0x80040220")) }
    };
    let ended = applied(1_001, second_refused).await;
    assert!(
        matches!(ended, Err(ApplyError::Partial { share: Share { sets: 1, of_sets: 2, .. }, .. })),
        "{ended:?}"
    );
    let second_lost: OnBatch =
        |set| if set == 1 { (true, committed(1_000)) } else { (false, Reply::Drop) };
    let ended = applied(1_001, second_lost).await;
    assert!(
        matches!(ended, Err(ApplyError::Partial { share: Share { sets: 1, of_sets: 2, .. }, .. })),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_lost_change_set_that_is_in_is_followed_by_the_next() {
    let ended = applied(1_001, |set| match set {
        1 => (true, Reply::Drop),
        _ => (true, committed(1)),
    });
    let ended = ended.await;
    assert!(matches!(ended, Ok(Applied::ByThisRun)), "{ended:?}");
}

#[tokio::test]
async fn what_is_in_of_several_change_sets_is_told_by_its_targets() {
    let second_refused: OnBatch = |set| {
        if set == 1 { (true, committed(1_000)) } else { (false, refused(403, "0x80040220")) }
    };
    let failure = Failure::from(applied(1_002, second_refused).await.unwrap_err());
    assert_eq!(failure.exit, Exit::Unknown);
    assert!(failure.message.contains("1 of 2 change sets are in (1000 of 1002 rows)"));
    let url = |index| format!("environment-variable/contoso_Url{index}");
    let told = [
        format!("in: 1000 targets, from {} to {}", url(0), url(999)),
        format!("not in: 2 targets, from {} to {}", url(1_000), url(1_001)),
    ];
    assert_eq!(failure.hints[..2], told);
}

#[tokio::test]
async fn a_run_that_is_interrupted_sends_no_further_change_set() {
    let interrupt = |held: &mut Held| held.interrupted = true;
    let ended = applied_and_then(1_001, |_| (true, committed(1_000)), interrupt).await;
    let ended = ended.unwrap_err();
    assert!(
        matches!(ended, ApplyError::Partial { share: Share { sets: 1, of_sets: 2, .. }, .. }),
        "{ended:?}"
    );
    assert!(ended.to_string().ends_with("the run was interrupted"), "{ended}");
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
    let second_set: OnBatch = |set| match set {
        1 => (true, committed(1_000)),
        2 => (false, refused(412, "0x80060892")),
        _ => (true, committed(1)),
    };
    let ended = applied(1_001, second_set).await;
    assert!(matches!(ended, Ok(Applied::ByThisRun)), "{ended:?}");
    let too_often: OnBatch = |set| {
        let done = set > MOST_ROUNDS;
        (done, if done { committed(1) } else { refused(412, "0x80060882") })
    };
    let ended = applied(1, too_often).await;
    assert!(matches!(ended, Err(ApplyError::Conflict { .. })), "{ended:?}");
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
