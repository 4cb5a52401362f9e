//! The Power Automate API, as far as callback URLs need it.
//!
//! Microsoft documents the shape of the answer for Logic Apps
//! (<https://learn.microsoft.com/rest/api/logic/workflow-triggers/list-callback-url>) and says
//! that the API of Power Automate may change, so both known shapes are read.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::error::{ApiError, read_body};
use crate::http::{Answer, Method, Request};
use crate::model::{
    CallbackUrl, EnvironmentId, Service, ServiceError, Suspension, TriggerName, WorkflowId,
};

/// What stays as it is in a segment of a path (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The version of the API that scripts and tools use.
const API_VERSION: &str = "api-version=2016-11-01";

/// The version of the API at an environment's own host.
const ENVIRONMENT_API_VERSION: &str = "api-version=1";

/// The reason of a flow that the service did not stop.
const NOT_STOPPED: &str = "None";

/// What a geography is named in the refusal of a service that cannot find an environment's region.
const LOCATION: &str = "location '";

/// The flows of one environment at the Flow service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowApi {
    origin: Url,
    /// The environment; none where the host names it.
    environment: Option<EnvironmentId>,
}

/// The answer to `listCallbackUrl`: the URL within `response`, or by itself.
#[derive(Deserialize)]
struct CallbackBody {
    response: Option<CallbackResponse>,
    value: Option<String>,
    method: Option<Value>,
}

#[derive(Deserialize)]
struct CallbackResponse {
    value: Option<String>,
    method: Option<Value>,
}

impl CallbackResponse {
    /// Returns the URL, if it is usable, with the method by which it is called.
    fn into_callback_url(self) -> Option<CallbackUrl> {
        let url: CallbackUrl = self.value?.parse().ok()?;
        Some(url.with_method(self.method.as_ref().and_then(Value::as_str)))
    }
}

/// The answer to a flow's own address.
#[derive(Deserialize)]
struct FlowBody {
    properties: FlowProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlowProperties {
    workflow_entity_id: Option<WorkflowId>,
    flow_suspension_reason: Option<String>,
    flow_suspension_reason_details: Option<Value>,
}

impl FlowApi {
    /// Returns the flows of an environment at the cloud's API, whose origin that is.
    pub fn classic(origin: Url, environment: EnvironmentId) -> Self {
        Self { origin, environment: Some(environment) }
    }

    /// Returns the flows of an environment at its own host.
    pub fn of_environment(origin: Url) -> Self {
        Self { origin, environment: None }
    }

    /// Returns the same flows at the API of a region, whose host stands before the cloud's.
    pub fn in_region(&self, region: &str) -> Option<Self> {
        let mut origin = self.origin.clone();
        let host = format!("{region}.{}", origin.host_str()?);
        origin.set_host(Some(&host)).ok()?;
        Some(Self { origin, environment: self.environment.clone() })
    }

    /// Returns the host that is asked.
    pub fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// Returns true if the host is the environment's own.
    pub fn is_of_environment(&self) -> bool {
        self.environment.is_none()
    }

    /// Asks for a trigger's callback URL. A POST that changes nothing.
    pub fn list_callback_url(&self, flow: &impl fmt::Display, trigger: &TriggerName) -> Request {
        let trigger = utf8_percent_encode(trigger.as_str(), SEGMENT);
        let url = self.flow_url(flow, &format!("/triggers/{trigger}/listCallbackUrl"));
        let template = match self.environment {
            Some(_) => {
                "/providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}/triggers/{trigger}/listCallbackUrl"
            }
            None => "/powerautomate/flows/{flow}/triggers/{trigger}/listCallbackUrl",
        };
        Request::query(Service::Flow, Method::POST, url, template)
    }

    /// Asks for the service's own record of a flow.
    pub fn flow(&self, flow: &impl fmt::Display) -> Request {
        let template = match self.environment {
            Some(_) => "/providers/Microsoft.ProcessSimple/environments/{environment}/flows/{flow}",
            None => "/powerautomate/flows/{flow}",
        };
        Request::get(Service::Flow, self.flow_url(flow, ""), template)
    }

    fn flow_url(&self, flow: &impl fmt::Display, tail: &str) -> Url {
        let mut url = self.origin.clone();
        let (root, version) = match &self.environment {
            Some(environment) => (
                format!("/providers/Microsoft.ProcessSimple/environments/{environment}"),
                API_VERSION,
            ),
            None => ("/powerautomate".to_owned(), ENVIRONMENT_API_VERSION),
        };
        url.set_path(&format!("{root}/flows/{flow}{tail}"));
        url.set_query(Some(version));
        url
    }
}

/// Reads the answer to [`FlowApi::list_callback_url`]; none if it has no usable URL.
///
/// # Errors
/// The service's error, or an answer that is not JSON.
pub fn read_callback_url(answer: &Answer) -> Result<Option<CallbackUrl>, ApiError> {
    let body: CallbackBody = read_body(Service::Flow, answer, "a callback URL")?;
    let response = body.response.filter(|response| response.value.is_some());
    let bare = CallbackResponse { value: body.value, method: body.method };
    Ok(response.unwrap_or(bare).into_callback_url())
}

/// Returns the region that an error about an unknown region names. It becomes a part of a host, so it is
/// letters alone.
pub fn named_region(error: &ServiceError) -> Option<String> {
    let (_, rest) = error.message.split_once(LOCATION)?;
    let (region, _) = rest.split_once('\'')?;
    let plain = region.bytes().all(|byte| byte.is_ascii_alphabetic());
    (plain && (1..=30).contains(&region.len())).then(|| region.to_ascii_lowercase())
}

/// Reads the answer to [`FlowApi::flow`]: the flow's id in Dataverse, if the service tells it.
///
/// # Errors
/// The service's error, or an answer that is not a flow.
pub fn read_workflow_id(answer: &Answer) -> Result<Option<WorkflowId>, ApiError> {
    let body: FlowBody = read_body(Service::Flow, answer, "a flow")?;
    Ok(body.properties.workflow_entity_id)
}

/// Reads the answer to [`FlowApi::flow`]: why the service stopped the flow; none if it did not, or
/// does not tell.
///
/// # Errors
/// The service's error, or an answer that is not a flow.
pub fn read_suspension(answer: &Answer) -> Result<Option<Suspension>, ApiError> {
    let FlowBody { properties } = read_body(Service::Flow, answer, "a flow")?;
    let reason = properties.flow_suspension_reason.unwrap_or_default();
    let details = properties.flow_suspension_reason_details.and_then(|details| match details {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    });
    let details = details.filter(|text| !text.trim().is_empty());
    let stopped = !reason.is_empty() && !reason.eq_ignore_ascii_case(NOT_STOPPED);
    Ok((stopped || details.is_some()).then_some(Suspension { reason, details }))
}

#[cfg(test)]
mod tests {
    use super::super::read_service_error;
    use super::*;

    const URL: &str = "https://x.environment.api.powerplatform.com/workflows/1?api-version=1";

    fn answer(status: u16, body: &str) -> Answer {
        Answer::new(status, http::HeaderMap::default(), body.into())
    }

    fn api() -> FlowApi {
        let origin = "https://api.flow.microsoft.com".parse().unwrap();
        FlowApi::classic(origin, "Default-a09e4a0d".parse().unwrap())
    }

    #[test]
    fn the_url_is_asked_for_by_a_post_that_changes_nothing() {
        let request = api().list_callback_url(&"f", &"a b/c".parse().unwrap());
        assert_eq!((request.method, request.safety), (Method::POST, crate::http::Safety::Query));
        assert_eq!(
            request.url.as_str(),
            "https://api.flow.microsoft.com/providers/Microsoft.ProcessSimple/environments/Default-a09e4a0d/flows/f/triggers/a%20b%2Fc/listCallbackUrl?api-version=2016-11-01",
        );
    }

    #[test]
    fn an_environments_own_host_and_a_regions_are_asked_in_their_own_forms() {
        let own = FlowApi::of_environment("https://x.a6.environment.example".parse().unwrap());
        assert_eq!(
            own.list_callback_url(&"f", &"manual".parse().unwrap()).url.as_str(),
            "https://x.a6.environment.example/powerautomate/flows/f/triggers/manual/listCallbackUrl?api-version=1",
        );
        let region = api().in_region("emea").unwrap();
        assert_eq!(region.host(), "emea.api.flow.microsoft.com");
        assert!(region.flow(&"f").url.path().contains("/environments/Default-a09e4a0d/flows/f"));
    }

    #[test]
    fn a_region_that_the_service_names_is_letters_alone() {
        let error = |message: &str| {
            let body = serde_json::json!({"error": {"code": "MacroRegionDerivationFailed", "message": message}});
            read_service_error(Service::Flow, &answer(400, &body.to_string()), "x")
        };
        let region = |message| named_region(&error(message));
        assert_eq!(region("no macro region for location 'Europe'."), Some("europe".to_owned()));
        for message in ["", "location 'x.example/'", "location ''", "location 'a b'"] {
            assert_eq!(region(message), None, "{message}");
        }
        assert!(error("").is_unknown_region());
        assert!(!read_service_error(Service::Flow, &answer(400, "{}"), "x").is_unknown_region());
    }

    #[test]
    fn the_url_is_read_within_response_or_by_itself() {
        for body in [
            format!(r#"{{"response":{{"value":"{URL}","method":"POST"}},"httpStatusCode":"OK"}}"#),
            format!(r#"{{"value":"{URL}"}}"#),
        ] {
            let url = read_callback_url(&answer(200, &body)).unwrap().unwrap();
            assert_eq!(url.expose(), URL);
            assert_eq!(url.method(), body.contains("POST").then_some("POST"));
        }
        let odd = format!(r#"{{"value":"{URL}","method":7}}"#);
        assert_eq!(read_callback_url(&answer(200, &odd)).unwrap().unwrap().method(), None);
        for body in ["{}", r#"{"response":null}"#, r#"{"value":"nothing"}"#] {
            assert!(read_callback_url(&answer(200, body)).unwrap().is_none());
        }
        assert!(read_callback_url(&answer(200, "<html>")).is_err());
    }

    #[test]
    fn the_reason_of_a_flow_that_the_service_stopped_is_read_with_its_details() {
        let read = |properties: &str| {
            read_suspension(&answer(200, &format!(r#"{{"properties":{properties}}}"#))).unwrap()
        };
        for none in ["{}", r#"{"flowSuspensionReason":"None","flowSuspensionReasonDetails":null}"#]
        {
            assert_eq!(read(none), None, "{none}");
        }
        let failing = read(r#"{"flowSuspensionReason":"AlwaysFailingDetected"}"#).unwrap();
        assert_eq!((failing.reason.as_str(), failing.details), ("AlwaysFailingDetected", None));
        let policy = r#"{"flowSuspensionReason":"CompanyDlpViolation","flowSuspensionReasonDetails":{"policy":"p"}}"#;
        assert_eq!(read(policy).unwrap().details.as_deref(), Some(r#"{"policy":"p"}"#));
        assert!(read_suspension(&answer(404, "{}")).is_err());
    }

    #[test]
    fn the_flows_id_in_dataverse_is_read_if_the_service_tells_it() {
        let id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
        let body = format!(r#"{{"name":"x","properties":{{"workflowEntityId":"{id}"}}}}"#);
        assert_eq!(read_workflow_id(&answer(200, &body)).unwrap().unwrap().to_string(), id);
        assert!(read_workflow_id(&answer(200, r#"{"properties":{}}"#)).unwrap().is_none());
    }
}
