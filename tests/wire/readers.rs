//! What the client's parsers make of an answer, in a few words.

use flowbind::http::Answer;
use flowbind::model::{Service, ServiceError};
use flowbind::services::dataverse::{
    ChangeSetAnswer, FlowDefinition, VariableRow, WorkflowRow, read_change_set,
    read_environment_id, read_page, read_record, read_table, read_tag,
};
use flowbind::services::entra::{Challenge, Refusal};
use flowbind::services::flow::{read_callback_url, read_workflow_id};
use flowbind::services::{ApiError, read_service_error};
use serde_json::{Map, Value};

/// What the named parser makes of an answer; none if no parser has that name.
pub(crate) fn read(reader: &str, answer: &Answer) -> Option<String> {
    let (name, argument) = reader.split_once(' ').unwrap_or((reader, ""));
    let reading = match name {
        "challenge" => challenge(answer),
        "organization" => said(read_environment_id(answer), |id| id.to_string()),
        "workflows" => said(read_page(answer), |page| list(&page.value, workflow)),
        "variables" => said(read_page(answer), |page| list(&page.value, variable)),
        "records" => said(read_record(answer), |rows| list(&rows, record)),
        "page" => said(read_page::<Value>(answer), |page| {
            let next = if page.next.is_some() { "more" } else { "no more" };
            format!("{} and {next}", page.value.len())
        }),
        "table" => said(read_table(answer), |table| {
            let columns = list(&table.attributes, |column| {
                format!("{} {} {:?}", column.logical_name, column.attribute_type, column.max_length)
            });
            format!("{} {}: {columns}", table.entity_set_name, table.primary_id_attribute)
        }),
        "change-set" => change_set(answer, argument.parse().unwrap()),
        "callback" => callback(answer),
        "flow" => {
            said(read_workflow_id(answer), |id| id.map_or_else(String::new, |id| id.to_string()))
        }
        "fault" => service_error(&read_service_error(Service::Dataverse, answer, "an answer")),
        "refusal" => refusal(answer),
        "status" => answer.status.to_string(),
        _ => return None,
    };
    Some(reading)
}

fn said<T>(result: Result<T, ApiError>, words: impl FnOnce(T) -> String) -> String {
    match result {
        Ok(found) => words(found),
        Err(ApiError::Refused(one)) => service_error(&one),
        Err(error) => format!("unreadable: {error}"),
    }
}

fn list<T>(rows: &[T], words: impl Fn(&T) -> String) -> String {
    rows.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn service_error(error: &ServiceError) -> String {
    let privilege = error.missing_privilege().map(|name| format!(" {name}")).unwrap_or_default();
    format!("refused {} {}{privilege}", error.status, error.code)
}

fn challenge(answer: &Answer) -> String {
    Challenge::from_answer(answer)
        .map_or_else(String::new, |challenge| challenge.authority.to_string())
}

fn workflow(row: &WorkflowRow) -> String {
    let triggers = match &row.clientdata {
        FlowDefinition::Triggers(triggers) => {
            triggers.keys().cloned().collect::<Vec<_>>().join("+")
        }
        FlowDefinition::Unreadable(why) => why.clone(),
    };
    format!("{} in state {} by {triggers}", row.workflowid, row.statecode)
}

fn variable(row: &VariableRow) -> String {
    format!("{} of type {} with {} values", row.schemaname, row.variable_type, row.values.len())
}

fn record(row: &Map<String, Value>) -> String {
    let tag = if read_tag(row).is_some() { "with a version" } else { "without a version" };
    format!("a row {tag}")
}

fn change_set(answer: &Answer, operations: usize) -> String {
    match read_change_set(answer, operations) {
        ChangeSetAnswer::Committed(_) => "committed".to_owned(),
        ChangeSetAnswer::Refused(one) => service_error(&one.error),
        ChangeSetAnswer::Unclear(why) => format!("unclear: {why}"),
    }
}

fn callback(answer: &Answer) -> String {
    match read_callback_url(answer) {
        Ok(Some(url)) => format!("{:?} {}", url.view().kind, url.view().host),
        Ok(None) => "none".to_owned(),
        Err(ApiError::Refused(one)) => format!("{} means {}", service_error(&one), meaning(&one)),
        Err(error) => format!("unreadable: {error}"),
    }
}

/// Names what an error means that the Flow service answered with.
fn meaning(error: &ServiceError) -> &'static str {
    let meanings = [
        (error.is_unknown_trigger(), "UnknownTrigger"),
        (error.is_unknown_flow(), "UnknownFlow"),
        (error.is_not_flow_owner(), "NotOwner"),
        (error.is_not_http_trigger(), "NotHttp"),
        (error.is_environment_denied(), "EnvironmentDenied"),
    ];
    let found: Vec<_> = meanings.into_iter().filter(|(is_meant, _)| *is_meant).collect();
    assert!(found.len() <= 1, "{found:?}");
    found.first().map_or("Other", |(_, name)| name)
}

fn refusal(answer: &Answer) -> String {
    let body: Map<String, Value> = answer.json().unwrap();
    let refusal = Refusal::from_body(&body).unwrap();
    let suberror = refusal.suberror.map(|word| format!(" {word}")).unwrap_or_default();
    let claims = if refusal.claims.is_some() { " with claims" } else { "" };
    format!("{} {:?}{suberror}{claims}", refusal.error, refusal.codes)
}
