//! One run in every form of a file.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::*;
use crate::deployment_settings::ExportedVariable;
use crate::discover::probe::{ProbeResult, ProbeVerdict, Probed, findings};
use crate::http::RequestCounts;
use crate::model::{CallbackUrl, Clouds, Code, Exit, Failure, ManifestPosition, Problem};
use crate::plan::{Action, Change, Difference, Plan, UrlPart, ValueView, WriteStage};
use crate::report::pipeline::annotation;
use crate::report::terminal::{drift, human};

/// What would be markup in one form or another, a command to a runner, or a secret.
const HOSTILE: &str = "</script><b>|`*x*`\u{1b}[31m\u{0}\u{202e}]]>&amp; ##vso[task.x]y\n::error::z sig=made-up-signature";

const URL: &str = "https://prod-17.westeurope.logic.azure.com/workflows/x?sig=made-up-signature";

fn view(text: &str) -> Option<ValueView> {
    let clouds = Clouds::embedded().unwrap();
    let cloud = clouds.get("public").unwrap();
    ValueView::from_text(Some(text), cloud)
}

fn change(address: &str, action: Action) -> Change {
    Change {
        address: address.to_owned(),
        action,
        reason: "the variable has no value".into(),
        flow_name: "Order intake".into(),
        workflow_id: "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap(),
        before: None,
        after: view(URL),
        differences: Vec::new(),
        guard: None,
        site: Some(ManifestPosition { line: 12, column: 3 }),
        held: None,
    }
}

fn problem(code: Code, address: Option<&str>, text: &str) -> Problem {
    Problem {
        code,
        address: address.map(str::to_owned),
        message: text.to_owned(),
        hint: text.to_owned(),
        site: Some(ManifestPosition { line: 7, column: 2 }),
    }
}

fn run(command: RunCommand, outcome: Outcome, plan: Option<&Plan>) -> Run<'_> {
    Run {
        command,
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000),
        source: "deploy/flowbind.toml",
        user: Some("megan@contoso.example"),
        outcome,
        environment: None,
        plan: plan.ok_or(&[]),
        failure: None,
        requests: RequestCounts::default(),
        duration: Duration::from_millis(1_234),
    }
}

fn plan(changes: Vec<Change>, problems: Vec<Problem>, warnings: Vec<Problem>) -> Plan {
    Plan::new(changes, problems, warnings, WriteStage::default())
}

#[test]
fn whether_there_are_changes_is_not_told_where_a_problem_may_hide_them() {
    let refused = plan(Vec::new(), vec![problem(Code::SignedUrl, None, "made up")], Vec::new());
    let agreed = plan(Vec::new(), Vec::new(), Vec::new());
    let present = |plan| run(RunCommand::Plan, Outcome::Refused, plan).changes_present();
    assert_eq!(present(None), None);
    assert_eq!(present(Some(&refused)), None);
    assert_eq!(present(Some(&agreed)), Some(false));
}

#[test]
fn what_a_rollback_leaves_alone_is_counted() {
    let plan = |changes| {
        let mut plan = plan(changes, Vec::new(), Vec::new());
        plan.left_alone = 2;
        plan
    };
    let undone = plan(vec![change("a", Action::Update)]);
    let undone = run(RunCommand::Rollback(Vec::new()), Outcome::Applied, Some(&undone));
    let told = "1 restored, 2 skipped. ";
    for text in [human::conclusion(&undone, 100), ReportFormat::Markdown.render(&undone)] {
        assert!(text.contains(told), "{text}");
    }
    let agreed = plan(Vec::new());
    let agreed = run(RunCommand::Rollback(Vec::new()), Outcome::Agreed, Some(&agreed));
    let text = human::conclusion(&agreed, 100);
    assert!(text.contains("Nothing to roll back\u{1b}[0m: 2 skipped."), "{text}");
}

#[test]
fn the_parts_in_which_urls_differ_are_told_in_every_form_for_people() {
    let difference = Difference {
        part: UrlPart::Environment,
        before: Some("here-before".to_owned()),
        after: Some("there-after".to_owned()),
    };
    let moved = Change {
        differences: vec![difference],
        ..change("environment-variable/a", Action::Update)
    };
    let plan = plan(vec![moved], Vec::new(), Vec::new());
    let run = run(RunCommand::Check(None), Outcome::Drifted, Some(&plan));
    for format in FORMATS {
        let text = format.render(&run);
        assert!(text.contains("here-before") && text.contains("there-after"), "{text}");
    }
}

#[test]
fn a_document_has_the_words_of_a_difference_beside_its_parts_and_no_secret_in_them() {
    let secret = "aB3".repeat(15);
    let difference = |part, before: Option<&str>, after: Option<&str>| Difference {
        part,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let moved = Change {
        differences: vec![
            difference(UrlPart::Kind, Some("signed"), Some("authenticated")),
            difference(UrlPart::Trigger, Some("manual"), Some(&secret)),
            difference(UrlPart::Signature, None, None),
        ],
        ..change("environment-variable/a", Action::Update)
    };
    let plan = plan(vec![moved], Vec::new(), Vec::new());
    let run = run(RunCommand::Check(None), Outcome::Drifted, Some(&plan));
    let document: Value = serde_json::from_str(&ReportFormat::Json.render(&run)).unwrap();
    let told = |part: &str, before, after, shown: &str| serde_json::json!({ "part": part, "before": before, "after": after, "shown": shown });
    let null = Value::Null;
    assert_eq!(
        document["changes"][0]["differences"],
        serde_json::json!([
            told(
                "kind",
                "signed".into(),
                "authenticated".into(),
                "signed instead of authenticated"
            ),
            told("trigger", "manual".into(), "****".into(), "another trigger"),
            told("signature", null.clone(), null, "signature rotated"),
        ])
    );
    for format in FORMATS {
        assert!(!format.render(&run).contains(&secret), "{format:?}");
    }
}

const FORMATS: [ReportFormat; 5] = [
    ReportFormat::Markdown,
    ReportFormat::Junit,
    ReportFormat::Sarif,
    ReportFormat::Json,
    ReportFormat::Html,
];

/// What others read: members are added, and none is renamed, moved or left out.
const PROMISED: &str = r#"{
  "version": 1,
  "outcome": "drifted",
  "environment": {
    "name": "prod",
    "url": "https://contoso.crm4.dynamics.com",
    "id": null,
    "flow-api": "flow.example"
  },
  "changes": [
    {
      "address": "environment-variable/a",
      "action": "update",
      "reason": "the variable has no value",
      "flow": {
        "name": "Order intake",
        "workflow-id": "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
      },
      "before": {
        "kind": "text",
        "characters": 9
      },
      "after": {
        "kind": "signed",
        "host": "prod-17.westeurope.logic.azure.com",
        "fingerprint": "24a0c5e598c5"
      },
      "differences": []
    },
    {
      "address": "b",
      "action": "no-op",
      "reason": "the variable has no value",
      "flow": {
        "name": "Order intake",
        "workflow-id": "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
      },
      "before": {
        "kind": "other",
        "host": "contoso.example",
        "fingerprint": null
      },
      "after": {
        "kind": "other",
        "host": "contoso.example",
        "fingerprint": null
      },
      "differences": []
    }
  ],
  "problems": [
    {
      "code": "signed-url",
      "address": "b",
      "message": "made up",
      "hint": "made up",
      "line": 7,
      "column": 2
    }
  ],
  "warnings": [
    {
      "code": "signed-url",
      "address": null,
      "message": "made up",
      "hint": "made up",
      "line": null,
      "column": null
    }
  ],
  "error": {
    "exit-code": 1,
    "message": "it failed",
    "hints": [
      "run again"
    ]
  },
  "requests": {
    "entra": 0,
    "dataverse": 0,
    "flow": 0,
    "trigger": 0
  },
  "command": "check",
  "flowbind": "VERSION",
  "file": "deploy/flowbind.toml",
  "user": "megan@contoso.example",
  "started": "2026-09-21T14:13:20Z",
  "duration-ms": 1234,
"#;

/// The last member of the document of an export.
const PROMISED_SETTINGS: &str = r#"  "deployment-settings": {
    "file": "settings.json",
    "variables": [
      {
        "schema-name": "contoso_Url",
        "action": "create",
        "secret": true
      }
    ],
    "others": 1,
    "records": 2
  }
}
"#;

/// The last member of the document of a check.
const PROMISED_PROBES: &str = r#"  "probes": [
    {
      "url": {
        "kind": "signed",
        "host": "prod-17.westeurope.logic.azure.com",
        "fingerprint": "24a0c5e598c5"
      },
      "addresses": [
        "environment-variable/x"
      ],
      "result": "guarded",
      "answer": null
    }
  ]
}
"#;

#[test]
fn the_document_has_the_members_that_were_promised() {
    let text = Some(ValueView::Text { characters: 9 });
    let other = Some(ValueView::Elsewhere { host: "contoso.example".to_owned() });
    let changes = vec![
        Change { before: text, ..change("environment-variable/a", Action::Update) },
        Change { before: other.clone(), after: other, ..change("b", Action::NoOp) },
    ];
    let warning = Problem { site: None, ..problem(Code::SignedUrl, None, "made up") };
    let plan = plan(changes, vec![problem(Code::SignedUrl, Some("b"), "made up")], vec![warning]);
    let (url, id) = ("https://contoso.crm4.dynamics.com".parse().unwrap(), None);
    let environment =
        RunEnvironment { name: "prod", url: &url, id, flow_host: Some("flow.example") };
    let failure = Failure::new(Exit::Unexpected, "it failed").hint("run again");
    let schema_name = "contoso_Url".parse().unwrap();
    let exported = ExportedVariable { schema_name, action: Action::Create, secret: true };
    let path = "settings.json".to_owned();
    let exported = ExportedFile { path, variables: vec![exported], others: 1, records: 2 };
    let probes = Some(vec![probed(ProbeResult::Asked(ProbeVerdict::Guarded))]);
    let checked = Checked { targets: 2, pending: None, probes };
    let rendered = |command| {
        let run = run(command, Outcome::Drifted, Some(&plan));
        let run = Run { environment: Some(environment), failure: Some(&failure), ..run };
        ReportFormat::Json.render(&run).replace(VERSION, "VERSION")
    };
    let check = rendered(RunCommand::Check(Some(checked)));
    assert_eq!(check, [PROMISED, PROMISED_PROBES].concat());
    let export = rendered(RunCommand::Export(Some(exported)));
    let promised = PROMISED.replace("\"command\": \"check\"", "\"command\": \"export\"");
    assert_eq!(export, promised + PROMISED_SETTINGS);
}

#[test]
fn no_form_lets_a_text_be_markup_or_shows_a_secret() {
    // An address is what machines know a target by; a path is the user's own.
    let name = HOSTILE.split(" sig=").next().unwrap();
    let mut hostile = change(name, Action::Create);
    hostile.flow_name = HOSTILE.into();
    hostile.reason = HOSTILE.into();
    let noted = || vec![problem(Code::SignedUrl, Some(name), HOSTILE)];
    let plan = plan(vec![hostile], noted(), noted());
    let failure = Failure::new(Exit::Unexpected, HOSTILE).hint(HOSTILE);
    let run = Run {
        source: name,
        user: Some(HOSTILE),
        failure: Some(&failure),
        ..run(RunCommand::Apply(Vec::new()), Outcome::Unknown, Some(&plan))
    };
    for format in FORMATS {
        let text = format.render(&run);
        assert!(!text.contains("made-up-signature"), "{format:?}: {text}");
        let is_raw = format != ReportFormat::Json && text.contains(['\u{1b}', '\u{0}', '\u{202e}']);
        assert!(!is_raw, "{format:?}: {text}");
        let is_markup = matches!(format, ReportFormat::Junit | ReportFormat::Html);
        assert!(!is_markup || !text.contains("<b>"), "{format:?}: {text}");
        assert!(!is_markup || !text.contains("</script>"), "{format:?}: {text}");
        if matches!(format, ReportFormat::Sarif | ReportFormat::Json) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
    for runner in [Runner::GitHubActions, Runner::AzurePipelines] {
        for command in annotation::annotations(runner, &run) {
            assert_eq!(command.line().lines().count(), 1, "{command:?}");
        }
    }
}

#[test]
fn markdown_is_readable_as_it_stands() {
    let url: CallbackUrl = URL.parse().unwrap();
    let plan = plan(
        vec![change("environment-variable/contoso_OrderUrl", Action::Create)],
        Vec::new(),
        vec![problem(Code::OldGenerationUrl, None, "say `signed-urls` | *so*")],
    );
    let text = ReportFormat::Markdown.render(&run(RunCommand::Plan, Outcome::Planned, Some(&plan)));
    let text = text.replace(&url.view().fingerprint.to_string(), "FINGERPRINT");
    insta::assert_snapshot!(text, @r#"
    ## flowbind plan: Changes pending

    1 to create. Nothing was written.

    ### Changes

    | | Target | Flow | Reason | Before | After |
    | :-- | :-- | :-- | :-- | :-- | :-- |
    | `+` create | `environment-variable/contoso_OrderUrl` | Order intake | the variable has no value | nothing | signed `FINGERPRINT` on `prod-17.westeurope.logic.azure.com` |

    ### Warnings

    - **old-generation-url** at `deploy/flowbind.toml:7:2`: say `signed-urls` \| \*so\*
      - help: say `signed-urls` \| \*so\*

    ---

    flowbind 0.1.0 · manifest `deploy/flowbind.toml` · started 2026-09-21T14:13:20Z · took 1.234 s · signed in as `megan@contoso.example` · requests: Entra 0, Dataverse 0, Flow 0
    "#);
}

#[test]
fn a_name_with_bars_and_backticks_stays_in_its_cell() {
    let plan = plan(vec![change("a|b``c", Action::Create)], Vec::new(), Vec::new());
    let text = ReportFormat::Markdown.render(&run(RunCommand::Plan, Outcome::Planned, Some(&plan)));
    assert!(text.contains("| ```a\\|b``c``` |"), "{text}");
}

/// A URL that the target `environment-variable/x` holds, with what came of asking it.
fn probed(result: ProbeResult) -> Probed {
    let url: CallbackUrl = URL.parse().unwrap();
    let site = ManifestPosition { line: 12, column: 3 };
    let targets = vec![("environment-variable/x".to_owned(), site)];
    Probed { view: url.view().clone(), targets, result }
}

/// A check of the target `environment-variable/x`, with those probes.
fn rendered_check(format: ReportFormat, problems: Vec<Problem>, probes: Vec<Probed>) -> String {
    let changes = vec![change("environment-variable/x", Action::NoOp)];
    let (plan, none) = (plan(changes, problems, Vec::new()), RequestCounts::default());
    let checked = Checked { targets: 1, pending: Some(0), probes: Some(probes) };
    let requests = RequestCounts { trigger: 3, ..none };
    let run = run(RunCommand::Check(Some(checked)), Outcome::Drifted, Some(&plan));
    format.render(&Run { requests, ..run })
}

#[test]
fn what_urls_answered_is_told_to_people_with_how_often_they_were_asked() {
    let gone = ProbeResult::Asked(ProbeVerdict::Gone("404 WorkflowNotFound".to_owned()));
    let all = || {
        let skipped = ProbeResult::Skipped("it is signed");
        vec![
            probed(ProbeResult::Asked(ProbeVerdict::Guarded)),
            probed(gone.clone()),
            probed(skipped),
        ]
    };
    let text = rendered_check(ReportFormat::Markdown, Vec::new(), all());
    let url: CallbackUrl = URL.parse().unwrap();
    let text = text.replace(&url.view().fingerprint.to_string(), "FINGERPRINT");
    let row = |result: &str, answer: &str| {
        format!(
            "| {result} | `environment-variable/x` | signed `FINGERPRINT` on `prod-17.westeurope.logic.azure.com` | {answer} |\n"
        )
    };
    let rows = row("guarded", "as expected")
        + &row("gone", "404 WorkflowNotFound")
        + &row("skipped", "it is signed");
    let head = "### Probes\n\n| Result | Target | URL | Answer |\n| :-- | :-- | :-- | :-- |\n";
    assert!(text.contains(&format!("{head}{rows}\n")), "{text}");
    assert!(text.contains("Flow 0, triggers 3\n"), "{text}");
    let page = rendered_check(ReportFormat::Html, Vec::new(), all());
    for part in ["<h2>Probes</h2>", ">guarded<", ">404 WorkflowNotFound<", ", 3 to triggers"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for format in [ReportFormat::Markdown, ReportFormat::Html] {
        let text = rendered_check(format, Vec::new(), Vec::new());
        assert!(text.contains("No target holds a URL to probe."), "{text}");
    }
}

#[test]
fn the_case_of_a_target_tells_what_its_url_answered_and_fails_if_that_proves_something() {
    let guarded = probed(ProbeResult::Asked(ProbeVerdict::Guarded));
    let text = rendered_check(ReportFormat::Junit, Vec::new(), vec![guarded]);
    assert!(text.contains("probe: guarded: as expected</system-out></testcase>"), "{text}");
    let gone = probed(ProbeResult::Asked(ProbeVerdict::Gone("404 X".to_owned())));
    let (problems, _) = findings(std::slice::from_ref(&gone));
    let text = rendered_check(ReportFormat::Junit, problems, vec![gone]);
    assert!(text.contains("tests=\"1\" failures=\"1\""), "{text}");
    assert!(text.contains("type=\"probe-gone\">"), "{text}");
    assert!(text.contains("\nprobe: gone: 404 X</system-out>"), "{text}");
}

#[test]
fn a_check_is_told_in_its_own_words_with_the_targets_that_it_could_not_look_at() {
    let changes = vec![
        change("environment-variable/x", Action::Create),
        change("environment-variable/y", Action::NoOp),
    ];
    let plan = plan(changes, Vec::new(), Vec::new());
    let checked = Checked { targets: 3, pending: Some(1), probes: None };
    let run = run(RunCommand::Check(Some(checked)), Outcome::Drifted, Some(&plan));
    let text = ReportFormat::Markdown.render(&run);
    assert!(
        text.contains("1 of 3 targets out of date, 1 not checked. Nothing was written."),
        "{text}"
    );
    for part in ["### Targets\n", "| Holds | Expected |", "| `~` drifted |", "| `=` up to date |"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = ReportFormat::Html.render(&run);
    for part in ["<dt>not checked</dt><dd>1</dd>", ">Holds<", ">Expected<", "drifted</td>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let cases = ReportFormat::Junit.render(&run);
    assert!(
        cases.contains("drifted: the variable has no value: holds nothing, expected signed"),
        "{cases}"
    );
    for text in [text, cases] {
        assert!(!text.contains("create") && !text.contains("-&gt;"), "{text}");
    }
}

/// The elements of the case of the one target.
fn case(command: RunCommand, outcome: Outcome, problems: Vec<Problem>) -> String {
    let plan = plan(vec![change("environment-variable/x", Action::Create)], problems, Vec::new());
    let text = ReportFormat::Junit.render(&run(command, outcome, Some(&plan)));
    let (_, case) = text.split_once("<testcase ").unwrap();
    case.split_once("</testcase>").unwrap().0.to_owned()
}

#[test]
fn a_case_ends_as_its_target_does() {
    let none = Vec::new;
    let applied = case(RunCommand::Apply(Vec::new()), Outcome::Applied, none());
    assert!(applied.starts_with(
        "name=\"environment-variable/x\" classname=\"flowbind.environment-variable\" time=\"0\"><system-out>flow: Order intake\ncreate: "
    ));
    assert!(
        case(RunCommand::Plan, Outcome::Planned, none()).contains("<skipped message=\"create: ")
    );
    let drifted = case(RunCommand::Check(None), Outcome::Drifted, none());
    assert!(drifted.contains("<failure message=\"the variable has no value\" type=\"drift\">"));
    assert!(
        case(RunCommand::Apply(Vec::new()), Outcome::Unknown, none()).contains("<error message=")
    );
    let wrong = || vec![problem(Code::VariableType, Some("environment-variable/x"), "is wrong")];
    let refused = case(RunCommand::Plan, Outcome::Refused, wrong());
    assert!(refused.contains("<failure message=\"is wrong\" type=\"variable-type\">variable-type: is wrong\nat deploy/flowbind.toml:7:2\nhelp: is wrong</failure>"), "{refused}");
}

#[test]
fn names_of_cases_are_the_same_when_lines_move_and_flows_are_renamed() {
    let names = |flow: &str, line| {
        let moved = |problem: Problem| Problem {
            site: Some(ManifestPosition { line, column: 1 }),
            ..problem
        };
        let twice = || moved(problem(Code::SignedUrl, None, "is wrong"));
        let run_alone = Problem { site: None, ..problem(Code::PlanUser, None, "is another") };
        let of_flow = moved(problem(Code::FlowDraft, Some("flow/x"), "is off"));
        let change = Change { flow_name: flow.into(), ..change("record/t[a=b]/c", Action::Create) };
        let plan = plan(vec![change], vec![twice(), twice(), of_flow, run_alone], Vec::new());
        let text =
            ReportFormat::Junit.render(&run(RunCommand::Plan, Outcome::Refused, Some(&plan)));
        assert_eq!(text.matches("<failure ").count(), 3, "{text}");
        assert!(text.contains(&format!("deploy/flowbind.toml:{line}:1")), "{text}");
        let cases = text.split("<testcase ").skip(1);
        cases.map(|case| case.split(" time=").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wanted = [
        ("record/t[a=b]/c", "flowbind.record"),
        ("signed-url", "flowbind.manifest"),
        ("flow/x", "flowbind.flow"),
        ("plan-other-user", "flowbind.run"),
    ];
    let wanted = wanted.map(|(name, class)| format!("name=\"{name}\" classname=\"{class}\""));
    assert_eq!(names("Order intake", 7), wanted);
    assert_eq!(names("Renamed", 9), wanted);
}

#[test]
fn what_ends_a_run_early_is_a_case_of_its_own() {
    let failure = Failure::new(Exit::SignIn, "nobody is signed in").hint("sign in");
    let run = Run {
        failure: Some(&failure),
        ..run(RunCommand::Apply(Vec::new()), Outcome::Refused, None)
    };
    let text = ReportFormat::Junit.render(&run);
    assert!(text.contains("tests=\"1\" failures=\"0\" errors=\"1\""), "{text}");
    assert!(
        text.contains("<error message=\"nobody is signed in\" type=\"exit-code-4\">"),
        "{text}"
    );
}

#[test]
fn sarif_tells_rule_file_line_and_column() {
    let noted = |text| vec![problem(Code::SignedUrl, Some("flow/x"), text)];
    let plan = plan(Vec::new(), noted("first"), noted("second"));
    let run =
        Run { source: "my deploy/ä.toml", ..run(RunCommand::Plan, Outcome::Refused, Some(&plan)) };
    let document: Value = serde_json::from_str(&ReportFormat::Sarif.render(&run)).unwrap();
    let result = &document["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "signed-url");
    assert_eq!(result["level"], "error");
    assert_eq!(document["runs"][0]["results"][1]["level"], "warning");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "my%20deploy/%C3%A4.toml");
    assert_eq!(place["region"], serde_json::json!({"startLine": 7, "startColumn": 2}));
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], "signed-url");
    assert_eq!(rules.len(), Code::ALL.len() + 1);
}

#[test]
fn a_check_tells_of_drift_and_a_plan_does_not() {
    let plan = plan(vec![change("environment-variable/x", Action::Update)], Vec::new(), Vec::new());
    let results = |command| {
        let text = ReportFormat::Sarif.render(&run(command, Outcome::Planned, Some(&plan)));
        let document: Value = serde_json::from_str(&text).unwrap();
        document["runs"][0]["results"].as_array().unwrap().len()
    };
    assert_eq!((results(RunCommand::Check(None)), results(RunCommand::Plan)), (1, 0));
    let check = run(RunCommand::Check(None), Outcome::Drifted, Some(&plan));
    let told = annotation::annotations(Runner::GitHubActions, &check);
    assert_eq!(
        told[0].line(),
        "::warning file=deploy/flowbind.toml,line=12,col=3,title=drift::environment-variable/x: the variable has no value\n"
    );
}

#[test]
fn a_problem_is_told_to_each_runner_at_its_line() {
    let plan =
        plan(Vec::new(), vec![problem(Code::FlowDraft, Some("flow/x"), "is off")], Vec::new());
    let run = run(RunCommand::Plan, Outcome::Refused, Some(&plan));
    let told = |runner| annotation::annotations(runner, &run)[0].line();
    assert_eq!(
        told(Runner::GitHubActions),
        "::error file=deploy/flowbind.toml,line=7,col=2,title=flow-draft::flow/x: is off%0Ahelp: is off\n"
    );
    assert_eq!(
        told(Runner::AzurePipelines),
        "##vso[task.logissue type=error;sourcepath=deploy/flowbind.toml;linenumber=7;columnnumber=2;code=flow-draft]flow/x: is off%0Ahelp: is off\n"
    );
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let plan = plan(vec![change("environment-variable/x", Action::Create)], Vec::new(), Vec::new());
    let page = ReportFormat::Html.render(&run(
        RunCommand::Apply(Vec::new()),
        Outcome::Applied,
        Some(&plan),
    ));
    for outside in ["<script", "<link", "<img", "src=", "href=", "url(", "@import", "style=\""] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"), "{page}");
}

#[test]
fn a_run_that_wrote_nothing_says_in_its_headline_why() {
    let refused = |exit: Exit| Failure::new(exit, "for a reason");
    for (failure, headline) in [
        (refused(Exit::Interrupted), "Interrupted"),
        (refused(Exit::Unreachable).timed_out(), "Timed out"),
        (refused(Exit::Unreachable), "Service unavailable"),
        (refused(Exit::SignIn), "Not signed in"),
        (refused(Exit::Usage), "Not started"),
        (refused(Exit::Unexpected), "Failed"),
        (refused(Exit::Refused), "Refused"),
    ] {
        let failure = Some(&failure);
        let run = Run { failure, ..run(RunCommand::Apply(Vec::new()), Outcome::Refused, None) };
        let text = ReportFormat::Markdown.render(&run);
        assert!(text.starts_with(&format!("## flowbind apply: {headline}\n")), "{text}");
    }
}

/// A text without what makes it colourful.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn no_address_is_cut_on_a_narrow_terminal_and_no_sentence_is_too_long() {
    let address = "environment-variable/contoso_AVariableWithAVeryLongNameIndeed#/orders/intake";
    let mut long = change(address, Action::Update);
    long.reason = "another environment, another workflow, another trigger".into();
    let sentence = "the environment variable was not found in this environment, and nobody made it";
    let noted = vec![problem(Code::DefinitionMissing, Some(address), sentence)];
    let plan = plan(vec![long], noted, Vec::new());
    let changes = plain(&human::changes(&plan, human::plan_words(&RunCommand::Plan), false, 60));
    let told = plain(&human::notes(&plan, "deploy/flowbind.toml", 60));
    assert!(
        told.contains(&format!("  at    deploy/flowbind.toml:7:2\n        {address}\n")),
        "{told}"
    );
    let run = run(RunCommand::Plan, Outcome::Planned, Some(&plan));
    let text = [changes, told, plain(&human::conclusion(&run, 60))].concat();
    for line in text.lines().filter(|line| !line.contains(address)) {
        assert!(line.chars().count() <= 60 && !line.contains("an…"), "{line}");
    }
    assert_eq!(text.matches(address).count(), 2, "{text}");
    let wide = plain(&human::notes(&plan, "deploy/flowbind.toml", 120));
    assert!(wide.contains(&format!("  at    deploy/flowbind.toml:7:2  {address}\n")), "{wide}");
}

#[test]
fn what_is_up_to_date_is_one_line_unless_every_target_is_asked_for() {
    let agreed = |name: &str| change(name, Action::NoOp);
    let plan = plan(
        vec![agreed("a/b"), change("c/d", Action::Create), agreed("e/f")],
        Vec::new(),
        Vec::new(),
    );
    let shown = |command: &RunCommand, verbose| {
        plain(&human::changes(&plan, human::plan_words(command), verbose, 100))
    };
    let fingerprint = "24a0c5e598c5";
    assert_eq!(
        shown(&RunCommand::Plan, false),
        format!(
            "  + c/d\n      Order intake: the variable has no value\n      after   signed {fingerprint}\n  = 2 up to date\n\n"
        )
    );
    assert!(shown(&RunCommand::Check(None), false).ends_with("  = 2 up to date\n\n"));
    assert!(
        shown(&RunCommand::Rollback(Vec::new()), false).ends_with("  = 2 already restored\n\n")
    );
    let all = shown(&RunCommand::Plan, true);
    assert!(all.contains("  = a/b\n") && all.contains("  = e/f\n"), "{all}");
    let run = run(RunCommand::Plan, Outcome::Planned, Some(&plan));
    let text = ReportFormat::Markdown.render(&run);
    let (open, folded) = text.split_once("<details><summary>2 up to date</summary>\n\n|").unwrap();
    assert!(open.contains("`c/d`") && !open.contains("`a/b`"), "{text}");
    assert!(folded.contains("`a/b`") && folded.contains("|\n\n</details>\n\n"), "{text}");
    let page = ReportFormat::Html.render(&run);
    assert!(page.contains("<details><summary>2 up to date</summary><table>"), "{page}");
}

#[test]
fn a_host_is_shown_only_where_it_is_not_this_environments() {
    let other = "https://prod-42.westeurope.logic.azure.com/workflows/x?sig=made-up-signature";
    let moved = |before, after| Change {
        before: view(before),
        after: view(after),
        ..change("a/b", Action::Update)
    };
    let lines = |command: &RunCommand, change| {
        let plan = plan(vec![change], Vec::new(), Vec::new());
        let text = plain(&human::changes(&plan, human::plan_words(command), false, 100));
        text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let (ours, theirs) = (view(URL), view(other));
    let [ours, theirs] = [ours, theirs].map(|view| ValueView::describe(view.as_ref()));
    let (bare, _) = ours.split_once(" on ").unwrap();
    assert_eq!(
        lines(&RunCommand::Plan, moved(other, URL))[..2],
        [format!("      before  {theirs}"), format!("      after   {bare}")]
    );
    assert_eq!(
        lines(&RunCommand::Rollback(Vec::new()), moved(URL, other))[..2],
        [format!("      before  {bare}"), format!("      after   {theirs}")]
    );
}

#[test]
fn each_command_ends_in_its_own_words() {
    let none = plan(Vec::new(), Vec::new(), Vec::new());
    let undone = plan(
        vec![change("a", Action::Update), change("b", Action::Delete), change("c", Action::Delete)],
        Vec::new(),
        Vec::new(),
    );
    let same = plan(vec![change("a", Action::NoOp)], Vec::new(), Vec::new());
    let end =
        |command, outcome, plan| plain(&human::conclusion(&run(command, outcome, Some(plan)), 100));
    for (command, outcome, plan, wanted) in [
        (
            RunCommand::Rollback(Vec::new()),
            Outcome::Applied,
            &undone,
            "Rolled back: 1 restored, 2 removed. Read back and verified.\n",
        ),
        (
            RunCommand::Rollback(Vec::new()),
            Outcome::Planned,
            &undone,
            "Rollback: 1 to restore, 2 to remove. Nothing was written.\n",
        ),
        (
            RunCommand::Rollback(Vec::new()),
            Outcome::Agreed,
            &same,
            "Already rolled back: 1 already restored.\n",
        ),
        (
            RunCommand::Apply(Vec::new()),
            Outcome::Applied,
            &undone,
            "Applied: 1 updated, 2 deleted. Read back and verified.\n",
        ),
        (RunCommand::Plan, Outcome::Agreed, &same, "No changes. The target is up to date.\n"),
        (RunCommand::Plan, Outcome::Planned, &none, "Plan: no targets. Nothing was written.\n"),
    ] {
        assert_eq!(end(command, outcome, plan), wanted);
    }
    let text = ReportFormat::Markdown.render(&run(
        RunCommand::Rollback(Vec::new()),
        Outcome::Agreed,
        Some(&same),
    ));
    assert!(text.starts_with("## flowbind rollback: Already rolled back\n"), "{text}");
}

#[test]
fn a_check_speaks_of_what_is_there_and_not_of_writing() {
    let plan = plan(vec![change("a/b", Action::Create)], Vec::new(), Vec::new());
    let text =
        plain(&human::changes(&plan, human::plan_words(&RunCommand::Check(None)), false, 100));
    assert!(text.starts_with("  ~ a/b\n"), "{text}");
    assert!(text.contains("      holds     nothing\n      expected  signed"), "{text}");
    let checked = Checked { targets: 3, pending: None, probes: None };
    let end = plain(&drift::conclusion(Outcome::Drifted, &plan, &checked, 100));
    assert!(end.starts_with("Drift found: 1 of 3 targets out of date, 2 not checked."), "{end}");
}
