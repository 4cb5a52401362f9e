//! The transport against a server on this machine.

mod http2;
mod throttled;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::testing::{Reply, Server};
use super::{
    Answer, MOST_BODY_BYTES, Method, Request, Safety, Settings, Transport, TransportError,
};
use crate::model::{AccessToken, CutShort, Service};

fn transport(settings: Settings) -> Transport {
    Transport::new(settings).unwrap()
}

fn get(server: &Server) -> Request {
    Request::get(Service::Dataverse, server.url("/rows?made=up"), "/rows")
}

async fn ask(server: &Server) -> Result<Answer, TransportError> {
    let sent = transport(Settings::default());
    sent.send(&get(server), None).await
}

#[tokio::test]
async fn a_request_carries_what_every_request_carries() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let request = Request::query(Service::Flow, Method::POST, server.url("/x"), "/x");
    let token = AccessToken::new("made-up");
    let sent = transport(Settings::default());
    let answer = sent.send(&request, Some(&token)).await.unwrap();
    assert_eq!(answer.status, 200);
    let received = server.received();
    let header = |name: &str| received[0].headers(name);
    assert_eq!(header("authorization"), ["Bearer made-up"]);
    assert_eq!(header("content-length"), ["0"]);
    assert_eq!(header("client-request-id")[0].len(), 36);
    assert!(header("user-agent")[0].starts_with("flowbind/"));
    assert!(header("cookie").is_empty() && header("referer").is_empty());
    assert_eq!(sent.counts().flow, 1);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_logged_names_the_request_and_holds_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(|_, _| {
        Reply::json(200, "{\"a\":\"made-up\"}").with("x-ms-request-id", "r-1")
    })
    .await;
    let request = Request::command(Service::Flow, Method::POST, server.url("/x?made-up"), "/{x}");
    let request = request.with_body("text/plain", b"made-up".to_vec());
    let token = AccessToken::new("made-up");
    let sent = transport(Settings::default());
    // Another test, which nobody listens to, may be first at an event and have it switched off
    // for all. After one request every event is known, and is asked about anew.
    sent.send(&request, Some(&token)).await.unwrap();
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    sent.send(&request, Some(&token)).await.unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for part in ["service=\"flow\"", "template=\"/{x}\"", "status=200", "r-1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("made-up"), "{text}");
}

#[tokio::test]
async fn a_body_goes_out_with_its_type() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let request = Request::command(Service::Entra, Method::POST, server.url("/t"), "/t");
    let request = request.with_body("application/x-www-form-urlencoded", b"a=b+c".to_vec());
    let sent = transport(Settings::default());
    sent.send(&request, None).await.unwrap();
    let received = server.received().remove(0);
    assert_eq!(received.line, "POST /t HTTP/1.1");
    assert_eq!(received.form()["a"], "b c");
    assert_eq!(received.headers("content-type"), ["application/x-www-form-urlencoded"]);
}

#[tokio::test]
async fn a_failed_handshake_tells_its_cause_and_sends_nothing() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let mut request = get(&server);
    request.url.set_scheme("https").unwrap();
    let settings = Settings { deadline: Duration::from_secs(3), ..Settings::default() };
    let error = transport(settings).send(&request, None).await.unwrap_err();
    assert!(error.is_never_sent(), "{error:?}");
    assert!(format!("{error:?}").contains("tls handshake"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let server = Server::start(|_, _| Reply::redirect("http://127.0.0.1:9/other")).await;
    assert_eq!(ask(&server).await.unwrap().status, 302);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_throttled_request_is_sent_again_and_the_last_answer_stays_an_answer() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Reply::json(429, "{}").with("retry-after", "0"),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let sent = transport(Settings::default());
    assert_eq!(sent.send(&get(&server), None).await.unwrap().status, 200);
    assert_eq!(sent.counts().dataverse, 3);
    let server = Server::start(|_, _| Reply::json(503, "{}").with("retry-after", "0")).await;
    assert_eq!(sent.send(&get(&server), None).await.unwrap().status, 503);
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_begun() {
    let server = Server::start(|_, _| Reply::json(429, "{}").with("retry-after", "3600")).await;
    let sent = transport(Settings::default());
    let answer = sent.send(&get(&server), None).await.unwrap();
    let asked = Some(Duration::from_hours(1));
    let limit = Settings::default().deadline;
    let CutShort { left, .. } = answer.cut_short.unwrap();
    assert_eq!((answer.status, answer.cut_short), (429, Some(CutShort { asked, left, limit })));
    assert!(left <= limit && left > limit / 2, "{left:?}");
    let another = sent.send(&get(&server), None).await.unwrap_err();
    assert!(another.to_string().contains("asked to wait 3600 s, longer than"), "{another}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_ends_a_command_and_only_delays_a_query() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Reply::Drop,
        _ => Reply::json(200, "{}"),
    })
    .await;
    let sent = transport(Settings::default());
    let mut request = get(&server);
    request.safety = Safety::Command;
    let lost = sent.send(&request, None).await.unwrap_err();
    assert!(matches!(lost, TransportError::Lost { .. }), "{lost:?}");
    assert!(!format!("{lost} {lost:?}").contains("made"), "{lost:?}");
    assert_eq!(sent.send(&get(&server), None).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_write_that_is_turned_away_is_returned_after_its_pause_and_not_sent_again() {
    let server = Server::start(|_, _| Reply::json(429, "{}").with("retry-after", "1")).await;
    let mut request = get(&server);
    request.safety = Safety::Write;
    let begin = std::time::Instant::now();
    let answer = transport(Settings::default()).send(&request, None).await.unwrap();
    assert!(answer.status == 429 && answer.cut_short.is_none());
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_silent_service_ends_with_the_deadline_and_its_cause() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let settings = Settings { deadline: Duration::from_millis(300), ..Settings::default() };
    let sent = transport(settings);
    let passed = sent.send(&get(&server), None).await.unwrap_err();
    assert!(
        passed.to_string().ends_with(" did not answer within the 0.3 s of `--timeout`"),
        "{passed}"
    );
    let TransportError::DeadlinePassed { last: Some(last), .. } = &passed else {
        panic!("{passed:?}");
    };
    assert!(matches!(**last, TransportError::Lost { .. }));
    let unsent = sent.send(&get(&server), None).await.unwrap_err();
    assert!(unsent.is_never_sent(), "{unsent:?}");
    sent.extend_deadline(Duration::from_millis(100));
    assert!(!sent.send(&get(&server), None).await.unwrap_err().is_never_sent());
}

#[tokio::test]
async fn while_a_person_is_asked_no_request_meets_the_deadline_and_afterwards_each_does() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let settings = Settings { deadline: Duration::ZERO, ..Settings::default() };
    let sent = transport(settings);
    let request = get(&server);
    let asked = sent.while_asking(Duration::from_mins(1), sent.send(&request, None)).await;
    assert_eq!(asked.unwrap().status, 200);
    assert!(sent.send(&request, None).await.unwrap_err().is_never_sent());
}

#[tokio::test]
async fn a_host_that_refuses_is_unreachable_for_commands_too() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut request = get(&server);
    request.safety = Safety::Command;
    let port = Server::closed_port().await;
    request.url.set_port(Some(port)).unwrap();
    let settings = Settings { deadline: Duration::from_millis(200), ..Settings::default() };
    let error = transport(settings).send(&request, None).await.unwrap_err();
    assert!(error.is_never_sent(), "{error:?}");
    assert!(matches!(error, TransportError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let server = Server::start(|_, _| Reply::json(200, &" ".repeat(MOST_BODY_BYTES + 1))).await;
    let error = ask(&server).await.unwrap_err();
    assert!(matches!(error, TransportError::TooLarge { status: 200, .. }), "{error:?}");
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let most = Arc::new(AtomicUsize::new(0));
    let server = Server::start_watching(Arc::clone(&most), Reply::json(200, "{}")).await;
    let settings = Settings { concurrency: 3, ..Settings::default() };
    let sent = transport(settings);
    let request = get(&server);
    let all = (0..12).map(|_| sent.send(&request, None));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn cookies_that_pin_a_server_are_not_kept() {
    let server = Server::start(|_, _| {
        Reply::json(200, "{}").with("set-cookie", "ARRAffinity=made-up;Path=/;HttpOnly")
    })
    .await;
    let sent = transport(Settings::default());
    for _ in 0..2 {
        assert_eq!(sent.send(&get(&server), None).await.unwrap().status, 200);
    }
    assert!(server.received().iter().all(|received| received.headers("cookie").is_empty()));
}

#[tokio::test]
async fn a_hint_of_the_service_bounds_what_is_sent_at_once() {
    let most = Arc::new(AtomicUsize::new(0));
    let answer = Reply::json(200, "{}").with("x-ms-dop-hint", "2");
    let server = Server::start_watching(Arc::clone(&most), answer).await;
    let sent = transport(Settings::default());
    let request = get(&server);
    sent.send(&request, None).await.unwrap();
    most.store(0, Ordering::SeqCst);
    futures_util::future::join_all((0..8).map(|_| sent.send(&request, None))).await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn requests_that_are_turned_away_together_wait_together_and_are_told_of_once() {
    let server = Server::start(|number, _| match number {
        0..=5 => Reply::json(429, "{}").with("retry-after", "1"),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let sent = transport(Settings::default());
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    sent.on_wait(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let request = get(&server);
    let answers = futures_util::future::join_all((0..6).map(|_| sent.send(&request, None))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status == 200));
    assert_eq!((sent.counts().dataverse, told.load(Ordering::SeqCst)), (12, 1));
}

#[tokio::test]
async fn a_service_that_asks_for_a_rest_is_not_asked_by_others_and_the_other_services_are() {
    let server = Server::start(|_, received| match received.line.as_str() {
        "GET /first HTTP/1.1" => Reply::json(429, "{}").with("retry-after", "3600"),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let sent = transport(Settings::default());
    let first = Request::get(Service::Flow, server.url("/first"), "/first");
    assert_eq!(sent.send(&first, None).await.unwrap().status, 429);
    let second = Request::get(Service::Flow, server.url("/second"), "/second");
    let passed = sent.send(&second, None).await.unwrap_err();
    assert!(passed.is_never_sent(), "{passed:?}");
    assert_eq!(sent.send(&get(&server), None).await.unwrap().status, 200);
    assert_eq!((sent.counts().flow, sent.counts().dataverse), (1, 1));
}

#[tokio::test]
async fn an_answer_that_is_out_is_told_of_once_for_all_that_are() {
    let server = Server::start(|number, _| {
        if number == 3 {
            // From here on nothing happens but the passing of time.
            tokio::time::pause();
        }
        Reply::Silence
    })
    .await;
    let settings = Settings { deadline: Duration::from_secs(25), ..Settings::default() };
    let sent = transport(settings);
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    sent.on_slow_answer(move |silence| {
        let what = format!("{} {} {}", silence.peer.service(), silence.method, silence.template);
        let times = [silence.time, silence.left].map(|time| time.as_secs_f32().round());
        list.lock().unwrap().push((what, times, silence.limit));
    });
    let request = get(&server);
    let mut command = get(&server);
    (command.service, command.safety) = (Service::Flow, Safety::Command);
    let queries = futures_util::future::join_all((0..3).map(|_| sent.send(&request, None)));
    let (answers, _) = tokio::join!(queries, sent.send(&command, None));
    assert!(answers.into_iter().all(|answer| answer.is_err()));
    let told = told.lock().unwrap();
    let asked = |service: &str| told.iter().filter(|one| one.0.starts_with(service)).collect();
    let (queries, commands): (Vec<_>, Vec<_>) = (asked("Dataverse"), asked("the Flow"));
    let limit = Some(settings.deadline);
    assert_eq!(queries, [&("Dataverse GET /rows".to_owned(), [10.0, 15.0], limit)]);
    assert_eq!(commands[0], &("the Flow service GET /rows".to_owned(), [10.0, 110.0], None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_wait_that_reaches_past_the_deadline_is_begun_however_long(
        status in select(&[429_u16, 503][..]),
        safety in select(&[Safety::Query, Safety::Command, Safety::Write][..]),
        seconds in 600..=u32::MAX,
        date: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (answer, sent) = runtime.block_on(async {
            let wait = Duration::from_secs(seconds.into());
            let until = httpdate::fmt_http_date(std::time::SystemTime::now() + wait * 2);
            let named = if date { until } else { seconds.to_string() };
            let reply = Reply::json(status, "{}").with("retry-after", &named);
            let server = Server::start(move |_, _| reply.clone()).await;
            let mut request = get(&server);
            request.safety = safety;
            let answer = transport(Settings::default()).send(&request, None).await;
            (answer.unwrap(), server.received().len())
        });
        prop_assert_eq!((answer.status, sent), (status, 1));
    }
}
