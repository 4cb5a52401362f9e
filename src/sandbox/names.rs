//! The names that the sandbox is reached by besides loopback, and which service stands behind each.
//!
//! Programs with real host names wired in reach every service by its own name. So addresses in answers lead to
//! the name that stands for the service; where there is none, to the host that the request named.

use super::message::Origin;

/// The domains of Dataverse organisations.
const ORGANIZATION_DOMAINS: [&str; 4] =
    [".dynamics.com", ".microsoftdynamics.us", ".appsplatform.us", ".dynamics.cn"];

/// The Flow API of the cloud in China, which is named otherwise than the rest.
const FLOW_IN_CHINA: &str = "api.powerautomate.cn";

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The sign-in service.
    Authority,
    /// The organisation's Web API.
    Organization,
    /// The Flow API.
    Flow,
    /// Nothing in particular.
    Other,
}

/// Host names, some of them with a wildcard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Takes names as they were given.
    pub(crate) fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Returns where people and programs sign in.
    pub(crate) fn authority(&self, origin: &Origin) -> Origin {
        self.of(Role::Authority, origin)
    }

    /// Returns where the organisation is.
    pub(crate) fn organization(&self, origin: &Origin) -> Origin {
        self.of(Role::Organization, origin)
    }

    /// Returns where the Flow API is.
    pub(crate) fn flow(&self, origin: &Origin) -> Origin {
        self.of(Role::Flow, origin)
    }

    /// Tells whether a host was given for the organisation, or for nothing in particular.
    pub(crate) fn is_organization(&self, host: &str) -> bool {
        let fits = |name: &&String| matches(name, host);
        self.0
            .iter()
            .filter(fits)
            .any(|name| matches!(Role::of(name), Role::Organization | Role::Other))
    }

    /// The request's own host where it fits, else the first that was given for the role. Loopback names stand
    /// for every service.
    fn of(&self, role: Role, origin: &Origin) -> Origin {
        if origin.is_loopback() || Role::of(origin.name()) == role {
            return origin.clone();
        }
        let whole = self.0.iter().filter(|name| !name.starts_with("*."));
        let mut fitting = whole.filter(|name| Role::of(name) == role);
        fitting.next().map_or_else(|| origin.clone(), |name| origin.at(name))
    }
}

impl Role {
    fn of(name: &str) -> Self {
        let labels = || name.split('.');
        let flow = labels().collect::<Vec<_>>().windows(2).any(|pair| pair == ["api", "flow"]);
        if name.starts_with("login.") {
            Self::Authority
        } else if flow || name == FLOW_IN_CHINA {
            Self::Flow
        } else if ORGANIZATION_DOMAINS.iter().any(|domain| name.ends_with(domain))
            && labels().any(|label| label.starts_with("crm"))
        {
            Self::Organization
        } else {
            Self::Other
        }
    }
}

/// Tells whether a name, perhaps with a wildcard, covers a host.
pub(crate) fn matches(name: &str, host: &str) -> bool {
    match name.strip_prefix('*') {
        Some(domain) => host.len() > domain.len() && host.ends_with(domain),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let hosts = [
            "login.microsoftonline.com",
            "*.crm.dynamics.com",
            "Contoso.crm4.dynamics.com",
            "api.flow.microsoft.com",
        ];
        Names::new(&hosts.map(str::to_owned))
    }

    fn origin(host: &str) -> Origin {
        Origin { scheme: "https", host: host.to_owned() }
    }

    #[test]
    fn every_service_has_the_name_that_was_given_for_it() {
        let names = names();
        let at = |host| {
            let origin = origin(host);
            let all = [names.authority(&origin), names.organization(&origin), names.flow(&origin)];
            all.map(|origin| origin.host)
        };
        let real =
            ["login.microsoftonline.com", "contoso.crm4.dynamics.com", "api.flow.microsoft.com"];
        assert_eq!(at("login.microsoftonline.com"), real);
        assert_eq!(at("sandbox.example"), real);
        assert_eq!(at("other.crm.dynamics.com")[1], "other.crm.dynamics.com");
        assert_eq!(at("sandbox.example:8443")[0], "login.microsoftonline.com:8443");
        assert_eq!(at("localhost:8443"), ["localhost:8443"; 3]);
        assert_eq!(at("[::1]:8443"), ["[::1]:8443"; 3]);
    }

    #[test]
    fn the_clouds_name_their_services_alike() {
        let roles = [
            ("login.partner.microsoftonline.cn", Role::Authority),
            ("emea.api.flow.microsoft.com", Role::Flow),
            ("api.flow.appsplatform.us", Role::Flow),
            ("api.powerautomate.cn", Role::Flow),
            ("contoso.api.crm4.dynamics.com", Role::Organization),
            ("contoso.crm.appsplatform.us", Role::Organization),
            ("ab.1.environment.api.appsplatform.us", Role::Other),
            ("sandbox.example", Role::Other),
        ];
        for (name, role) in roles {
            assert_eq!(Role::of(name), role, "{name}");
        }
    }

    #[test]
    fn an_organization_is_known_by_its_names_and_by_wildcards() {
        let names = names();
        assert!(names.is_organization("contoso.crm4.dynamics.com"));
        assert!(names.is_organization("any.crm.dynamics.com"));
        assert!(!names.is_organization("other.crm4.dynamics.com"));
        assert!(!names.is_organization("login.microsoftonline.com"));
    }
}
