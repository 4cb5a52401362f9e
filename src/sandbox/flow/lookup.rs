//! Flows as the Flow service knows them: rows of `workflow`, found by either of their ids.

use super::super::guid::Guid;
use super::super::site::Site;
use super::super::state::{Database, Row};
use super::address;
use super::definition::{Trigger, triggers};
use super::fault::Fault;

const DRAFT: i64 = 0;
const ACTIVATED: i64 = 1;

/// A flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'d> {
    /// Its `workflowid`.
    pub(super) id: Guid,
    /// Its row.
    pub(super) row: &'d Row,
}

impl Known<'_> {
    /// Returns the name that the service gives it: its `resourceid`, or its `workflowid` while it has none.
    pub(super) fn name(&self) -> Guid {
        self.row.guid("resourceid").unwrap_or(self.id)
    }

    /// Tells whether it is on.
    pub(super) fn is_on(&self) -> bool {
        self.row.number("statecode") == Some(ACTIVATED)
    }

    /// Tells whether it was never on.
    pub(super) fn is_new(&self) -> bool {
        self.row.number("statecode") == Some(DRAFT) && self.row.guid("resourceid").is_none()
    }

    /// Returns the word for its state.
    pub(super) fn state(&self) -> &'static str {
        match self.row.number("statecode") {
            Some(ACTIVATED) => "Started",
            Some(2) => "Suspended",
            _ => "Stopped",
        }
    }

    /// Returns its definition: its own, or the one that all have.
    pub(super) fn client_data<'s>(&'s self, site: &'s Site) -> Option<&'s str> {
        let common = || site.schema.table("workflow")?.column("clientdata")?.common.as_ref();
        self.row.text("clientdata").or_else(|| common()?.as_str())
    }

    /// Returns its triggers.
    pub(super) fn triggers(&self, site: &Site) -> Vec<Trigger> {
        self.client_data(site).map(triggers).unwrap_or_default()
    }

    /// Tells whether the person owns it.
    pub(super) fn is_owned(&self, site: &Site) -> bool {
        self.row.guid("ownerid") == Some(site.tenant.file.user.id)
    }
}

/// Returns all cloud flows.
pub(super) fn all(database: &Database) -> impl Iterator<Item = Known<'_>> {
    database.rows("workflow").filter_map(|(id, row)| cloud_flow(id, row))
}

fn cloud_flow(id: Guid, row: &Row) -> Option<Known<'_>> {
    (row.number("category") == Some(5)).then_some(Known { id, row })
}

/// Finds a flow by either of its ids; where one is an id of two, the first in the order of `all`.
fn find(database: &Database, wanted: Guid) -> Option<Known<'_>> {
    let text = wanted.to_string();
    let by_id = database.row("workflow", wanted).map(|row| (wanted, row));
    let by_name = database.holding("workflow", "resourceid", &[&text]).into_iter().flatten();
    let flows = by_id.into_iter().chain(by_name);
    flows.filter_map(|(id, row)| cloud_flow(id, row)).min_by_key(|flow| flow.id)
}

/// Finds a flow by its id in addresses. Those of the flows that were there at the first call are kept, since
/// they are found only by making the id of every flow.
pub(super) fn by_address<'d>(
    site: &Site,
    database: &'d Database,
    wanted: &str,
) -> Option<Known<'d>> {
    let kept = site.run_ids.get_or_init(|| {
        all(database).map(|flow| (address::run_id(site, flow.id), flow.id)).collect()
    });
    match kept.get(wanted) {
        Some(id) => cloud_flow(*id, database.row("workflow", *id)?),
        None => all(database).find(|flow| address::run_id(site, flow.id) == wanted),
    }
}

/// Finds a flow whoever owns it, by `resourceid` or `workflowid`.
pub(super) fn any<'d>(database: &'d Database, name: &str) -> Result<Known<'d>, Fault> {
    let wanted: Guid = name.parse().map_err(|_| Fault::no_flow(name))?;
    find(database, wanted).ok_or_else(|| Fault::no_flow(name))
}

/// Finds a flow that the person owns, by `resourceid` or `workflowid`.
pub(super) fn owned<'d>(
    site: &Site,
    database: &'d Database,
    name: &str,
) -> Result<Known<'d>, Fault> {
    let wanted: Guid = name.parse().map_err(|_| Fault::no_flow(name))?;
    let found = find(database, wanted);
    let refused = || {
        Fault::not_owner(
            site.tenant.file.user.object_id,
            name,
            site.tenant.file.switches.flow.not_owner_status,
        )
    };
    found.filter(|flow| flow.is_owned(site)).ok_or_else(refused)
}
