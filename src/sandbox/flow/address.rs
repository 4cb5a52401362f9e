//! Callback addresses. They look like the real service's and stay the same from run to run, since they come
//! from the tenant's ids and not from the port that happens to be served.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::super::guid::Guid;
use super::super::site::Site;
use super::super::state::Database;
use super::super::tenant::flows::AddressKind;
use super::definition::Trigger;

/// A callback address in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallbackAddress {
    host: String,
    path: String,
    queries: Vec<(&'static str, String)>,
}

/// Makes the address of a trigger.
pub(super) fn of(
    site: &Site,
    database: &Database,
    flow: Guid,
    trigger: &Trigger,
    kind: AddressKind,
) -> CallbackAddress {
    let name = utf8_percent_encode(&trigger.name, &SEGMENT).to_string();
    let relative =
        trigger.relative_path.as_ref().map(|path| format!("/{}", path.trim_start_matches('/')));
    let path = format!(
        "{}/workflows/{}/triggers/{name}/paths/invoke",
        prefix(site, kind),
        run_id(site, flow)
    );
    let mut queries = vec![("api-version", version(kind).to_owned())];
    if trigger.is_signed() {
        queries.push(("sp", permission(&trigger.name)));
        queries.push(("sv", "1.0".to_owned()));
        queries.push(("sig", signature(site, database, flow, &trigger.name)));
    }
    CallbackAddress {
        host: host(site, flow, kind),
        path: path + relative.as_deref().unwrap_or_default(),
        queries,
    }
}

/// What stays unencoded in a path segment.
const SEGMENT: percent_encoding::AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl CallbackAddress {
    /// Prints the address, with its port.
    pub(super) fn value(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, &SEGMENT).to_string();
        let pairs: Vec<String> =
            self.queries.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        format!("https://{}:443{}?{}", self.host, self.path, pairs.join("&"))
    }

    /// Prints the address without port and query.
    pub(super) fn base_path(&self) -> String {
        let path =
            self.path.split_once("/paths/invoke").map_or(self.path.as_str(), |(start, _)| start);
        format!("https://{}{path}/paths/invoke", self.host)
    }

    /// Returns the parameters, decoded.
    pub(super) fn queries(&self) -> Value {
        let pairs = self.queries.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    }
}

/// Returns the id of a flow in addresses, which is neither of its other ids.
pub(super) fn run_id(site: &Site, flow: Guid) -> String {
    Guid::derived(&["address", &site.tenant.file.environment.id, &flow.to_string()]).simple()
}

/// Returns the permission that a signature grants.
pub(super) fn permission(trigger: &str) -> String {
    format!("/triggers/{trigger}/run")
}

/// Makes the signature of a trigger under the flow's present key.
pub(super) fn signature(site: &Site, database: &Database, flow: Guid, trigger: &str) -> String {
    let key = database.regenerated.get(&flow).copied().unwrap_or_default();
    database.callback_key.seal(&format!("{}{}1.0{key}", run_id(site, flow), permission(trigger)))
}

/// Returns the host of the environment: its id without hyphens, of which the last two digits stand apart.
pub(crate) fn environment_host(site: &Site) -> String {
    let id: String = site.tenant.file.environment.id.to_lowercase().replace('-', "");
    let (start, end) = id.split_at_checked(id.len().saturating_sub(2)).unwrap_or((&id, ""));
    format!("{start}.{end}.environment.api.powerplatform.com")
}

fn host(site: &Site, flow: Guid, kind: AddressKind) -> String {
    match kind {
        AddressKind::Direct | AddressKind::DirectUnit => environment_host(site),
        AddressKind::Classic => {
            format!("prod-{:02}.westeurope.logic.azure.com", unit(site, flow) + 1)
        }
    }
}

fn prefix(site: &Site, kind: AddressKind) -> String {
    match kind {
        AddressKind::Direct => "/powerautomate/automations/direct".to_owned(),
        AddressKind::DirectUnit => {
            format!("/powerautomate/automations/direct/cu/{:02}", environment_host(site).len() % 32)
        }
        AddressKind::Classic => String::new(),
    }
}

fn unit(site: &Site, flow: Guid) -> usize {
    run_id(site, flow).bytes().map(usize::from).sum::<usize>() % 90
}

fn version(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Direct | AddressKind::DirectUnit => "1",
        AddressKind::Classic => "2016-06-01",
    }
}
