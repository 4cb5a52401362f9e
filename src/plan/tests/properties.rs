//! What holds for every plan.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::Value;
use std::fmt;

use super::*;
use crate::model::{LogicalName, RowId};

/// What a variable or a column may hold: nothing, what is wanted in two spellings, other URLs, and
/// what is nobody's business.
const HELD: &[&str] = &[
    "",
    URL,
    "https://new.environment.api.powerplatform.com/workflows/1?api-version=1",
    OLD,
    "https://old.environment.api.powerplatform.com/workflows/1?api-version=1&sig=hush-signature",
    "https://example.com/?key=hush-key",
    "hush-text",
];

/// The members that are bound; none lies within another.
const POINTERS: &[&str] = &["/a", "/b/c", "/d/0", "/e~1f/g"];

/// Members as somebody else spells them.
const MEMBERS: &[&str] = &[
    "\"k\" : 1.10",
    "\"n\":1e400",
    "\"s\": \"hush-member \\u0041\"",
    "\"l\":[ 1 ,{} ]",
    "\"o\":{ \"a\" : [\"/a\"] }",
];

/// Members that a pointer leads to or through.
const BOUND: &[&str] = &[
    "\"a\": \"hush-old\"",
    "\"\\u0061\":null",
    "\"b\" : { \"z\":0 }",
    "\"b\":{\"c\":[ ]}",
    "\"d\":[ \"x\" ,2]",
    "\"e/f\":{}",
];

/// Columns that can be bound, and some that cannot.
const COLUMNS: &[&str] = &["url", "note", "short", "fixed", "rank", "gone"];

/// Types of variables, of which one can hold a URL as it stands.
const TYPES: &[VariableType] = &[VariableType::String, VariableType::Secret, VariableType::Json];

/// How a flow has no URL.
const NO_WAY: &[Way] = &[Way::Signed, Way::Draft, Way::Malformed, Way::Refused];

/// What stands between members.
const COMMAS: &[&str] = &[",", " ,\n\t", ", "];

/// What is asked for, and what is there.
#[derive(Clone, Debug)]
enum Thing {
    /// A variable of that type, with these values.
    Variable(VariableType, Vec<&'static str>),
    /// A JSON variable: its default, its value, and the members that are bound.
    Json(Option<String>, Option<String>, Vec<&'static str>),
    /// A record: what the column `url` of each row that fits holds, the columns that are bound,
    /// what is done if no row fits, and whether the first row is bound by its id too.
    Record(Vec<&'static str>, Vec<&'static str>, bool, bool),
    /// A variable that is not there.
    Absent,
    /// A variable that the user may not see.
    Refused,
}

/// What became of asking for a flow's URL.
#[derive(Clone, Copy, Debug)]
enum Way {
    Url,
    Signed,
    Draft,
    Malformed,
    Refused,
}

fn document() -> impl Strategy<Value = String> {
    let members = (subsequence(MEMBERS, 0..=MEMBERS.len()), subsequence(BOUND, 0..=BOUND.len()));
    let order = any::<prop::sample::Index>();
    (members, order, select(COMMAS)).prop_map(|((free, bound), order, comma)| {
        let mut all: Vec<&str> = free;
        let place = order.index(all.len() + 1);
        // Of two members with one name the last counts, which is for the other tests.
        let mut names = BTreeSet::new();
        let first = |member: &&str| names.insert(member.replace("\\u0061", "a").as_bytes()[1]);
        all.splice(place..place, bound.into_iter().filter(first));
        format!("{{ {}\n}}", all.join(comma))
    })
}

fn pointers() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(POINTERS, 1..=POINTERS.len())
}

/// A thing that can be bound without a problem.
fn sound() -> impl Strategy<Value = Thing> {
    let text = vec(select(HELD), 0..=1);
    let columns = subsequence(&["url", "note"][..], 1..=2);
    prop_oneof![
        text.clone().prop_map(|values| Thing::Variable(VariableType::String, values)),
        (option::of(document()), option::of(document()), pointers())
            .prop_map(|(default, value, pointers)| Thing::Json(default, value, pointers)),
        (text, columns).prop_map(|(rows, columns)| Thing::Record(rows, columns, true, false)),
    ]
}

/// Anything.
fn thing() -> impl Strategy<Value = Thing> {
    let broken = || option::of(prop_oneof![document(), select(HELD).prop_map(str::to_owned)]);
    let record = (
        vec(select(HELD), 0..=2),
        subsequence(COLUMNS, 1..=COLUMNS.len()),
        any::<bool>(),
        any::<bool>(),
    );
    prop_oneof![
        4 => sound(),
        1 => (select(TYPES), vec(select(HELD), 0..=2))
            .prop_map(|(variable_type, values)| Thing::Variable(variable_type, values)),
        1 => (broken(), broken(), pointers())
            .prop_map(|(default, value, pointers)| Thing::Json(default, value, pointers)),
        1 => record.prop_map(|(rows, columns, create, by_id)|
            Thing::Record(rows, columns, create, by_id)),
        1 => prop_oneof![Just(Thing::Absent), Just(Thing::Refused)],
    ]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![8 => Just(Way::Url), 1 => select(NO_WAY)]
}

/// A model in which there may be problems.
fn any_model() -> impl Strategy<Value = Model> {
    (vec(way(), 1..4), vec((thing(), any::<prop::sample::Index>()), 1..6)).prop_map(built)
}

/// A model without problems, in which something is asked for.
fn sound_model() -> impl Strategy<Value = Model> {
    let flows = vec(Just(Way::Url), 1..4);
    (flows, vec((sound(), any::<prop::sample::Index>()), 1..6)).prop_map(built)
}

fn built((ways, things): (Vec<Way>, Vec<(Thing, prop::sample::Index)>)) -> Model {
    let mut model = model();
    model.desired.flows.clear();
    model.observed.flows.clear();
    model.table();
    for way in &ways {
        let index = model.flow(URL);
        model.lead(index, *way);
    }
    for (number, (thing, flow)) in things.iter().enumerate() {
        model.add(FlowIndex(flow.index(ways.len())), number, thing);
    }
    model
}

fn version(number: usize) -> EntityTag {
    EntityTag::new(&format!("W/\"{number}\"")).unwrap()
}

fn row_id(number: usize) -> RowId {
    guid(number).parse().unwrap()
}

impl Model {
    /// Has a flow's URL be there or not.
    fn lead(&mut self, index: FlowIndex, way: Way) {
        let flow = &mut self.observed.flows[index.0];
        match (way, &mut flow.workflow) {
            (Way::Signed, _) => flow.callback = Some(Callback::Url(SIGNED.parse().unwrap())),
            (Way::Malformed, _) => flow.callback = Some(Callback::Malformed),
            (Way::Refused, workflow) => *workflow = Reading::Refused(refusal("0x80040220")),
            (Way::Draft, Reading::Found(workflow)) => workflow.state = FlowState::Draft,
            _ => (),
        }
    }

    /// Asks for a thing and has it be there.
    fn add(&mut self, flow: FlowIndex, number: usize, thing: &Thing) {
        let variables = &mut self.observed.targets.variables;
        let name: SchemaName = format!("v{number}").parse().unwrap();
        let mut there = |variable_type, default: Option<&String>, values: &[&str]| {
            let variable = variable(number, variable_type, default, values);
            variables.insert(variable.schema_name.clone(), Reading::Found(variable));
        };
        match thing {
            Thing::Variable(variable_type, values) => there(*variable_type, None, values),
            Thing::Json(default, value, pointers) => {
                let values: Vec<&str> = value.iter().map(String::as_str).collect();
                there(VariableType::Json, default.as_ref(), &values);
                return pointers.iter().for_each(|pointer| self.ask(flow, &name, Some(pointer)));
            }
            Thing::Record(rows, columns, create, by_id) => {
                let missing = if *create { Missing::Create } else { Missing::Fail };
                return self.add_record(flow, number, rows, columns, missing, *by_id);
            }
            Thing::Absent => (),
            Thing::Refused => {
                variables.insert(name.clone(), Reading::Refused(refusal("0x80040220")));
            }
        }
        self.ask(flow, &name, None);
    }

    fn ask(&mut self, flow: FlowIndex, name: &SchemaName, pointer: Option<&str>) {
        let pointer = pointer.map(|text| text.parse().unwrap());
        self.bind(flow, Target::Variable { schema_name: name.clone(), pointer });
    }

    fn add_record(
        &mut self,
        flow: FlowIndex,
        number: usize,
        texts: &[&str],
        columns: &[&str],
        missing: Missing,
        by_id: bool,
    ) {
        let row = |(index, text): (usize, &&str)| Row {
            id: row_id(2_000 + 10 * number + index),
            tag: version(number),
            texts: BTreeMap::from([("url".parse().unwrap(), StoredText::new(*text))]),
        };
        let rows: Vec<Row> = texts.iter().enumerate().map(row).collect();
        let mut selectors = vec![(named(&format!("n{number}")), rows.clone())];
        if let Some(first) = rows.first().filter(|_| by_id) {
            selectors.push((Selector::Id(first.id), vec![first.clone()]));
        }
        for (selector, rows) in selectors {
            let record = Record { table: "t".parse().unwrap(), selector };
            self.observed.targets.records.insert(record.clone(), Ok(rows));
            for column in columns {
                let (record, column) = (record.clone(), column.parse().unwrap());
                self.bind(flow, Target::Column { record, column, missing });
            }
        }
    }

    /// The same with everything that the services may list in any order turned around.
    fn turned_around(&self) -> Self {
        let mut observed = self.observed.clone();
        for reading in observed.targets.variables.values_mut() {
            if let Reading::Found(variable) = reading {
                variable.values.reverse();
            }
        }
        observed.targets.records.values_mut().flatten().for_each(|rows| rows.reverse());
        Self { desired: self.desired.clone(), observed }
    }

    /// The bindings that a problem keeps from being written: its own, those of its flow, and those
    /// of the record that it is about.
    fn concerned(&self, problem: &Problem) -> Vec<ManifestPosition> {
        let bindings = &self.desired.bindings;
        let own = bindings.iter().find(|binding| Some(binding.site) == problem.site);
        let record = own.and_then(record_of);
        let concerns = |binding: &&Binding| {
            Some(binding.site) == problem.site
                || Some(self.desired.flow(binding.flow).site) == problem.site
                || (record.is_some() && record_of(binding) == record)
        };
        bindings.iter().filter(concerns).map(|binding| binding.site).collect()
    }

    /// Writes as Dataverse does: only to what is still of the version that was read.
    fn write(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::CreateVariableValue { definition, text, .. } => {
                    let values = &mut self.variable_of(*definition).values;
                    assert!(values.is_empty());
                    let text = Some(text.clone());
                    values.push(ValueRow { id: *definition, tag: version(99), text });
                }
                Write::UpdateVariableValue { id, guard, text } => {
                    let row = self.value_row(*id);
                    assert_eq!(row.tag, *guard);
                    row.text = Some(text.clone());
                }
                Write::CreateRow { columns, .. } => self.create_row(columns),
                Write::UpdateRow { id, guard, columns, .. } => self.update_row(*id, guard, columns),
                Write::Restore { .. } | Write::Delete { .. } => panic!("no plan does so"),
            }
        }
    }

    fn variables(&mut self) -> impl Iterator<Item = &mut Variable> {
        self.observed.targets.variables.values_mut().filter_map(|reading| match reading {
            Reading::Found(variable) => Some(variable),
            _ => None,
        })
    }

    fn variable_of(&mut self, definition: RowId) -> &mut Variable {
        self.variables().find(|variable| variable.definition == definition).unwrap()
    }

    fn value_row(&mut self, id: RowId) -> &mut ValueRow {
        self.variables().flat_map(|variable| &mut variable.values).find(|row| row.id == id).unwrap()
    }

    fn create_row(&mut self, columns: &BTreeMap<LogicalName, CellValue>) {
        let mut key = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for (name, cell) in columns {
            match cell {
                CellValue::Key(value) => drop(key.insert(name.clone(), value.clone())),
                CellValue::Url(text) => drop(texts.insert(name.clone(), text.clone())),
            }
        }
        let record = Record { table: "t".parse().unwrap(), selector: Selector::Columns(key) };
        let records = &mut self.observed.targets.records;
        let id = row_id(9_000 + records.values().flatten().flatten().count());
        let rows = records.get_mut(&record).unwrap().as_mut().unwrap();
        assert!(rows.is_empty());
        rows.push(Row { id, tag: version(99), texts });
    }

    fn update_row(
        &mut self,
        id: RowId,
        guard: &EntityTag,
        columns: &BTreeMap<LogicalName, StoredText>,
    ) {
        let rows = self.observed.targets.records.values_mut().flatten().flatten();
        for row in rows.filter(|row| row.id == id) {
            assert_eq!(row.tag, *guard);
            row.texts.extend(columns.clone());
        }
    }

    /// What each JSON variable holds, its default where it has no value.
    fn documents(&mut self) -> Vec<String> {
        let json = self.variables().filter(|variable| variable.variable_type == VariableType::Json);
        let text = |variable: &mut Variable| {
            let value = variable.values.first().and_then(|row| row.text.as_ref());
            value.or(variable.default.as_ref()).map_or("{}", StoredText::expose).to_owned()
        };
        json.map(text).collect()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#?}\n{:#?}", self.desired, self.observed)
    }
}

fn variable(
    number: usize,
    variable_type: VariableType,
    default: Option<&String>,
    values: &[&str],
) -> Variable {
    let row = |(index, text): (usize, &&str)| ValueRow {
        id: row_id(1_000 + 10 * number + index),
        tag: version(number),
        text: (!text.is_empty()).then(|| StoredText::new(*text)),
    };
    Variable {
        definition: row_id(500 + number),
        schema_name: format!("v{number}").parse().unwrap(),
        variable_type,
        default: default.map(StoredText::new),
        values: values.iter().enumerate().map(row).collect(),
    }
}

fn record_of(binding: &Binding) -> Option<&Record> {
    match &binding.target {
        Target::Column { record, .. } => Some(record),
        Target::Variable { .. } => None,
    }
}

/// All that two plans can differ in.
fn parts(plan: Plan) -> (Vec<Change>, Vec<Problem>, Vec<Problem>, Vec<Write>) {
    let writes = plan.planned_writes().to_vec();
    (plan.changes, plan.problems, plan.warnings, writes)
}

/// The members of a text that no pointer leads to, each as it is spelled, in their order.
fn others(text: &str) -> Vec<&'static str> {
    let mut found: Vec<(usize, &str)> = MEMBERS
        .iter()
        .filter_map(|member| text.find(member).map(|place| (place, *member)))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, member)| member).collect()
}

proptest! {
    #[test]
    fn a_plan_is_the_same_whenever_and_in_whatever_order_rows_are_read(model in any_model()) {
        let plan = parts(model.plan());
        prop_assert_eq!(&plan, &parts(model.plan()));
        prop_assert_eq!(&plan, &parts(model.turned_around().plan()));
    }

    #[test]
    fn every_binding_has_one_change_or_a_problem(model in any_model()) {
        let plan = model.plan();
        let concerned: BTreeSet<ManifestPosition> =
            plan.problems.iter().flat_map(|problem| model.concerned(problem)).collect();
        for binding in &model.desired.bindings {
            let own = |change: &&Change| change.site == Some(binding.site);
            let changes: Vec<&Change> = plan.changes.iter().filter(own).collect();
            prop_assert!(changes.len() <= 1);
            prop_assert!(changes.len() == 1 || concerned.contains(&binding.site), "{binding:?}");
            prop_assert!(changes.iter().all(|change| change.address == binding.target.address()));
        }
        prop_assert!(plan.changes.len() <= model.desired.bindings.len());
    }

    #[test]
    fn nothing_is_written_beside_a_problem_nor_without_a_change(model in any_model()) {
        let plan = model.plan();
        let kept = plan.changes.iter().filter(|change| change.action == Action::NoOp).count();
        let changed = plan.changes.len() - kept;
        if plan.problems.is_empty() {
            prop_assert_eq!(plan.writes().is_empty(), changed == 0);
            prop_assert!(plan.writes().len() <= changed);
        } else {
            prop_assert!(plan.writes().is_empty() && !plan.is_up_to_date());
        }
    }

    #[test]
    fn what_is_written_is_agreed_on_and_was_of_the_version_that_was_read(mut model in sound_model()) {
        let plan = model.plan();
        prop_assert!(plan.problems.is_empty(), "{:?}", plan.problems);
        prop_assert_eq!(plan.changes.len(), model.desired.bindings.len());
        model.write(plan.writes());
        let again = model.plan();
        prop_assert!(again.is_up_to_date());
        prop_assert_eq!(again.count(Action::NoOp), model.desired.bindings.len());
        prop_assert!(plan.same_in_substance(&again));
    }

    #[test]
    fn members_that_nobody_bound_stay_byte_for_byte(mut model in sound_model()) {
        let before = model.documents();
        model.write(model.plan().writes());
        for (before, after) in before.iter().zip(model.documents()) {
            prop_assert_eq!(others(before), others(&after));
            let read = serde_json::from_str::<&serde_json::value::RawValue>(&after);
            prop_assert!(read.is_ok(), "{after}");
            // The general reader knows no number that is too large.
            if let Ok(value) = serde_json::from_str::<Value>(&after.replace("1e400", "1")) {
                prop_assert!(value.is_object());
            }
        }
    }

    #[test]
    fn a_plan_shows_nothing_of_what_is_stored(model in any_model()) {
        let plan = model.plan();
        let shown = format!("{plan:?} {plan:#?} {:?}", plan.divergences(&Plan::default()));
        prop_assert!(!shown.contains("hush") && !shown.contains("made-up"), "{shown}");
        for change in &plan.changes {
            let words: Vec<String> =
                [&change.before, &change.after].into_iter().flatten().map(ToString::to_string).collect();
            prop_assert!(!words.concat().contains("hush"));
        }
    }
}
