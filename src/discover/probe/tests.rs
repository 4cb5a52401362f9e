//! Which URLs are asked, how they are asked, and what their answers mean.

use std::time::Duration;

use super::*;
use crate::http::Settings;
use crate::http::testing::{Reply, Server};
use crate::model::{CallbackUrl, Cloud, Clouds, EntityTag, StoredText, UrlAccess, *};

const HOST: &str = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com";
const OTHER_HOST: &str = "7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d.environment.api.powerplatform.com";
const HEX: &str = "0123456789abcdef0123456789abcdef";

fn plain() -> String {
    format!(
        "https://{HOST}:443/powerautomate/automations/direct/workflows/{HEX}/triggers/manual/paths/invoke?api-version=1"
    )
}

fn signed() -> String {
    format!("{}&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=made-up", plain())
}

fn cloud() -> Cloud {
    Clouds::embedded().unwrap().get("public").unwrap().clone()
}

fn guid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// One flow whose URL that is, called by that method, and a variable for each text.
fn model(live: &str, method: Option<&str>, held: &[&str]) -> (Desired, Observed) {
    let live: CallbackUrl = live.parse().unwrap();
    let flow = Flow {
        name: None,
        workflow_id: guid(1).parse().unwrap(),
        trigger: None,
        site: ManifestPosition { line: 1, column: 1 },
        removed: false,
    };
    let seen = ObservedFlow {
        request_id: None,
        workflow: Reading::Absent,
        callback: Some(Callback::Url(live.with_method(method))),
    };
    let mut desired = Desired { flows: vec![flow], ..Desired::default() };
    let mut targets = Targets::default();
    for (index, text) in held.iter().enumerate() {
        let schema_name: SchemaName = format!("x_V{index}").parse().unwrap();
        let target = Target::Variable { schema_name: schema_name.clone(), pointer: None };
        let site = ManifestPosition { line: 10 + index, column: 1 };
        desired.bindings.push(Binding { flow: FlowIndex(0), target, site });
        targets.variables.insert(schema_name.clone(), Reading::Found(variable(schema_name, text)));
    }
    (desired, Observed { flows: vec![seen], targets })
}

fn variable(schema_name: SchemaName, text: &str) -> Variable {
    let tag = EntityTag::new("W/\"7\"").unwrap();
    let row = ValueRow { id: guid(3).parse().unwrap(), tag, text: Some(StoredText::new(text)) };
    Variable {
        definition: guid(2).parse().unwrap(),
        schema_name,
        variable_type: VariableType::String,
        default: None,
        values: vec![row],
    }
}

fn asked(live: &str, method: Option<&str>, held: &[&str], signed: bool) -> Vec<Question> {
    asked_of("https://contoso.crm4.dynamics.com", &model(live, method, held), signed)
}

/// What is asked of an environment at that address, which has the id that [`HOST`] is made of.
fn asked_of(
    address: &str,
    (desired, observed): &(Desired, Observed),
    signed: bool,
) -> Vec<Question> {
    let terms = ProbeSettings {
        cloud: &cloud(),
        environment: &address.parse().unwrap(),
        environment_id: &"3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6".parse().unwrap(),
        signed,
    };
    questions(desired, observed, &terms)
}

/// What is asked of an environment that this server is.
fn asked_at(server: &Server, model: &(Desired, Observed), signed: bool) -> Vec<Question> {
    asked_of(&server.url("/").origin().ascii_serialization(), model, signed)
}

/// The words of a skipped question, or the method and host of the request.
fn shape(question: &Question) -> String {
    match &question.request {
        Ok(request) => format!("{} {}", request.method, request.url.host_str().unwrap()),
        Err(why) => (*why).to_owned(),
    }
}

#[test]
fn each_distinct_url_is_asked_once_and_what_is_no_url_is_not() {
    let plain = plain();
    let questions = asked(&plain, Some("POST"), &[&plain, "hello", &plain, ""], false);
    assert_eq!(questions.len(), 1);
    assert_eq!(shape(&questions[0]), format!("GET {HOST}"));
    let targets: Vec<&str> = questions[0].targets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(targets, ["environment-variable/x_V0", "environment-variable/x_V2"]);
}

#[test]
fn a_signed_url_is_asked_by_the_method_of_its_own_flow_among_many() {
    let url = |number: usize| signed().replace(HEX, &format!("{number:032x}"));
    let texts: Vec<String> = (0..2_000).map(url).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (desired, mut observed) = model(texts[0], Some("POST"), &texts);
    for (number, text) in texts.iter().enumerate().skip(1) {
        let live: CallbackUrl = text.replace("made-up", "another").parse().unwrap();
        let method = (number != 1_234).then_some("POST");
        let callback = Some(Callback::Url(live.with_method(method)));
        observed.flows.push(ObservedFlow { callback, ..observed.flows[0].clone() });
    }
    let questions = asked_of("https://contoso.crm4.dynamics.com", &(desired, observed), true);
    let skipped = |question: &Question| question.request.is_err();
    assert_eq!(questions.len(), 2_000);
    assert_eq!(questions.iter().position(skipped), Some(1_234));
    assert_eq!(questions.iter().rposition(skipped), Some(1_234));
}

#[test]
fn a_filled_in_path_and_a_url_with_a_line_break_are_asked_by_the_method_of_their_trigger() {
    let at = |path: &str| signed().replace("/invoke", &format!("/invoke{path}"));
    let live = at("/clips/{id}");
    for text in [at("/clips/4711"), format!("{}\n", at("/clips/4711")), format!("\"{live}\"")] {
        let questions = asked(&live, Some("POST"), &[&text], true);
        assert_eq!(shape(&questions[0]), format!("GET {HOST}"));
    }
    assert!(asked(&live, Some("POST"), &[&at("/tapes/4711")], true)[0].request.is_err());
}

#[test]
fn a_url_that_leads_elsewhere_or_is_written_oddly_is_not_asked() {
    let odd = plain().replace("https://", "https:\\\\");
    let http = plain().replace("https:", "http:").replace(":443", "");
    for text in ["https://example.com/hook?key=made-up", &odd, &http] {
        let questions = asked(&plain(), Some("POST"), &[text], true);
        assert!(questions[0].request.is_err(), "{}", shape(&questions[0]));
    }
}

#[test]
fn a_signed_url_is_asked_only_if_wanted_and_by_a_method_known_not_to_be_its_triggers() {
    let signed = signed();
    let shape = |held: &str, method, wanted| shape(&asked(&signed, method, &[held], wanted)[0]);
    assert!(shape(&signed, Some("POST"), false).contains("--probe-signed"));
    assert_eq!(shape(&signed, Some("POST"), true), format!("GET {HOST}"));
    assert_eq!(shape(&signed, Some("GET"), true), format!("PUT {HOST}"));
    let old = signed
        .replace(HOST, "prod-1.westeurope.logic.azure.com")
        .replace("/powerautomate/automations/direct", "");
    assert_eq!(shape(&old, Some("POST"), true), "GET prod-1.westeurope.logic.azure.com");
    let another_workflow = signed.replace("0123", "3210");
    let another_trigger = signed.replace("triggers/manual", "triggers/orders");
    let elsewhere = signed.replace(HOST, OTHER_HOST);
    for (held, method) in [
        (&signed, None),
        (&signed, Some("ANY")),
        (&another_workflow, Some("POST")),
        (&another_trigger, Some("POST")),
        (&elsewhere, Some("POST")),
    ] {
        assert!(
            shape(held, method, true).contains("the method of its trigger"),
            "{held} {method:?}"
        );
    }
}

#[test]
fn an_environment_on_this_machine_is_asked_for_its_own_urls_and_nothing_leaves_the_machine() {
    let (live, origin) = (signed(), "http://127.0.0.1:8787");
    let classic = "https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?api-version=2016-06-01";
    let there = plain().replace(HOST, OTHER_HOST);
    for (live, held, is_here) in [
        (&*live, &*plain(), true),
        (&*live, &*there, false),
        (&*live, &*signed().replace(HOST, OTHER_HOST), false),
        (&*live, classic, false),
        (classic, classic, true),
        // A flow that is off has no URL that could be told; the host names the environment.
        (classic, &*plain(), true),
        (&*live, &*plain().replace(":443/", "//example.com/"), true),
        (&*live, &*plain().replace(":443/", "/@example.com/"), false),
    ] {
        let question = &asked_of(origin, &model(live, Some("POST"), &[held]), true)[0];
        match &question.request {
            Ok(request) => assert_eq!(request.url.origin().ascii_serialization(), origin, "{held}"),
            Err(why) if !is_here => assert!(!why.is_empty()),
            Err(why) => panic!("{held}: {why}"),
        }
        assert_eq!(question.request.is_ok(), is_here, "{held}");
    }
    let question = &asked_of(origin, &model(&live, Some("POST"), &[&there]), true)[0];
    assert!(shape(question).contains("contacts no other machine"), "{}", shape(question));
}

#[tokio::test]
async fn a_probe_carries_no_token_cookie_or_body_and_its_answer_is_told() {
    let (server, transport) = (
        Server::start(|_, _| {
            Reply::json(404, r#"{"error":{"code":"WorkflowNotFound","message":"gone"}}"#)
                .with("set-cookie", "a=b")
        })
        .await,
        Transport::new(Settings::default()).unwrap(),
    );
    let model = model(&plain(), Some("POST"), &[&plain()]);
    for _ in 0..2 {
        let probed = ask(&transport, asked_at(&server, &model, false)).await;
        let verdict = ProbeVerdict::Gone("404 WorkflowNotFound, gone".to_owned());
        assert_eq!(probed[0].result, ProbeResult::Asked(verdict));
    }
    for received in server.received() {
        assert!(received.line.starts_with("GET /powerautomate/"), "{}", received.line);
        for header in ["authorization", "cookie"] {
            assert!(received.headers(header).is_empty());
        }
        assert!(received.body.is_empty());
    }
    assert_eq!(transport.counts().trigger, 2);
}

#[tokio::test]
async fn an_answer_that_echoes_the_address_does_not_have_the_signature_told() {
    let signature = "bWFkZS11cC1zaWduYXR1cmUtZm9yLXRoaXMtdGVzdC0";
    let body =
        format!(r#"{{"error":{{"code":"X","message":"{signature} of ?sig={signature}&a"}}}}"#);
    let server = Server::start(move |_, _| Reply::json(418, &body)).await;
    let transport = Transport::new(Settings::default()).unwrap();
    let url = signed().replace("made-up", signature);
    let model = model(&url, Some("POST"), &[&url]);
    let probed = ask(&transport, asked_at(&server, &model, true)).await;
    assert_eq!(probed[0].result.as_str(), "unknown");
    assert!(!format!("{probed:?}").contains(&signature[..16]), "{probed:?}");
}

#[tokio::test]
async fn a_signed_url_whose_answer_is_lost_is_not_asked_again() {
    let server = Server::start(|_, _| Reply::Drop).await;
    let settings = Settings { deadline: Duration::from_mins(1), ..Settings::default() };
    let transport = Transport::new(settings).unwrap();
    let model = model(&signed(), Some("POST"), &[&signed()]);
    let probed = ask(&transport, asked_at(&server, &model, true)).await;
    assert_eq!(probed[0].result.as_str(), "unknown");
    assert!(!format!("{probed:?}").contains("made-up"));
    assert_eq!(server.received().len(), 1);
}

#[test]
fn an_answer_is_told_of_each_target_and_only_what_proves_something_is_a_problem() {
    let verdicts = [
        (ProbeVerdict::Guarded, None),
        (ProbeVerdict::Off("400".into()), Some("probe-off")),
        (ProbeVerdict::Gone("404".into()), Some("probe-gone")),
        (ProbeVerdict::Signature("401".into()), Some("probe-signature")),
        (ProbeVerdict::Open("202".into()), Some("probe-open")),
    ];
    let view = plain().parse::<CallbackUrl>().unwrap().view().clone();
    let probed = |result| {
        let site = ManifestPosition { line: 1, column: 1 };
        let targets = vec![("a".to_owned(), site), ("b".to_owned(), site)];
        findings(&[Probed { view: view.clone(), targets, result }])
    };
    for (verdict, code) in verdicts {
        let (problems, warnings) = probed(ProbeResult::Asked(verdict));
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, code.map_or(vec![], |code| vec![code, code]));
        assert!(warnings.is_empty());
    }
    let (problems, warnings) = probed(ProbeResult::Asked(ProbeVerdict::Unknown("503".into())));
    assert_eq!((problems.len(), warnings.len()), (0, 2));
    assert_eq!(probed(ProbeResult::Skipped("x")), (vec![], vec![]));
    assert_eq!(view.kind, UrlAccess::Authenticated);
}
