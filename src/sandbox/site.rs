//! What every handler needs to know and none may change.

use super::dataverse::catalog;
use super::dataverse::schema::Schema;
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
}

impl Site {
    /// Puts a site together.
    pub(crate) fn new(tenant: Tenant, approve_after: Option<std::time::Duration>) -> Self {
        Self { schema: catalog::schema(&tenant), tenant, approve_after }
    }
}
