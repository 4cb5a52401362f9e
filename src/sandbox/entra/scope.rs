//! Scopes: the one resource that they ask for, and what is granted.

use super::super::flow::AUDIENCES;
use super::super::management;
use super::super::message::Origin;
use super::super::site::Site;
use super::super::tenant::sign_in::RefusedResource;
use super::refusal::Refusal;

const OPEN_ID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Resources that the directory knows, although no service of the sandbox takes tokens for them.
const OTHERS: [&str; 4] = [
    "https://service.powerapps.com",
    "https://api.powerplatform.com",
    "https://graph.microsoft.com",
    "00000003-0000-0000-c000-000000000000",
];

/// A scope that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// The resource exactly as asked for, with or without a slash at its end.
    pub(super) resource: Option<String>,
    /// The kind of the resource.
    pub(super) kind: ResourceKind,
    /// The resource scopes as asked for.
    pub(super) asked: Vec<String>,
    /// Whether an id token is wanted.
    pub(super) open_id: bool,
    /// Whether a refresh token is wanted.
    pub(super) offline: bool,
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceKind {
    /// The organisation.
    Dataverse,
    /// The Flow service.
    Flow,
    /// Anything else that the directory knows.
    Other,
}

impl ResourceKind {
    /// Tells whether a refusal of the tenant file is meant for it.
    pub(super) fn is_refused_by(self, refused: RefusedResource) -> bool {
        match refused {
            RefusedResource::Any => true,
            RefusedResource::Dataverse => self == Self::Dataverse,
            RefusedResource::Flow => self == Self::Flow,
        }
    }

    /// Returns the name under which a consent is noted.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dataverse => "dataverse",
            Self::Flow => "flow",
            Self::Other => "other",
        }
    }

    fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Dataverse => &["user_impersonation"],
            Self::Flow => &["Flows.Manage.All", "Flows.Read.All", "User"],
            Self::Other => &["User.Read"],
        }
    }
}

impl Scope {
    /// Understands a scope.
    pub(super) fn parse(site: &Site, origin: &Origin, text: &str) -> Result<Self, Refusal> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let asked: Vec<&str> =
            words.iter().copied().filter(|word| !OPEN_ID.contains(word)).collect();
        let resources: Vec<String> = asked.iter().map(|word| resource(word).to_owned()).collect();
        if resources.iter().any(|one| Some(one) != resources.first()) {
            return Err(Refusal::two_resources(text));
        }
        if asked.len() > 1 && asked.iter().any(|word| word.ends_with("/.default")) {
            return Err(Refusal::mixed_default(text));
        }
        let resource = resources.into_iter().next();
        let kind = resource
            .as_deref()
            .map_or(Ok(ResourceKind::Other), |resource| kind(site, origin, resource))?;
        Ok(Self {
            resource,
            kind,
            asked: asked.into_iter().map(str::to_owned).collect(),
            open_id: words.contains(&"openid"),
            offline: words.contains(&"offline_access"),
        })
    }

    /// Asks for an id token and a refresh token where the scope that a sign-in began with did.
    pub(super) fn with_identity_of(self, begun: &Self) -> Self {
        let (open_id, offline) = (self.open_id || begun.open_id, self.offline || begun.offline);
        Self { open_id, offline, ..self }
    }

    /// Returns the permissions that a token of a person carries.
    pub(super) fn permissions(&self) -> String {
        let explicit: Vec<&str> =
            self.asked.iter().filter_map(|scope| scope.rsplit('/').next()).collect();
        let default = explicit.contains(&".default") || explicit.is_empty();
        if default { self.kind.permissions().join(" ") } else { explicit.join(" ") }
    }

    /// Returns the `scope` of the answer: what was granted in full names, and what was asked for as it was asked.
    pub(super) fn granted(&self) -> String {
        let resource = self.resource.as_deref().unwrap_or_default();
        let default = self.asked.iter().any(|scope| scope.ends_with("/.default"));
        let mut words: Vec<String> = Vec::new();
        if default {
            words.extend(
                self.kind.permissions().iter().map(|permission| format!("{resource}/{permission}")),
            );
        }
        words.extend(self.asked.clone());
        if words.is_empty() {
            words.extend(["openid", "profile"].map(str::to_owned));
        }
        words.join(" ")
    }
}

/// Returns what stands before the last slash: `https://x//.default` asks for `https://x/`.
fn resource(scope: &str) -> &str {
    scope.rsplit_once('/').map_or("00000003-0000-0000-c000-000000000000", |(resource, _)| resource)
}

fn kind(site: &Site, origin: &Origin, resource: &str) -> Result<ResourceKind, Refusal> {
    let plain = resource.trim_end_matches('/');
    if AUDIENCES.contains(&plain) {
        return Ok(ResourceKind::Flow);
    }
    if OTHERS.contains(&plain) || management::AUDIENCES.contains(&plain) {
        return Ok(ResourceKind::Other);
    }
    if plain == origin.address() || site.is_organization(plain) {
        return Ok(ResourceKind::Dataverse);
    }
    if plain.contains(' ') || plain.is_empty() {
        return Err(Refusal::scope(resource));
    }
    Err(Refusal::unknown_resource(resource, &site.tenant.file.directory.domain))
}

#[cfg(test)]
mod tests {
    use super::super::super::tenant::Tenant;
    use super::*;

    fn parse(text: &str) -> Result<Scope, Refusal> {
        let origin = Origin { scheme: "http", host: "127.0.0.1:1".to_owned() };
        Scope::parse(&Site::new(Tenant::embedded(), None), &origin, text)
    }

    #[test]
    fn the_slash_of_a_resource_is_kept() {
        let scope = parse("https://service.flow.microsoft.com//.default offline_access").unwrap();
        assert_eq!(scope.resource.as_deref(), Some("https://service.flow.microsoft.com/"));
        assert!(scope.granted().contains(
            "https://service.flow.microsoft.com//User https://service.flow.microsoft.com//.default"
        ));
        assert!(scope.offline && !scope.open_id);
    }

    #[test]
    fn two_resources_are_refused() {
        assert!(
            parse("https://service.flow.microsoft.com/.default http://127.0.0.1:1/.default")
                .is_err()
        );
    }

    #[test]
    fn an_unknown_resource_is_refused() {
        assert!(parse("https://other.crm4.dynamics.com/.default").is_err());
    }
}
