//! Which service a path belongs to. One listener serves them all.

use super::control::Control;
use super::entra::Endpoint;
use super::entra::federation::Platform;
use super::flow::Place;
use super::flow::trigger::Invocation;
use super::management::List;
use super::message::decoded;
use super::tenant::file::ServiceName;

/// The service and the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// The sign-in service.
    Entra(Endpoint),
    /// The Web API.
    Dataverse,
    /// The Flow API.
    Flow(Place),
    /// A trigger address.
    Trigger(Invocation),
    /// Azure's management API.
    Management(List),
    /// The sandbox itself.
    Control(Control),
    /// The page that says what is served.
    Home,
    /// None.
    Unknown,
}

impl Route {
    /// Finds the route of a path.
    pub(crate) fn of(path: &str) -> Self {
        if path == "/" {
            return Self::Home;
        }
        if path.starts_with("/api/data/") {
            return Self::Dataverse;
        }
        if let Some(invocation) = Invocation::of(path) {
            return Self::Trigger(invocation);
        }
        if let Some(place) = Place::of(path) {
            return Self::Flow(place);
        }
        if let Some(list) = management(path) {
            return Self::Management(list);
        }
        if let Some(control) = control(path) {
            return Self::Control(control);
        }
        entra(path).map_or(Self::Unknown, Self::Entra)
    }

    /// Tells whether a request changes the state although its method is safe.
    pub(crate) fn writes(&self) -> bool {
        matches!(self, Self::Entra(endpoint) if endpoint.writes())
    }

    /// Names the service.
    pub(crate) fn service(&self) -> Option<ServiceName> {
        match self {
            Self::Entra(_) => Some(ServiceName::Entra),
            Self::Dataverse => Some(ServiceName::Dataverse),
            Self::Flow(_) => Some(ServiceName::Flow),
            Self::Trigger(_) => Some(ServiceName::Trigger),
            Self::Management(_) | Self::Control(_) | Self::Home | Self::Unknown => None,
        }
    }
}

fn management(path: &str) -> Option<List> {
    match path.trim_end_matches('/') {
        "/subscriptions" => Some(List::Subscriptions),
        "/tenants" => Some(List::Tenants),
        _ => None,
    }
}

fn control(path: &str) -> Option<Control> {
    match path {
        "/_sandbox/faults" => Some(Control::Faults),
        "/_sandbox/requests" => Some(Control::Requests),
        _ => None,
    }
}

fn entra(path: &str) -> Option<Endpoint> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["devicelogin"] | ["common", "oauth2", "deviceauth"] => Some(Endpoint::Page),
        [authority, "oauth2", "v2.0", "devicecode"] => {
            Some(Endpoint::DeviceCode(decoded(authority)))
        }
        [authority, "oauth2", "v2.0", "authorize"] => Some(Endpoint::Authorize(decoded(authority))),
        [authority, "oauth2", "v2.0", "token"] => Some(Endpoint::Token(decoded(authority))),
        [authority, "v2.0", ".well-known", "openid-configuration"] => {
            Some(Endpoint::Discovery(decoded(authority)))
        }
        [authority, "discovery", "v2.0", "keys"] => Some(Endpoint::Keys(decoded(authority))),
        ["_sandbox", "oidc", "github"] => Some(Endpoint::Assertion(Platform::GitHub)),
        ["_sandbox", "oidc", "azure-devops"] => Some(Endpoint::Assertion(Platform::AzureDevOps)),
        ["common", "discovery", "instance"] => Some(Endpoint::Instances),
        [_, "oauth2", ..] => Some(Endpoint::Unknown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_trigger_addresses_are_known() {
        let paths = [
            "/workflows/AB/triggers/manual/paths/invoke",
            "/powerautomate/automations/direct/workflows/ab/triggers/manual/paths/invoke/",
            "/powerautomate/automations/direct/cu/07/workflows/ab/triggers/manual/paths/invoke/x/1",
        ];
        for path in paths {
            let wanted = Invocation { workflow: "ab".to_owned(), trigger: "manual".to_owned() };
            assert_eq!(Route::of(path), Route::Trigger(wanted), "{path}");
        }
    }

    #[test]
    fn services_are_told_apart_by_path() {
        assert_eq!(Route::of("/api/data/v9.2/WhoAmI"), Route::Dataverse);
        assert!(matches!(Route::of("/powerautomate/flows/x"), Route::Flow(_)));
        assert!(matches!(
            Route::of("/providers/Microsoft.ProcessSimple/environments"),
            Route::Flow(_)
        ));
        assert_eq!(
            Route::of("/common/oauth2/v2.0/token"),
            Route::Entra(Endpoint::Token("common".to_owned()))
        );
        assert_eq!(Route::of("/_sandbox/faults"), Route::Control(Control::Faults));
        assert_eq!(Route::of("/"), Route::Home);
        assert_eq!(Route::of("/favicon.ico"), Route::Unknown);
    }
}
