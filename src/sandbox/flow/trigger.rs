//! The trigger addresses: what a caller of a flow gets, whatever host the address was reached by.

use http::StatusCode;
use serde_json::Value;

use super::super::bearer::Claims;
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::{Answer, Call, decoded};
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::switches::WrongSignature;
use super::address;
use super::definition::{Access, Trigger, response};
use super::fault::Fault;
use super::lookup::{Known, by_address};

/// The audience that a token must have, with its slash.
const AUDIENCE: &str = "https://service.flow.microsoft.com/";

/// A trigger that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The 32 hex digits.
    pub(crate) workflow: String,
    /// The trigger.
    pub(crate) trigger: String,
}

impl Invocation {
    /// Reads a path of the new generation, of its variant with a unit, or of the old one.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let rest = match parts.as_slice() {
            ["powerautomate", "automations", "direct", "cu", _, rest @ ..]
            | ["powerautomate", "automations", "direct", rest @ ..] => rest,
            other => other,
        };
        match rest {
            ["workflows", workflow, "triggers", trigger, "paths", "invoke", ..] => {
                Some(Self { workflow: (*workflow).to_lowercase(), trigger: decoded(trigger) })
            }
            _ => None,
        }
    }
}

/// Answers a call of a trigger.
pub(crate) fn answer(
    site: &Site,
    database: &Database,
    call: &Call,
    invocation: &Invocation,
) -> Answer {
    let answer = invoke(site, database, call, invocation).unwrap_or_else(|fault| fault.answer());
    answer.with("x-ms-request-id", &Guid::random().to_string()).with("cache-control", "no-cache")
}

fn invoke(
    site: &Site,
    database: &Database,
    call: &Call,
    invocation: &Invocation,
) -> Result<Answer, Fault> {
    let flow = by_address(site, database, &invocation.workflow).filter(|flow| !flow.is_new());
    let flow = flow.ok_or_else(|| unknown(&invocation.workflow))?;
    let trigger = flow
        .triggers(site)
        .into_iter()
        .find(|trigger| trigger.name == invocation.trigger && trigger.has_address(site));
    let trigger = trigger.ok_or_else(|| no_trigger(invocation))?;
    check_state(&flow, invocation)?;
    check_caller(site, database, call, &flow, &trigger)?;
    check_method(call, &trigger)?;
    check_body(call, &trigger)?;
    Ok(started(site, &flow))
}

fn unknown(workflow: &str) -> Fault {
    Fault::new(
        StatusCode::NOT_FOUND,
        "WorkflowNotFound",
        format!("The workflow '{workflow}' could not be found."),
    )
}

fn no_trigger(invocation: &Invocation) -> Fault {
    let message = format!(
        "The workflow '{}' trigger '{}' could not be found.",
        invocation.workflow, invocation.trigger
    );
    Fault::new(StatusCode::NOT_FOUND, "WorkflowTriggerNotFound", message)
}

fn check_state(flow: &Known<'_>, invocation: &Invocation) -> Result<(), Fault> {
    let state = match flow.state() {
        "Started" => return Ok(()),
        "Suspended" => "Suspended",
        _ => "Disabled",
    };
    let message = format!(
        "Could not execute workflow '{}' trigger '{}' with state '{state}': trigger is not enabled.",
        invocation.workflow, invocation.trigger
    );
    Err(Fault::new(StatusCode::BAD_REQUEST, "WorkflowTriggerIsNotEnabled", message))
}

fn check_caller(
    site: &Site,
    database: &Database,
    call: &Call,
    flow: &Known<'_>,
    trigger: &Trigger,
) -> Result<(), Fault> {
    let signature = call.parameter("sig");
    let authorization = call.header("authorization");
    if signature.is_some() && authorization.is_some() {
        let message = "The request has SAS authentication scheme, 'Bearer' authorization scheme or internal token scheme. Only one scheme should be used.";
        return Err(unauthorized("DirectApiRequestHasMoreThanOneAuthorization", message));
    }
    match (&trigger.access, signature, authorization) {
        (Access::Anyone, Some(signature), _) => {
            check_signature(site, database, call, flow, trigger, &signature)
        }
        (Access::Anyone, None, Some(_)) => {
            let message = "The workflow has no OAuth access policy for the requests with 'Bearer' authorization scheme.";
            Err(unauthorized("OAuthAccessPolicyNotFound", message))
        }
        (Access::Anyone, None, None) => {
            let message = "The request must be authenticated only by Shared Access scheme.";
            Err(unauthorized("DirectApiAuthorizationRequired", message))
        }
        (_, Some(_), _) => {
            let message = "The request has SAS authentication scheme while it is disabled under your access control policy.";
            Err(unauthorized("DirectApiInvalidAuthorizationScheme", message))
        }
        (access, None, _) => check_token(site, database, call, access),
    }
}

fn unauthorized(code: &'static str, message: &str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, code, message)
}

fn check_signature(
    site: &Site,
    database: &Database,
    call: &Call,
    flow: &Known<'_>,
    trigger: &Trigger,
    signature: &str,
) -> Result<(), Fault> {
    let good = signature == address::signature(site, database, flow.id, &trigger.name);
    let granted = call.parameter("sp") == Some(address::permission(&trigger.name))
        && call.parameter("sv").as_deref() == Some("1.0");
    if good && granted {
        return Ok(());
    }
    match site.tenant.file.switches.flow.wrong_signature {
        WrongSignature::InvalidSignature => Err(unauthorized(
            "DirectApiInvalidAuthorizationSignature",
            "The provided authorization signature is not valid.",
        )),
        WrongSignature::AuthorizationFailed => Err(unauthorized(
            "AuthorizationFailed",
            "The authentication credentials are not valid.",
        )),
    }
}

/// Holds the token against the flow's policy: an audience that matches exactly, this directory, these people.
fn check_token(
    site: &Site,
    database: &Database,
    call: &Call,
    access: &Access,
) -> Result<(), Fault> {
    let required = || {
        unauthorized(
            "DirectApiAuthorizationRequired",
            "The OAuth authorization scheme is required.",
        )
    };
    let token = call.bearer().ok_or_else(required)?;
    let claims = Claims::read(token, &database.token_key, Moment::now()).map_err(|_| required())?;
    let listed = match access {
        Access::Users(users) => {
            users.is_empty() || users.iter().any(|one| names(site, &claims, one))
        }
        Access::Anyone | Access::Tenant => true,
    };
    if claims.audience == AUDIENCE && claims.tenant == site.tenant.file.directory.id && listed {
        return Ok(());
    }
    let message = "One or more claims either missing or does not match with the open authentication access control policy.";
    Err(Fault::new(StatusCode::FORBIDDEN, "MisMatchingOAuthClaims", message))
}

/// Tells whether an entry of the allowed users is the caller: by object id, or a person's e-mail address.
fn names(site: &Site, claims: &Claims, entry: &str) -> bool {
    let user = &site.tenant.file.user;
    let mailed =
        claims.object == user.object_id && entry.eq_ignore_ascii_case(&user.principal_name);
    mailed || entry.eq_ignore_ascii_case(&claims.object.to_string())
}

fn check_method(call: &Call, trigger: &Trigger) -> Result<(), Fault> {
    if call.method.as_str() == trigger.method {
        return Ok(());
    }
    let message = format!(
        "The HTTP method for the trigger request is not valid: expected '{}' and actual '{}'.",
        trigger.method, call.method
    );
    Err(Fault::new(StatusCode::BAD_REQUEST, "TriggerRequestMethodNotValid", message))
}

/// Looks for the properties that the schema of the trigger requires; its other rules are not modelled.
fn check_body(call: &Call, trigger: &Trigger) -> Result<(), Fault> {
    if trigger.required.is_empty() {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let missing = trigger.required.iter().find(|name| body.get(name.as_str()).is_none());
    missing.map_or(Ok(()), |name| {
        let message = format!(
            "The input body for trigger '{}' of type '{}' did not match its schema definition. Error details: 'Required properties are missing from object: {name}.'.",
            trigger.name, trigger.family
        );
        Err(Fault::new(StatusCode::BAD_REQUEST, "TriggerInputSchemaMismatch", message))
    })
}

/// Answers as the flow would: nothing at once, or what its `Response` action says in plain values.
fn started(site: &Site, flow: &Known<'_>) -> Answer {
    let run = Guid::random().simple();
    let found = flow.client_data(site).and_then(response);
    let answer = found.and_then(|(status, body)| {
        let status = StatusCode::from_u16(status).ok()?;
        Some(match body {
            Value::Null => Answer::empty(status),
            Value::String(text) => Answer::text(status, "text/plain; charset=utf-8", text),
            other => Answer::json(status, &other),
        })
    });
    answer.unwrap_or_else(|| Answer::empty(StatusCode::ACCEPTED)).with("x-ms-workflow-run-id", &run)
}
