//! The reads of a run, one function for each. A reader cannot write.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::DiscoverError;
use crate::discover::flow_endpoints::FlowEndpoints;
use crate::discover::rows::{KeyTerm, key_terms, read_rows, row_list, with_id, with_keys};
use crate::http::{Answer, Request, Transport};
use crate::model::{
    CallbackUrl, Cloud, EnvironmentId, EnvironmentUrl, FlowEndpoint, LogicalName, ReadResult,
    Reading, Row, RowId, SchemaName, Selector, Service, ServiceError, Suspension, Table,
    TriggerName, WorkflowId,
};
use crate::plan::journal::FoundRows;
use crate::services::dataverse::{
    CloudFlowRow, Comparison, DataverseApi, NameRow, Page, ResourceRow, TableRow, VariableRow,
    WorkflowRow, read_page,
};
use crate::services::flow::FlowApi;
use crate::services::{ApiError, dataverse, flow};
use crate::sign_in::{Audience, Session};

/// The answer to a request for a callback URL.
pub(super) struct CallbackUrlAnswer {
    /// The URL; none if the answer has no valid URL.
    pub(super) url: Option<CallbackUrl>,
    /// The id of the request.
    pub(super) request_id: Option<String>,
}

/// The maximum number of flows that are read from an environment.
const MOST_FLOWS: usize = 20_000;

/// The maximum number of names of variables, tables or columns that are read to suggest one.
const MOST_NAMES: usize = 20_000;

/// Reads one environment as the signed-in user.
pub(crate) struct Reader<'run> {
    transport: &'run Transport,
    session: &'run Session,
    api: DataverseApi,
    environment: &'run EnvironmentUrl,
    cloud: &'run Cloud,
    flow_way: Option<FlowEndpoint>,
}

impl<'run> Reader<'run> {
    /// Creates a reader of that environment. If `flow_way` is given, the reader asks the Flow
    /// service only at that endpoint.
    pub(crate) fn new(
        transport: &'run Transport,
        session: &'run Session,
        environment: &'run EnvironmentUrl,
        cloud: &'run Cloud,
        flow_way: Option<FlowEndpoint>,
    ) -> Self {
        let api = DataverseApi::new(environment);
        Self { transport, session, api, environment, cloud, flow_way }
    }

    /// Gives the rest of the run more time, since a write that was begun has to be finished.
    pub(crate) fn extend_deadline(&self, time: Duration) {
        self.transport.extend_deadline(time);
    }

    /// Checks whether the environment may be carrying out a write now.
    pub(crate) fn is_writing(&self) -> bool {
        self.transport.is_writing()
    }

    /// Returns how many writes the environment answered so far.
    pub(crate) fn answered_writes(&self) -> usize {
        self.transport.answered_writes()
    }

    /// Returns the session and the API that a writer to the same environment needs.
    pub(crate) fn session_and_api(&self) -> (&'run Session, &DataverseApi) {
        (self.session, &self.api)
    }

    /// Signs in to the Flow service, if there is no token for it yet.
    pub(super) async fn sign_in_to_flows(&self) -> Result<(), DiscoverError> {
        self.session.token(Audience::Flow).await?;
        Ok(())
    }

    /// Opens a connection to the first endpoint of the Flow service, unless its address depends on
    /// the environment's id.
    pub(super) fn open_flows_early(&self) {
        if let Some(origin) =
            FlowEndpoints::cloud_origin(self.cloud, self.environment, self.flow_way)
        {
            self.transport.open_early(Service::Flow, origin);
        }
    }

    /// Lists the endpoints for the flows of the environment, whose id in the Flow service is `id`.
    pub(super) fn flow_ways(&self, id: &EnvironmentId) -> FlowEndpoints {
        FlowEndpoints::new(self.cloud, self.environment, id, self.flow_way)
    }

    /// Reads the environment's id in the Flow service.
    pub(super) async fn environment_id(&self) -> Result<EnvironmentId, DiscoverError> {
        let answer = self.dataverse(&self.api.organization()).await?;
        Ok(dataverse::read_environment_id(&answer)?)
    }

    /// Reads the id of the signed-in user.
    pub(super) async fn user_id(&self) -> Result<RowId, DiscoverError> {
        let answer = self.dataverse(&self.api.who_am_i()).await?;
        Ok(dataverse::read_user_id(&answer)?)
    }

    /// Reads which of those privileges a user holds.
    pub(super) async fn held_privileges(
        &self,
        user: RowId,
        names: &[String],
    ) -> Result<Vec<String>, DiscoverError> {
        let answer = self.dataverse(&self.api.held_privileges(user, names)).await?;
        Ok(dataverse::read_privileges(&answer)?)
    }

    /// Reads the flows that have those ids; ids that are not found are left out.
    pub(super) async fn workflows(
        &self,
        ids: &[WorkflowId],
    ) -> Result<ReadResult<Vec<WorkflowRow>>, DiscoverError> {
        self.rows(self.api.workflows(ids), ids.len()).await
    }

    /// Reads the flows that have those resource ids.
    pub(super) async fn workflows_of_resources(
        &self,
        ids: &[WorkflowId],
    ) -> Result<ReadResult<Vec<ResourceRow>>, DiscoverError> {
        self.rows(self.api.workflows_of_resources(ids), ids.len()).await
    }

    /// Reads the names of all environment variables.
    pub(super) async fn variable_names(&self) -> Result<ReadResult<Vec<NameRow>>, DiscoverError> {
        self.rows(self.api.variable_names(), MOST_NAMES).await
    }

    /// Reads the names of all tables.
    pub(super) async fn table_names(&self) -> Result<ReadResult<Vec<NameRow>>, DiscoverError> {
        self.rows(self.api.table_names(), MOST_NAMES).await
    }

    /// Reads the names of all columns of a table.
    pub(super) async fn column_names(
        &self,
        table: &LogicalName,
    ) -> Result<ReadResult<Vec<NameRow>>, DiscoverError> {
        self.rows(self.api.column_names(table), MOST_NAMES).await
    }

    /// Reads the ids of the cloud flows that are on.
    pub(super) async fn cloud_flows(&self) -> Result<ReadResult<Vec<CloudFlowRow>>, DiscoverError> {
        self.rows(self.api.cloud_flows(), MOST_FLOWS).await
    }

    /// Reads the variables that have those names; names that are not found are left out.
    pub(super) async fn variables(
        &self,
        names: &[SchemaName],
    ) -> Result<ReadResult<Vec<VariableRow>>, DiscoverError> {
        self.rows(self.api.variables(names), names.len()).await
    }

    /// Reads a table's metadata with some of its columns.
    pub(super) async fn table(
        &self,
        table: &LogicalName,
        columns: &[&LogicalName],
    ) -> Result<Reading<TableRow>, DiscoverError> {
        let answer = self.dataverse(&self.api.table(table, columns)).await?;
        absent_or(dataverse::read_table(&answer))
    }

    /// Reads the records that a selector finds, at most two: two stands for two or more. Returns
    /// none if a row came without a version.
    pub(super) async fn records(
        &self,
        table: &Table,
        selector: &Selector,
        texts: &[&LogicalName],
    ) -> Result<Option<ReadResult<Vec<Row>>>, DiscoverError> {
        let terms = key_terms(table, selector);
        let filter: Vec<_> =
            terms.iter().map(|term| (&term.property, term.value.clone())).collect();
        let texts: Vec<&LogicalName> =
            texts.iter().filter(|name| table.holds_text(name)).copied().collect();
        let secured: Vec<&KeyTerm<'_>> = terms.iter().filter(|term| term.secured).collect();
        let properties = secured.iter().map(|term| &term.property);
        let select: Vec<&LogicalName> = texts.iter().copied().chain(properties).collect();
        let select = with_id(&table.primary_id, &select);
        let answer = self.dataverse(&self.api.records(&table.entity_set, &select, &filter)).await?;
        let found = match found_or_refused(dataverse::read_record(&answer))? {
            Ok(found) => found,
            Err(refusal) => return Ok(Some(Err(refusal))),
        };
        if found.iter().any(|row| dataverse::read_tag(row).is_none()) {
            return Ok(None);
        }
        let rows = read_rows(&found, &table.primary_id, &texts, answer.request_id())?;
        Ok(Some(Ok(with_keys(rows, &found, &secured))))
    }

    /// Reads the rows of a table that match a filter, at most two: two stands for two or more. The
    /// table is given by its entity set name and its primary key.
    pub(super) async fn matching(
        &self,
        (entity_set, primary_id): (&str, &LogicalName),
        filter: &[(&LogicalName, Comparison<'_>)],
        texts: &[&LogicalName],
    ) -> Result<FoundRows, DiscoverError> {
        let request = self.api.records(entity_set, &with_id(primary_id, texts), filter);
        let answer = self.dataverse(&request).await?;
        let rows = found_or_refused(dataverse::read_record(&answer))?;
        row_list(rows, primary_id, texts, answer.request_id())
    }

    /// Reads the rows of a table that have those ids; ids that are not found are left out.
    pub(crate) async fn rows_of(
        &self,
        (entity_set, primary_id): (&str, &LogicalName),
        ids: &[RowId],
        texts: &[&LogicalName],
    ) -> Result<FoundRows, DiscoverError> {
        let select = with_id(primary_id, texts);
        let request = self.api.rows(entity_set, primary_id, &select, ids);
        let (rows, request_id) = self.rows_and_id(request, ids.len()).await?;
        row_list(rows, primary_id, texts, request_id)
    }

    /// Reads columns of any type of the rows that have those ids; ids that are not found are left
    /// out.
    pub(super) async fn values_of(
        &self,
        (entity_set, primary_id): (&str, &LogicalName),
        ids: &[RowId],
        columns: &[&LogicalName],
    ) -> Result<ReadResult<Vec<Map<String, Value>>>, DiscoverError> {
        let select = with_id(primary_id, columns);
        self.rows(self.api.rows(entity_set, primary_id, &select, ids), ids.len()).await
    }

    /// Reads the rows of a table whose lookup column refers to one of those ids. The lookup column
    /// is read as a text, too.
    pub(super) async fn rows_referring(
        &self,
        (entity_set, primary_id): (&str, &LogicalName),
        lookup: &LogicalName,
        ids: &[RowId],
        texts: &[&LogicalName],
    ) -> Result<FoundRows, DiscoverError> {
        let texts = [texts, &[lookup]].concat();
        let select = with_id(primary_id, &texts);
        let request = self.api.rows_referring(entity_set, lookup, &select, ids);
        let (rows, request_id) = self.rows_and_id(request, ids.len()).await?;
        row_list(rows, primary_id, &texts, request_id)
    }

    /// Asks for a trigger's callback URL at the endpoint that serves the environment. Returns the
    /// answer, or the service's refusal.
    pub(super) async fn callback_url(
        &self,
        ways: &FlowEndpoints,
        flow: &impl fmt::Display,
        trigger: &TriggerName,
    ) -> Result<Result<CallbackUrlAnswer, ServiceError>, DiscoverError> {
        let request = |api: &FlowApi| api.list_callback_url(flow, trigger);
        let read = |answer: &Answer| {
            let url = flow::read_callback_url(answer)?;
            Ok(CallbackUrlAnswer { url, request_id: answer.request_id() })
        };
        self.ask_flow_service(ways, request, read).await
    }

    /// Asks why the Flow service stopped a flow. Returns none if the service does not tell: a plan
    /// can be made without it.
    pub(super) async fn suspension(
        &self,
        ways: &FlowEndpoints,
        flow: &impl fmt::Display,
    ) -> Result<Option<Suspension>, DiscoverError> {
        let request = |api: &FlowApi| api.flow(flow);
        match self.ask_flow_service(ways, request, flow::read_suspension).await {
            Ok(answer) => Ok(answer.ok().flatten()),
            Err(error @ DiscoverError::Auth(_)) => Err(error),
            Err(error) => {
                tracing::info!(%error, "the Flow service does not say why the flow is off");
                Ok(None)
            }
        }
    }

    /// Sends a request to the endpoint of the Flow service that serves the environment. Returns
    /// what was read from the answer, or the service's refusal.
    async fn ask_flow_service<T>(
        &self,
        ways: &FlowEndpoints,
        request: impl Fn(&FlowApi) -> Request,
        read: impl Fn(&Answer) -> Result<T, ApiError>,
    ) -> Result<Result<T, ServiceError>, DiscoverError> {
        let mut api = current_endpoint(ways)?;
        // Where no way serves, the first failure tells most.
        let mut first = None;
        loop {
            let answer = self.flow(&request(&api)).await;
            let attempt = answer.and_then(|answer| match read(&answer) {
                Ok(found) => Ok(Ok(found)),
                Err(ApiError::Refused(error)) => Ok(Err(error)),
                Err(error) => Err(error.into()),
            });
            match ways.next_endpoint(&api, &attempt) {
                Some(next) => api = next,
                None if FlowEndpoints::serves_environment(&attempt) => return attempt,
                None => return first.unwrap_or(attempt),
            }
            first.get_or_insert(attempt);
        }
    }

    /// Reads a flow's id in Dataverse from the Flow service; none if the service does not show it.
    pub(super) async fn workflow_id(
        &self,
        ways: &FlowEndpoints,
        flow: &impl fmt::Display,
    ) -> Result<Option<WorkflowId>, DiscoverError> {
        let answer = self.flow(&current_endpoint(ways)?.flow(flow)).await?;
        match flow::read_workflow_id(&answer) {
            // That the record is not shown does not tell whose URL it is.
            Err(ApiError::Refused(error)) if error.is_forbidden() || error.status == 404 => {
                Ok(None)
            }
            read => Ok(read?),
        }
    }

    /// Reads all pages of rows, beginning with the request `first`.
    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        first: Request,
        most: usize,
    ) -> Result<ReadResult<Vec<T>>, DiscoverError> {
        Ok(self.rows_and_id(first, most).await?.0)
    }

    /// Reads all pages of rows, beginning with the request `first`, and returns the id of the last
    /// request, too. Stops once `most` rows are read, and fails after more pages than `most`, which
    /// might never end.
    async fn rows_and_id<T: serde::de::DeserializeOwned>(
        &self,
        first: Request,
        most: usize,
    ) -> Result<(ReadResult<Vec<T>>, Option<String>), DiscoverError> {
        let mut rows = Vec::new();
        let mut request = first;
        let mut request_id = None;
        for _ in 0..=most {
            let answer = self.dataverse(&request).await?;
            request_id = answer.request_id();
            let page: Page<T> = match found_or_refused(read_page(&answer))? {
                Ok(page) => page,
                Err(error) => return Ok((Err(error), request_id)),
            };
            rows.extend(page.value);
            let Some(link) = page.next.filter(|_| rows.len() < most) else {
                return Ok((Ok(rows), request_id));
            };
            let next = self.api.next_page(&link);
            request = next.ok_or_else(|| foreign_page_error(&answer))?;
        }
        let found = "more pages than rows were asked for".to_owned();
        let expected = "the last page of rows";
        Err(ApiError::Unexpected { service: Service::Dataverse, expected, found, request_id }
            .into())
    }

    async fn dataverse(&self, request: &Request) -> Result<Answer, DiscoverError> {
        self.send(request, Audience::Dataverse).await
    }

    async fn flow(&self, request: &Request) -> Result<Answer, DiscoverError> {
        self.send(request, Audience::Flow).await
    }

    async fn send(&self, request: &Request, audience: Audience) -> Result<Answer, DiscoverError> {
        Ok(self.session.send(request, audience).await?)
    }
}

/// Returns the endpoint in use. There always is one: the wanted endpoint was checked before
/// anything was contacted.
fn current_endpoint(ways: &FlowEndpoints) -> Result<FlowApi, DiscoverError> {
    let expected = "a host of the Flow API";
    let found = "the cloud has no such host".to_owned();
    let missing =
        ApiError::Unexpected { service: Service::Flow, expected, found, request_id: None };
    ways.current().ok_or_else(|| missing.into())
}

/// Returns the error for a next page on another host, to which no token may be sent.
fn foreign_page_error(answer: &Answer) -> ApiError {
    let found = "a next page on another host";
    ApiError::unexpected(Service::Dataverse, answer, found, "a page of this Web API")
}

/// Returns what was read, or the refusal if the user lacks a privilege; any other failure is an
/// error. A 404 is an error, too: if there are no rows, the service answers with an empty page.
fn found_or_refused<T>(read: Result<T, ApiError>) -> Result<ReadResult<T>, DiscoverError> {
    match read {
        Ok(found) => Ok(Ok(found)),
        Err(ApiError::Refused(error)) if error.missing_privilege().is_some() => Ok(Err(error)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the named thing, or that it is absent if the service itself answers "not found".
fn absent_or<T>(read: Result<T, ApiError>) -> Result<Reading<T>, DiscoverError> {
    match read {
        Err(ApiError::Refused(error)) if error.is_not_found() => Ok(Reading::Absent),
        read => Ok(match found_or_refused(read)? {
            Ok(found) => Reading::Found(found),
            Err(error) => Reading::Refused(error),
        }),
    }
}
