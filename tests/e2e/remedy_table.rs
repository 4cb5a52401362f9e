//! The remedies of all problems, each followed once: the problem is there, the remedy is carried out
//! as an edit of the manifest or of the environment, and the problem is gone.

use std::collections::{BTreeMap, BTreeSet};

use flowbind::model::Code;
use serde_json::Value;

use super::harness::{Place, place};

/// A problem of a plan that goes away with an edit. Each case has a flow and a target of its own.
struct Case {
    code: Code,
    /// The words of the help that name the edit.
    help: &'static str,
    target: Target,
    /// What differs in both runs: a text of the right manifest or tenant, and what takes its place.
    scene: &'static [(&'static str, &'static str)],
    /// What is wrong before the remedy, in the same form.
    wrong: (&'static str, &'static str),
}

/// Where the URL of a case goes.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Variable,
    Member,
    Record,
}

use Target::{Member, Record, Variable};

const HEAD: &str = "version = 1\n[environments.sandbox]\nsandbox = true\n";

/// A flow that can be bound, in the tenant.
const FLOW: &str =
    "[[flow]]\nname = \"Case {n}\"\nworkflow-id = \"{flow}\"\nauthentication = \"Tenant\"\n";

const VARIABLE: &str = "[[environment-variable]]\nschema-name = \"contoso_Case{n}\"\ntype = \"string\"\nvalue = \"-\"\n";

const MEMBER: &str = "[[environment-variable]]\nschema-name = \"contoso_Case{n}\"\ntype = \"json\"\nvalue = '{\"order\": {\"url\": \"-\"}}'\n";

const RECORD: &str = "[[table]]\nname = \"contoso_case{n}\"\nprimary-name = \"contoso_name\"\noptimistic-concurrency = true\n[[table.column]]\nname = \"contoso_name\"\ntype = \"text\"\nmax-length = 100\n[[table.column]]\nname = \"contoso_url\"\ntype = \"text\"\nmax-length = 500\n[[table.column]]\nname = \"contoso_rank\"\ntype = \"integer\"\n[[table.column]]\nname = \"contoso_blind\"\ntype = \"text\"\nmax-length = 500\nvalid-for-read = false\n[[table.column]]\nname = \"contoso_fixed\"\ntype = \"text\"\nmax-length = 500\nvalid-for-update = false\n[[table.key]]\nname = \"contoso_Key\"\ncolumns = [\"contoso_name\"]\n[[table.row]]\ncontoso_case{n}id = \"{row}\"\ncontoso_name = \"one\"\ncontoso_rank = 1\ncontoso_url = \"-\"\n[[table.row]]\ncontoso_name = \"two\"\ncontoso_rank = 1\n";

const BINDING: &str = "[[flow]]\nworkflow-id = \"{flow}\"\n[[flow.target]]\n";

const FIXED: [(Target, &str); 3] = [
    (Variable, "environment-variable = \"contoso_Case{n}\"\n"),
    (Member, "environment-variable = \"contoso_Case{n}\"\njson-pointer = \"/order/url\"\n"),
    (
        Record,
        "table = \"contoso_case{n}\"\ncolumn = \"contoso_url\"\nkey = { contoso_name = \"one\" }\n",
    ),
];

const ID: &str = "workflow-id = \"{flow}\"\n[[flow.target]]";
const TENANT: &str = "authentication = \"Tenant\"";
const KEY: &str = "key = { contoso_name = \"one\" }";
const NEW: (&str, &str) = (KEY, "key = { contoso_name = \"new\" }\nmissing = \"create\"");
const OTHER_ENVIRONMENT: &str = "value = \"https://7d1f0c2e9a534b8e8f4e2f6d0a1b3c.4d.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke?api-version=1\"";

const CASES: &[Case] = &[
    case(Code::FlowNotFound, "`workflow-id`", Variable, (ID, "workflow-id = \"22222222-0000-4000-8000-00000000dead\"\n[[flow.target]]")),
    case(Code::FlowNotCloud, "`workflow-id`", Variable, (ID, "workflow-id = \"7d835c9e-17ea-f011-998a-7c1e5275cfe9\"\n[[flow.target]]")),
    case(Code::FlowDraft, "turn the flow on", Variable, (TENANT, "authentication = \"Tenant\"\nstate = \"draft\"")),
    case(Code::FlowSuspended, "turn the flow on", Variable, (TENANT, "authentication = \"Tenant\"\nstate = \"suspended\"")),
    case(Code::DefinitionUnreadable, "", Variable, ("whole.json", "broken.json")).with(&[(TENANT, "definition = \"whole.json\"")]),
    case(Code::TriggerNotHttp, "When an HTTP request is received", Variable, (ID, "workflow-id = \"283e0749-c295-f011-998a-7c1e5275cfe9\"\n[[flow.target]]")),
    case(Code::TriggerAmbiguous, "trigger = \"orders\"", Variable, ("\ntrigger = \"orders\"", "")).with(&[(ID, "workflow-id = \"6c724b8d-06d9-f011-998a-7c1e5275cfe9\"\ntrigger = \"orders\"\n[[flow.target]]")]),
    case(Code::TriggerNotFound, "`manual`", Variable, (ID, "workflow-id = \"{flow}\"\ntrigger = \"other\"\n[[flow.target]]")),
    case(Code::FlowNotOwned, "co-owner", Variable, (TENANT, "authentication = \"Tenant\"\nowner = false")),
    case(Code::SignedUrl, "users of the tenant", Variable, (TENANT, "authentication = \"All\"")),
    case(Code::OldGenerationUrl, "run again", Variable, (TENANT, "authentication = \"Tenant\"\naddress = \"classic\"")),
    case(Code::DefinitionMissing, "`environment-variable`", Variable, ("environment-variable = \"contoso_Case{n}\"", "environment-variable = \"contoso_Nothing\"")),
    case(Code::VariableType, "type", Variable, ("environment-variable = \"contoso_Case{n}\"", "environment-variable = \"contoso_MaxItems\"")),
    case(Code::VariableType, "`json-pointer`", Member, ("json-pointer = \"/order/url\"\n", "")),
    case(Code::VariableAmbiguous, "remove", Variable, ("value = \"-\"", "value = \"-\"\nsecond-value = \"+\"")),
    case(Code::ValueNotJson, "correct", Member, ("{\"order\":", "{order:")),
    case(Code::MemberNotText, "\"/order/url\"", Member, ("\"/order/url\"", "\"/order\"")),
    case(Code::TextHoldsMore, "\"/0\"", Variable, ("\njson-pointer = \"/0\"", "")).with(&[("value = \"-\"", "value = '[\"https://contoso.example\", 2]'"), ("environment-variable = \"contoso_Case{n}\"", "environment-variable = \"contoso_Case{n}\"\njson-pointer = \"/0\"")]),
    case(Code::TableMissing, "", Record, ("table = \"contoso_case{n}\"", "table = \"contoso_nothing\"")),
    case(Code::TableNotVersioned, "optimistic concurrency", Record, ("optimistic-concurrency = true", "optimistic-concurrency = false")),
    case(Code::TableElastic, "standard table", Record, ("optimistic-concurrency = true", "optimistic-concurrency = true\ntype = \"elastic\"")),
    case(Code::TableVirtual, "standard table", Record, ("optimistic-concurrency = true", "optimistic-concurrency = true\ntype = \"virtual\"")),
    case(Code::ColumnMissing, "logical name", Record, ("column = \"contoso_url\"", "column = \"contoso_nothing\"")),
    case(Code::KeyType, "", Record, ("contoso_rank = 1 }", "contoso_rank = \"first\" }")).with(&[(KEY, "key = { contoso_name = \"one\", contoso_rank = 1 }")]),
    case(Code::ColumnNotText, "text column", Record, ("column = \"contoso_url\"", "column = \"contoso_rank\"")),
    case(Code::ColumnNotReadable, "`column`", Record, ("column = \"contoso_url\"", "column = \"contoso_blind\"")),
    case(Code::ColumnNotWritable, "`column`", Record, ("column = \"contoso_url\"", "column = \"contoso_fixed\"")),
    case(Code::ColumnSecured, "column security profile", Record, ("secured = \"readable\"", "secured = \"unreadable\"")).with(&[("name = \"contoso_url\"\n", "name = \"contoso_url\"\nsecured = \"readable\"\n")]),
    case(Code::KeyNotUnique, "alternate key", Record, ("[[table.key]]\nname = \"contoso_Key\"\ncolumns = [\"contoso_name\"]\n", "")).with(&[NEW]),
    case(Code::KeyNotActive, "once it is active", Record, ("columns = [\"contoso_name\"]", "columns = [\"contoso_name\"]\nindex-status = \"failed\"")).with(&[NEW]),
    case(Code::RecordMissing, "missing = \"create\"", Record, ("\nmissing = \"create\"", "")).with(&[NEW]),
    case(Code::RecordAmbiguous, "`key`", Record, (KEY, "key = { contoso_rank = 1 }")),
    case(Code::TargetCollision, "remove", Record, (KEY, "key = { contoso_name = \"one\" }\n[[flow.target]]\ntable = \"contoso_case{n}\"\nid = \"{row}\"\ncolumn = \"contoso_url\"")),
    case(Code::ValueTooLong, "longer", Record, ("max-length = 500", "max-length = 101")),
    case(Code::PointsElsewhere, "`flowbind apply`", Variable, ("", "")).with(&[("value = \"-\"", OTHER_ENVIRONMENT)]),
];

const fn case(
    code: Code,
    help: &'static str,
    target: Target,
    wrong: (&'static str, &'static str),
) -> Case {
    Case { code, help, target, scene: &[], wrong }
}

/// A mistake in a manifest, and the same text without it.
const MISTAKES: &[(Code, &str, &str)] = &[
    (Code::ManifestNotToml, "version 1", "version = 1"),
    (Code::VersionUnknown, "version = 2", "version = 1"),
    (Code::KeyUnknown, "environment-variabel =", "environment-variable ="),
    (Code::KeyMissing, "", "environment-variable = \"contoso_Url\""),
    (
        Code::KeyConflict,
        "sandbox = true\nurl = \"https://contoso.crm4.dynamics.com\"",
        "sandbox = true",
    ),
    (Code::TypeWrong, "sandbox = \"true\"", "sandbox = true"),
    (
        Code::ValueInvalid,
        "workflow-id = \"a09e4a0d\"",
        "workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"",
    ),
    (Code::TargetNone, "", "[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n"),
    (
        Code::TargetDuplicate,
        "[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n",
        "[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n",
    ),
    (Code::FlowDuplicate, "{flow}{flow}", "{flow}"),
    (Code::FlowNone, "", "{flow}"),
    (
        Code::PointerOverlap,
        "[[flow.target]]\nenvironment-variable = \"contoso_Url\"\njson-pointer = \"/a\"\n[[flow.target]]\nenvironment-variable = \"contoso_Url\"\njson-pointer = \"/a/b\"\n",
        "[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n",
    ),
];

const GOOD: &str = "[[flow]]\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\nenvironment-variable = \"contoso_Url\"\n";

/// The codes whose remedies are not followed here, each with the reason.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::ManifestUnreadable, "the remedy is another file name"),
    (
        Code::ManifestTooLarge,
        "a manifest of 16 MiB takes long to read; the remedy is two smaller ones",
    ),
    (
        Code::ManifestNotUtf8,
        "a place of tests holds texts alone; the remedy is to save the file anew",
    ),
    (Code::EnvironmentUnknown, "the remedy is another option of the command line"),
    (Code::EnvironmentNone, "the remedy is another option of the command line"),
    (Code::FlowStateUnknown, "no state of the sandbox's flows is unknown"),
    (Code::FlowNotRegistered, "the sandbox registers each flow that is on"),
    (Code::TriggerNotRegistered, "the sandbox registers each trigger of a flow that is on"),
    (Code::EnvironmentDenied, "the sandbox has no security groups"),
    (Code::PrivilegeUnproven, "the warning is no reason against a write"),
    (Code::PrivilegeMissing, "followed below, since it hides everything else"),
    (Code::CallbackMalformed, "only a fault gives such an answer, and no edit ends a fault"),
    (Code::CallbackAmbiguous, "only a fault gives such an answer, and no edit ends a fault"),
    (Code::CallbackNotHttps, "only a fault gives such an answer, and no edit ends a fault"),
    (Code::CallbackHostUnknown, "only a fault gives such an answer, and no edit ends a fault"),
    (Code::CallbackOtherFlow, "only a fault gives such an answer, and no edit ends a fault"),
    (Code::CallbackUnconfirmed, "each answer of the sandbox says which flow the URL belongs to"),
    (Code::RowWithoutEtag, "the remedy is that of `table-virtual`"),
    (Code::TooManyRows, "1,001 rows take long; the remedy is two smaller manifests"),
    (Code::KeyTaken, "found only when writing; another person has to remove the hidden row"),
    (Code::WrittenThoughRefused, "the remedy is to ask those who run a gateway"),
    (Code::ProbeOff, "found only by a probe; the remedy is an apply, as for `points-elsewhere`"),
    (Code::ProbeGone, "found only by a probe; the remedy is an apply, as for `points-elsewhere`"),
    (
        Code::ProbeSignature,
        "found only by a probe; the remedy is an apply, as for `points-elsewhere`",
    ),
    (Code::ProbeOpen, "the remedy is a look at the flow's run history"),
    (Code::ProbeUnknown, "the remedy is to run the check again"),
    (Code::PlanManifest, "the remedy is a new plan, which the tests of reviewed plans make"),
    (Code::PlanExpired, "the remedy is a new plan, which the tests of reviewed plans make"),
    (Code::PlanEnvironment, "the remedy is a new plan, which the tests of reviewed plans make"),
    (Code::PlanUser, "the remedy is a new plan, which the tests of reviewed plans make"),
    (Code::PlanMoved, "the remedy is a new plan, which the tests of reviewed plans make"),
    (Code::ChangedSince, "the remedy is `--skip-changed`, which the tests of rollbacks use"),
    (Code::LabelMismatch, "the remedy is to find out who wrote to the journal"),
    (Code::NotCreatedByApply, "the remedy is to find out who wrote to the journal"),
    (Code::RestoresElsewhere, "the remedy is a decision before the confirmation"),
    (Code::LeftOut, "the remedy is to leave out `--only`, which the tests of `--only` do"),
    (Code::RemovedKept, "the remedy is an edit by hand of a value that is not the flow's"),
];

impl Case {
    const fn with(self, scene: &'static [(&'static str, &'static str)]) -> Self {
        Self { scene, ..self }
    }

    /// Returns the case's part of the tenant and of the manifest, with or without what is wrong.
    fn parts(&self, number: usize, is_wrong: bool) -> [String; 2] {
        let place = match self.target {
            Variable => VARIABLE,
            Member => MEMBER,
            Record => RECORD,
        };
        let (_, target) = FIXED.iter().find(|(kind, _)| *kind == self.target).unwrap();
        let mut parts = [format!("{FLOW}{place}"), format!("{BINDING}{target}")];
        let wrong = is_wrong.then_some(&self.wrong).filter(|(from, to)| from != to);
        for (from, to) in self.scene.iter().chain(wrong) {
            let before = parts.clone();
            parts = parts.map(|part| part.replacen(from, to, 1));
            assert_ne!(parts, before, "{}: nothing has `{from}`", self.code);
        }
        parts.map(|part| {
            part.replace("{flow}", &format!("22222222-0000-4000-8000-0000000ca5{number:02}"))
                .replace("{row}", &format!("44444444-0000-4000-8000-0000000ca5{number:02}"))
                .replace("{n}", &number.to_string())
        })
    }
}

/// Writes the tenant and the manifest of all cases.
fn write_all(place: &Place, is_wrong: bool) -> [String; 2] {
    let parts: Vec<[String; 2]> =
        CASES.iter().enumerate().map(|(number, case)| case.parts(number, is_wrong)).collect();
    let joined = |index: usize| parts.iter().map(|part| part[index].as_str()).collect::<String>();
    let shipped = std::fs::read_to_string(place.tenant(&[])).unwrap();
    let switch = "[switches.dataverse]\nenvironment-variable-key = \"schema-name\"\n";
    let tenant = place.write("tenant.toml", &format!("{shipped}\n{switch}{}", joined(0)));
    [tenant, place.write("flowbind.toml", &format!("{HEAD}{}", joined(1)))]
}

/// Runs a command on a tenant, and returns the help of each problem and warning by its code and the
/// number of its case.
fn run(place: &Place, command: &[&str], [tenant, manifest]: &[String; 2]) -> Value {
    let at = ["--manifest", manifest, "--sandbox-tenant", tenant];
    place.json(&[command, &at].concat()).1
}

/// Returns the problems and warnings of a run.
fn problems(document: &Value) -> Vec<&Value> {
    let list = |name: &str| document[name].as_array().into_iter().flatten();
    list("problems").chain(list("warnings")).collect()
}

/// Returns the line on which the binding of each case begins.
fn lines(manifest: &str) -> Vec<u64> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let numbered = text.lines().enumerate().filter(|(_, line)| *line == "[[flow]]");
    numbered.map(|(index, _)| u64::try_from(index).unwrap() + 1).collect()
}

#[test]
fn every_remedy_of_a_plan_that_can_be_followed_ends_its_problem() {
    let place = place();
    let action = r#"{"type":"Request","kind":"Http","inputs":{"triggerAuthenticationType":"Tenant","schema":{}}}"#;
    place.write("whole.json", &format!(r#"{{"properties":{{"definition":{{"triggers":{{"manual":{action}}},"actions":{{}}}}}}}}"#));
    place
        .write("broken.json", &format!(r#"{{"definition":{{"triggers":{{"manual":{action}}}}}}}"#));
    let world = write_all(&place, true);
    let (begins, document) = (lines(&world[1]), run(&place, &["plan"], &world));
    let found = problems(&document);
    let mut missing = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let ends = begins.get(number + 1).copied().unwrap_or(u64::MAX);
        let own = found.iter().filter(|problem| {
            problem["line"].as_u64().is_some_and(|line| (begins[number]..ends).contains(&line))
        });
        let own: Vec<String> =
            own.map(|problem| format!("{}: {}", problem["code"], problem["hint"])).collect();
        let code = format!("\"{}\": ", case.code);
        let is_told = own
            .iter()
            .any(|text| text.starts_with(&code) && text.replace("\\\"", "\"").contains(case.help));
        if !is_told {
            missing.push(format!("{} `{}`, but {own:?}", case.code, case.help));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    std::fs::remove_file(place.state()).unwrap();
    let world = write_all(&place, false);
    let applied = run(&place, &["apply", "--yes"], &world);
    let left: Vec<&Value> = problems(&applied);
    assert_eq!(applied["outcome"], "applied", "{left:#?}");
    assert!(left.iter().all(|problem| problem["code"] == "points-elsewhere"), "{left:#?}");
    let after = run(&place, &["check"], &world);
    assert_eq!(problems(&after), [&Value::Null; 0], "{after:#}");
}

#[test]
fn the_remedy_for_a_missing_privilege_ends_its_problem() {
    let place = place();
    let manifest = place.write(
        "flowbind.toml",
        &format!("{HEAD}{}", GOOD.replace("contoso_Url", "contoso_OrderIntakeUrl")),
    );
    let none = "missing-privileges = []";
    let missing = "missing-privileges = [\"prvReadWorkflow\"]";
    for (edit, wanted) in [(missing, vec!["privilege-missing"]), (none, vec![])] {
        let world = [place.tenant(&[(none, edit)]), manifest.clone()];
        let document = run(&place, &["plan"], &world);
        let codes: Vec<&str> =
            problems(&document).iter().filter_map(|problem| problem["code"].as_str()).collect();
        assert_eq!(codes, wanted, "{document:#}");
    }
}

#[test]
fn every_remedy_of_a_manifest_that_can_be_followed_ends_its_problem() {
    let place = place();
    for (code, wrong, right) in MISTAKES {
        let (whole, flow) = (format!("{HEAD}{GOOD}"), |text: &str| text.replace("{flow}", GOOD));
        assert!(whole.contains(&flow(right)), "{code}");
        let lint = |text: &str| {
            let manifest = place.write("flowbind.toml", text);
            place.run(&["lint", "--manifest", &manifest])
        };
        let ended = lint(&whole.replacen(&flow(right), &flow(wrong), 1));
        assert!(
            ended.code == 3 && ended.stderr.contains(&format!("error[{code}]")),
            "{}",
            ended.stderr
        );
        assert_eq!(lint(&whole).code, 0);
    }
}

#[test]
fn every_code_has_a_remedy_that_is_followed_or_a_reason_why_not() {
    let followed = CASES.iter().map(|case| case.code);
    let followed: BTreeSet<Code> = followed.chain(MISTAKES.iter().map(|one| one.0)).collect();
    let elsewhere: BTreeMap<Code, &str> = ELSEWHERE.iter().copied().collect();
    for code in Code::ALL {
        assert_ne!(followed.contains(code), elsewhere.contains_key(code), "{code}");
    }
}
