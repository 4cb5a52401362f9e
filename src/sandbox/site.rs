//! What every handler needs to know and none may change, but for what is counted from the start of the server.

use std::collections::HashMap;
use std::sync::OnceLock;

use http::Uri;

use super::dataverse::catalog;
use super::dataverse::schema::Schema;
use super::entra::script::Script;
use super::guid::Guid;
use super::message::{Origin, is_loopback};
use super::names::Names;
use super::record::Record;
use super::revocation::Revocations;
use super::tenant::Tenant;

/// The fixed side of a running sandbox.
#[derive(Debug)]
pub(crate) struct Site {
    /// The tenant.
    pub(crate) tenant: Tenant,
    /// The tables.
    pub(crate) schema: Schema,
    /// How soon the person approves a sign-in by itself; never when absent.
    pub(crate) approve_after: Option<std::time::Duration>,
    /// The names that it is reached by.
    pub(crate) names: Names,
    /// The scripted refusals of the sign-in.
    pub(crate) script: Script,
    /// The revocations of access tokens.
    pub(crate) revocations: Revocations,
    /// The flows that were there when one was first called, by their ids in addresses.
    pub(crate) run_ids: OnceLock<HashMap<String, Guid>>,
    /// Where requests are noted, if they are.
    pub(crate) record: Option<Record>,
}

impl Site {
    /// Puts a site together.
    pub(crate) fn new(tenant: Tenant, approve_after: Option<std::time::Duration>) -> Self {
        Self {
            schema: catalog::schema(&tenant),
            revocations: Revocations::new(&tenant.file.token_revocations),
            script: Script::new(&tenant.file.sign_in_refusals),
            tenant,
            approve_after,
            names: Names::default(),
            run_ids: OnceLock::new(),
            record: None,
        }
    }

    /// Tells whether an address is one that the organisation is reached by.
    pub(crate) fn is_organization(&self, address: &str) -> bool {
        let Ok(uri) = address.parse::<Uri>() else { return false };
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        is_loopback(&host) || self.is_named(&host)
    }

    /// Tells whether a token for `audience` is good at `origin`: for that very address, or for another name of
    /// the same organisation.
    pub(crate) fn accepts(&self, audience: &str, origin: &Origin) -> bool {
        let host = audience.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        let named = |host: &str| self.is_named(&host.to_ascii_lowercase());
        audience == origin.address() || (named(&host.unwrap_or_default()) && named(origin.name()))
    }

    /// Tells whether a host was given for the organisation.
    fn is_named(&self, host: &str) -> bool {
        let hosts = &self.tenant.file.environment.hosts;
        self.names.is_organization(host) || hosts.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}
