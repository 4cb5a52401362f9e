//! The sign-in service of the sandbox: `/{tenant}/oauth2/v2.0/...`, discovery, and the pages where a person
//! enters a code or goes on with a sign-in that a browser began.

mod assertion;
mod authorize;
mod basis;
pub(crate) mod certificate;
mod client;
mod code;
pub(crate) mod codes;
mod device;
mod discovery;
pub(crate) mod federation;
mod grant;
pub(crate) mod page;
mod redirect;
mod refresh;
mod refusal;
mod scope;
pub(crate) mod script;
mod token;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::clock::Moment;
use super::guid::Guid;
use super::message::{Answer, Call, pairs};
use super::site::Site;
use super::state::Database;
use super::tenant::file::Application;
use federation::Platform;
use refusal::{Refusal, Stamp};

/// An endpoint of the sign-in service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Lets a browser sign a person in at an authority.
    Authorize(String),
    /// Issues device codes to an authority.
    DeviceCode(String),
    /// Issues tokens of an authority.
    Token(String),
    /// Describes an authority.
    Discovery(String),
    /// Names the keys of an authority.
    Keys(String),
    /// Tells which hosts are authorities.
    Instances,
    /// Issues assertions to pipelines, as the platform does that they run on.
    Assertion(Platform),
    /// The page where a person enters the code.
    Page,
    /// Something else below an authority.
    Unknown,
}

/// Answers a request.
pub(crate) fn answer(
    site: &Site,
    database: &mut Database,
    call: &Call,
    endpoint: &Endpoint,
) -> Answer {
    let request = Request::of(call);
    let stamp = Stamp::of(&request);
    let result = match (endpoint, &call.method) {
        (Endpoint::Page, method) if *method == Method::GET || *method == Method::POST => {
            return page::answer(site, database, call);
        }
        (Endpoint::Authorize(authority), method)
            if *method == Method::GET || *method == Method::POST =>
        {
            Ok(authorize::answer(site, database, call, authority, &stamp))
        }
        (Endpoint::Discovery(authority), method) if *method == Method::GET => {
            discovery::document(site, call, authority)
        }
        (Endpoint::Keys(authority), method) if *method == Method::GET => {
            discovery::keys(site, call, authority)
        }
        (Endpoint::Instances, method) if *method == Method::GET => discovery::instances(call),
        (Endpoint::DeviceCode(authority), method) if *method == Method::POST => {
            device::issue(site, database, call, &request, authority)
        }
        (Endpoint::Token(authority), method) if *method == Method::POST => {
            grant::answer(site, database, call, &request, authority)
        }
        (Endpoint::Assertion(platform), _) => {
            return federation::issue(site, &database.token_key, call, *platform);
        }
        (Endpoint::Unknown, _) => return Answer::empty(StatusCode::NOT_FOUND),
        _ => Err(Refusal::method(call.method.as_str())),
    };
    let switches = &site.tenant.file.switches.entra;
    let answer = result.unwrap_or_else(|refusal| refusal.answer(switches, &stamp));
    with_common_headers(answer, call, stamp.trace)
}

impl Endpoint {
    /// Tells whether a request changes the state although its method is safe.
    pub(crate) fn writes(&self) -> bool {
        matches!(self, Self::Authorize(_))
    }
}

impl Stamp {
    fn of(request: &Request) -> Self {
        let correlation = request.id.unwrap_or_else(Guid::random).to_string();
        Self { trace: Guid::random(), correlation, now: Moment::now() }
    }
}

/// The form that a request carries.
#[derive(Clone)]
pub(super) struct Request {
    fields: Vec<(String, String)>,
    id: Option<Guid>,
}

impl Request {
    fn of(call: &Call) -> Self {
        let id = call.header("client-request-id").and_then(|text| text.parse().ok());
        let mut fields = pairs(&String::from_utf8_lossy(&call.body));
        // What the body says comes first: a field is looked for from the start.
        fields.extend(client::basic(call));
        Self { fields, id }
    }

    /// Reads the query instead of the body.
    pub(super) fn of_query(call: &Call) -> Self {
        Self { fields: call.parameters(), ..Self::of(call) }
    }

    /// Returns the `claims` parameter: JSON that says what tokens have to hold.
    pub(super) fn claims(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = self.field("claims") else { return Ok(None) };
        let object = serde_json::from_str::<Map<String, Value>>(text);
        object.map(|_| Some(text.to_owned())).map_err(|_| Refusal::claims())
    }

    /// Returns a field that is there and not empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Returns a field that must be there.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, Refusal> {
        self.field(name).ok_or_else(|| Refusal::missing(name))
    }
}

/// Finds the application that a request names.
pub(super) fn application<'s>(
    site: &'s Site,
    request: &Request,
) -> Result<&'s Application, Refusal> {
    let id = request.needed("client_id")?;
    site.tenant
        .application(id)
        .ok_or_else(|| Refusal::unknown_application(id, &site.tenant.file.directory.domain))
}

/// Refuses an authority that is not this directory.
pub(super) fn check_authority(site: &Site, authority: &str) -> Result<(), Refusal> {
    let directory = &site.tenant.file.directory;
    let own =
        authority.eq_ignore_ascii_case(&directory.domain) || authority.parse() == Ok(directory.id);
    match authority.to_ascii_lowercase().as_str() {
        "organizations" | "common" => Ok(()),
        "consumers" => Err(Refusal::consumers()),
        _ if own => Ok(()),
        _ => Err(Refusal::unknown_tenant(authority)),
    }
}

fn with_common_headers(answer: Answer, call: &Call, trace: Guid) -> Answer {
    let mut answer = answer
        .with("cache-control", "no-store, no-cache")
        .with("pragma", "no-cache")
        .with("expires", "-1")
        .with("x-content-type-options", "nosniff")
        .with("x-ms-request-id", &trace.to_string())
        .with("x-ms-ests-server", "2.1.19000.1 - SANDBOX");
    if call
        .header("return-client-request-id")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        && let Some(id) = call.header("client-request-id")
    {
        answer.set("client-request-id", id);
    }
    answer
}

/// Makes the answer of a request that was granted.
pub(super) fn success(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

/// Turns a number into JSON, as text where the switch says so.
pub(super) fn number(site: &Site, number: u64) -> Value {
    use super::tenant::switches::Numbers;
    match site.tenant.file.switches.entra.numbers {
        Numbers::Integers => json!(number),
        Numbers::Strings => json!(number.to_string()),
    }
}
