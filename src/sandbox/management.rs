//! What Azure's management API tells those who only sign in: which directories a person is in, and that none of
//! them has a subscription.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::bearer::Claims;
use super::clock::Moment;
use super::message::{Answer, Call};
use super::site::Site;
use super::state::Database;

/// The audiences whose tokens it takes, slash or not.
pub(crate) const AUDIENCES: [&str; 2] =
    ["https://management.core.windows.net", "https://management.azure.com"];

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// The subscriptions that the person sees.
    Subscriptions,
    /// The directories that the person is in.
    Tenants,
}

/// Answers a list.
pub(crate) fn answer(site: &Site, database: &Database, call: &Call, list: List) -> Answer {
    if !is_authorized(database, call) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing or invalid.",
        );
    }
    if call.method != Method::GET {
        let message = format!("The HTTP method '{}' is not supported.", call.method);
        return refused(StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotSupported", &message);
    }
    let value = match list {
        List::Subscriptions => Vec::new(),
        List::Tenants => vec![tenant(site)],
    };
    let count = json!({"type": "Total", "value": value.len()});
    Answer::json(StatusCode::OK, &json!({"value": value, "count": count}))
}

fn is_authorized(database: &Database, call: &Call) -> bool {
    let claims = call
        .bearer()
        .and_then(|token| Claims::read(token, &database.token_key, Moment::now()).ok());
    claims.is_some_and(|claims| AUDIENCES.contains(&claims.audience.trim_end_matches('/')))
}

fn tenant(site: &Site) -> Value {
    let directory = &site.tenant.file.directory;
    json!({
        "id": format!("/tenants/{}", directory.id),
        "tenantId": directory.id,
        "displayName": site.tenant.file.environment.name,
        "defaultDomain": directory.domain,
        "domains": [directory.domain],
        "tenantCategory": "Home",
        "tenantType": "AAD",
    })
}

fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
