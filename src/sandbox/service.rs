//! One request to one answer, over whichever service it is meant for.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::{Method, Request, StatusCode};
use serde_json::json;

use super::error::SandboxError;
use super::faults::{self, Faults};
use super::message::{Answer, Call};
use super::route::Route;
use super::site::Site;
use super::state::Database;
use super::state::store::Store;
use super::tenant::fault::Reach;
use super::throttle::Throttles;
use super::traffic::{Traffic, Visit};
use super::{control, dataverse, entra, flow, home, management};

/// Everything that answers requests.
#[derive(Debug)]
pub(crate) struct Service {
    site: Site,
    store: Mutex<Store>,
    faults: Faults,
    throttles: Throttles,
    traffic: Traffic,
}

impl Service {
    /// Puts the services of a site over its state.
    pub(crate) fn new(site: Site, store: Store) -> Self {
        let file = &site.tenant.file;
        let (faults, throttles) = (Faults::new(&file.faults), Throttles::new(&file.throttling));
        Self { faults, throttles, site, store: Mutex::new(store), traffic: Traffic::default() }
    }

    /// Counts a request whose headers have arrived, unless it is for the sandbox itself.
    pub(crate) fn arrive<T>(&self, request: &Request<T>) -> Option<Visit<'_>> {
        let path = request.uri().path();
        let route = Route::of(path);
        let throttle = self.throttles.of(route.service());
        let counted = !matches!(route, Route::Control(_));
        counted.then(|| self.traffic.arrive(route.service(), throttle, request))
    }

    /// Answers a request, which `visit` counts.
    pub(crate) fn answer(&self, call: &Call, visit: Option<&Visit<'_>>) -> Answer {
        let route = Route::of(&call.path);
        tracing::debug!(method = %call.method, path = %call.path, "sandbox request");
        if let Route::Control(place) = route {
            return control::answer(place, &self.faults, &self.traffic, call);
        }
        if let Some(record) = &self.site.record {
            record.note(route.service(), call);
        }
        let concurrent = visit.map_or(1, |visit| visit.concurrent);
        let answer = match self.faults.strike(route.service(), call) {
            None => self.admit(call, &route, concurrent, Reach::Done),
            Some(fault) => {
                let real = self.admit(call, &route, concurrent, fault.reach());
                faults::struck(&fault, real)
            }
        };
        tracing::debug!(status = answer.status.as_u16(), "sandbox answer");
        answer
    }

    /// Carries a request out as far as it should be, if the service's limits admit it.
    fn admit(&self, call: &Call, route: &Route, concurrent: u32, reach: Reach) -> Answer {
        if reach == Reach::Untouched {
            return Answer::empty(StatusCode::OK);
        }
        let work = || self.carry_out(call, route, reach).unwrap_or_else(|error| broken(&error));
        let Some(throttle) = self.throttles.of(route.service()) else { return work() };
        let mut answer = match throttle.admit(Instant::now(), concurrent) {
            Ok(()) => work(),
            Err(refusal) => {
                self.traffic.throttled();
                *refusal
            }
        };
        throttle.tell(&mut answer);
        answer
    }

    fn carry_out(&self, call: &Call, route: &Route, reach: Reach) -> Result<Answer, SandboxError> {
        let work = |database: &mut Database| dispatch(&self.site, database, call, route);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let safe = call.method == Method::GET || call.method == Method::HEAD;
        match reach {
            Reach::Done if safe && !route.writes() => store.read(work),
            Reach::Done => store.write(work),
            Reach::Rehearsed | Reach::Untouched => store.rehearse(work),
        }
    }
}

fn dispatch(site: &Site, database: &mut Database, call: &Call, route: &Route) -> Answer {
    match route {
        Route::Entra(endpoint) => entra::answer(site, database, call, endpoint),
        Route::Dataverse => dataverse::answer(site, database, call),
        Route::Flow(place) => flow::answer(site, database, call, place),
        Route::Trigger(invocation) => flow::trigger::answer(site, database, call, invocation),
        Route::Management(list) => management::answer(site, database, call, *list),
        Route::Home => home::answer(site, call),
        Route::Control(_) | Route::Unknown => {
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
