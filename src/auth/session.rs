//! Tokens for every audience from one sign-in, renewed before they end.
//!
//! Tokens and refresh tokens stay in memory here; nothing is stored.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::device::TOKEN;
use super::grant::Grant;
use super::wire::Wire;
use super::{Application, AuthError, Step};
use crate::api::entra::Claims;
use crate::domain::{AccessToken, Cloud, EnvironmentUrl, RefreshToken};
use crate::http::Transport;

/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_mins(5);

/// The longest that a token is taken to last, whatever its answer says.
const LONGEST_LIFE: Duration = Duration::from_hours(28);

/// Whom a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// The environment's Web API.
    Dataverse,
    /// The Flow service.
    Flow,
}

/// What a sign-in brought. Clones share it, and may be used side by side.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// Who signed in and where, as far as the tokens tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name with which the person signs in.
    pub user: Option<String>,
    /// The person's id in the tenant.
    pub object_id: Option<String>,
    /// The tenant's id.
    pub tenant_id: Option<String>,
}

/// The audiences as Entra names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resources {
    dataverse: String,
    flow: String,
}

/// What all clones of a session share.
struct Shared {
    transport: Transport,
    application: Application,
    resources: Resources,
    identity: Identity,
    /// Held while it is used, since a server may let it be used but once.
    refresh: Mutex<Option<RefreshToken>>,
    dataverse: Mutex<Option<Held>>,
    flow: Mutex<Option<Held>>,
}

/// A token and when to renew it.
struct Held {
    token: AccessToken,
    renew: SystemTime,
}

impl Session {
    /// Takes over what a sign-in for the environment granted.
    pub(super) fn new(
        transport: &Transport,
        application: Application,
        resources: Resources,
        grant: Grant,
    ) -> Self {
        let shared = Shared {
            transport: transport.clone(),
            application,
            resources,
            identity: Identity::of(&grant),
            dataverse: Mutex::new(Some(Held::of(&grant, SystemTime::now()))),
            flow: Mutex::new(None),
            refresh: Mutex::new(grant.refresh),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A session whose tokens last, for tests of what comes after a sign-in.
    #[cfg(test)]
    pub(crate) fn for_tests(transport: &Transport) -> Self {
        let url = url::Url::parse("http://127.0.0.1/contoso").unwrap();
        let authority = crate::api::entra::Authority::new(&url, "contoso".parse().unwrap());
        let client_id = "made-up".parse().unwrap();
        let held = || {
            let renew = SystemTime::now() + LONGEST_LIFE;
            Mutex::new(Some(Held { token: AccessToken::new("made-up"), renew }))
        };
        let shared = Shared {
            transport: transport.clone(),
            application: Application { authority, client_id },
            resources: Resources { dataverse: String::new(), flow: String::new() },
            identity: Identity::default(),
            refresh: Mutex::new(None),
            dataverse: held(),
            flow: held(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A token for an audience that lasts for a while yet, renewed first where needed.
    ///
    /// # Errors
    /// A refusal, a service that cannot be reached, or a token that the audience would not take.
    pub async fn token(&self, audience: Audience) -> Result<AccessToken, AuthError> {
        let slot = match audience {
            Audience::Dataverse => &self.shared.dataverse,
            Audience::Flow => &self.shared.flow,
        };
        let mut slot = slot.lock().await;
        let now = SystemTime::now();
        if let Some(held) = slot.as_ref().filter(|held| now < held.renew) {
            return Ok(held.token.clone());
        }
        let grant = self.shared.renew(audience).await?;
        check(audience, &grant.access)?;
        let held = Held::of(&grant, SystemTime::now());
        Ok(slot.insert(held).token.clone())
    }

    /// Who signed in and where, as far as the tokens tell.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// The name with which the person signed in.
    pub fn user(&self) -> Option<&str> {
        self.shared.identity.user.as_deref()
    }

    /// The application in whose name they did, and where.
    pub fn application(&self) -> &Application {
        &self.shared.application
    }
}

impl Shared {
    /// Makes a new token from the refresh token, which is replaced if another comes back.
    async fn renew(&self, audience: Audience) -> Result<Grant, AuthError> {
        let mut refresh = self.refresh.lock().await;
        let Some(token) = refresh.as_ref() else {
            return Err(AuthError::NoRefreshToken { audience });
        };
        let wire = Wire::asking(&self.transport, Step::Token(audience), TOKEN);
        let scopes = self.resources.scopes(audience);
        let grant = Grant::refresh(&wire, &self.application, token, &scopes).await?;
        if let Some(rotated) = &grant.refresh {
            *refresh = Some(rotated.clone());
        }
        Ok(grant)
    }
}

impl Resources {
    /// The audiences of an environment in a cloud.
    pub(super) fn new(environment: &EnvironmentUrl, cloud: &Cloud) -> Self {
        Self { dataverse: environment.origin().to_owned(), flow: cloud.flow_audience().to_owned() }
    }

    /// What a sign-in asks for: one resource, since a token is for one, and who signs in.
    pub(super) fn sign_in_scopes(&self) -> String {
        format!("{} openid profile", self.scopes(Audience::Dataverse))
    }

    /// What a renewal asks for. The Flow service's own name ends with a slash, so two slashes
    /// follow one another, which is what makes the token's audience exact.
    fn scopes(&self, audience: Audience) -> String {
        let resource = match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        };
        format!("{resource}/.default offline_access")
    }
}

impl Held {
    /// Takes a token that was granted now. One that is short-lived is renewed at half its life.
    fn of(grant: &Grant, now: SystemTime) -> Self {
        let lifetime = grant.lifetime.min(LONGEST_LIFE);
        let life = lifetime.saturating_sub(MARGIN.min(lifetime / 2));
        let renew = now.checked_add(life).unwrap_or(now);
        let token = grant.access.clone();
        Self { token, renew }
    }
}

impl Identity {
    /// Reads who it is from the token for the environment, else from the one for ourselves.
    fn of(grant: &Grant) -> Self {
        let own = grant.id_token.as_ref();
        let own = own.and_then(|token| Claims::of(token.expose())).unwrap_or_default();
        let claims = Claims::of(grant.access.expose()).unwrap_or_default();
        Self {
            user: claims.user.or(own.user),
            object_id: claims.object.or(own.object),
            tenant_id: claims.tenant.or(own.tenant),
        }
    }
}

/// Refuses a token that the audience is known to refuse. One that cannot be read may be right.
fn check(audience: Audience, token: &AccessToken) -> Result<(), AuthError> {
    match Claims::of(token.expose()) {
        Some(claims) if audience == Audience::Flow && claims.is_app_only() => {
            Err(AuthError::AppOnly { audience })
        }
        Some(_) => Ok(()),
        None => {
            tracing::warn!(%audience, "the token cannot be read, so it is used unchecked");
            Ok(())
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dataverse => "Dataverse",
            Self::Flow => "the Flow service",
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Session({:?})", self.shared.identity)
    }
}
