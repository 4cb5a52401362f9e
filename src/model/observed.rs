//! The observed state, as the services report it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{KeyValue, Record, Selector};
use crate::model::{
    CallbackUrl, EntityTag, LogicalName, ResourceId, RowId, SchemaName, ServiceError, StoredText,
    TriggerName, WorkflowId,
};

/// Everything that a plan needs to know of an environment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The flows, in the order of [`super::Desired::flows`].
    pub flows: Vec<ObservedFlow>,
    /// The targets; these alone are read again to verify.
    pub targets: Targets,
}

/// The result of reading one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is there.
    Found(T),
    /// It is not there.
    Absent,
    /// The service does not let this user see it.
    Refused(ServiceError),
}

/// The list that was read, or the service's refusal to show it to this user. An empty list means
/// that nothing was found.
pub type ReadResult<T> = Result<T, ServiceError>;

/// One flow as it is.
#[derive(Clone, Debug)]
pub struct ObservedFlow {
    /// Its row in Dataverse.
    pub workflow: Reading<Workflow>,
    /// Its trigger's URL, or why the flow is off; none if the row already says that there is no URL
    /// to ask for.
    pub callback: Option<Callback>,
    /// The id of the request that the URL came by, whatever may be wrong with it.
    pub request_id: Option<String>,
}

/// A row of the table `workflow`.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Its display name.
    pub name: String,
    /// 5 is a cloud flow.
    pub category: i64,
    /// Whether it is on.
    pub state: FlowState,
    /// What the Flow service calls it; none before it was first registered there.
    pub resource_id: Option<ResourceId>,
    /// What starts it.
    pub definition: Definition,
}

/// A flow's `statecode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// Off.
    Draft,
    /// On.
    Activated,
    /// Stopped by the Flow service. The row does not say why.
    Suspended,
    /// A state that this program does not know.
    Other(i64),
}

/// The part of a flow's definition that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// Its triggers, in the definition's order.
    Triggers(Vec<Trigger>),
    /// It could not be read, and why.
    Unreadable(String),
}

/// What starts a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its key.
    pub name: TriggerName,
    /// Such as `Request` or `Recurrence`.
    pub trigger_type: String,
    /// Such as `Http` or `Button`.
    pub kind: Option<String>,
}

/// Why no trigger can be asked for its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTrigger {
    /// The named trigger is not in the definition, which has these HTTP triggers.
    NotNamed(Vec<TriggerName>),
    /// The named trigger is there but is not an HTTP trigger.
    NotHttp(Trigger),
    /// No trigger is an HTTP trigger; these are there.
    None(Vec<Trigger>),
    /// Several are, and the manifest chose none.
    Several(Vec<TriggerName>),
    /// The definition could not be read, and why.
    Unreadable(String),
}

/// What the Flow service answered when asked for a URL.
#[derive(Clone, Debug)]
pub enum Callback {
    /// The URL.
    Url(CallbackUrl),
    /// The URL, but the service does not say that it belongs to the flow.
    Unconfirmed(CallbackUrl),
    /// An answer without a usable URL.
    Malformed,
    /// The URL of another flow, as the service's own record of it says.
    OtherFlow(WorkflowId),
    /// The service knows the flow by neither of its ids.
    UnknownFlow(ServiceError),
    /// The service does not know the trigger, as before a first activation.
    UnknownTrigger(ServiceError),
    /// The service says that this is no HTTP trigger.
    NotHttp(ServiceError),
    /// The caller is neither an owner nor a co-owner.
    NotOwner(ServiceError),
    /// The caller may not use this environment.
    EnvironmentDenied(ServiceError),
    /// The flow is off or suspended, and the service told why.
    Stopped(Suspension),
}

/// Why the Flow service stopped a flow, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The reason, such as `CompanyDlpViolation`.
    pub reason: String,
    /// The details, if the service has any.
    pub details: Option<String>,
}

/// The targets as they are.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Environment variables.
    pub variables: BTreeMap<SchemaName, Reading<Variable>>,
    /// Tables of the records.
    pub tables: BTreeMap<LogicalName, Reading<Table>>,
    /// The records that each selector found: none, one, or two for any larger number.
    pub records: BTreeMap<Record, ReadResult<Vec<Row>>>,
    /// The variables with a value row that came without a version.
    pub unversioned_variables: BTreeSet<SchemaName>,
    /// The records of which a row came without a version.
    pub unversioned_records: BTreeSet<Record>,
    /// Whether the values of the variables are those of a file of deployment settings. A variable
    /// that the file does not have has the environment's value as its default.
    pub in_file: bool,
    /// What the environment has where a wanted name was not found.
    pub known: KnownNames,
}

/// What an environment has instead of what was not found there. It is read only if something was
/// not found, and is empty otherwise.
#[derive(Clone, Debug, Default)]
pub struct KnownNames {
    /// The flows whose resource ids the manifest has in the place of workflow ids: by that id, the
    /// workflow id and the name.
    pub flows_by_resource_id: BTreeMap<WorkflowId, (WorkflowId, String)>,
    /// The schema names of environment variables.
    pub variables: Vec<String>,
    /// The logical names of tables.
    pub tables: Vec<String>,
    /// The logical names of the columns of tables.
    pub columns: BTreeMap<LogicalName, Vec<String>>,
}

/// An environment variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The definition's primary key.
    pub definition: RowId,
    /// The schema name as the organisation spells it.
    pub schema_name: SchemaName,
    /// What it may hold.
    pub variable_type: VariableType,
    /// What holds where there is no value.
    pub default: Option<StoredText>,
    /// Its value rows: none, one, or in an old organisation several.
    pub values: Vec<ValueRow>,
}

/// The type of an environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableType {
    /// Text.
    String,
    /// A number.
    Number,
    /// `yes` or `no`.
    Boolean,
    /// A JSON text.
    Json,
    /// A connector's data source.
    DataSource,
    /// A reference to a secret in a vault.
    Secret,
    /// A type that this program does not know.
    Other(i64),
}

/// A row that holds an environment variable's value.
#[derive(Clone, Debug)]
pub struct ValueRow {
    /// Its primary key.
    pub id: RowId,
    /// Its version.
    pub tag: EntityTag,
    /// Its value.
    pub text: Option<StoredText>,
}

/// A table of configuration records.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name of the table in addresses.
    pub entity_set: String,
    /// The column of the primary key.
    pub primary_id: LogicalName,
    /// Where its rows are kept.
    pub kind: TableKind,
    /// Whether a write can be made to depend on a row's version.
    pub versioned: bool,
    /// Those of its columns that the manifest names.
    pub columns: BTreeMap<LogicalName, Column>,
    /// Its alternate keys in force, each by its columns: no two rows agree in all of them.
    pub keys: Vec<BTreeSet<LogicalName>>,
    /// Its alternate keys that Dataverse does not enforce, or does not enforce yet.
    pub inactive_keys: Vec<InactiveKey>,
    /// The privileges that writes to it need.
    pub privileges: WritePrivileges,
}

/// The names of the privileges that writes to a table need; none where the table names none.
#[derive(Clone, Debug, Default)]
pub struct WritePrivileges {
    /// To create a row.
    pub create: Option<String>,
    /// To change a row.
    pub write: Option<String>,
}

/// Where the rows of a table are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// In the database: a change set is a transaction.
    Standard,
    /// In a store where a change set is not a transaction.
    Elastic,
    /// In another system: rows have no versions, and a write may not be kept.
    Virtual,
}

/// An alternate key whose index is not active, so that nothing keeps two rows from having the same values.
#[derive(Clone, Debug)]
pub struct InactiveKey {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: BTreeSet<LogicalName>,
    /// The state of its index, such as `Pending` or `Failed`.
    pub status: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the metadata of a column: each is a fact of its own"
)]
pub struct Column {
    /// What it may hold.
    pub column_type: ColumnType,
    /// Whether it may be set on a new row.
    pub creatable: bool,
    /// Whether it may be changed.
    pub updatable: bool,
    /// Whether it may be read.
    pub readable: bool,
    /// Whether column security may keep it from the signed-in user, who then reads null.
    pub secured: bool,
}

/// What a column may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text up to so many characters.
    Text {
        /// The most characters.
        max_length: usize,
    },
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A GUID.
    Id,
    /// A reference to a row, by its id.
    Lookup,
    /// Something else, by the service's name for it.
    Other(String),
}

/// A configuration record.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its primary key.
    pub id: RowId,
    /// Its version.
    pub tag: EntityTag,
    /// Its text columns, those that the manifest names, and the secured columns of the key.
    pub texts: BTreeMap<LogicalName, StoredText>,
}

/// The kinds of `Request` triggers whose URLs only Microsoft's own services may call.
const GATED_KINDS: [&str; 6] =
    ["Button", "PowerApp", "PowerAppV2", "ApiConnection", "PowerPages", "Skills"];

impl Trigger {
    /// Returns whether the trigger is `When an HTTP request is received`. A `Request` without a
    /// kind is from a time when `Http` was the only one.
    fn is_http(&self) -> bool {
        self.may_have_url() && self.kind().eq_ignore_ascii_case("Http")
    }

    /// Returns whether the trigger may have a URL for others: it is a `Request` of a kind that is
    /// not known to be gated. For kinds other than `Http` the Flow service decides.
    fn may_have_url(&self) -> bool {
        let is_gated = GATED_KINDS.iter().any(|kind| self.kind().eq_ignore_ascii_case(kind));
        self.trigger_type.eq_ignore_ascii_case("Request") && !is_gated
    }

    /// Returns the trigger's kind; `Http` if the definition names none.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("Http")
    }
}

impl Definition {
    /// Finds the trigger whose URL is wanted: the named one, or the only one of
    /// [`Self::triggers_with_urls`] if none is named.
    ///
    /// # Errors
    /// [`NoTrigger`] says why there is none to choose.
    pub fn http_trigger(&self, wanted: Option<&TriggerName>) -> Result<&Trigger, NoTrigger> {
        let triggers = match self {
            Self::Triggers(triggers) => triggers,
            Self::Unreadable(reason) => return Err(NoTrigger::Unreadable(reason.clone())),
        };
        let http = self.triggers_with_urls();
        let names = || http.iter().map(|trigger| trigger.name.clone()).collect();
        match (wanted, http.as_slice()) {
            (Some(wanted), _) => match triggers.iter().find(|trigger| trigger.name == *wanted) {
                Some(trigger) if trigger.may_have_url() => Ok(trigger),
                Some(trigger) => Err(NoTrigger::NotHttp(trigger.clone())),
                None => Err(NoTrigger::NotNamed(names())),
            },
            (None, [only]) => Ok(only),
            (None, []) => Err(NoTrigger::None(triggers.clone())),
            (None, _) => Err(NoTrigger::Several(names())),
        }
    }

    /// Returns the triggers that a URL can be asked for: those of kind `Http`, or those of other
    /// kinds that the Flow service may have URLs for if the definition has none of kind `Http`.
    pub fn triggers_with_urls(&self) -> Vec<&Trigger> {
        let Self::Triggers(triggers) = self else { return Vec::new() };
        let of = |is: fn(&Trigger) -> bool| triggers.iter().filter(|one| is(one)).collect();
        let http: Vec<&Trigger> = of(Trigger::is_http);
        if http.is_empty() { of(Trigger::may_have_url) } else { http }
    }
}

impl ColumnType {
    /// Returns whether a record can be found by a value in a column of this type.
    pub fn can_equal(&self, value: &KeyValue) -> bool {
        match (self, value) {
            (Self::Id | Self::Lookup, KeyValue::Text(text)) => text.parse::<RowId>().is_ok(),
            (Self::Text { .. }, KeyValue::Text(_))
            | (Self::Integer, KeyValue::Integer(_))
            | (Self::Boolean, KeyValue::Boolean(_)) => true,
            _ => false,
        }
    }

    /// Returns whether a column of this type holds a GUID.
    pub fn is_id(&self) -> bool {
        matches!(self, Self::Id | Self::Lookup)
    }
}

impl Table {
    /// Returns whether the table has every column that the selector names, each readable and of a
    /// type that can be compared with its value.
    pub fn can_select(&self, selector: &Selector) -> bool {
        let fits = |(name, value): (&LogicalName, &KeyValue)| {
            let column = self.columns.get(name);
            column.is_some_and(|column| column.readable && column.column_type.can_equal(value))
        };
        match selector {
            Selector::Id(_) => true,
            Selector::Columns(columns) => columns.iter().all(fits),
        }
    }
}

impl Table {
    /// Returns whether a column holds text that can be read. A plan writes to no other column.
    pub fn holds_text(&self, name: &LogicalName) -> bool {
        let column = self.columns.get(name).filter(|column| column.readable);
        column.is_some_and(|column| matches!(column.column_type, ColumnType::Text { .. }))
    }

    /// Returns whether the database refuses a second row with those values.
    pub fn is_unique(&self, columns: &BTreeMap<LogicalName, KeyValue>) -> bool {
        self.keys.iter().any(|key| is_covered(key, columns))
    }

    /// Returns an alternate key that would refuse a second row with those values if its index were active.
    pub fn inactive_key(&self, columns: &BTreeMap<LogicalName, KeyValue>) -> Option<&InactiveKey> {
        self.inactive_keys.iter().find(|key| is_covered(&key.columns, columns))
    }
}

/// Returns whether every column of an alternate key is among those columns.
fn is_covered(key: &BTreeSet<LogicalName>, columns: &BTreeMap<LogicalName, KeyValue>) -> bool {
    key.iter().all(|name| columns.contains_key(name))
}

impl Workflow {
    /// The category of cloud flows.
    pub const CLOUD_FLOW: i64 = 5;

    /// Returns whether this is a cloud flow that is turned on; only then can the Flow
    /// service be asked for its URL.
    pub fn is_on(&self) -> bool {
        self.category == Self::CLOUD_FLOW && self.state == FlowState::Activated
    }

    /// Returns whether this is a cloud flow that is off or suspended; then the Flow service may
    /// tell why.
    pub fn is_stopped(&self) -> bool {
        let stopped = matches!(self.state, FlowState::Draft | FlowState::Suspended);
        self.category == Self::CLOUD_FLOW && stopped
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` of type {}", self.name, self.trigger_type)?;
        self.kind.iter().try_for_each(|kind| write!(formatter, ", kind {kind}"))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { .. } => formatter.write_str("text"),
            Self::Integer => formatter.write_str("whole number"),
            Self::Boolean => formatter.write_str("yes/no"),
            Self::Id => formatter.write_str("unique identifier"),
            Self::Lookup => formatter.write_str("lookup"),
            Self::Other(name) => formatter.write_str(name),
        }
    }
}

impl fmt::Display for VariableType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => formatter.write_str("text"),
            Self::Number => formatter.write_str("number"),
            Self::Boolean => formatter.write_str("yes/no"),
            Self::Json => formatter.write_str("JSON"),
            Self::DataSource => formatter.write_str("data source"),
            Self::Secret => formatter.write_str("secret"),
            Self::Other(number) => write!(formatter, "{number}"),
        }
    }
}
