//! The Dataverse Web API of the sandbox: `/api/data/v9.x/`.

mod batch;
mod bulk;
mod bulk_delete;
mod caller;
pub(crate) mod catalog;
mod columns;
mod context;
mod describe;
mod evaluate;
mod fault;
mod filter;
mod functions;
mod metadata;
mod options;
mod path;
mod payload;
mod plug_in;
mod prefer;
mod read;
mod render;
pub(crate) mod rows;
pub(crate) mod schema;
mod standard;
mod token;
mod write;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::guid::Guid;
use super::message::{Answer, Call};
use super::site::Site;
use super::state::Database;
use super::tenant::switches::DopHint;
use super::traffic::{AFFINITY_COOKIE, is_pinned};
use context::{Context, References};
use fault::Fault;
use prefer::Preferences;
use write::Written;

/// The longest address, in characters.
const LONGEST_ADDRESS: usize = 32_768;

/// Answers a request.
pub(crate) fn answer(site: &Site, database: &mut Database, call: &Call) -> Answer {
    let answer = match caller::authorized(site, database, call) {
        Err(refused) => *refused,
        Ok(()) => carry_out(site, database, call).unwrap_or_else(|fault| fault.answer()),
    };
    with_common_headers(answer, site, call)
}

fn carry_out(site: &Site, database: &mut Database, call: &Call) -> Result<Answer, Fault> {
    if call.path.len() + call.query.len() > LONGEST_ADDRESS {
        return Err(Fault::new(
            StatusCode::URI_TOO_LONG,
            "0x8006088a",
            "The request URI is too long.",
        ));
    }
    if below_base(&call.path).is_some_and(|rest| rest == "$batch" || rest == "%24batch") {
        return batch::run(site, database, call);
    }
    operate(site, database, call, &References::new()).map(|(answer, _)| answer)
}

/// Returns what stands after `/api/data/v9.x/`.
fn below_base(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/data/")?;
    let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
    matches!(version, "v9.0" | "v9.1" | "v9.2").then_some(rest)
}

/// Carries out one operation, by itself or in a batch.
fn operate(
    site: &Site,
    database: &mut Database,
    call: &Call,
    references: &References,
) -> Result<(Answer, Option<Written>), Fault> {
    let rest = below_base(&call.path).ok_or_else(|| Fault::segment(&call.path))?;
    let version = call.path.trim_start_matches("/api/data/").split('/').next().unwrap_or("v9.2");
    let base = format!("{}/api/data/{version}", call.origin.address());
    let context = Context { site, call, references, base, preferences: Preferences::of(call) };
    let segments = path::segments(rest)?;
    let Some((first, below)) = segments.split_first() else {
        return Ok((service_document(&context), None));
    };
    if first.name == "EntityDefinitions" {
        return metadata::answer(&context, first, below).map(|answer| (answer, None));
    }
    if call.method == Method::GET {
        let function = functions::call(&context, database, first);
        let answer = function.unwrap_or_else(|| read::read(&context, database, &segments));
        return answer.map(|answer| (answer, None));
    }
    if context.call.method == Method::POST && below.is_empty() && bulk_delete::is_named(&first.name)
    {
        return bulk_delete::carry_out(&context, database).map(|answer| (answer, None));
    }
    write::write(&context, database, &segments)
}

/// Lists the entity sets.
fn service_document(context: &Context<'_>) -> Answer {
    let tables = context.site.schema.tables.iter();
    let sets: Vec<Value> = tables
        .map(|table| json!({"name": table.set, "kind": "EntitySet", "url": table.set}))
        .collect();
    read::data(
        context,
        &json!({"@odata.context": format!("{}/$metadata", context.base), "value": sets}),
    )
}

fn with_common_headers(answer: Answer, site: &Site, call: &Call) -> Answer {
    let id = Guid::random().to_string();
    let mut answer = answer
        .with("req_id", &id)
        .with("x-ms-service-request-id", &id)
        .with("cache-control", "no-cache");
    let DopHint(hint) = site.tenant.file.switches.dataverse.dop_hint;
    if hint > 0 {
        answer.set("x-ms-dop-hint", &hint.to_string());
    }
    if !is_pinned(&call.headers) {
        answer.set("set-cookie", &affinity_cookie(call));
    }
    if let Some(id) = call.header("x-ms-client-request-id") {
        answer.set("x-ms-client-request-id", id);
    }
    answer
}

/// Pins a client to one server, as the front door does with those that have no such cookie yet.
fn affinity_cookie(call: &Call) -> String {
    let server = Guid::derived(&["server"]).simple();
    let secure = if call.origin.scheme == "https" { ";Secure" } else { "" };
    format!("{AFFINITY_COOKIE}={server};Path=/;HttpOnly{secure}")
}
