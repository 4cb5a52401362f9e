//! One request to one answer, over whichever service it is meant for.

use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use serde_json::json;

use super::error::SandboxError;
use super::faults::Faults;
use super::flow;
use super::message::{Answer, Call};
use super::route::Route;
use super::site::Site;
use super::state::Database;
use super::state::store::Store;
use super::{dataverse, entra};

/// Everything that answers requests.
#[derive(Debug)]
pub(crate) struct Service {
    site: Site,
    store: Mutex<Store>,
    faults: Faults,
}

impl Service {
    /// Puts the services of a site over its state.
    pub(crate) fn new(site: Site, store: Store) -> Self {
        Self { faults: Faults::new(&site.tenant.file.faults), site, store: Mutex::new(store) }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, call: &Call) -> Answer {
        let route = Route::of(&call.path);
        tracing::debug!(method = %call.method, path = %call.path, "sandbox request");
        if let Some(record) = &self.site.record {
            record.note(route.service(), call);
        }
        let struck = self.faults.strike(route.service(), call);
        if let Some(struck) = &struck
            && !struck.executed
        {
            return struck.answer.clone();
        }
        let answer = self.carry_out(call, &route).unwrap_or_else(|error| broken(&error));
        tracing::debug!(status = answer.status.as_u16(), "sandbox answer");
        struck.map_or(answer, |struck| struck.answer)
    }

    fn carry_out(&self, call: &Call, route: &Route) -> Result<Answer, SandboxError> {
        let work = |database: &mut Database| dispatch(&self.site, database, call, route);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let safe = call.method == Method::GET || call.method == Method::HEAD;
        if safe && !route.writes() { store.read(work) } else { store.write(work) }
    }
}

fn dispatch(site: &Site, database: &mut Database, call: &Call, route: &Route) -> Answer {
    match route {
        Route::Entra(endpoint) => entra::answer(site, database, call, endpoint),
        Route::Dataverse => dataverse::answer(site, database, call),
        Route::Flow(place) => flow::answer(site, database, call, place),
        Route::Trigger(invocation) => flow::trigger::answer(site, database, call, invocation),
        Route::Unknown => {
            let message = format!("Nothing is served at '{}'.", call.path);
            Answer::json(
                StatusCode::NOT_FOUND,
                &json!({"error": {"code": "NotFound", "message": message}}),
            )
        }
    }
}

/// Answers that the state cannot be kept; nothing was changed.
fn broken(error: &SandboxError) -> Answer {
    tracing::error!(%error, "sandbox state");
    Answer::json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &json!({"error": {"code": "SandboxState", "message": error.to_string()}}),
    )
}
