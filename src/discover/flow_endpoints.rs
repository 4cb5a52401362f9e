//! The endpoints of the Flow service, tried in turn until one serves this environment.
//!
//! The cloud's API comes first: it serves most environments. If its host cannot be found, or it
//! cannot find the environment's region, the region's host comes next if the service names one, and
//! then the environment's own. Once an endpoint has failed for one flow, no other flow tries it
//! again.

use std::cell::{Cell, RefCell};

use url::Url;

use super::error::DiscoverError;
use crate::http::TransportError;
use crate::model::{Cloud, EnvironmentId, EnvironmentUrl, FlowEndpoint, ServiceError};
use crate::services::flow::{FlowApi, named_region};

/// The result of asking one endpoint for a URL.
type Attempt<T> = Result<Result<T, ServiceError>, DiscoverError>;

/// The endpoints of the Flow service: the one in use, and those to try next.
pub(super) struct FlowEndpoints {
    ways: RefCell<Vec<FlowApi>>,
    current: Cell<usize>,
}

impl FlowEndpoints {
    /// Lists the endpoints for an environment's flows: all of them, or only the wanted one.
    pub(super) fn new(
        cloud: &Cloud,
        url: &EnvironmentUrl,
        id: &EnvironmentId,
        wanted: Option<FlowEndpoint>,
    ) -> Self {
        let classic = Self::cloud_origin(cloud, url, wanted);
        let classic = classic.map(|origin| FlowApi::classic(origin, id.clone()));
        let own = cloud.environment_api(url, id).map(FlowApi::of_environment);
        let own = own.filter(|_| wanted != Some(FlowEndpoint::Classic));
        let ways = classic.into_iter().chain(own).collect();
        Self { ways: RefCell::new(ways), current: Cell::new(0) }
    }

    /// Returns the origin of the cloud's API, which does not depend on the environment's id; none
    /// if only the environment's own endpoint is wanted.
    pub(super) fn cloud_origin(
        cloud: &Cloud,
        url: &EnvironmentUrl,
        wanted: Option<FlowEndpoint>,
    ) -> Option<Url> {
        let classic = cloud.flow_api(url).parse().ok();
        classic.filter(|_| wanted != Some(FlowEndpoint::Environment))
    }

    /// Returns the endpoint in use.
    pub(super) fn current(&self) -> Option<FlowApi> {
        self.ways.borrow().get(self.current.get()).cloned()
    }

    /// Returns the endpoint in use, if it is not the first.
    pub(super) fn fallback_in_use(&self) -> Option<FlowApi> {
        self.current().filter(|_| self.current.get() > 0)
    }

    /// Checks whether the tried endpoint serves this environment, even if it refused the request.
    pub(super) fn serves_environment<T>(attempt: &Attempt<T>) -> bool {
        match attempt {
            Err(DiscoverError::Transport(TransportError::Unreachable { .. })) => false,
            Ok(Err(error)) => !error.is_unknown_region(),
            _ => true,
        }
    }

    /// Returns the endpoint to try next; none if the tried one serves this environment, even if it
    /// refused the request, or if no other is left.
    pub(super) fn next_endpoint<T>(
        &self,
        tried: &FlowApi,
        attempt: &Attempt<T>,
    ) -> Option<FlowApi> {
        if Self::serves_environment(attempt) {
            return None;
        }
        let mut ways = self.ways.borrow_mut();
        let place = ways.iter().position(|way| way == tried)?;
        // A region's own API that cannot find the region either names no further one.
        let region = region(attempt).filter(|_| place == 0);
        let regional = region.and_then(|region| tried.in_region(&region));
        if let Some(regional) = regional.filter(|regional| !ways.contains(regional)) {
            ways.insert(place + 1, regional);
        }
        let next = ways.get(place + 1)?.clone();
        self.current.set(self.current.get().max(place + 1));
        tracing::info!(from = tried.host(), to = next.host(), "the Flow API does not serve here");
        Some(next)
    }
}

/// Returns the region that a refusal names.
fn region<T>(attempt: &Attempt<T>) -> Option<String> {
    let Ok(Err(error)) = attempt else { return None };
    named_region(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clouds, Service};

    const ID: &str = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";

    fn public() -> Cloud {
        Clouds::embedded().unwrap().get("public").unwrap().clone()
    }

    fn environment() -> EnvironmentUrl {
        "https://contoso.crm4.dynamics.com".parse().unwrap()
    }

    fn ways(wanted: Option<FlowEndpoint>) -> FlowEndpoints {
        FlowEndpoints::new(&public(), &environment(), &ID.parse().unwrap(), wanted)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the form of an attempt")]
    fn refused(message: &str) -> Attempt<()> {
        let error = ServiceError {
            service: Service::Flow,
            status: 400,
            code: "MacroRegionDerivationFailed".to_owned(),
            message: message.to_owned(),
            request_id: None,
            documented: true,
            instead: None,
            cut_short: None,
        };
        Ok(Err(error))
    }

    const OWN: &str = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com";

    #[test]
    fn the_region_comes_after_the_clouds_api_and_the_environments_host_last() {
        let ways = ways(None);
        let first = ways.current().unwrap();
        assert_eq!(first.host(), "api.flow.microsoft.com");
        let answer = refused("location 'europe'");
        let second = ways.next_endpoint(&first, &answer).unwrap();
        assert_eq!(second.host(), "europe.api.flow.microsoft.com");
        // Another flow that had begun with the first way is led the same way.
        assert_eq!(ways.next_endpoint(&first, &answer), Some(second.clone()));
        let third = ways.next_endpoint(&second, &refused("location 'asia'")).unwrap();
        assert_eq!((third.host(), third.is_of_environment()), (OWN, true));
        assert_eq!(ways.current(), Some(third.clone()));
        assert_eq!(ways.next_endpoint(&third, &answer), None);
    }

    #[test]
    fn without_a_region_the_environments_host_comes_next() {
        let ways = ways(None);
        let next = ways.next_endpoint(&ways.current().unwrap(), &refused("no location")).unwrap();
        assert_eq!(next.host(), OWN);
    }

    #[test]
    fn a_way_that_answers_is_kept_and_a_wanted_one_is_the_only_one() {
        let all = ways(None);
        assert_eq!(all.next_endpoint(&all.current().unwrap(), &Ok(Ok(()))), None);
        for (wanted, host) in
            [(FlowEndpoint::Classic, "api.flow.microsoft.com"), (FlowEndpoint::Environment, OWN)]
        {
            let only = ways(Some(wanted));
            let way = only.current().unwrap();
            assert_eq!(way.host(), host);
            let known =
                FlowEndpoints::cloud_origin(&public(), &environment(), Some(wanted)).is_some();
            assert_eq!(known, wanted == FlowEndpoint::Classic);
            assert_eq!(only.next_endpoint(&way, &refused("no location")), None);
        }
    }
}
