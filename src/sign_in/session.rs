//! Tokens for every audience, renewed before they expire, and requests that carry them.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::audience::TokenRequest;
use super::new_token::NewToken;
use super::person::after_refusal::{self, NextStep};
use super::person::{Person, refresh_token};
use super::source::{TokenSource, TokenSources};
use super::store::SignIn;
use super::{Audience, AuthError, Identity};
use crate::http::{self, Answer, Transport, TransportError};
use crate::model::{AccessToken, Cloud, EnvironmentUrl, Event, Guid, Notify};
use crate::services::entra::claims_challenge;
use crate::sign_in::exchange::GrantedTokens;
use crate::sign_in::external_tokens::token_checks;
use crate::sign_in::external_tokens::token_checks::TokenPurpose;

/// The time before expiry at which a token is renewed: longer than any one request may take.
const RENEWAL_MARGIN: Duration = Duration::from_mins(5);

/// The maximum lifetime that is believed, whatever the answer says.
const MAX_LIFETIME: Duration = Duration::from_hours(28);

/// The assumed lifetime of a token that does not state one.
const ASSUMED_LIFETIME: Duration = Duration::from_hours(1);

/// The answer to a request that writes.
#[derive(Debug)]
pub struct WriteAnswer {
    /// The answer.
    pub answer: Answer,
    /// Whether the request was turned away and may be sent again now, provided that nothing was
    /// written.
    pub may_repeat: bool,
}

/// The inputs of a session.
pub struct SessionSetup<'a> {
    /// The environment.
    pub environment: &'a EnvironmentUrl,
    /// Its cloud.
    pub cloud: &'a Cloud,
    /// The tenant's id, where it is known.
    pub tenant: Option<Guid>,
    /// The sources of tokens.
    pub sources: TokenSources,
    /// The person, if one of the sources is a person.
    pub person: Option<Person>,
}

/// Tokens for one environment. Clones share them, and may be used side by side.
#[derive(Clone)]
pub struct Session {
    shared: Arc<SessionState>,
}

/// A reason why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There was no token for the request.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The service did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The state that all clones of a session share.
struct SessionState {
    transport: Transport,
    resources: AudienceResources,
    tenant: Option<Guid>,
    sources: TokenSources,
    person: Option<Person>,
    notify: Notify,
    identity: OnceLock<Identity>,
    dataverse: Mutex<Option<HeldToken>>,
    flow: Mutex<Option<HeldToken>>,
}

/// The resource of each audience, as the authority names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AudienceResources {
    dataverse: String,
    flow: String,
}

/// A token with its times of renewal and expiry.
struct HeldToken {
    token: AccessToken,
    renew_at: SystemTime,
    expires_at: SystemTime,
    /// True if a refusal of this token is final: it replaced a refused one, or cannot be renewed.
    is_last: bool,
}

impl Session {
    /// Gets the first tokens: without asking where possible, else by asking the person, at most
    /// once for each audience. If one refresh token serves both audiences, the token for the Flow
    /// service is fetched when it is first needed: some authorities accept each refresh token only
    /// once, so the two tokens cannot be fetched at the same time.
    ///
    /// # Errors
    /// The authority refuses or cannot be reached, or an audience would not accept the token.
    pub async fn begin(
        transport: &Transport,
        setup: SessionSetup<'_>,
        notify: Notify,
    ) -> Result<Self, AuthError> {
        let shared = SessionState {
            transport: transport.clone(),
            resources: AudienceResources::new(setup.environment, setup.cloud),
            tenant: setup.tenant,
            sources: setup.sources,
            person: setup.person,
            notify,
            identity: OnceLock::new(),
            dataverse: Mutex::new(None),
            flow: Mutex::new(None),
        };
        let session = Self { shared: Arc::new(shared) };
        if session.shared.sources.are_all_from_person() {
            session.token(Audience::Dataverse).await?;
        } else {
            tokio::try_join!(session.token(Audience::Dataverse), session.token(Audience::Flow))?;
        }
        Ok(session)
    }

    /// Returns a token for an audience, renewed first if it expires soon. A person may be asked for
    /// the first one.
    ///
    /// # Errors
    /// The authority refuses or cannot be reached, or the audience would not accept the token.
    pub async fn token(&self, audience: Audience) -> Result<AccessToken, AuthError> {
        let mut slot = self.shared.token_slot(audience).lock().await;
        let held = match slot.as_ref() {
            Some(held) if SystemTime::now() < held.renew_at => return Ok(held.token.clone()),
            Some(_) => self.shared.token_without_asking(audience).await?,
            None => Box::pin(self.shared.first_token(audience)).await?,
        };
        Ok(slot.insert(held).token.clone())
    }

    /// Checks that the token for an audience lasts long enough to finish a write, and renews it if
    /// needed.
    ///
    /// # Errors
    /// The token expires too soon and cannot be renewed, or its renewal is refused.
    pub async fn ensure_lasting(&self, audience: Audience) -> Result<(), AuthError> {
        self.token(audience).await?;
        let TokenSource::HandedIn(token) = self.shared.sources.for_audience(audience) else {
            return Ok(());
        };
        let slot = self.shared.token_slot(audience).lock().await;
        let Some(held) = slot.as_ref() else { return Ok(()) };
        let remaining = held.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        if remaining < RENEWAL_MARGIN {
            let origin = token.origin.clone();
            return Err(AuthError::ExpiresTooSoon { audience, origin, remaining });
        }
        Ok(())
    }

    /// Sends a request with a token for its audience. If the service answers 401, renews the token
    /// once and sends the request again: a request that was answered with 401 was not carried out.
    ///
    /// # Errors
    /// There is no token or no answer, or the service asks for a new sign-in that this run cannot
    /// make.
    pub async fn send(
        &self,
        request: &http::Request,
        audience: Audience,
    ) -> Result<Answer, SendError> {
        let token = self.token(audience).await?;
        let transport = &self.shared.transport;
        let answer = transport.send(request, Some(&token)).await?;
        let answer = match self.token_after(&answer, audience, &token).await? {
            Some(token) => transport.send(request, Some(&token)).await?,
            None => answer,
        };
        match self.shared.sources.for_audience(audience).external_origin() {
            Some(origin) if answer.status == 401 && claims_challenge(&answer).is_some() => {
                Err(AuthError::Challenged { audience, origin }.into())
            }
            _ => Ok(answer),
        }
    }

    /// Sends a request that writes to Dataverse, once, after it was turned away `refusals` times. If
    /// the service turns it away, waits or renews the token, and leaves it to the caller to send it
    /// again.
    ///
    /// # Errors
    /// There is no token, or no answer. A token that cannot be renewed after an answer is none.
    pub async fn send_write(
        &self,
        request: &http::Request,
        refusals: u32,
    ) -> Result<WriteAnswer, SendError> {
        let audience = Audience::Dataverse;
        let token = self.token(audience).await?;
        let transport = &self.shared.transport;
        let answer = transport.send_again(request, Some(&token), refusals).await?;
        let renewed = match self.token_after(&answer, audience, &token).await {
            Ok(token) => token.is_some(),
            Err(error) => {
                tracing::warn!(%error, "the token that was refused cannot be renewed");
                false
            }
        };
        let waited = answer.status == 429 && answer.cut_short.is_none();
        Ok(WriteAnswer { answer, may_repeat: renewed || waited })
    }

    /// Returns the token to use after an answer, if the answer refuses the token that was used and
    /// there is another.
    async fn token_after(
        &self,
        answer: &Answer,
        audience: Audience,
        used: &AccessToken,
    ) -> Result<Option<AccessToken>, AuthError> {
        if answer.status != 401 {
            return Ok(None);
        }
        self.replace_token(audience, used, claims_challenge(answer).as_deref()).await
    }

    /// Returns a token that replaces a refused one. Returns `None` if there is no other, or if the
    /// refused token was itself such a replacement.
    async fn replace_token(
        &self,
        audience: Audience,
        refused: &AccessToken,
        claims: Option<&str>,
    ) -> Result<Option<AccessToken>, AuthError> {
        let mut slot = self.shared.token_slot(audience).lock().await;
        if let Some(held) = slot.as_mut() {
            if held.token != *refused {
                return Ok(Some(held.token.clone()));
            }
            if held.is_last {
                return Ok(None);
            }
            if let TokenSource::HandedIn(token) = self.shared.sources.for_audience(audience) {
                held.is_last = true;
                self.shared.warn_unrenewable(audience, &token.origin);
                return Ok(None);
            }
        }
        tracing::info!(%audience, challenged = claims.is_some(), "the service refused the token: renewing it");
        let token = self.shared.make_token(audience, claims).await?;
        let held = self.shared.check_and_hold(audience, token, true)?;
        Ok(Some(slot.insert(held).token.clone()))
    }

    /// Returns the identity of the person who signed in, as far as the tokens name it.
    pub fn identity(&self) -> Identity {
        self.shared.identity.get().cloned().unwrap_or_default()
    }

    /// Returns the sign-in for a store to keep, after it has served for each audience. It holds no
    /// access token.
    ///
    /// # Errors
    /// There is no refresh token, or it does not serve for each audience.
    pub async fn sign_in_to_keep(&self) -> Result<SignIn, AuthError> {
        for audience in Audience::ALL {
            self.token(audience).await?;
        }
        let missing = || AuthError::NoRefreshToken { audience: Audience::Flow };
        let person = self.shared.person.as_ref().ok_or_else(missing)?;
        let guard = person.refresh_token.lock().await?;
        let token = guard.current_token().ok_or_else(missing)?;
        Ok(refresh_token::new_sign_in(token.clone(), self.identity(), &Audience::ALL))
    }

    /// Makes a session whose tokens last, for tests of later stages.
    #[cfg(test)]
    pub(crate) fn for_tests(transport: &Transport) -> Self {
        let held = || {
            let expires_at = SystemTime::now() + MAX_LIFETIME;
            let token = AccessToken::new("made-up");
            Mutex::new(Some(HeldToken { token, renew_at: expires_at, expires_at, is_last: true }))
        };
        let shared = SessionState {
            transport: transport.clone(),
            resources: AudienceResources { dataverse: String::new(), flow: String::new() },
            tenant: None,
            sources: TokenSources { dataverse: TokenSource::Person, flow: TokenSource::Person },
            person: None,
            notify: Arc::new(|_| {}),
            identity: OnceLock::new(),
            dataverse: held(),
            flow: held(),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl SessionState {
    /// Returns the slot that holds the token of an audience.
    fn token_slot(&self, audience: Audience) -> &Mutex<Option<HeldToken>> {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }

    /// Returns the person, if tokens for the audience come from a person.
    fn person_for(&self, audience: Audience) -> Option<&Person> {
        match self.sources.for_audience(audience) {
            TokenSource::Person => self.person.as_ref(),
            _ => None,
        }
    }

    /// Gets the first token for an audience.
    async fn first_token(&self, audience: Audience) -> Result<HeldToken, AuthError> {
        let refused = match self.token_without_asking(audience).await {
            Ok(held) => return Ok(held),
            Err(refused) => refused,
        };
        let Some(person) = self.person_for(audience) else { return Err(refused) };
        let NextStep::AskPerson { .. } = after_refusal::next_step(&refused) else {
            return Err(refused);
        };
        if person.can_be_asked() {
            self.warn_why_asked(&refused);
        }
        let claims = refused.refusal().and_then(|refusal| refusal.claims.clone());
        let scopes = self.resources.sign_in_scopes(audience);
        let request = TokenRequest { audience, scopes, claims };
        let grant = person.ask_to_sign_in(&self.transport, &request, &self.notify).await;
        let origin = person.refresh_token.origin();
        let grant = grant.map_err(|error| error.with_reason(refused).with_origin(origin))?;
        self.check_same_person(&Identity::from_grant(&grant))?;
        self.check_and_hold(audience, grant.into(), false)
    }

    /// Gets a token without asking anybody.
    async fn token_without_asking(&self, audience: Audience) -> Result<HeldToken, AuthError> {
        let token = self.make_token(audience, None).await?;
        self.check_and_hold(audience, token, false)
    }

    /// Makes a token without asking anybody.
    async fn make_token(
        &self,
        audience: Audience,
        claims: Option<&str>,
    ) -> Result<NewToken, AuthError> {
        match self.sources.for_audience(audience) {
            TokenSource::HandedIn(token) => {
                Ok(NewToken { access: token.token.clone(), lifetime: None })
            }
            TokenSource::Command(command) => {
                let resource = self.resources.for_audience(audience);
                let token = command.run_for_token(audience, resource).await;
                token.map_err(|source| AuthError::Command {
                    audience,
                    command: command.to_string(),
                    azure_tenant: command.azure_tenant().map(str::to_owned),
                    source,
                })
            }
            TokenSource::Principal(own) => {
                let scope = self.resources.default_scope(audience);
                let (authority, assertion) = (&own.authority, &own.federation_audience);
                let grant =
                    own.principal.request_token(&self.transport, authority, &scope, assertion);
                Ok(grant.await?.into())
            }
            TokenSource::Person => {
                let missing = || AuthError::NoRefreshToken { audience };
                let person = self.person.as_ref().ok_or_else(missing)?;
                let scopes = self.resources.renewal_scopes(audience);
                let request = TokenRequest { audience, scopes, claims: claims.map(str::to_owned) };
                let renewing = person.renew_token(&self.transport, request, &self.notify);
                let grant = Box::pin(renewing).await?;
                self.check_same_person(&Identity::from_grant(&grant))?;
                Ok(grant.into())
            }
        }
    }

    /// Checks a new token and computes the times of its renewal and expiry.
    fn check_and_hold(
        &self,
        audience: Audience,
        new: NewToken,
        is_last: bool,
    ) -> Result<HeldToken, AuthError> {
        let now = SystemTime::now();
        let source = self.sources.for_audience(audience);
        let origin = source.external_origin();
        let tenant = source.own_tenant().or(self.tenant);
        let is_external = origin.is_some();
        let resource = self.resources.for_audience(audience);
        let purpose = TokenPurpose { audience, resource, tenant };
        let checked = token_checks::check_token(purpose, &new.access, is_external, now);
        let checked =
            checked.map_err(|reason| AuthError::UnusableToken { audience, origin, reason })?;
        for warning in &checked.warnings {
            self.warn(&format!("the token for {audience} {warning}"));
        }
        let claims = checked.claims.unwrap_or_default();
        if is_external && !claims.is_app_only() {
            self.check_same_person(&Identity::from_claims(&claims))?;
        }
        let claimed = claims.ends().map(|end| end.duration_since(now).unwrap_or_default());
        let lifetime = new.lifetime.or(claimed).unwrap_or(ASSUMED_LIFETIME).min(MAX_LIFETIME);
        let renew_at = renewal_time(now, lifetime);
        Ok(HeldToken { token: new.access, renew_at, expires_at: now + lifetime, is_last })
    }

    /// Remembers who signed in first, and refuses another person after that.
    fn check_same_person(&self, identity: &Identity) -> Result<(), AuthError> {
        let first = self.identity.get_or_init(|| identity.clone());
        if first.may_be_same_person(identity) {
            return Ok(());
        }
        Err(AuthError::OtherPerson { first: first.name(), then: identity.name() })
    }

    /// Warns of a problem that does not stop the run.
    fn warn(&self, text: &str) {
        (self.notify)(Event::SignInWarning { text });
    }

    /// Warns that a service refused a token that cannot be renewed.
    fn warn_unrenewable(&self, audience: Audience, origin: &str) {
        let text =
            format!("{audience} refused the token from {origin}, and flowbind cannot renew it");
        self.warn(&text);
    }

    /// Warns why a person is asked although an earlier sign-in was kept.
    fn warn_why_asked(&self, refused: &AuthError) {
        if !matches!(refused, AuthError::NoRefreshToken { .. }) {
            self.warn(&format!("{refused}; a new sign-in is needed"));
        }
    }
}

/// Returns the time at which to renew a token: five minutes before it expires, or after half of a
/// short lifetime.
fn renewal_time(now: SystemTime, lifetime: Duration) -> SystemTime {
    now + lifetime.saturating_sub(RENEWAL_MARGIN.min(lifetime / 2))
}

impl AudienceResources {
    /// Makes the resources of an environment in a cloud.
    fn new(environment: &EnvironmentUrl, cloud: &Cloud) -> Self {
        Self { dataverse: environment.origin().to_owned(), flow: cloud.flow_audience().to_owned() }
    }

    /// Returns the resource of an audience.
    fn for_audience(&self, audience: Audience) -> &str {
        match audience {
            Audience::Dataverse => &self.dataverse,
            Audience::Flow => &self.flow,
        }
    }

    /// Returns the scopes of a sign-in: one resource, since a token is for one, and the person's
    /// identity.
    fn sign_in_scopes(&self, audience: Audience) -> String {
        format!("{} openid profile", self.renewal_scopes(audience))
    }

    /// Returns the scopes of a renewal.
    fn renewal_scopes(&self, audience: Audience) -> String {
        format!("{} offline_access", self.default_scope(audience))
    }

    /// Returns the scope that asks for every permission granted for a resource. The Flow service's
    /// resource ends with a slash, so the scope has two in a row: without the second one, the
    /// token's audience would not match.
    fn default_scope(&self, audience: Audience) -> String {
        format!("{}/.default", self.for_audience(audience))
    }
}

impl From<GrantedTokens> for NewToken {
    fn from(grant: GrantedTokens) -> Self {
        Self { access: grant.access, lifetime: grant.lifetime }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Session({:?})", self.identity())
    }
}
