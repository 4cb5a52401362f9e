//! Journals of applies to a model of rows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::option;
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::model::{Cloud, Clouds, Code, DocumentError, EntityTag, Fingerprint, SchemaName, *};
use crate::plan::compare::rollback::{changed, plan_rollback};
use crate::plan::{Action, CellValue, Plan, Write, plan};

const OLD: &str = "https://old.environment.api.powerplatform.com/workflows/1?api-version=1";
const URL: &str = "https://new.environment.api.powerplatform.com/workflows/1?api-version=1";
const VALUES: &str = "environmentvariablevalues";
const DEFINITION: &str = "_environmentvariabledefinitionid_value";

/// Rows by table and id, each with its texts.
type Rows = BTreeMap<(String, RowId), BTreeMap<LogicalName, String>>;

/// What a variable or a record is before the apply.
#[derive(Clone, Debug)]
#[expect(clippy::option_option, reason = "there is no row, a row without a text, or one with it")]
enum Thing {
    /// A variable that is one URL: no row, a row without text, or a row with it.
    Whole(Option<Option<String>>),
    /// A JSON variable of which two members are bound.
    Json(Option<Option<String>>),
    /// A record of which two columns are bound: no row, or what they hold.
    Record(Option<[Option<String>; 2]>),
}

/// A manifest and rows for it.
struct Model {
    desired: Desired,
    rows: Rows,
    things: Vec<Thing>,
}

fn id(number: usize) -> RowId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

fn name(text: &str) -> LogicalName {
    text.parse().unwrap()
}

fn stored(text: &str) -> StoredText {
    StoredText::new(text)
}

fn cloud() -> Cloud {
    Clouds::embedded().unwrap().get("public").unwrap().clone()
}

fn schema_name(index: usize) -> SchemaName {
    format!("contoso_Url{index}").parse().unwrap()
}

fn record_of(index: usize) -> Record {
    let key = BTreeMap::from([(name("name"), KeyValue::Text(format!("row{index}")))]);
    Record { table: name("t"), selector: Selector::Columns(key) }
}

fn targets(index: usize, thing: &Thing) -> Vec<Target> {
    let variable = |pointer: Option<&str>| Target::Variable {
        schema_name: schema_name(index),
        pointer: pointer.map(|text| text.parse().unwrap()),
    };
    let column = |column| Target::Column {
        record: record_of(index),
        column: name(column),
        missing: Missing::Create,
    };
    match thing {
        Thing::Whole(_) => vec![variable(None)],
        Thing::Json(_) => vec![variable(Some("/a")), variable(Some("/c/d"))],
        Thing::Record(_) => vec![column("url"), column("other")],
    }
}

fn texts(columns: &[(&str, Option<&String>)]) -> BTreeMap<LogicalName, String> {
    let held = columns.iter().filter_map(|(column, text)| Some((name(column), text.cloned()?)));
    held.collect()
}

impl Model {
    fn new(things: Vec<Thing>) -> Self {
        let site = ManifestPosition { line: 1, column: 1 };
        let workflow_id = id(1).to_string().parse().unwrap();
        let flow = Flow { name: None, workflow_id, trigger: None, site, removed: false };
        let targets = things.iter().enumerate().flat_map(|(index, thing)| targets(index, thing));
        let bindings = targets.map(|target| Binding { flow: FlowIndex(0), target, site }).collect();
        let desired = Desired { flows: vec![flow], bindings, ..Desired::default() };
        let mut rows = Rows::new();
        for (index, thing) in things.iter().enumerate() {
            let definition = id(100 + index).to_string();
            let key = format!("row{index}");
            let (set, columns) = match thing {
                Thing::Whole(Some(text)) | Thing::Json(Some(text)) => {
                    (VALUES, texts(&[("value", text.as_ref()), (DEFINITION, Some(&definition))]))
                }
                Thing::Record(Some([url, other])) => (
                    "ts",
                    texts(&[
                        ("url", url.as_ref()),
                        ("other", other.as_ref()),
                        ("name", Some(&key)),
                    ]),
                ),
                _ => continue,
            };
            rows.insert((set.to_owned(), id(1_000 + index)), columns);
        }
        Self { desired, rows, things }
    }

    fn observed(&self) -> Observed {
        let flow = ObservedFlow::with_url(URL);
        let mut targets = Targets::default();
        targets.tables.insert(name("t"), Reading::Found(table()));
        for (index, thing) in self.things.iter().enumerate() {
            match thing {
                Thing::Record(_) => {
                    let rows = self.found_by("ts", "name", &format!("row{index}"));
                    targets.records.insert(record_of(index), Ok(rows));
                }
                Thing::Whole(_) | Thing::Json(_) => {
                    let variable = self.variable(index, matches!(thing, Thing::Json(_)));
                    targets.variables.insert(schema_name(index), Reading::Found(variable));
                }
            }
        }
        Observed { flows: vec![flow], targets }
    }

    fn variable(&self, index: usize, json: bool) -> Variable {
        let definition = id(100 + index);
        let rows = self.found_by(VALUES, DEFINITION, &definition.to_string());
        let value = |row: Row| ValueRow {
            id: row.id,
            tag: row.tag,
            text: row.texts.get(&name("value")).cloned(),
        };
        Variable {
            definition,
            schema_name: schema_name(index),
            variable_type: if json { VariableType::Json } else { VariableType::String },
            default: None,
            values: rows.into_iter().map(value).collect(),
        }
    }

    fn plan(&self) -> Plan {
        plan(&self.desired, &self.observed(), &cloud())
    }

    fn found_by(&self, set: &str, column: &str, text: &str) -> Vec<Row> {
        let fits = |((in_set, _), columns): &(&(String, RowId), &BTreeMap<_, String>)| {
            in_set == set && columns.get(&name(column)).is_some_and(|held| held == text)
        };
        self.rows.iter().filter(fits).map(|((_, id), columns)| read(*id, columns)).collect()
    }

    /// What reading finds of a journal's rows.
    fn found(&self, journal: &Journal) -> Vec<FoundRows> {
        let of = |row: &JournalRow| match (&row.origin, row.id()) {
            (Origin::Deleted { definition, .. }, _) => {
                Ok(self.found_by(VALUES, DEFINITION, &definition.to_string()))
            }
            (_, Some(id)) => {
                let held = self.rows.get(&(row.entity_set.to_string(), id));
                Ok(held.map(|columns| read(id, columns)).into_iter().collect())
            }
            (Origin::Created { key: RowKey::Definition(id), .. }, None) => {
                Ok(self.found_by(VALUES, DEFINITION, &id.to_string()))
            }
            (Origin::Created { key: RowKey::Columns(key), .. }, None) => {
                let Some(KeyValue::Text(text)) = key.get(&name("name")) else { panic!() };
                Ok(self.found_by("ts", "name", text))
            }
            (Origin::Updated(_), None) => unreachable!(),
        };
        journal.rows.iter().map(of).collect()
    }

    fn write(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::CreateVariableValue { definition, text, .. } => {
                    let (value, definition) = (text.expose().to_owned(), definition.to_string());
                    let columns =
                        texts(&[("value", Some(&value)), (DEFINITION, Some(&definition))]);
                    self.insert(VALUES, columns);
                }
                Write::UpdateVariableValue { id, text, .. } => {
                    self.set(VALUES, *id, &name("value"), Some(text));
                }
                Write::CreateRow { entity_set, columns } => {
                    let text = |cell: &CellValue| match cell {
                        CellValue::Key(KeyValue::Text(text)) => text.clone(),
                        CellValue::Url(text) => text.expose().to_owned(),
                        CellValue::Key(_) => panic!(),
                    };
                    let columns = columns.iter().map(|(name, cell)| (name.clone(), text(cell)));
                    self.insert(entity_set, columns.collect());
                }
                Write::UpdateRow { entity_set, id, columns, .. } => {
                    for (name, text) in columns {
                        self.set(entity_set, *id, name, Some(text));
                    }
                }
                Write::Restore { entity_set, id, columns, .. } => {
                    for (name, text) in columns {
                        self.set(entity_set, *id, name, text.as_ref());
                    }
                }
                Write::Delete { entity_set, id, .. } => {
                    self.rows.remove(&(entity_set.clone(), *id)).unwrap();
                }
            }
        }
    }

    fn insert(&mut self, set: &str, columns: BTreeMap<LogicalName, String>) {
        let id = id(5_000 + self.rows.len());
        self.rows.insert((set.to_owned(), id), columns);
    }

    fn set(&mut self, set: &str, id: RowId, name: &LogicalName, text: Option<&StoredText>) {
        let columns = self.rows.get_mut(&(set.to_owned(), id)).unwrap();
        match text {
            Some(text) => columns.insert(name.clone(), text.expose().to_owned()),
            None => columns.remove(name),
        };
    }

    /// Applies the manifest, and answers with the journal of it.
    fn apply(&mut self) -> Journal {
        let (observed, plan) = (self.observed(), self.plan());
        assert!(plan.problems.is_empty(), "{:?}", plan.problems);
        let journal = record(head(), &self.desired, &observed, &plan).unwrap();
        self.write(plan.writes());
        journal
    }

    fn rollback(&self, journal: &Journal, left: &BTreeSet<usize>) -> Plan {
        plan_rollback(journal, &self.found(journal), left, &cloud())
    }
}

fn table() -> Table {
    let column_type = ColumnType::Text { max_length: 500 };
    let column = Column::open(column_type);
    let columns = ["name", "url", "other"].map(|text| (name(text), column.clone()));
    let keys = vec![BTreeSet::from([name("name")])];
    Table {
        entity_set: "ts".into(),
        primary_id: name("tid"),
        kind: TableKind::Standard,
        versioned: true,
        columns: columns.into(),
        keys,
        inactive_keys: vec![],
        privileges: WritePrivileges::default(),
    }
}

fn read(id: RowId, columns: &BTreeMap<LogicalName, String>) -> Row {
    let texts = columns.iter().map(|(name, text)| (name.clone(), stored(text))).collect();
    Row { id, tag: EntityTag::new("W/\"7\"").unwrap(), texts }
}

/// Returns where and when the journals of these tests were written.
pub(super) fn head() -> JournalHead {
    JournalHead {
        time: "2026-11-22T10:00:00Z".into(),
        manifest: "flowbind.toml".into(),
        environment: "prod".into(),
        url: "https://contoso.crm4.dynamics.com".parse().unwrap(),
        environment_id: "7d1f0c2e-9a53-4b8e-8f4e-2f6d0a1b3c4d".parse().unwrap(),
        sandbox: false,
        rolled_back: None,
    }
}

/// A variable without a value, one with one, a JSON variable, and two records.
fn example() -> Model {
    Model::new(vec![
        Thing::Whole(None),
        Thing::Whole(Some(Some(OLD.into()))),
        Thing::Json(Some(Some("{ \"a\": \"x\", \"b\": 1.10 }".into()))),
        Thing::Record(Some([Some(OLD.into()), None])),
        Thing::Record(None),
    ])
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    let texts = [None, Some(""), Some("a password"), Some(OLD), Some(URL)];
    proptest::sample::select(texts.map(|text| text.map(str::to_owned)).to_vec())
}

fn any_json() -> impl Strategy<Value = Option<String>> {
    let with_url = format!("{{\"a\":\"{URL}\",\"c\":{{}}}}");
    let texts = [
        None,
        Some(String::new()),
        Some("{}".into()),
        Some("{\"a\" : null,\n \"n\": 1.10, \"b\":[ ]}".into()),
        Some(with_url),
    ];
    proptest::sample::select(texts.to_vec())
}

fn any_thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        option::of(any_text()).prop_map(Thing::Whole),
        option::of(any_json()).prop_map(Thing::Json),
        option::of([any_text(), any_text()]).prop_map(Thing::Record),
    ]
}

proptest! {
    #[test]
    fn a_rollback_undoes_an_apply_to_the_letter(
        things in proptest::collection::vec(any_thing(), 0..6),
        complete in any::<bool>(),
    ) {
        let mut model = Model::new(things);
        let before = model.rows.clone();
        let mut journal = model.apply();
        if complete {
            journal = journal.clone().completed(&model.found(&journal));
            prop_assert!(journal.is_complete());
        }
        let journal = Journal::from_json(journal.to_json().expose_secret()).unwrap();
        let rollback = model.rollback(&journal, &BTreeSet::new());
        prop_assert!(rollback.problems.is_empty());
        prop_assert_eq!(rollback.count(Action::NoOp), 0);
        model.write(rollback.writes());
        prop_assert_eq!(&model.rows, &before);
        prop_assert!(model.rollback(&journal, &BTreeSet::new()).is_up_to_date());
    }

    #[test]
    fn an_apply_that_was_never_sent_has_nothing_to_undo(
        things in proptest::collection::vec(any_thing(), 0..6),
    ) {
        let mut model = Model::new(things);
        let before = model.rows.clone();
        let journal = model.apply();
        model.rows = before;
        prop_assert!(model.rollback(&journal, &BTreeSet::new()).is_up_to_date());
    }

    #[test]
    fn whatever_somebody_changed_since_is_never_written_over(
        things in proptest::collection::vec(any_thing(), 1..6),
        place in any::<proptest::sample::Index>(),
    ) {
        let mut model = Model::new(things);
        let journal = model.apply();
        prop_assume!(!journal.rows.is_empty());
        let index = place.index(journal.rows.len());
        let row = &journal.rows[index];
        let held = model.found(&journal)[index].clone().unwrap()[0].clone();
        let (column, _) = row.columns.iter().find(|(column, _)| **column != name("name")).unwrap();
        let set = row.entity_set.to_string();
        model.set(&set, held.id, column, Some(&stored("somebody's")));
        let changed_by_somebody = model.rows[&(set.clone(), held.id)].clone();

        let refused = model.rollback(&journal, &BTreeSet::new());
        prop_assert!(refused.problems.iter().all(|problem| problem.code == Code::ChangedSince));
        prop_assert!(!refused.problems.is_empty() && refused.writes().is_empty());

        let left = changed(&journal, &model.found(&journal));
        prop_assert_eq!(&left, &BTreeSet::from([index]));
        let rest = model.rollback(&journal, &left);
        prop_assert!(rest.problems.is_empty() && !rest.warnings.is_empty());
        model.write(rest.writes());
        prop_assert_eq!(&model.rows[&(set, held.id)], &changed_by_somebody);
        prop_assert!(model.rollback(&journal, &left).is_up_to_date());
    }
}

#[test]
fn what_is_undone_is_shown_as_the_apply_was() {
    let mut model = example();
    let journal = model.apply();
    let plan = model.rollback(&journal, &BTreeSet::new());
    let shown: Vec<(&str, &str, String)> = plan
        .changes
        .iter()
        .map(|change| {
            let after = change.after.as_ref().map_or("nothing".into(), ToString::to_string);
            (change.action.as_str(), change.address.as_str(), after)
        })
        .collect();
    let fingerprint = Fingerprint::from_text(OLD);
    let old = format!("authenticated {fingerprint} on old.environment.api.powerplatform.com");
    let nothing = || "nothing".to_owned();
    assert_eq!(
        shown,
        [
            ("delete", "environment-variable/contoso_Url0", nothing()),
            ("update", "environment-variable/contoso_Url1", old.clone()),
            ("update", "environment-variable/contoso_Url2#/a", "a text of 1 characters".into()),
            ("delete", "environment-variable/contoso_Url2#/c/d", nothing()),
            ("update", "record/t[name=row3]/url", old),
            ("update", "record/t[name=row3]/other", nothing()),
            ("delete", "record/t[name=row4]/url", nothing()),
            ("delete", "record/t[name=row4]/other", nothing()),
        ],
    );
}

#[test]
fn a_problem_names_what_is_there_and_what_the_apply_wrote() {
    let mut model = example();
    let journal = model.apply();
    let other = OLD.replace("old", "other");
    model.set(VALUES, id(1_001), &name("value"), Some(&stored(&other)));
    let plan = model.rollback(&journal, &BTreeSet::new());
    let [problem] = plan.problems.as_slice() else { panic!("{:?}", plan.problems) };
    assert_eq!(problem.address.as_deref(), Some("environment-variable/contoso_Url1"));
    for text in [other.as_str(), URL] {
        let fingerprint = Fingerprint::from_text(text).to_string();
        assert!(problem.message.contains(&fingerprint), "{}", problem.message);
    }
    assert!(problem.hint.contains("--skip-changed"));
}

#[test]
fn another_member_of_the_same_json_that_was_changed_since_is_told() {
    let mut model = example();
    let journal = model.apply();
    let text = model.rows[&(VALUES.to_owned(), id(1_002))][&name("value")].replace("1.10", "2");
    model.set(VALUES, id(1_002), &name("value"), Some(&stored(&text)));
    let plan = model.rollback(&journal, &BTreeSet::new());
    assert_eq!(plan.problems.len(), 2);
    assert!(plan.problems[0].message.contains("other parts of it were changed"), "{plan:?}");
}

#[test]
fn a_row_that_is_gone_is_a_problem_only_if_it_was_there_before() {
    let mut model = example();
    let journal = model.apply();
    let journal = journal.clone().completed(&model.found(&journal));
    model.rows.clear();
    let plan = model.rollback(&journal, &BTreeSet::new());
    let gone: Vec<_> =
        plan.problems.iter().filter_map(|problem| problem.address.as_deref()).collect();
    assert_eq!(gone.len(), 5, "{gone:?}");
    assert!(plan.problems[0].message.contains("the row no longer exists"));
    let left = changed(&journal, &model.found(&journal));
    let rest = model.rollback(&journal, &left);
    assert!(rest.is_up_to_date());
    assert_eq!((plan.left_alone, rest.left_alone), (0, 5));
}

#[test]
fn a_row_that_was_written_to_elsewhere_is_deleted_with_a_warning() {
    let mut model = Model::new(vec![Thing::Record(None)]);
    let journal = model.apply();
    let mut journal = journal.clone().completed(&model.found(&journal));
    assert!(model.rollback(&journal, &BTreeSet::new()).warnings.is_empty());
    let Origin::Created { tag, .. } = &mut journal.rows[0].origin else { panic!() };
    *tag = Some("W/\"6\"".to_owned());
    let plan = model.rollback(&journal, &BTreeSet::new());
    assert_eq!((plan.warnings.len(), plan.writes().len()), (2, 1));
}

#[test]
fn a_record_that_was_renamed_since_is_not_deleted() {
    let mut model = Model::new(vec![Thing::Record(None)]);
    let journal = model.apply();
    let journal = journal.clone().completed(&model.found(&journal));
    let (set, row) = model.rows.keys().next().unwrap().clone();
    model.set(&set, row, &name("name"), Some(&stored("renamed")));
    assert_eq!(model.rollback(&journal, &BTreeSet::new()).problems.len(), 2);
}

#[test]
fn a_damaged_journal_is_told_by_its_place_and_shows_nothing() {
    let journal = example().apply();
    let text = String::from_utf8(journal.to_json().expose_secret().to_vec()).unwrap();
    let read = |text: &str| Journal::from_json(text.as_bytes()).unwrap_err();
    let cases = [
        (
            text.replace("\"version\": 1", "\"version\": 2"),
            DocumentError::Version { found: 2, known: 1 },
        ),
        (text.replace("flowbind-journal", "hush"), DocumentError::Kind("journal")),
    ];
    for (text, error) in cases {
        assert_eq!(read(&text), error);
    }
    let damaged = [
        text.replace("environmentvariablevalues", "../hush"),
        text.replace("https://contoso.crm4", "http://hush"),
        text.replace("\"after\"", "\"hush\""),
        text.replace("\"manifest\"", "\"hush\""),
        text[..text.len() / 2].to_owned(),
        "hush".to_owned(),
    ];
    for text in damaged {
        let error = read(&text);
        assert!(matches!(error, DocumentError::Malformed { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
    assert!(!format!("{journal:?}").contains("old.environment"));
}
