//! The desired state, as the manifest describes it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{
    JsonPointer, LogicalName, RowId, SchemaName, TriggerName, WorkflowId, escape_hidden, is_hidden,
};

/// The desired state of one environment.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The flows, in the manifest's order.
    pub flows: Vec<Flow>,
    /// Where their URLs go, in the manifest's order.
    pub bindings: Vec<Binding>,
    /// The policy for signed URLs.
    pub signed_urls: SignedUrls,
    /// The addresses of the manifest's targets that `--only` left out.
    pub left_out: Vec<String>,
}

/// A place in the manifest, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestPosition {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A flow's place in [`Desired::flows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowIndex(pub usize);

/// One flow and the trigger whose URL is wanted.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The manifest's name for it: for people, never used to find it.
    pub name: Option<String>,
    /// What finds it.
    pub workflow_id: WorkflowId,
    /// The trigger's key; none means the flow's only HTTP trigger.
    pub trigger: Option<TriggerName>,
    /// Where the manifest says so.
    pub site: ManifestPosition,
    /// Whether its targets no longer get its URL, as a `[[removed]]` entry says.
    pub removed: bool,
}

/// One flow's URL tied to one target.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Whose URL.
    pub flow: FlowIndex,
    /// Where it goes.
    pub target: Target,
    /// Where the manifest says so.
    pub site: ManifestPosition,
}

/// Where a URL goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// The value of an environment variable, or one member of a JSON value.
    Variable {
        /// The variable.
        schema_name: SchemaName,
        /// The member; none means the whole value.
        pointer: Option<JsonPointer>,
    },
    /// A column of a configuration record.
    Column {
        /// The record.
        record: Record,
        /// The column that holds the URL.
        column: LogicalName,
        /// What is done if the record was not found.
        missing: Missing,
    },
}

/// A configuration record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Its table.
    pub table: LogicalName,
    /// Which of the table's records.
    pub selector: Selector,
}

/// What singles out one record of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// Its primary key.
    Id(RowId),
    /// Columns that together name exactly one record.
    Columns(BTreeMap<LogicalName, KeyValue>),
}

/// A value that a record is found by. Texts are equal without case, as Dataverse compares them.
#[derive(Clone, Debug)]
pub enum KeyValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

/// What is done if a record is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// The run is refused.
    #[default]
    Fail,
    /// The record is created from its key and the URL.
    Create,
}

/// What is done about URLs that anyone who has them may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedUrls {
    /// The run is refused.
    #[default]
    Refuse,
    /// They are written, with a warning.
    Warn,
    /// They are written.
    Allow,
}

/// The identity of a target: two targets with the same identity are one place, as far as the
/// manifest tells. Names and key texts are compared without case, JSON pointers exactly.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetIdentity<'d> {
    /// An environment variable, or a member of its JSON.
    Variable(&'d SchemaName, Option<&'d JsonPointer>),
    /// A column of a record.
    Column(&'d Record, &'d LogicalName),
}

impl KeyValue {
    /// Folds the value into a key for equality and order: texts in lower case.
    fn comparison_key(&self) -> (u8, String, i64) {
        match self {
            Self::Text(text) => (0, text.to_lowercase(), 0),
            Self::Integer(number) => (1, String::new(), *number),
            Self::Boolean(truth) => (2, String::new(), i64::from(*truth)),
        }
    }
}

impl PartialEq for KeyValue {
    fn eq(&self, other: &Self) -> bool {
        self.comparison_key() == other.comparison_key()
    }
}

impl Eq for KeyValue {}

impl PartialOrd for KeyValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeyValue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.comparison_key().cmp(&other.comparison_key())
    }
}

impl Desired {
    /// Returns the flow of a binding.
    pub fn flow(&self, index: FlowIndex) -> &Flow {
        &self.flows[index.0]
    }
}

impl Desired {
    /// Checks whether the target of a binding no longer gets the flow's URL.
    pub fn is_removed(&self, binding: &Binding) -> bool {
        self.flow(binding.flow).removed
    }

    /// Keeps only the environment variables that get a URL, and their flows.
    #[must_use]
    pub fn only_variables(&self) -> Self {
        let is_variable = |binding: &Binding| binding.target.variable().is_some();
        self.only(|binding| is_variable(binding) && !self.is_removed(binding))
    }

    /// Keeps only some bindings, and the flows of these bindings.
    #[must_use]
    pub fn only(&self, is_kept: impl Fn(&Binding) -> bool) -> Self {
        let kept = self.bindings.iter().filter(|binding| is_kept(binding));
        let mut bindings: Vec<Binding> = kept.cloned().collect();
        let kept: BTreeSet<FlowIndex> = bindings.iter().map(|binding| binding.flow).collect();
        for binding in &mut bindings {
            binding.flow = FlowIndex(kept.range(..binding.flow).count());
        }
        let flows = kept.iter().map(|index| self.flow(*index).clone()).collect();
        Self { flows, bindings, ..self.clone() }
    }
}

impl Target {
    /// Returns the environment variable of the target, if it is in one.
    pub fn variable(&self) -> Option<&SchemaName> {
        if let Self::Variable { schema_name, .. } = self { Some(schema_name) } else { None }
    }

    /// Returns the identity of the target.
    pub fn identity(&self) -> TargetIdentity<'_> {
        match self {
            Self::Variable { schema_name, pointer } => {
                TargetIdentity::Variable(schema_name, pointer.as_ref())
            }
            Self::Column { record, column, .. } => TargetIdentity::Column(record, column),
        }
    }

    /// Returns the target's printable identity, which is the same for two targets exactly if they
    /// are the same place.
    pub fn address(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { schema_name, pointer: None } => {
                write!(formatter, "environment-variable/{schema_name}")
            }
            Self::Variable { schema_name, pointer: Some(pointer) } => {
                write!(
                    formatter,
                    "environment-variable/{schema_name}#{}",
                    escape_hidden(&pointer.to_string().escape_debug().to_string())
                )
            }
            Self::Column { record, column, .. } => write!(formatter, "{record}/{column}"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "record/{}[{}]", self.table, self.selector)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(formatter),
            Self::Columns(columns) => {
                let pairs: Vec<String> =
                    columns.iter().map(|(name, value)| format!("{name}={value}")).collect();
                formatter.write_str(&pairs.join(","))
            }
        }
    }
}

impl fmt::Display for KeyValue {
    /// Formats the value, and quotes a text that could be mistaken for another type or part of the
    /// address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if is_plain(text) => formatter.write_str(text),
            Self::Text(text) => formatter.write_str(&escape_hidden(&format!("{text:?}"))),
            Self::Integer(number) => number.fmt(formatter),
            Self::Boolean(truth) => truth.fmt(formatter),
        }
    }
}

/// Returns whether a text cannot be mistaken for anything else without quotes.
fn is_plain(text: &str) -> bool {
    let plain =
        |c: char| (c.is_alphanumeric() && !is_hidden(c)) || matches!(c, '_' | '-' | '.' | ' ');
    let another = text.parse::<i64>().is_ok() || text.parse::<bool>().is_ok();
    !text.is_empty() && !another && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_to_variables_keep_their_flows_where_others_are_left_out() {
        let site = ManifestPosition { line: 1, column: 1 };
        let flow = |digit: char| Flow {
            name: Some(digit.into()),
            workflow_id: format!("a09e4a0d-3a1c-f011-998a-7c1e5275cfe{digit}").parse().unwrap(),
            trigger: None,
            site,
            removed: false,
        };
        let variable =
            || Target::Variable { schema_name: "contoso_Url".parse().unwrap(), pointer: None };
        let record = Record {
            table: "contoso_endpoint".parse().unwrap(),
            selector: Selector::Columns(BTreeMap::new()),
        };
        let column = "contoso_url".parse().unwrap();
        let column = Target::Column { record, column, missing: Missing::Fail };
        let binding = |flow, target| Binding { flow: FlowIndex(flow), target, site };
        let desired = Desired {
            flows: ['1', '2', '3'].map(flow).into(),
            bindings: vec![binding(0, column.clone()), binding(2, variable()), binding(2, column)],
            signed_urls: SignedUrls::Warn,
            ..Desired::default()
        };
        let kept = desired.only_variables();
        let names: Vec<_> = kept.flows.iter().map(|flow| flow.name.as_deref().unwrap()).collect();
        assert_eq!((names, kept.bindings.len()), (vec!["3"], 1));
        assert_eq!((kept.bindings[0].flow, kept.signed_urls), (FlowIndex(0), SignedUrls::Warn));
    }

    #[test]
    fn an_address_names_the_place_and_hides_nothing_in_it() {
        let record = Record {
            table: "contoso_endpoint".parse().unwrap(),
            selector: Selector::Columns(BTreeMap::from([
                ("contoso_name".parse().unwrap(), KeyValue::Text("orders".into())),
                ("contoso_area".parse().unwrap(), KeyValue::Text("a]/\u{1b}[2Jb".into())),
                ("contoso_rank".parse().unwrap(), KeyValue::Integer(7)),
                ("contoso_code".parse().unwrap(), KeyValue::Text("7".into())),
            ])),
        };
        let target = Target::Column {
            record,
            column: "contoso_url".parse().unwrap(),
            missing: Missing::Fail,
        };
        assert_eq!(
            target.address(),
            r#"record/contoso_endpoint[contoso_area="a]/\u{1b}[2Jb",contoso_code="7",contoso_name=orders,contoso_rank=7]/contoso_url"#,
        );
    }

    #[test]
    fn a_member_of_a_json_variable_has_its_pointer_in_its_address() {
        let target = Target::Variable {
            schema_name: "contoso_Endpoints".parse().unwrap(),
            pointer: Some("/orders/intake".parse().unwrap()),
        };
        assert_eq!(target.address(), "environment-variable/contoso_Endpoints#/orders/intake");
    }
}
