//! Plans of small made-up environments.

mod privileges;
mod properties;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{Clouds, EntityTag, SchemaName, ServiceError, StoredText, *};

const OLD: &str = "https://old.environment.api.powerplatform.com/workflows/1?api-version=1";
const URL: &str = "https://new.environment.api.powerplatform.com:443/workflows/1?api-version=1";
const SIGNED: &str =
    "https://new.environment.api.powerplatform.com/workflows/1?api-version=1&sig=made-up";

/// A manifest and an environment that agree on one activated flow; a test says what differs.
struct Model {
    desired: Desired,
    observed: Observed,
}

fn model() -> Model {
    let mut model = Model {
        desired: Desired::default(),
        observed: Observed { flows: vec![], targets: Targets::default() },
    };
    model.flow(URL);
    model
}

fn guid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn http(name: &str) -> Trigger {
    Trigger {
        name: name.parse().unwrap(),
        trigger_type: "Request".into(),
        kind: Some("Http".into()),
    }
}

fn tag() -> EntityTag {
    EntityTag::new("W/\"7\"").unwrap()
}

fn refusal(code: &str) -> ServiceError {
    ServiceError {
        service: Service::Dataverse,
        status: 403,
        code: code.into(),
        message: "no prvReadWorkflow".into(),
        request_id: None,
        documented: true,
        instead: None,
        cut_short: None,
    }
}

impl Model {
    fn flow(&mut self, url: &str) -> FlowIndex {
        let index = self.desired.flows.len();
        self.desired.flows.push(Flow {
            name: Some(format!("Flow {index}")),
            workflow_id: guid(index + 1).parse().unwrap(),
            trigger: None,
            site: ManifestPosition { line: 10 + index, column: 1 },
            removed: false,
        });
        self.observed.flows.push(ObservedFlow {
            workflow: Reading::Found(Workflow {
                name: format!("Flow {index}"),
                category: 5,
                state: FlowState::Activated,
                resource_id: None,
                definition: Definition::Triggers(vec![http("manual")]),
            }),
            callback: Some(Callback::Url(url.parse().unwrap())),
            request_id: None,
        });
        FlowIndex(index)
    }

    fn bind(&mut self, flow: FlowIndex, target: Target) {
        let site = ManifestPosition { line: 100 + self.desired.bindings.len(), column: 1 };
        self.desired.bindings.push(Binding { flow, target, site });
    }

    fn bind_variable(&mut self, name: &str, pointer: Option<&str>) -> &mut Self {
        let pointer = pointer.map(|text| text.parse().unwrap());
        self.bind(FlowIndex(0), Target::Variable { schema_name: name.parse().unwrap(), pointer });
        self
    }

    fn variable(&mut self, name: &str, variable_type: VariableType, values: &[&str]) -> &mut Self {
        let row = |text: &&str| ValueRow {
            id: guid(50).parse().unwrap(),
            tag: tag(),
            text: Some(StoredText::new(*text)),
        };
        let variable = Variable {
            definition: guid(40).parse().unwrap(),
            schema_name: name.parse().unwrap(),
            variable_type,
            default: None,
            values: values.iter().map(row).collect(),
        };
        self.observed
            .targets
            .variables
            .insert(variable.schema_name.clone(), Reading::Found(variable));
        self
    }

    fn bind_column(&mut self, selector: Selector, column: &str, missing: Missing) -> &mut Self {
        let record = Record { table: "t".parse().unwrap(), selector };
        self.bind(
            FlowIndex(0),
            Target::Column { record, column: column.parse().unwrap(), missing },
        );
        self
    }

    fn table(&mut self) -> &mut Self {
        let text = |max_length| Column::open(ColumnType::Text { max_length });
        let columns =
            [("name", text(100)), ("url", text(500)), ("short", text(20)), ("note", text(500))];
        let mut columns: BTreeMap<_, _> =
            columns.into_iter().map(|(name, column)| (name.parse().unwrap(), column)).collect();
        columns.insert("rank".parse().unwrap(), Column::open(ColumnType::Integer));
        let fixed = Column { updatable: false, ..text(500) };
        columns.insert("fixed".parse().unwrap(), fixed);
        let table = Table {
            entity_set: "ts".into(),
            primary_id: "tid".parse().unwrap(),
            kind: TableKind::Standard,
            versioned: true,
            columns,
            keys: vec![BTreeSet::from(["name".parse().unwrap()])],
            inactive_keys: vec![],
            privileges: WritePrivileges {
                create: Some("prvCreatet".into()),
                write: Some("prvWritet".into()),
            },
        };
        self.observed.targets.tables.insert("t".parse().unwrap(), Reading::Found(table));
        self
    }

    fn rows(&mut self, selector: Selector, ids: &[usize], url: &str) -> &mut Self {
        let texts = BTreeMap::from([("url".parse().unwrap(), StoredText::new(url))]);
        let row =
            |id: &usize| Row { id: guid(*id).parse().unwrap(), tag: tag(), texts: texts.clone() };
        let record = Record { table: "t".parse().unwrap(), selector };
        self.observed.targets.records.insert(record, Ok(ids.iter().map(row).collect()));
        self
    }

    fn workflow(&mut self) -> &mut Workflow {
        match &mut self.observed.flows[0].workflow {
            Reading::Found(workflow) => workflow,
            _ => panic!("the model's flow is there"),
        }
    }

    fn plan(&self) -> Plan {
        let clouds = Clouds::embedded().unwrap();
        plan(&self.desired, &self.observed, clouds.get("public").unwrap())
    }

    fn codes(&self) -> Vec<&'static str> {
        self.plan().problems.iter().map(|problem| problem.code.as_str()).collect()
    }
}

fn named(name: &str) -> Selector {
    Selector::Columns(BTreeMap::from([("name".parse().unwrap(), KeyValue::Text(name.into()))]))
}

fn only_change(plan: &Plan) -> (Action, &str) {
    assert_eq!((plan.changes.len(), plan.problems.len()), (1, 0), "{:?}", plan.problems);
    (plan.changes[0].action, &plan.changes[0].reason)
}

#[test]
fn a_variable_without_a_value_gets_one_under_its_own_spelling() {
    let plan = model()
        .bind_variable("contoso_URL", None)
        .variable("contoso_Url", VariableType::String, &[])
        .plan();
    assert_eq!(only_change(&plan), (Action::Create, "the variable has no value"));
    let [Write::CreateVariableValue { schema_name, text, .. }] = plan.writes() else {
        panic!("{plan:?}")
    };
    assert_eq!((schema_name.as_str(), text.expose()), ("contoso_Url", URL));
}

#[test]
fn a_variable_with_another_url_is_updated_under_the_version_that_was_read() {
    let plan = model().bind_variable("a", None).variable("a", VariableType::String, &[OLD]).plan();
    assert_eq!(only_change(&plan), (Action::Update, "another host"));
    assert!(matches!(plan.writes(), [Write::UpdateVariableValue { guard, .. }] if *guard == tag()));
}

#[test]
fn a_url_that_is_only_spelled_differently_is_left_as_it_is() {
    let plan = model()
        .bind_variable("a", None)
        .variable("a", VariableType::String, &[&URL.replace(":443", "")])
        .plan();
    assert_eq!(only_change(&plan), (Action::NoOp, "up to date, spelled differently"));
    assert!(plan.is_up_to_date());
}

#[test]
fn a_text_that_is_no_url_is_shown_by_its_length_alone() {
    let plan =
        model().bind_variable("a", None).variable("a", VariableType::String, &["hunter2"]).plan();
    assert_eq!(plan.changes[0].before, Some(ValueView::Text { characters: 7 }));
    assert!(!format!("{plan:?}").contains("hunter2"));
}

#[test]
fn two_members_of_one_json_variable_are_one_write_that_keeps_the_rest() {
    let mut model = model();
    model.bind_variable("a", Some("/x/y")).bind_variable("a", Some("/z")).variable(
        "a",
        VariableType::Json,
        &[r#"{"k": 1, "z": null}"#],
    );
    let plan = model.plan();
    assert_eq!(plan.changes.len(), 2);
    let [Write::UpdateVariableValue { text, .. }] = plan.writes() else { panic!("{plan:?}") };
    assert_eq!(text.expose(), format!(r#"{{"k": 1, "z": "{URL}","x":{{"y":"{URL}"}}}}"#));
}

#[test]
fn a_json_variable_with_only_a_default_keeps_the_defaults_members() {
    let mut model = model();
    model.bind_variable("a", Some("/x")).variable("a", VariableType::Json, &[]);
    let Some(Reading::Found(variable)) =
        model.observed.targets.variables.get_mut(&"a".parse::<SchemaName>().unwrap())
    else {
        panic!()
    };
    variable.default = Some(StoredText::new(r#"{"keep":true}"#));
    let plan = model.plan();
    let [Write::CreateVariableValue { text, .. }] = plan.writes() else { panic!("{plan:?}") };
    assert_eq!(text.expose(), format!(r#"{{"keep":true,"x":"{URL}"}}"#));
}

#[test]
fn what_a_first_value_is_made_of_is_told_apart_by_its_guard() {
    let guard = |default: &str| {
        let mut model = model();
        model.bind_variable("a", Some("/x")).variable("a", VariableType::Json, &[]);
        let name = "a".parse::<SchemaName>().unwrap();
        if let Some(Reading::Found(variable)) = model.observed.targets.variables.get_mut(&name) {
            variable.default = Some(StoredText::new(default));
        }
        model.plan().changes[0].guard.clone()
    };
    let one = guard(r#"{"keep":true}"#);
    assert!(one.is_some() && one == guard(r#"{"keep":true}"#));
    assert_ne!(one, guard(r#"{"keep":false}"#));
}

#[test]
fn a_member_that_agrees_already_is_not_written_beside_one_that_does_not() {
    let value = format!(r#"{{"x":"{URL}"}}"#);
    let mut model = model();
    model.bind_variable("a", Some("/x")).bind_variable("a", Some("/y")).variable(
        "a",
        VariableType::Json,
        &[&value],
    );
    let plan = model.plan();
    assert_eq!((plan.count(Action::NoOp), plan.count(Action::Create)), (1, 1));
}

#[test]
fn variables_that_cannot_hold_the_url_are_problems() {
    let code = |variable_type, pointer| {
        model().bind_variable("a", pointer).variable("a", variable_type, &["x"]).codes()
    };
    for variable_type in [
        VariableType::Number,
        VariableType::Boolean,
        VariableType::Secret,
        VariableType::DataSource,
        VariableType::Json,
    ] {
        assert_eq!(code(variable_type, None), ["variable-type"]);
    }
    assert_eq!(code(VariableType::Json, Some("/x")), ["value-not-json"]);
    assert_eq!(model().bind_variable("a", None).codes(), ["definition-missing"]);
    assert_eq!(
        model().bind_variable("a", None).variable("a", VariableType::String, &["x", "y"]).codes(),
        ["variable-ambiguous"]
    );
}

#[test]
fn a_json_value_that_would_not_fit_is_a_problem() {
    let value = format!(r#"{{"k":"{}"}}"#, "x".repeat(1_950));
    let codes =
        model().bind_variable("a", Some("/x")).variable("a", VariableType::Json, &[&value]).codes();
    assert_eq!(codes, ["value-too-long"]);
}

#[test]
fn a_record_is_updated_once_for_all_of_its_columns() {
    let mut model = model();
    model.table().rows(named("n"), &[7], OLD);
    model.bind_column(named("n"), "url", Missing::Fail).bind_column(
        named("N"),
        "note",
        Missing::Fail,
    );
    let plan = model.plan();
    let [Write::UpdateRow { columns, entity_set, .. }] = plan.writes() else { panic!("{plan:?}") };
    assert_eq!((entity_set.as_str(), columns.len()), ("ts", 2));
    assert_eq!(plan.changes[1].reason, "the value is empty");
}

#[test]
fn a_record_that_is_not_there_is_created_from_its_key_if_the_manifest_says_so() {
    let mut model = model();
    model.table().rows(named("n"), &[], "").bind_column(named("n"), "url", Missing::Create);
    let plan = model.plan();
    assert_eq!(only_change(&plan), (Action::Create, "the record was not found"));
    let [Write::CreateRow { columns, .. }] = plan.writes() else { panic!("{plan:?}") };
    assert_eq!(columns.len(), 2);
}

#[test]
fn a_record_that_no_alternate_key_guards_is_created_with_a_warning() {
    let mut model = model();
    model.table().rows(named("n"), &[], "").bind_column(named("n"), "url", Missing::Create);
    assert!(model.plan().warnings.is_empty());
    let Some(Reading::Found(table)) = model.observed.targets.tables.get_mut(&"t".parse().unwrap())
    else {
        panic!("the model's table is there")
    };
    table.keys.clear();
    let plan = model.plan();
    assert_eq!(plan.warnings[0].code.as_str(), "key-not-unique");
    assert_eq!(plan.writes().len(), 1);
}

#[test]
fn a_url_that_leads_elsewhere_is_shown_by_its_host_alone() {
    let plan = model()
        .bind_variable("a", None)
        .variable("a", VariableType::String, &["https://example.com/?key=1234"])
        .plan();
    let host = "example.com".to_owned();
    assert_eq!(plan.changes[0].before, Some(ValueView::Elsewhere { host }));
}

#[test]
fn what_the_environment_calls_a_flow_cannot_steer_a_terminal() {
    let mut model = model();
    model.desired.flows[0].name = None;
    model.workflow().name = "a\u{202e}\u{1b}[2J?sig=made-up".into();
    model.bind_variable("a", None).variable("a", VariableType::String, &[]);
    assert_eq!(&*model.plan().changes[0].flow_name, r"a\u{202e}\u{1b}[2J?sig=****");
}

#[test]
fn records_that_cannot_take_the_url_are_problems() {
    let code = |ids: &[usize], column| {
        model()
            .table()
            .rows(named("n"), ids, OLD)
            .bind_column(named("n"), column, Missing::Fail)
            .codes()
    };
    assert_eq!(code(&[], "url"), ["record-missing"]);
    assert_eq!(code(&[7, 8], "url"), ["record-ambiguous"]);
    assert_eq!(code(&[7], "none"), ["column-missing"]);
    assert_eq!(code(&[7], "rank"), ["column-not-text"]);
    assert_eq!(code(&[7], "fixed"), ["column-not-writable"]);
    assert_eq!(code(&[7], "short"), ["value-too-long"]);
    assert_eq!(model().bind_column(named("n"), "url", Missing::Fail).codes(), ["table-missing"]);
}

#[test]
fn two_keys_that_find_the_same_record_cannot_both_write_its_column() {
    let mut model = model();
    let id = Selector::Id(guid(7).parse().unwrap());
    model.table().rows(named("n"), &[7], OLD).rows(id.clone(), &[7], OLD);
    model.bind_column(named("n"), "url", Missing::Fail).bind_column(id, "url", Missing::Fail);
    assert_eq!(model.codes(), ["target-collision"]);
}

#[test]
fn every_state_of_a_flow_that_has_no_url_is_a_problem_of_its_own() {
    let code = |change: fn(&mut Workflow)| {
        let mut model = model();
        change(model.workflow());
        model.codes().join(",")
    };
    assert_eq!(code(|flow| flow.category = 0), "flow-not-cloud");
    assert_eq!(code(|flow| flow.state = FlowState::Draft), "flow-draft");
    assert_eq!(code(|flow| flow.state = FlowState::Suspended), "flow-suspended");
    assert_eq!(code(|flow| flow.state = FlowState::Other(9)), "flow-state-unknown");
    assert_eq!(code(|flow| flow.definition = Definition::Triggers(vec![])), "trigger-not-http");
    assert_eq!(
        code(|flow| flow.definition = Definition::Triggers(vec![http("a"), http("b")])),
        "trigger-ambiguous"
    );
    assert_eq!(
        code(|flow| flow.definition = Definition::Unreadable("why".into())),
        "definition-unreadable"
    );
}

#[test]
fn a_flow_that_the_service_stopped_says_why_whether_it_is_off_or_suspended() {
    for state in [FlowState::Draft, FlowState::Suspended] {
        let mut model = model();
        model.workflow().state = state;
        let stopped = Suspension { reason: "AlwaysFailingDetected".into(), details: None };
        model.observed.flows[0].callback = Some(Callback::Stopped(stopped));
        let problem = model.plan().problems.remove(0);
        assert!(problem.message.contains("its runs failed for 14 days"), "{}", problem.message);
        assert!(problem.hint.contains("run history"), "{}", problem.hint);
    }
    let mut model = model();
    model.workflow().state = FlowState::Suspended;
    let problem = model.plan().problems.remove(0);
    assert!(problem.message.ends_with("does not say why"), "{}", problem.message);
}

#[test]
fn every_refusal_of_a_url_is_a_problem_of_its_own() {
    let code = |callback: Callback| {
        let mut model = model();
        model.observed.flows[0].callback = Some(callback);
        model.codes().join(",")
    };
    assert_eq!(code(Callback::Malformed), "callback-malformed");
    assert_eq!(code(Callback::OtherFlow(guid(99).parse().unwrap())), "callback-other-flow");
    assert_eq!(code(Callback::UnknownFlow(refusal("x"))), "flow-not-registered");
    assert_eq!(code(Callback::UnknownTrigger(refusal("x"))), "trigger-not-registered");
    assert_eq!(code(Callback::NotHttp(refusal("x"))), "trigger-not-http");
    assert_eq!(code(Callback::NotOwner(refusal("x"))), "flow-not-owned");
    assert_eq!(code(Callback::EnvironmentDenied(refusal("x"))), "environment-denied");
    assert_eq!(
        code(Callback::Url(URL.replace("https", "http").parse().unwrap())),
        "callback-not-https"
    );
    let ambiguous = URL.replace(":443", r"\@evil.example");
    assert_eq!(code(Callback::Url(ambiguous.parse().unwrap())), "callback-ambiguous");
    assert_eq!(
        code(Callback::Url("https://example.com/x".parse().unwrap())),
        "callback-host-unknown"
    );
    assert_eq!(code(Callback::Url(SIGNED.parse().unwrap())), "signed-url");
}

#[test]
fn what_is_wrong_with_the_trigger_of_a_flow_that_is_off_is_told_before_it_is_turned_on() {
    for state in [FlowState::Draft, FlowState::Suspended] {
        let mut model = model();
        model.workflow().state = state;
        model.workflow().definition = Definition::Triggers(vec![http("a"), http("b")]);
        assert_eq!(model.codes(), ["trigger-ambiguous"]);
    }
}

/// The names of the flows that a plan of the model has to wait for; none if it is not to wait.
fn awaited(model: &Model) -> Option<Vec<String>> {
    let unready = flows_to_wait_for(&model.plan(), &model.desired, &model.observed)?;
    assert!(unready.desired.bindings.is_empty());
    Some(unready.names)
}

#[test]
fn flows_that_are_off_or_not_known_yet_are_waited_for_in_the_manifests_order() {
    let mut model = model();
    model.flow(URL);
    model.flow(URL);
    assert_eq!(awaited(&model), None);
    model.observed.flows[2].callback = Some(Callback::UnknownFlow(refusal("x")));
    model.workflow().state = FlowState::Draft;
    assert_eq!(awaited(&model), Some(vec!["Flow 0".to_owned(), "Flow 2".to_owned()]));
    let unready = flows_to_wait_for(&model.plan(), &model.desired, &model.observed).unwrap();
    let ids: Vec<_> = unready.desired.flows.iter().map(|flow| flow.workflow_id).collect();
    assert_eq!(ids, [0, 2].map(|index: usize| model.desired.flows[index].workflow_id));
}

#[test]
fn nobody_waits_for_what_belongs_to_no_flow() {
    let mut model = model();
    model.workflow().state = FlowState::Draft;
    let mut plan = model.plan();
    plan.problems[0].site = None;
    assert!(flows_to_wait_for(&plan, &model.desired, &model.observed).is_none());
}

#[test]
fn a_flow_that_is_bound_by_two_triggers_is_named_once() {
    let mut model = model();
    model.flow(URL);
    model.desired.flows[1].workflow_id = model.desired.flows[0].workflow_id;
    for flow in &mut model.observed.flows {
        flow.callback = Some(Callback::UnknownTrigger(refusal("x")));
    }
    assert_eq!(model.codes(), ["trigger-not-registered", "trigger-not-registered"]);
    assert_eq!(awaited(&model), Some(vec!["Flow 0".to_owned()]));
}

#[test]
fn nobody_waits_where_another_problem_stays() {
    let mut model = model();
    model.workflow().state = FlowState::Draft;
    model.flow(URL);
    for callback in [Callback::Malformed, Callback::NotOwner(refusal("x"))] {
        model.observed.flows[1].callback = Some(callback);
        assert_eq!(awaited(&model), None);
    }
    model.observed.flows[1].callback = Some(Callback::Url(URL.parse().unwrap()));
    assert!(awaited(&model).is_some());
    model.bind_variable("gone", None);
    assert_eq!(awaited(&model), None);
}

#[test]
fn a_flow_that_a_policy_stopped_is_not_waited_for() {
    for state in [FlowState::Suspended, FlowState::Other(9)] {
        let mut model = model();
        model.workflow().state = state;
        assert_eq!(awaited(&model), None);
    }
}

#[test]
fn a_signed_url_is_written_if_the_policy_allows_it_and_warned_of_if_it_warns() {
    for (policy, warnings) in [(SignedUrls::Allow, 0), (SignedUrls::Warn, 1)] {
        let mut model = model();
        model.desired.signed_urls = policy;
        model.observed.flows[0].callback = Some(Callback::Url(SIGNED.parse().unwrap()));
        let plan = model.bind_variable("a", None).variable("a", VariableType::String, &[]).plan();
        assert_eq!((plan.writes().len(), plan.warnings.len()), (1, warnings));
        assert!(!format!("{plan:?}").contains("made-up"));
    }
}

#[test]
fn problems_come_all_at_once_in_the_manifests_order_and_nothing_is_written() {
    let mut model = model();
    model.bind_variable("a", None).variable("a", VariableType::String, &[]);
    model.bind_variable("gone", None);
    model.workflow().state = FlowState::Draft;
    model.flow(URL);
    model.observed.flows[1].workflow = Reading::Refused(refusal("0x80040220"));
    assert_eq!(model.codes(), ["flow-draft", "privilege-missing", "definition-missing"]);
    assert!(model.plan().writes().is_empty());
    let named = model.plan().problems[1].hint.contains("prvReadWorkflow");
    assert!(named);
}

#[test]
fn planning_again_after_the_writes_are_in_finds_nothing_to_do() {
    let mut model = model();
    model.bind_variable("a", None).variable("a", VariableType::String, &[URL]);
    model.table().rows(named("n"), &[7], URL).bind_column(named("n"), "url", Missing::Create);
    let plan = model.plan();
    assert!(plan.is_up_to_date());
    assert_eq!(plan.count(Action::NoOp), 2);
}

/// A plan for one variable that holds those values.
fn variable_plan(values: &[&str]) -> Plan {
    model().bind_variable("a", None).variable("a", VariableType::String, values).plan()
}

#[test]
fn a_plan_is_the_same_in_substance_if_the_same_value_is_replaced_by_the_same() {
    let mut touched = model();
    touched.bind_variable("a", None).variable("a", VariableType::String, &[OLD]);
    let before = touched.plan();
    let Some(Reading::Found(variable)) =
        touched.observed.targets.variables.get_mut(&"a".parse::<SchemaName>().unwrap())
    else {
        panic!("the model's variable is there")
    };
    variable.values[0].tag = EntityTag::new("W/\"8\"").unwrap();
    variable.values[0].id = guid(51).parse().unwrap();
    assert_ne!(before.writes(), touched.plan().writes());
    assert!(before.same_in_substance(&touched.plan()));
}

#[test]
fn a_plan_is_the_same_in_substance_if_somebody_wrote_its_value_meanwhile() {
    for values in [&[][..], &[OLD], &[""]] {
        assert!(variable_plan(values).same_in_substance(&variable_plan(&[URL])), "{values:?}");
    }
    assert!(variable_plan(&[]).same_in_substance(&variable_plan(&[""])));
}

#[test]
fn a_plan_is_another_if_it_would_replace_what_was_not_shown() {
    let other = OLD.replace("old.", "other.");
    let elsewhere = ["https://example.com/?key=1", "https://example.com/?key=2"];
    for (was, is) in [
        (&[][..], &[OLD][..]),
        (&[OLD], &[other.as_str()]),
        (&[OLD], &[]),
        (&[URL], &[OLD]),
        (&[URL], &[]),
        (&[""], &[]),
        (&["hunter2"], &["hunter3"]),
        (&elsewhere[..1], &elsewhere[1..]),
        (&[OLD], &[OLD, OLD]),
    ] {
        let (was, is) = (variable_plan(was), variable_plan(is));
        assert!(!was.same_in_substance(&is), "{is:?}");
        assert_eq!(was.divergences(&is).len(), 1);
        assert_eq!(was.divergences(&is)[0].address, "environment-variable/a");
        assert!(was.same_in_substance(&was.clone()) && !format!("{was:?}").contains("hunter"));
    }
}

#[test]
fn a_plan_is_another_if_it_wants_another_value_or_names_another_target() {
    let before = variable_plan(&[OLD]);
    let mut model = model();
    model.bind_variable("a", None).variable("a", VariableType::String, &[OLD]);
    let other = OLD.replace("old.", "other.");
    model.observed.flows[0].callback = Some(Callback::Url(other.parse().unwrap()));
    assert!(!before.same_in_substance(&model.plan()));
    let words = before.divergences(&model.plan())[0].to_string();
    assert!(
        words.starts_with("environment-variable/a was planned to become authenticated "),
        "{words}"
    );
    model.bind_variable("b", None).variable("b", VariableType::String, &[]);
    assert_eq!(before.divergences(&model.plan())[1].to_string(), "environment-variable/b is new");
}

#[test]
fn another_member_of_the_same_json_text_is_no_difference() {
    let plan = |text: &str| {
        let mut model = model();
        model.bind_variable("a", Some("/x")).variable("a", VariableType::Json, &[text]);
        model.plan()
    };
    let before = plan(r#"{"x":"1"}"#);
    assert!(before.same_in_substance(&plan(r#"{"x":"1","y":"2"}"#)));
    assert!(!before.same_in_substance(&plan(r#"{"x":"2"}"#)));
    assert!(plan("{}").same_in_substance(&plan(r#"{"y":"2"}"#)));
}

#[test]
fn what_differs_is_told_from_both_sides() {
    let words = |was: &[&str], is: &[&str]| {
        variable_plan(was).divergences(&variable_plan(is))[0].to_string()
    };
    let fingerprint =
        |url: &str| url.parse::<CallbackUrl>().unwrap().view().fingerprint.to_string();
    let other = URL.replace("new.", "other.");
    let said = words(&[OLD], &[other.as_str()]);
    assert!(said.contains(&fingerprint(OLD)) && said.contains(&fingerprint(&other)), "{said}");
    assert!(words(&[], &[OLD]).contains("held nothing, and now holds authenticated"));
    assert_eq!(
        words(&["hunter2"], &["hunter3"]),
        "environment-variable/a held a text of 7 characters, and now holds another value"
    );
    assert_eq!(words(&[""], &[]), "environment-variable/a: the action was update, now create");
}

#[test]
fn a_target_that_points_at_another_environment_is_told_though_there_is_no_url_for_it() {
    const ID: &str = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";
    let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com";
    let here = format!("https://{host}/workflows/1?api-version=1");
    let there = here.replace("3d5b2f84", "77777777");
    let other = "77777777-17ce-4e09-9b6a-c80d4f7e21a6";
    let mut model = model();
    model.observed.flows[0].callback = None;
    for (name, value) in [
        ("x_Here", here.as_str()),
        ("x_There", &there),
        ("x_Foreign", &there.replace("powerplatform.com", "powerplatform.com.example")),
        ("x_Text", "77777777"),
        ("x_Empty", ""),
    ] {
        model.bind_variable(name, None).variable(name, VariableType::String, &[value]);
    }
    let cloud = Clouds::embedded().unwrap().get("public").unwrap().clone();
    let told_by = |own: &str, name: Option<&str>| {
        let name_of = |id: &str| name.filter(|_| id == other).map(str::to_owned);
        warn_of_foreign_environments(
            &model.desired,
            &model.observed,
            &cloud,
            &own.parse().unwrap(),
            name_of,
        )
    };
    let told = |name| told_by(&ID.to_uppercase(), name);
    assert_eq!(told_by(&format!("Default-{ID}"), None), told(None));
    let [warning] = &told(Some("`prod`"))[..] else { panic!("one") };
    assert_eq!(warning.code, Code::PointsElsewhere);
    assert_eq!(warning.address.as_deref(), Some("environment-variable/x_There"));
    assert!(warning.message.contains("points at `prod`"), "{}", warning.message);
    assert!(told(None)[0].message.contains(other));
}

#[test]
fn a_variable_without_a_value_holds_its_default() {
    let mut model = model();
    model.bind_variable("x_Url", None).variable("x_Url", VariableType::String, &[]);
    let held_by = |model: &Model| {
        let held = current_values(&model.desired, &model.observed);
        held[0].as_ref().map(|text| text.expose().to_owned())
    };
    assert_eq!(held_by(&model), None);
    let variable = model.observed.targets.variables.values_mut().next().unwrap();
    let Reading::Found(variable) = variable else { panic!("there") };
    variable.default = Some(StoredText::new(URL));
    assert_eq!(held_by(&model).as_deref(), Some(URL));
}

impl Model {
    fn the_table(&mut self) -> &mut Table {
        match self.observed.targets.tables.get_mut(&"t".parse().unwrap()) {
            Some(Reading::Found(table)) => table,
            _ => panic!("the model's table is there"),
        }
    }

    fn column(&mut self, name: &str) -> &mut Column {
        self.the_table().columns.get_mut(&name.parse().unwrap()).unwrap()
    }
}

/// A model with one record whose column `url` holds a text, and a binding to that.
fn with_record(rows: &[usize], text: &str, missing: Missing) -> Model {
    let mut model = model();
    model.table().rows(named("n"), rows, text).bind_column(named("n"), "url", missing);
    model
}

#[test]
fn a_table_whose_writes_are_no_transaction_or_are_not_kept_is_a_problem_of_its_own() {
    for (kind, code) in
        [(TableKind::Elastic, "table-elastic"), (TableKind::Virtual, "table-virtual")]
    {
        let mut model = with_record(&[7], OLD, Missing::Fail);
        model.the_table().kind = kind;
        model.the_table().versioned = false;
        assert_eq!(model.codes(), [code]);
        model.observed.targets.records.clear();
        assert_eq!(model.codes(), [code]);
    }
}

#[test]
fn a_secured_column_that_reads_a_text_is_written_and_one_that_reads_nothing_is_a_problem() {
    for (text, codes) in [(OLD, &[][..]), (URL, &[]), ("", &["column-secured"])] {
        let mut model = with_record(&[7], text, Missing::Fail);
        if text.is_empty() {
            model.rows(named("n"), &[7], "");
        }
        model.column("url").secured = true;
        assert_eq!(model.codes(), codes);
    }
    let mut new = with_record(&[], "", Missing::Create);
    assert_eq!(new.codes(), [""; 0]);
    new.column("url").secured = true;
    assert_eq!(new.codes(), ["column-secured"]);
}

#[test]
fn a_secured_column_of_a_key_has_to_be_read_before_its_records_are_believed() {
    for (rows, missing) in [(&[7][..], Missing::Fail), (&[], Missing::Fail), (&[], Missing::Create)]
    {
        let mut model = with_record(rows, OLD, missing);
        model.column("name").secured = true;
        assert_eq!(model.codes(), ["column-secured"]);
    }
    let mut model = with_record(&[7], OLD, Missing::Fail);
    model.column("name").secured = true;
    let rows = model.observed.targets.records.values_mut().flatten().flatten();
    rows.for_each(|row| drop(row.texts.insert("name".parse().unwrap(), StoredText::new("n"))));
    assert_eq!(model.codes(), [""; 0]);
}

#[test]
fn a_column_that_is_never_shown_is_a_problem_as_a_target_and_in_a_key() {
    let mut model = with_record(&[7], OLD, Missing::Fail);
    model.column("url").readable = false;
    assert_eq!(model.codes(), ["column-not-readable"]);
    let table = model.the_table().clone();
    assert!(!table.holds_text(&"url".parse().unwrap()) && table.can_select(&named("n")));
    model.column("name").readable = false;
    assert!(!model.the_table().can_select(&named("n")));
    model.observed.targets.records.clear();
    assert_eq!(model.codes(), ["column-not-readable", "column-not-readable"]);
}

#[test]
fn a_key_that_is_not_enforced_yet_keeps_a_record_from_being_created_alone() {
    let inactive = |columns: &[&str], status: &str| InactiveKey {
        name: "t_key".into(),
        columns: columns.iter().map(|name| name.parse().unwrap()).collect(),
        status: status.into(),
    };
    let planned = |rows: &[usize], active: bool, columns: &[&str]| {
        let mut model = with_record(rows, OLD, Missing::Create);
        if !active {
            model.the_table().keys.clear();
        }
        model.the_table().inactive_keys.push(inactive(columns, "InProgress"));
        let plan = model.plan();
        let codes = plan.problems.iter().chain(&plan.warnings).map(|problem| problem.code.as_str());
        codes.collect::<Vec<_>>().join(",")
    };
    assert_eq!(planned(&[], false, &["name"]), "key-not-active");
    assert_eq!(planned(&[], true, &["name"]), "");
    assert_eq!(planned(&[7], false, &["name"]), "");
    assert_eq!(planned(&[], false, &["name", "note"]), "key-not-unique");
}

#[test]
fn a_lookup_or_id_in_a_key_finds_a_record_and_makes_none() {
    let by = |text: &str| {
        let key = [("ref".parse().unwrap(), KeyValue::Text(text.into()))];
        Selector::Columns(BTreeMap::from(key))
    };
    for column_type in [ColumnType::Lookup, ColumnType::Id] {
        let mut model = model();
        model.table().rows(by(&guid(5)), &[7], OLD);
        model.bind_column(by(&guid(5)), "url", Missing::Create);
        let column = Column::open(column_type);
        model.the_table().columns.insert("ref".parse().unwrap(), column);
        assert_eq!(model.codes(), [""; 0]);
        model.rows(by(&guid(5)), &[], "");
        assert_eq!(model.codes(), ["record-missing"]);
        let table = model.the_table().clone();
        assert!(table.can_select(&by(&guid(5).to_uppercase())) && !table.can_select(&by("orders")));
        model.desired.bindings.clear();
        model.bind_column(by("orders"), "url", Missing::Fail);
        assert_eq!(model.codes(), ["key-type"]);
        assert!(model.plan().problems[0].hint.contains("GUID"));
    }
}

#[test]
fn a_row_without_a_version_is_a_problem_with_a_name() {
    let mut model = with_record(&[7], OLD, Missing::Fail);
    let targets = &mut model.observed.targets;
    let (record, _) = targets.records.pop_first().unwrap();
    targets.unversioned_records.insert(record);
    targets.unversioned_variables.insert("a".parse().unwrap());
    model.bind_variable("a", None);
    assert_eq!(model.codes(), ["row-without-etag", "row-without-etag"]);
}

#[test]
fn a_member_that_is_no_text_is_not_replaced_and_the_others_are_not_written_either() {
    for (member, shown) in [
        (r#"{"url":"x","timeout":30}"#, "a JSON object with 2 members"),
        (r#"["hush"]"#, "a JSON array with 1 element"),
        ("30", "a number"),
        ("true", "true or false"),
    ] {
        let mut model = model();
        model.bind_variable("a", Some("/order")).bind_variable("a", Some("/z"));
        model.variable("a", VariableType::Json, &[&format!(r#"{{"order":{member},"z":"x"}}"#)]);
        let plan = model.plan();
        assert_eq!(model.codes(), ["member-not-text"]);
        let Problem { message, hint, .. } = &plan.problems[0];
        assert!(message.contains(shown) && !message.contains("hush"), "{message}");
        assert_eq!(hint.contains("\"/order/url\""), shown.contains("object"), "{hint}");
        assert_eq!(hint.contains("\"/order/0\""), shown.contains("array"), "{hint}");
        assert!(plan.writes().is_empty() && plan.changes.len() == 1);
    }
}

#[test]
fn a_member_whose_text_is_json_itself_is_not_replaced_and_no_pointer_into_it_is_advised() {
    let mut model = model();
    model.bind_variable("a", Some("/order"));
    model.variable("a", VariableType::Json, &[r#"{"order":"{\"hush\":1}"}"#]);
    assert_eq!(model.codes(), ["text-holds-more"]);
    let problem = &model.plan().problems[0];
    assert!(!problem.hint.contains("/order/") && !format!("{problem:?}").contains("hush"));
}

#[test]
fn a_member_that_holds_nothing_is_filled() {
    for member in ["null", "\"\"", "{}", "[ ]", "\"TODO\""] {
        let mut model = model();
        model.bind_variable("a", Some("/order"));
        model.variable("a", VariableType::Json, &[&format!(r#"{{"order":{member}}}"#)]);
        assert_eq!(model.plan().writes().len(), 1, "{member}");
    }
}

#[test]
fn a_text_with_parts_is_not_replaced_by_a_url() {
    let json = r#"{"order":{"url":"https://example.com"}}"#;
    for text in [json, "https://a.example\nhttps://b.example", "<a><b/></a>"] {
        let mut model = model();
        model.bind_variable("a", None).variable("a", VariableType::String, &[text]);
        assert_eq!(model.codes(), ["text-holds-more"]);
        assert_eq!(model.plan().problems[0].hint.contains("`json-pointer`"), text == json);
        assert_eq!(with_record(&[7], text, Missing::Fail).codes(), ["text-holds-more"]);
    }
}

#[test]
fn a_default_that_is_json_is_not_hidden_by_a_url() {
    let mut model = model();
    model.bind_variable("a", None).variable("a", VariableType::String, &[]);
    let Some(Reading::Found(variable)) =
        model.observed.targets.variables.get_mut(&"a".parse::<SchemaName>().unwrap())
    else {
        panic!("the model's variable is there")
    };
    variable.default = Some(StoredText::new(r#"{"order":{"url":"https://example.com"}}"#));
    assert_eq!(model.codes(), ["text-holds-more"]);
    assert!(model.plan().problems[0].message.contains("default value"));
}
