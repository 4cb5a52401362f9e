//! The Flow API of the sandbox, in its classic form (`/providers/Microsoft.ProcessSimple/...`) and in that of
//! the environment's own host (`/powerautomate/flows/...`); and the trigger addresses.

pub(crate) mod address;
mod callback;
mod definition;
mod describe;
mod fault;
mod lookup;
pub(crate) mod trigger;

use http::{Method, StatusCode};
use serde_json::json;

use super::bearer::Claims;
use super::clock::Moment;
use super::dataverse::rows;
use super::guid::Guid;
use super::message::{Answer, Call, decoded};
use super::site::Site;
use super::state::Database;
use super::tenant::file::ServiceName;
use super::tenant::switches::ClassicApi;
use fault::Fault;
use lookup::Known;

/// The audiences whose tokens the Flow API takes, slash or not: those of every cloud.
pub(crate) const AUDIENCES: [&str; 7] = [
    "https://service.flow.microsoft.com",
    "https://service.powerapps.com",
    "https://management.azure.com",
    "https://gov.service.flow.microsoft.us",
    "https://high.service.flow.microsoft.us",
    "https://service.flow.appsplatform.us",
    "https://service.powerautomate.cn",
];
/// The versions of the classic form, which the environment's own host takes too.
const VERSIONS: [&str; 3] = ["1", "2016-11-01", "2016-11-01-beta"];
/// A version that only the environment's own host takes.
const OWN_VERSION: &str = "2024-10-01";
/// What a list of flows is asked with so that it holds those of solutions, as all flows of a tenant are.
const WITH_SOLUTIONS: &str = "includeSolutionCloudFlows";

/// Answers a request; `segments` are those below the service's own path.
pub(crate) fn answer(site: &Site, database: &mut Database, call: &Call, place: &Place) -> Answer {
    let result =
        authorized(site, database, call).and_then(|()| carry_out(site, database, call, place));
    let answer = result.unwrap_or_else(|fault| fault.answer());
    let id = Guid::random().to_string();
    let mut answer = answer
        .with("x-ms-request-id", &id)
        .with("x-ms-correlation-request-id", &id)
        .with("cache-control", "no-store");
    if let Some(id) = call.header("x-ms-client-request-id") {
        answer.set("x-ms-client-request-id", id);
    }
    answer
}

/// A form of paths.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// That of the Flow API itself.
    #[default]
    Classic,
    /// That of the platform's own list of environments.
    Platform,
    /// That of the environment's own host.
    Own,
}

/// A place in the Flow API.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The environment of a classic path; absent where the host names it, or where all are meant.
    pub(crate) environment: Option<String>,
    /// Whether the path names environments themselves.
    pub(crate) environments: bool,
    /// Whether an administrator asks, who sees what others own.
    pub(crate) admin: bool,
    /// Whose form the path has.
    pub(crate) form: Form,
    /// The decoded segments that follow.
    pub(crate) rest: Vec<String>,
}

impl Place {
    /// Reads a path of the Flow API.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["providers", provider, rest @ ..] => Self::provided(provider, rest),
            ["powerautomate", rest @ ..] if rest.first().is_some_and(|first| *first == "flows") => {
                Some(Self { form: Form::Own, rest: owned(rest), ..Self::default() })
            }
            _ => None,
        }
    }

    /// Reads a path below a provider: flows, or the platform's environments.
    fn provided(provider: &str, rest: &[&str]) -> Option<Self> {
        let (admin, rest) = match rest {
            ["scopes", "admin", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let platform = provider.eq_ignore_ascii_case("Microsoft.BusinessAppPlatform");
        let known = platform || provider.eq_ignore_ascii_case("Microsoft.ProcessSimple");
        let form = if platform { Form::Platform } else { Form::Classic };
        known.then(|| Self { admin, form, ..Self::classic(rest) })
    }

    fn classic(rest: &[&str]) -> Self {
        match rest {
            ["environments"] => Self { environments: true, ..Self::default() },
            ["environments", environment, rest @ ..] => Self {
                environment: Some((*environment).to_owned()),
                environments: rest.is_empty(),
                rest: owned(rest),
                ..Self::default()
            },
            other => Self { rest: owned(other), ..Self::default() },
        }
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Refuses a request without a token of a person for this service. What a client sends as
/// `x-ms-client-scope` means nothing: the front door sets it from the token.
fn authorized(site: &Site, database: &Database, call: &Call) -> Result<(), Fault> {
    let token = call.bearer().ok_or_else(Fault::no_token)?;
    let claims =
        Claims::read(token, &database.token_key, Moment::now()).map_err(|_| Fault::bad_token())?;
    if !AUDIENCES.contains(&claims.audience.trim_end_matches('/')) {
        return Err(Fault::wrong_audience(&claims.audience));
    }
    if !claims.delegated() {
        return Err(Fault::without_scope());
    }
    let revoked = site.revocations.refuses(ServiceName::Flow, claims.serial, database.issued);
    if revoked { Err(Fault::bad_token()) } else { Ok(()) }
}

fn carry_out(
    site: &Site,
    database: &mut Database,
    call: &Call,
    place: &Place,
) -> Result<Answer, Fault> {
    check_version(call, place)?;
    let own = &site.tenant.file.environment.id;
    if let Some(other) = place.environment.as_ref().filter(|name| !name.eq_ignore_ascii_case(own)) {
        return Err(Fault::environment(other));
    }
    let classic = site.tenant.file.switches.flow.classic_api;
    if classic == ClassicApi::UnknownRegion && place.environment.is_some() && !place.rest.is_empty()
    {
        return Err(Fault::unknown_region());
    }
    let words: Vec<&str> = place.rest.iter().map(String::as_str).collect();
    let gets = call.method == Method::GET;
    let posts = call.method == Method::POST;
    match words.as_slice() {
        [] if place.environments && gets => Ok(success(&describe::environments(site, call, place))),
        _ if place.form == Form::Platform => Err(Fault::path(&call.path)),
        ["flows"] | ["v2", "flows"] if gets && place.admin => {
            Ok(success(&describe::flows(site, lookup::all(database))))
        }
        ["flows", flow] if gets && place.admin => {
            lookup::any(database, flow).map(|known| success(&describe::flow(site, &known)))
        }
        ["flows", flow, "permissions"] if gets && place.admin => lookup::any(database, flow)
            .map(|known| success(&describe::permissions(site, database, &known))),
        _ if place.admin => Err(Fault::path(&call.path)),
        ["flows"] if gets => {
            let asked = call.parameter("include").unwrap_or_default();
            let included = asked.split(',').any(|one| one.eq_ignore_ascii_case(WITH_SOLUTIONS));
            let owned = lookup::all(database).filter(|known| included && known.is_owned(site));
            Ok(success(&describe::flows(site, owned)))
        }
        ["flows", flow] if gets => {
            lookup::owned(site, database, flow).map(|known| success(&describe::flow(site, &known)))
        }
        ["flows", flow, "permissions"] if gets => lookup::owned(site, database, flow)
            .map(|known| success(&describe::permissions(site, database, &known))),
        // No flow runs in the sandbox.
        ["flows", flow, "runs"] if gets => {
            lookup::owned(site, database, flow).map(|_| success(&json!({"value": []})))
        }
        ["flows", flow, "runs", run] if gets => {
            Err(Fault::no_run(&lookup::owned(site, database, flow)?.name().to_string(), run))
        }
        ["flows", flow, "triggers"] if gets => lookup::owned(site, database, flow)
            .map(|known| success(&describe::triggers(site, &known))),
        ["flows", flow, "triggers", trigger] if gets => {
            one_trigger(site, &lookup::owned(site, database, flow)?, trigger)
        }
        ["flows", flow, "triggers", trigger, "listCallbackUrl"] if posts => {
            callback::answer(site, database, call, &lookup::owned(site, database, flow)?, trigger)
        }
        ["flows", flow, "regenerateAccessKey"] if posts => regenerate(site, database, flow),
        ["flows", flow, "start"] if posts => turn(site, database, flow, true),
        ["flows", flow, "stop"] if posts => turn(site, database, flow, false),
        _ if known_path(&words) => Err(Fault::method(call.method.as_str())),
        _ => Err(Fault::path(&call.path)),
    }
}

fn known_path(words: &[&str]) -> bool {
    matches!(
        words,
        [] | ["flows"]
            | ["flows", _]
            | [
                "flows",
                _,
                "triggers" | "permissions" | "runs" | "regenerateAccessKey" | "start" | "stop"
            ]
            | ["flows", _, "runs" | "triggers", _]
            | ["flows", _, "triggers", _, "listCallbackUrl"]
    )
}

fn check_version(call: &Call, place: &Place) -> Result<(), Fault> {
    match call.parameter("api-version") {
        // The platform has had many versions with the same answer.
        Some(_) if place.form == Form::Platform => Ok(()),
        Some(version) if place.form == Form::Own && version == OWN_VERSION => Ok(()),
        Some(version) if VERSIONS.contains(&version.as_str()) => Ok(()),
        Some(version) => Err(Fault::version(&version)),
        None => Err(Fault::no_version()),
    }
}

fn one_trigger(site: &Site, known: &Known<'_>, name: &str) -> Result<Answer, Fault> {
    let found = known.triggers(site).into_iter().find(|trigger| trigger.name == name);
    let trigger = found.ok_or_else(|| callback::missing_trigger(site, known, name))?;
    Ok(success(&describe::trigger(site, known, &trigger)))
}

/// Gives a flow a new access key, so that signatures made before are good no more.
fn regenerate(site: &Site, database: &mut Database, flow: &str) -> Result<Answer, Fault> {
    let id = lookup::owned(site, database, flow)?.id;
    *database.regenerated.entry(id).or_default() += 1;
    database.touch();
    Ok(Answer::json(StatusCode::OK, &json!({})))
}

/// Turns a flow on or off. One that was never on is turned on by Dataverse alone.
fn turn(site: &Site, database: &mut Database, flow: &str, on: bool) -> Result<Answer, Fault> {
    let known = lookup::owned(site, database, flow)?;
    if on && known.is_new() {
        return Err(Fault::unpublished(flow));
    }
    let id = known.id;
    let state = json!(i32::from(on));
    let changes = [("statecode".to_owned(), state)].into_iter().collect();
    let table = site.schema.table("workflow").ok_or_else(|| Fault::no_flow(flow))?;
    rows::update(site, database, table, id, changes).map_err(|_| Fault::no_flow(flow))?;
    Ok(Answer::json(StatusCode::OK, &json!({})))
}

fn success(body: &serde_json::Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}
