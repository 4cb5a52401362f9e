//! Tokens for every audience, renewed before they end, and requests that carry them.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::notice::{Notice, Notify};
use super::person::after_refusal::{self, Next};
use super::person::keeper;
use super::person::{Person, Request};
use super::source::{Source, Sources};
use super::store::SignIn;
use super::{Audience, AuthError, Identity};
use crate::api::entra::claims_challenge;
use crate::auth::elsewhere::facts::{self, Wanted};
use crate::auth::exchange::Grant;
use crate::domain::{AccessToken, Cloud, EnvironmentUrl, Guid};
use crate::http::{self, Answer, Transport, TransportError};

/// How long before its end a token is renewed: longer than any one request may take.
const MARGIN: Duration = Duration::from_mins(5);

/// The longest that a token is taken to last, whatever its answer says.
const LONGEST_LIFE: Duration = Duration::from_hours(28);

/// How long a token is taken to last when nothing tells.
const USUAL_LIFE: Duration = Duration::from_hours(1);

/// Everything that a session needs to begin.
pub struct Setup<'a> {
    /// The environment.
    pub environment: &'a EnvironmentUrl,
    /// Its cloud.
    pub cloud: &'a Cloud,
    /// The tenant's id, where it is known.
    pub tenant: Option<Guid>,
    /// Where tokens come from.
    pub sources: Sources,
    /// The person, if one of the sources is a person.
    pub person: Option<Person>,
}

/// Tokens for one environment. Clones share them, and may be used side by side.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There was no token to send it with.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// It was not answered.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// A new token, and how long it lasts if that was told.
#[derive(Debug)]
pub(super) struct Minted {
    pub(super) access: AccessToken,
    pub(super) lifetime: Option<Duration>,
}

/// What all clones of a session share.
struct Shared {
    transport: Transport,
    resources: Resources,
    tenant: Option<Guid>,
    sources: Sources,
    person: Option<Person>,
    notify: Notify,
    identity: OnceLock<Identity>,
    dataverse: Mutex<Option<Held>>,
    flow: Mutex<Option<Held>>,
}

/// The audiences as the authority names them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resources {
    dataverse: String,
    flow: String,
}

/// A token and when to renew it.
struct Held {
    token: AccessToken,
    renew: SystemTime,
    ends: SystemTime,
    /// Whether it took the place of one that the service refused.
    replaces: bool,
}

impl Session {
    /// Gets the first tokens: silently where that can be done, else by asking the person, who is
    /// asked for each audience once at most. Where one refresh token is to bring both, the token for
    /// the Flow service is left to who needs it first: some authorities let a refresh token be used
    /// but once, so that the two cannot be had at once.
    ///
    /// # Errors
    /// A refusal, a service that cannot be reached, or a token that an audience would not take.
    pub async fn begin(
        transport: &Transport,
        setup: Setup<'_>,
        notify: Notify,
    ) -> Result<Self, AuthError> {
        let shared = Shared {
            transport: transport.clone(),
            resources: Resources::new(setup.environment, setup.cloud),
            tenant: setup.tenant,
            sources: setup.sources,
            person: setup.person,
            notify,
            identity: OnceLock::new(),
            dataverse: Mutex::new(None),
            flow: Mutex::new(None),
        };
        let session = Self { shared: Arc::new(shared) };
        if session.shared.sources.are_one_person() {
            session.token(Audience::Dataverse).await?;
        } else {
            tokio::try_join!(session.token(Audience::Dataverse), session.token(Audience::Flow))?;
        }
        Ok(session)
    }

    /// A token for an audience that lasts for a while yet, renewed first where needed. For the first
    /// one a person may be asked.
    ///
    /// # Errors
    /// A refusal, a service that cannot be reached, or a token that the audience would not take.
    pub async fn token(&self, audience: Audience) -> Result<AccessToken, AuthError> {
        let mut slot = self.shared.slot(audience).lock().await;
        let held = match slot.as_ref() {
            Some(held) if SystemTime::now() < held.renew => return Ok(held.token.clone()),
            Some(_) => self.shared.silent(audience).await?,
            None => Box::pin(self.shared.first(audience)).await?,
        };
        Ok(slot.insert(held).token.clone())
    }

    /// Makes sure that what is begun now can be finished with the token that there is.
    ///
    /// # Errors
    /// The token ends too soon and cannot be renewed, or its renewal is refused.
    pub async fn ensure_lasting(&self, audience: Audience) -> Result<(), AuthError> {
        self.token(audience).await?;
        let slot = self.shared.slot(audience).lock().await;
        let source = self.shared.sources.of(audience);
        let ends = slot.as_ref().map(|held| held.ends).filter(|_| !source.renews());
        let left = ends.map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
        match (left, source.elsewhere()) {
            (Some(left), Some(origin)) if left < MARGIN => {
                Err(AuthError::EndsTooSoon { audience, origin, left })
            }
            _ => Ok(()),
        }
    }

    /// Sends a request with a token for its audience. If the service no longer takes the token, a
    /// new one is made, once, and the request is sent again: a request that was answered with 401
    /// was not carried out, whatever it is.
    ///
    /// # Errors
    /// There is no token, or no answer.
    pub async fn send(
        &self,
        request: &http::Request,
        audience: Audience,
    ) -> Result<Answer, SendError> {
        let token = self.token(audience).await?;
        let transport = &self.shared.transport;
        let answer = transport.send(request, Some(&token)).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let claims = claims_challenge(&answer);
        match self.replace(audience, &token, claims.as_deref()).await? {
            Some(token) => Ok(transport.send(request, Some(&token)).await?),
            None => Ok(answer),
        }
    }

    /// Another token in the place of a refused one; none where there is no other, or where the
    /// refused one was itself such a replacement.
    async fn replace(
        &self,
        audience: Audience,
        refused: &AccessToken,
        claims: Option<&str>,
    ) -> Result<Option<AccessToken>, AuthError> {
        let mut slot = self.shared.slot(audience).lock().await;
        match slot.as_ref() {
            Some(held) if held.token != *refused => return Ok(Some(held.token.clone())),
            Some(held) if held.replaces => return Ok(None),
            _ => {}
        }
        let source = self.shared.sources.of(audience);
        if let (false, Some(origin)) = (source.renews(), source.elsewhere()) {
            let told = slot.as_mut().map(|held| std::mem::replace(&mut held.replaces, true));
            if told == Some(false) {
                self.shared.tell_unrenewable(audience, &origin);
            }
            return Ok(None);
        }
        tracing::info!(%audience, challenged = claims.is_some(), "the token is refused: renewing it");
        let minted = self.shared.mint(audience, claims).await?;
        let held = self.shared.held(audience, minted, true)?;
        Ok(Some(slot.insert(held).token.clone()))
    }

    /// Who signed in and where, as far as the tokens tell.
    pub fn identity(&self) -> Identity {
        self.shared.identity.get().cloned().unwrap_or_default()
    }

    /// What a store is to keep of the sign-in, once it has served for each audience: all that the
    /// run knows, but no access token.
    ///
    /// # Errors
    /// There is no refresh token, or none that serves for each audience.
    pub async fn sign_in_to_keep(&self) -> Result<SignIn, AuthError> {
        for audience in Audience::ALL {
            self.token(audience).await?;
        }
        let missing = || AuthError::NoRefreshToken { audience: Audience::Flow };
        let person = self.shared.person.as_ref().ok_or_else(missing)?;
        let hold = person.keeper.hold().await?;
        let token = hold.token().ok_or_else(missing)?;
        Ok(keeper::sign_in(token.clone(), self.identity(), &Audience::ALL))
    }

    /// A session whose tokens last, for tests of what comes after a sign-in.
    #[cfg(test)]
    pub(crate) fn for_tests(transport: &Transport) -> Self {
        let held = || {
            let renew = SystemTime::now() + LONGEST_LIFE;
            let token = AccessToken::new("made-up");
            Mutex::new(Some(Held { token, renew, ends: renew, replaces: true }))
        };
        let shared = Shared {
            transport: transport.clone(),
            resources: Resources { dataverse: String::new(), flow: String::new() },
            tenant: None,
            sources: Sources { dataverse: Source::Person, flow: Source::Person },
            person: None,
            notify: Arc::new(|_| {}),
            identity: OnceLock::new(),
            dataverse: held(),
            flow: held(),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl Shared {
    /// Where the token of an audience is held.
    fn slot(&self, audience: Audience) -> &Mutex<Option<Held>> {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }

    /// The person, if tokens for the audience are theirs.
    fn person_for(&self, audience: Audience) -> Option<&Person> {
        self.person.as_ref().filter(|_| matches!(self.sources.of(audience), Source::Person))
    }

    /// Gets the first token for an audience.
    async fn first(&self, audience: Audience) -> Result<Held, AuthError> {
        let refused = match self.silent(audience).await {
            Ok(held) => return Ok(held),
            Err(refused) => refused,
        };
        let Some(person) = self.person_for(audience) else { return Err(refused) };
        let Next::AskPerson { .. } = after_refusal::next(&refused) else { return Err(refused) };
        if person.can_be_asked() {
            self.tell_why_asked(&refused);
        }
        let claims = refused.refusal().and_then(|refusal| refusal.claims.clone());
        let scopes = self.resources.sign_in_scopes(audience);
        let request = Request { audience, scopes: &scopes, claims: claims.as_deref() };
        let grant = person.ask(&self.transport, &request, &self.notify).await;
        let grant = grant.map_err(|error| error.because(refused))?;
        self.note_identity(&Identity::of(&grant))?;
        self.held(audience, grant.into(), false)
    }

    /// Gets a token without asking anybody.
    async fn silent(&self, audience: Audience) -> Result<Held, AuthError> {
        let minted = self.mint(audience, None).await?;
        self.held(audience, minted, false)
    }

    /// Makes a token without asking anybody.
    async fn mint(&self, audience: Audience, claims: Option<&str>) -> Result<Minted, AuthError> {
        match self.sources.of(audience) {
            Source::Given(given) => Ok(Minted { access: given.token.clone(), lifetime: None }),
            Source::Command(command) => {
                let resource = self.resources.of(audience);
                let minted = command.run(audience, resource).await;
                minted.map_err(|source| AuthError::Command {
                    audience,
                    command: command.to_string(),
                    source,
                })
            }
            Source::Principal(own) => {
                let scope = self.resources.scope(audience);
                let (authority, assertion) = (&own.authority, &own.federation_audience);
                let grant = own.principal.grant(&self.transport, authority, &scope, assertion);
                Ok(grant.await?.into())
            }
            Source::Person => {
                let missing = || AuthError::NoRefreshToken { audience };
                let person = self.person.as_ref().ok_or_else(missing)?;
                let scopes = self.resources.scopes(audience);
                let request = Request { audience, scopes: &scopes, claims };
                let renewing = person.renew(&self.transport, &request, &self.notify);
                let grant = Box::pin(renewing).await?;
                self.note_identity(&Identity::of(&grant))?;
                Ok(grant.into())
            }
        }
    }

    /// Checks a new token and holds it.
    fn held(&self, audience: Audience, minted: Minted, replaces: bool) -> Result<Held, AuthError> {
        let now = SystemTime::now();
        let source = self.sources.of(audience);
        let origin = source.elsewhere();
        let tenant = source.tenant().or(self.tenant);
        let wanted = Wanted { audience, resource: self.resources.of(audience), tenant };
        let facts = facts::check(wanted, &minted.access, origin.is_some(), now);
        let facts = facts.map_err(|unfit| AuthError::Unfit { audience, origin, unfit })?;
        for doubt in &facts.doubts {
            (self.notify)(Notice::Warning(&format!("the token for {audience} {doubt}")));
        }
        let claims = facts.claims.unwrap_or_default();
        if source.elsewhere().is_some() && !claims.is_app_only() {
            self.note_identity(&Identity::told_by(&claims))?;
        }
        let told = claims.ends().map(|end| end.duration_since(now).unwrap_or_default());
        let lifetime = minted.lifetime.or(told).unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
        let token = minted.access;
        Ok(Held { token, renew: renewed_at(now, lifetime), ends: now + lifetime, replaces })
    }

    /// Notes who signed in, the first time; after that, it has to be the same person.
    fn note_identity(&self, identity: &Identity) -> Result<(), AuthError> {
        let first = self.identity.get_or_init(|| identity.clone());
        if first.may_be(identity) {
            return Ok(());
        }
        Err(AuthError::OtherPerson { first: first.name(), then: identity.name() })
    }

    /// Tells that a service refuses a token for which there is no other.
    fn tell_unrenewable(&self, audience: Audience, origin: &str) {
        let text = format!(
            "{audience} does not take the token from {origin}, which cannot be renewed here"
        );
        (self.notify)(Notice::Warning(&text));
    }

    /// Tells why a person is asked although an earlier sign-in was kept.
    fn tell_why_asked(&self, refused: &AuthError) {
        if !matches!(refused, AuthError::NoRefreshToken { .. }) {
            (self.notify)(Notice::Warning(&format!("{refused}; a new sign-in is needed")));
        }
    }
}

/// When to renew a token. One that is short-lived is renewed at half its life.
fn renewed_at(now: SystemTime, lifetime: Duration) -> SystemTime {
    now + lifetime.saturating_sub(MARGIN.min(lifetime / 2))
}

impl Resources {
    /// The audiences of an environment in a cloud.
    fn new(environment: &EnvironmentUrl, cloud: &Cloud) -> Self {
        Self { dataverse: environment.origin().to_owned(), flow: cloud.flow_audience().to_owned() }
    }

    /// The resource of an audience.
    fn of(&self, audience: Audience) -> &str {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }

    /// What a sign-in asks for: one resource, since a token is for one, and who signs in.
    fn sign_in_scopes(&self, audience: Audience) -> String {
        format!("{} openid profile", self.scopes(audience))
    }

    /// What a renewal asks for.
    fn scopes(&self, audience: Audience) -> String {
        format!("{} offline_access", self.scope(audience))
    }

    /// Everything that was granted for a resource. The Flow service's own name ends with a slash,
    /// so two slashes follow one another, which is what makes the token's audience exact.
    fn scope(&self, audience: Audience) -> String {
        format!("{}/.default", self.of(audience))
    }
}

impl From<Grant> for Minted {
    fn from(grant: Grant) -> Self {
        Self { access: grant.access, lifetime: grant.lifetime }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Session({:?})", self.identity())
    }
}
