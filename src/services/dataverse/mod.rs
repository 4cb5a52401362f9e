//! The Dataverse Web API, as far as flows, variables and records need it.
//!
//! Reference: <https://learn.microsoft.com/power-apps/developer/data-platform/webapi/overview>.

mod batch;
mod definition;
mod multipart;
mod query;
mod rows;

use http::HeaderName;
use http::header::{ACCEPT, HeaderValue};
use url::Url;

use crate::http::Request;
use crate::model::{EnvironmentUrl, LogicalName, RowId, SchemaName, Service, WorkflowId};
use query::{Literal, encode_query, in_list, json_list};

pub use batch::{
    BatchId, ChangeSetAnswer, ChangeSetRefusal, MOST_OPERATIONS, Operation, Receipt, RefusedPart,
    change_set, read_change_set,
};
pub use definition::{FlowDefinition, FlowTrigger};
pub use rows::{
    AttributeRow, CloudFlowRow, KeyRow, NameRow, Page, PrivilegeRow, ResourceRow, TableRow,
    VariableRow, VariableValueRow, WorkflowRow, read_environment_id, read_page, read_privileges,
    read_record, read_table, read_tag, read_user_id,
};

/// The most flows per request: each carries its whole definition.
pub const MOST_WORKFLOWS: usize = 20;

/// The most variables per request: each carries up to 4,000 characters, and the URL of a
/// request may have 32,768.
pub const MOST_VARIABLES: usize = 100;

/// The most rows per request: each may hold a text of a million characters.
pub const MOST_ROWS: usize = 20;

/// The most names of privileges per request: about as many as clients in use send in one URL.
pub const MOST_PRIVILEGES: usize = 40;

/// The Web API of one environment.
#[derive(Clone, Debug)]
pub struct DataverseApi {
    root: String,
}

/// A value that a column is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison<'value> {
    /// With a primary key.
    Id(RowId),
    /// With a text.
    Text(&'value str),
    /// With a whole number.
    Integer(i64),
    /// With true or false.
    Boolean(bool),
}

impl DataverseApi {
    /// Makes the Web API of an environment.
    pub fn new(environment: &EnvironmentUrl) -> Self {
        Self { root: format!("{}/api/data/v9.2", environment.origin()) }
    }

    /// Asks which organisation this is.
    pub fn organization(&self) -> Request {
        let function = "RetrieveCurrentOrganization(AccessType=@p1)";
        let access = encode_query("Microsoft.Dynamics.CRM.EndpointAccessType'Default'");
        self.get_tail(&format!("{function}?@p1={access}"), "/RetrieveCurrentOrganization(...)")
    }

    /// Asks who is signed in.
    pub fn who_am_i(&self) -> Request {
        self.get_tail("WhoAmI", "/WhoAmI")
    }

    /// Asks which of some privileges a user holds, by its roles and those of its teams, at most
    /// [`MOST_PRIVILEGES`]
    /// (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/retrieveusersetofprivilegesbynames>).
    pub fn held_privileges(&self, user: RowId, names: &[String]) -> Request {
        let function = "Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames";
        let names = json_list(names);
        self.get_tail(
            &format!("systemusers({user})/{function}(PrivilegeNames=@p1)?@p1={names}"),
            "/systemusers(...)/RetrieveUserSetOfPrivilegesByNames(...)",
        )
    }

    /// Asks for flows by their ids, at most [`MOST_WORKFLOWS`].
    pub fn workflows(&self, ids: &[WorkflowId]) -> Request {
        let ids: Vec<String> = ids.iter().map(WorkflowId::to_string).collect();
        let select = "workflowid,name,category,statecode,resourceid,clientdata";
        self.get_tail(
            &format!("workflows?$select={select}&{}", in_list("workflowid", &ids)),
            "/workflows?...",
        )
    }

    /// Asks which flows have those resource ids, at most [`MOST_WORKFLOWS`].
    pub fn workflows_of_resources(&self, ids: &[WorkflowId]) -> Request {
        let ids: Vec<String> = ids.iter().map(WorkflowId::to_string).collect();
        let query = format!("$select=workflowid,name,resourceid&{}", in_list("resourceid", &ids));
        self.get_tail(&format!("workflows?{query}"), "/workflows?...")
    }

    /// Asks for the names of all environment variables.
    pub fn variable_names(&self) -> Request {
        self.get_tail(
            "environmentvariabledefinitions?$select=schemaname",
            "/environmentvariabledefinitions?...",
        )
    }

    /// Asks for the names of all tables.
    pub fn table_names(&self) -> Request {
        self.get_tail("EntityDefinitions?$select=LogicalName", "/EntityDefinitions?...")
    }

    /// Asks for the names of all columns of a table.
    pub fn column_names(&self, table: &LogicalName) -> Request {
        let table = Literal(table.as_str());
        self.get_tail(
            &format!("EntityDefinitions(LogicalName={table})/Attributes?$select=LogicalName"),
            "/EntityDefinitions(...)/Attributes?...",
        )
    }

    /// Asks for the ids of the cloud flows that are on.
    pub fn cloud_flows(&self) -> Request {
        let filter = encode_query("category eq 5 and statecode eq 1");
        self.get_tail(&format!("workflows?$select=workflowid&$filter={filter}"), "/workflows?...")
    }

    /// Asks for environment variables with their values, at most [`MOST_VARIABLES`].
    pub fn variables(&self, names: &[SchemaName]) -> Request {
        let names: Vec<String> = names.iter().map(SchemaName::to_string).collect();
        let select = "environmentvariabledefinitionid,schemaname,type,defaultvalue";
        let expand = "environmentvariabledefinition_environmentvariablevalue($select=environmentvariablevalueid,value)";
        let query = format!("$select={select}&$expand={expand}&{}", in_list("schemaname", &names));
        self.get_tail(
            &format!("environmentvariabledefinitions?{query}"),
            "/environmentvariabledefinitions?...",
        )
    }

    /// Asks for a table's metadata with some of its columns.
    pub fn table(&self, table: &LogicalName, columns: &[&LogicalName]) -> Request {
        let named = columns.iter().map(|name| format!("LogicalName eq {}", Literal(name.as_str())));
        let filter = named.collect::<Vec<_>>().join(" or ");
        let select = "LogicalName,EntitySetName,PrimaryIdAttribute,TableType,IsOptimisticConcurrencyEnabled,Privileges";
        let keys = "Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus)";
        let expand = format!("Attributes($filter={}),{keys}", encode_query(&filter));
        let path = format!("EntityDefinitions(LogicalName={})", Literal(table.as_str()));
        self.get_tail(
            &format!("{path}?$select={select}&$expand={expand}"),
            "/EntityDefinitions(...)",
        )
    }

    /// Asks for the records of a table whose columns hold those values: two are enough to know
    /// that there is more than one.
    pub fn records(
        &self,
        entity_set: &str,
        select: &[&LogicalName],
        filter: &[(&LogicalName, Comparison<'_>)],
    ) -> Request {
        let terms =
            filter.iter().map(|(name, value)| format!("{name}%20eq%20{}", value.filter_literal()));
        let filter = terms.collect::<Vec<_>>().join("%20and%20");
        self.of_table(entity_set, select, &format!("$filter={filter}&$top=2"))
    }

    /// Asks for rows of a table by their ids, at most [`MOST_ROWS`].
    pub fn rows(
        &self,
        entity_set: &str,
        primary_id: &LogicalName,
        select: &[&LogicalName],
        ids: &[RowId],
    ) -> Request {
        let ids: Vec<String> = ids.iter().map(RowId::to_string).collect();
        self.of_table(entity_set, select, &in_list(primary_id.as_str(), &ids))
    }

    /// Asks for rows of a table whose lookup column refers to one of those ids, at most [`MOST_ROWS`].
    pub fn rows_referring(
        &self,
        entity_set: &str,
        lookup: &LogicalName,
        select: &[&LogicalName],
        ids: &[RowId],
    ) -> Request {
        let terms: Vec<String> = ids.iter().map(|id| format!("{lookup}%20eq%20{id}")).collect();
        self.of_table(entity_set, select, &format!("$filter={}", terms.join("%20or%20")))
    }

    /// Asks for the page that a link leads to, if the link stays within this Web API.
    pub fn next_page(&self, link: &str) -> Option<Request> {
        let inside = link.strip_prefix(&self.root)?.starts_with('/');
        let url: Url = link.parse().ok().filter(|_| inside)?;
        Some(odata_headers(Request::get(Service::Dataverse, url, "/{next page}")))
    }

    /// Asks for some columns of the rows of a table that a query, which is encoded, finds.
    fn of_table(&self, entity_set: &str, select: &[&LogicalName], query: &str) -> Request {
        let select = select.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
        self.get_tail(
            &format!("{}?$select={select}&{query}", encode_query(entity_set)),
            "/{table}?...",
        )
    }

    fn get_tail(&self, tail: &str, template: &'static str) -> Request {
        odata_headers(Request::get(Service::Dataverse, self.tail_url(tail), template))
    }

    /// Returns the address of something in this Web API. The root is a valid URL, and every tail is
    /// encoded, so the joined text parses.
    fn tail_url(&self, tail: &str) -> Url {
        let text = format!("{}/{tail}", self.root);
        #[expect(clippy::expect_used, reason = "a checked origin and an encoded tail form a URL")]
        Url::parse(&text).expect("an origin with an encoded path and query is a URL")
    }
}

/// Adds the headers that every request should have
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors#http-headers>).
fn odata_headers(request: Request) -> Request {
    let four = || HeaderValue::from_static("4.0");
    request
        .with_header(ACCEPT, HeaderValue::from_static("application/json"))
        .with_header(HeaderName::from_static("odata-maxversion"), four())
        .with_header(HeaderName::from_static("odata-version"), four())
}

impl Comparison<'_> {
    /// Formats the value as a literal of a filter, encoded.
    fn filter_literal(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Text(text) => Literal(text).to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(truth) => truth.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> DataverseApi {
        DataverseApi::new(&"https://contoso.crm4.dynamics.com".parse().unwrap())
    }

    fn tail(request: &Request) -> &str {
        request
            .url
            .as_str()
            .strip_prefix("https://contoso.crm4.dynamics.com/api/data/v9.2/")
            .unwrap()
    }

    #[test]
    fn rows_are_asked_for_by_what_they_refer_to() {
        let ids = ["a09e4a0d-3a1c-f011-998a-7c1e5275cfe9", "b09e4a0d-3a1c-f011-998a-7c1e5275cfe9"];
        let ids = ids.map(|id| id.parse().unwrap());
        let (lookup, value) = (LogicalName::of_system("_x_value"), LogicalName::of_system("value"));
        assert_eq!(
            tail(&api().rows_referring("environmentvariablevalues", &lookup, &[&value], &ids)),
            "environmentvariablevalues?$select=value&$filter=_x_value%20eq%20a09e4a0d-3a1c-f011-998a-7c1e5275cfe9%20or%20_x_value%20eq%20b09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
        );
    }

    #[test]
    fn flows_are_asked_for_by_a_list_of_ids() {
        let id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        assert_eq!(
            tail(&api().workflows(&[id.parse().unwrap()])),
            format!(
                "workflows?$select=workflowid,name,category,statecode,resourceid,clientdata&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&@p1=%27workflowid%27&@p2=%5B%22{id}%22%5D"
            ),
        );
    }

    #[test]
    fn cloud_flows_that_are_on_are_asked_for_without_their_definitions() {
        assert_eq!(
            tail(&api().cloud_flows()),
            "workflows?$select=workflowid&$filter=category%20eq%205%20and%20statecode%20eq%201",
        );
    }

    #[test]
    fn a_text_in_a_filter_cannot_end_its_literal_or_the_query() {
        let column = "contoso_name".parse().unwrap();
        let request = api().records(
            "contoso_endpoints",
            &[&column],
            &[(&column, Comparison::Text("O'B&$top=9#+é"))],
        );
        assert_eq!(
            tail(&request),
            "contoso_endpoints?$select=contoso_name&$filter=contoso_name%20eq%20%27O%27%27B%26%24top%3D9%23%2B%C3%A9%27&$top=2",
        );
    }

    #[test]
    fn an_id_in_a_filter_stands_without_quotes_and_a_lookup_goes_by_its_property() {
        let column: LogicalName = "contoso_siteid".parse().unwrap();
        let lookup = column.of_lookup();
        assert_eq!(lookup.lookup_column(), Some("contoso_siteid"));
        assert_eq!(column.lookup_column(), None);
        let id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        let id = Comparison::Id(id.parse().unwrap());
        assert_eq!(
            tail(&api().records("ts", &[&column], &[(&lookup, id)])),
            "ts?$select=contoso_siteid&$filter=_contoso_siteid_value%20eq%20a09e4a0d-3a1c-f011-998a-7c1e5275cfe9&$top=2",
        );
    }

    #[test]
    fn a_table_is_asked_for_its_kind_its_columns_and_its_keys_at_once() {
        let table: LogicalName = "contoso_endpoint".parse().unwrap();
        let request = api().table(&table, &[&"contoso_url".parse().unwrap()]);
        assert_eq!(
            tail(&request),
            "EntityDefinitions(LogicalName='contoso_endpoint')?$select=LogicalName,EntitySetName,PrimaryIdAttribute,TableType,IsOptimisticConcurrencyEnabled,Privileges&$expand=Attributes($filter=LogicalName%20eq%20%27contoso_url%27),Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus)",
        );
    }

    #[test]
    fn privileges_are_asked_for_by_a_list_of_names() {
        let user = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        assert_eq!(
            tail(&api().held_privileges(
                user.parse().unwrap(),
                &["prvWriteWorkflow".into(), "prvCreatex".into()]
            )),
            format!(
                "systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserSetOfPrivilegesByNames(PrivilegeNames=@p1)?@p1=%5B%22prvWriteWorkflow%22,%22prvCreatex%22%5D"
            ),
        );
    }

    #[test]
    fn the_largest_lists_stay_within_the_longest_url() {
        let names = vec!["x".repeat(100).parse().unwrap(); MOST_VARIABLES];
        assert!(api().variables(&names).url.as_str().len() < 32_768);
        let names = vec!["x".repeat(100); MOST_PRIVILEGES];
        let user = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9".parse().unwrap();
        assert!(api().held_privileges(user, &names).url.as_str().len() < 32_768);
    }

    #[test]
    fn a_next_page_elsewhere_is_not_followed() {
        assert!(
            api()
                .next_page("https://contoso.crm4.dynamics.com/api/data/v9.2/workflows?$skiptoken=1")
                .is_some()
        );
        assert!(api().next_page("https://example.com/api/data/v9.2/workflows").is_none());
        assert!(
            api()
                .next_page("https://contoso.crm4.dynamics.com/api/data/v9.2.example.com/x")
                .is_none()
        );
    }
}
