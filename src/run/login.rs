//! The sign-in to an environment. Its inputs are checked before anything is contacted.

use std::sync::Arc;

use super::connect::Connection;
use super::principal::principal;
use crate::cli::{ConnectArgs, SignInArgs};
use crate::http::Transport;
use crate::manifest::{Environment, Location};
use crate::model::{
    Cloud, Clouds, Event, Exit, Failure, FlowEndpoint, Guid, Listener as _, Notify, error_chain,
};
use crate::run::environment_events::EnvironmentEvents;
use crate::run::handed_in_tokens::HandedInCredentials;
use crate::run::place::Place;
use crate::run::token_store::TokenStoreChoice;
use crate::sign_in;
use crate::sign_in::{
    Application, ApplicationSignIn, AuthError, Authority, ClientId, Person, Principal,
    RefreshTokenOrigin, Session, SessionSetup, SharedRefreshToken, SignInMethod, SignInName,
    Tenant, TokenSource, TokenSources, empty_variable_hint,
};

/// The authority of the sandbox that ships with the program, in the name of a kept sign-in.
const SANDBOX: &str = "sandbox";

/// A sign-in to an environment, ready to run.
pub(crate) struct Login {
    cloud: Cloud,
    /// The application, if a person has to sign in.
    client_id: Option<ClientId>,
    tenant: Option<Tenant>,
    given: HandedInCredentials,
    keeping: TokenStoreChoice,
    way: SignInMethod,
    /// The application that is used for Dataverse, and its tenant if that is another.
    principal: Option<(Principal, Option<Tenant>)>,
    /// The only way in which the Flow service is to be asked.
    flow_way: Option<FlowEndpoint>,
}

impl Login {
    /// Prepares the sign-in of a run. The application comes from the command line, else from the
    /// manifest, else from the refresh token, else from the cloud. This may read standard input and
    /// files, and contacts nobody.
    pub(crate) fn for_run(
        args: &ConnectArgs,
        environment: &Environment,
        clouds: &Clouds,
    ) -> Result<Self, Failure> {
        let given = HandedInCredentials::read(&args.sign_in)?;
        let principal = own_identity(environment, &given.sources)?;
        if given.has_credentials() || principal.is_some() {
            check_address(args, environment, clouds)?;
        }
        let keeping = TokenStoreChoice::from_args(&args.sign_in.store)?;
        Self::with(&args.sign_in, environment, clouds, given, principal, keeping)
    }

    /// Prepares a sign-in that is to be kept.
    pub(crate) fn for_kept_sign_in(
        args: &ConnectArgs,
        environment: &Environment,
        clouds: &Clouds,
    ) -> Result<Self, Failure> {
        let given = HandedInCredentials::for_kept_sign_in(&args.sign_in)?;
        if given.has_credentials() {
            check_address(args, environment, clouds)?;
        }
        Self::with(
            &args.sign_in,
            environment,
            clouds,
            given,
            None,
            TokenStoreChoice::without_store(),
        )
    }

    fn with(
        args: &SignInArgs,
        environment: &Environment,
        clouds: &Clouds,
        given: HandedInCredentials,
        principal: Option<(Principal, Option<Tenant>)>,
        keeping: TokenStoreChoice,
    ) -> Result<Self, Failure> {
        let cloud = cloud(environment, clouds)?;
        let client_id = given.sources.need_person().then(|| {
            let named = args.client_id.as_ref().map(ToString::to_string);
            let named = named.or_else(|| environment.client_id.clone());
            let named = named.or_else(|| given.name.as_ref().map(|name| name.client_id.clone()));
            sign_in::resolve_client_id(named.as_deref(), &cloud)
        });
        let tenant = args.tenant.as_deref().or(environment.tenant.as_deref());
        Ok(Self {
            client_id: client_id.transpose()?,
            tenant: tenant.map(sign_in::parse_tenant).transpose()?,
            given,
            keeping,
            way: sign_in_method(args),
            cloud,
            principal,
            flow_way: environment.flow_way,
        })
    }

    /// Signs in to the environment at `place`.
    pub(crate) async fn sign_in(
        mut self,
        place: Place,
        transport: Transport,
        events: &Arc<EnvironmentEvents>,
    ) -> Result<Connection, Failure> {
        let mut known = self.tenant.as_ref().and_then(Tenant::id);
        let (mut person, mut name) = (None, None);
        if let Some((principal, tenant)) = self.principal.take() {
            let tenant = tenant.or_else(|| self.tenant.clone());
            let authority = self.authority(&transport, &place, tenant).await?;
            let federation_audience = self.cloud.federation_audience().to_owned();
            let own = ApplicationSignIn { principal, authority, federation_audience };
            self.given.sources.dataverse = TokenSource::Principal(Box::new(own));
        }
        let empty = self.given.empty_variables();
        let notify = notify(events, place.approves_itself, empty.clone());
        if let Some(client_id) = self.client_id.take() {
            let authority = self.authority(&transport, &place, self.tenant.clone()).await?;
            let code_pages = self.cloud.code_pages();
            let application = Application { authority, client_id, code_pages };
            known = known.or_else(|| application.authority.tenant().id());
            let named = name_of(&application, &place);
            let keeper = self.keeper(&named, &notify).await?;
            person = Some(Person::new(application, self.way, keeper));
            name = Some(named);
        }
        if known.is_none() && self.given.has_foreign_tokens() {
            known = self.environment_tenant(&transport, &place).await?;
        }
        let tenant = self.tenant.as_ref().map(ToString::to_string);
        self.given.name_tenant(tenant.or_else(|| known.map(|id| id.to_string())))?;
        let Self { cloud, given: HandedInCredentials { sources, .. }, flow_way, .. } = self;
        let environment = &place.url;
        let setup = SessionSetup { environment, cloud: &cloud, tenant: known, sources, person };
        let session = Box::pin(Session::begin(&transport, setup, notify)).await;
        let session = session.map_err(|error| name_empty_variables(error.into(), &empty))?;
        events.on_event(Event::SignedIn { user: session.identity().user.as_deref() });
        Ok(Connection::new(transport, session, cloud, place, name, flow_way))
    }

    /// Discovers the authority of `tenant`, or without one the authority that the environment
    /// names.
    async fn authority(
        &self,
        transport: &Transport,
        place: &Place,
        tenant: Option<Tenant>,
    ) -> Result<Authority, AuthError> {
        sign_in::discover_authority(transport, &place.url, &self.cloud, tenant).await
    }

    /// Returns the tenant that the environment asks to sign in to, if it names one: tokens that were
    /// made elsewhere may be a guest's, of another tenant.
    async fn environment_tenant(
        &self,
        transport: &Transport,
        place: &Place,
    ) -> Result<Option<Guid>, AuthError> {
        match self.authority(transport, place, None).await {
            Ok(authority) => Ok(authority.tenant().id()),
            Err(error @ (AuthError::Transport { .. } | AuthError::Busy { .. })) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Returns the holder of the refresh token: the one that was handed in, else the kept sign-in.
    /// If the store cannot be read and the user did not choose it, the run goes on without it.
    async fn keeper(
        &mut self,
        name: &SignInName,
        notify: &Notify,
    ) -> Result<SharedRefreshToken, Failure> {
        let given = self.given.refresh_token.take();
        if let Some(made_for) =
            self.given.name.as_ref().filter(|made_for| !is_usable_for(made_for, name))
        {
            return Err(foreign(made_for, name));
        }
        let Some(store) = self.keeping.store.take().filter(|_| given.is_none()) else {
            let origin = self.given.origin.take();
            return Ok(SharedRefreshToken::in_memory(given).with_origin(origin));
        };
        match store.read().await {
            Ok(kept) => Ok(match kept.find_usable_name(name) {
                Some(name) => SharedRefreshToken::in_store(store, name.clone())
                    .with_origin(Some(kept_origin())),
                None => SharedRefreshToken::in_memory(None),
            }),
            Err(error) if self.keeping.asked => Err(error.into()),
            Err(error) => {
                let text = format!("no stored sign-in is used: {}", error_chain(&error));
                notify(Event::SignInWarning { text: &text });
                Ok(SharedRefreshToken::in_memory(None))
            }
        }
    }
}

/// Describes the place of a kept sign-in, and how to renew it.
fn kept_origin() -> RefreshTokenOrigin {
    let renewal = "sign in again with `flowbind auth login` and the same --token-store, where a person can be asked".to_owned();
    RefreshTokenOrigin { name: "the token store".to_owned(), renewal }
}

/// Adds to a failed sign-in that variables for it are there, and empty.
fn name_empty_variables(mut failure: Failure, empty: &[&str]) -> Failure {
    if failure.exit == Exit::SignIn {
        let hints = empty.iter().map(|name| empty_variable_hint(name));
        failure.hints.splice(0..0, hints);
    }
    failure
}

/// Returns the name of a kept sign-in. The embedded sandbox has a fixed name, since its address
/// differs in each run.
fn name_of(application: &Application, place: &Place) -> SignInName {
    let authority = application.authority.origin().as_str().trim_end_matches('/');
    let authority = if place.approves_itself { SANDBOX } else { authority };
    SignInName {
        authority: authority.to_owned(),
        tenant: application.authority.tenant().to_string(),
        client_id: application.client_id.to_string(),
    }
}

/// Checks that handed-in tokens and secrets go only to an address of a known cloud, to the sandbox
/// of this run, or to an address that the command line names; never to one that only the manifest
/// names.
fn check_address(
    args: &ConnectArgs,
    environment: &Environment,
    clouds: &Clouds,
) -> Result<(), Failure> {
    let Location::Url(url) = &environment.place else { return Ok(()) };
    let named = args.environment.as_deref().is_some_and(|wanted| wanted.contains("://"));
    let known = !url.is_loopback() && clouds.for_environment(url).is_some();
    if named || known {
        return Ok(());
    }
    let message = format!(
        "no token or secret was sent: `{url}` is not a Microsoft host, and only the manifest names it"
    );
    Err(Failure::new(Exit::Usage, message)
        .hint(format!("if you trust this host, name it yourself: `--environment {url}`")))
}

/// Returns true if a sign-in that was made for `made_for` works for `name` too. A refresh token is
/// bound to an application, and to no tenant.
fn is_usable_for(made_for: &SignInName, name: &SignInName) -> bool {
    made_for.authority == name.authority && made_for.client_id == name.client_id
}

/// Returns the failure of a handed-in sign-in that belongs to another application or authority.
fn foreign(made_for: &SignInName, name: &SignInName) -> Failure {
    let message = format!(
        "the refresh token belongs to the application {} at `{}`, but this environment needs {} at `{}`",
        made_for.client_id, made_for.authority, name.client_id, name.authority
    );
    Failure::new(Exit::Usage, message)
        .hint("create one for this environment with `flowbind auth login --export`")
}

/// Returns the application that the manifest names for Dataverse, unless a token for Dataverse was
/// handed in.
fn own_identity(
    environment: &Environment,
    sources: &TokenSources,
) -> Result<Option<(Principal, Option<Tenant>)>, Failure> {
    let Some(identity) = environment.dataverse_identity.as_ref() else { return Ok(None) };
    if !matches!(sources.dataverse, TokenSource::Person) && !sources.dataverse.is_azure_cli() {
        return Ok(None);
    }
    let tenant = identity.tenant.as_deref().map(sign_in::parse_tenant).transpose()?;
    Ok(Some((principal(identity)?, tenant)))
}

/// Returns the sign-in method that the options choose.
fn sign_in_method(args: &SignInArgs) -> SignInMethod {
    match (args.non_interactive, args.browser) {
        (true, _) => SignInMethod::NonInteractive,
        (false, true) => SignInMethod::Browser,
        (false, false) => SignInMethod::DeviceCode,
    }
}

/// Forwards the events of a sign-in. Whoever is asked is told of the variables for a sign-in that
/// are there, and empty.
fn notify(events: &Arc<EnvironmentEvents>, approves: bool, empty: Vec<&'static str>) -> Notify {
    let events = Arc::clone(events);
    Arc::new(move |mut event| {
        if matches!(event, Event::SignIn { .. } | Event::SignInByBrowser { .. }) {
            let told = empty.iter().map(|name| empty_variable_hint(name));
            told.for_each(|text| events.on_event(Event::SignInWarning { text: &text }));
        }
        if let Event::SignIn { approves_itself, .. } = &mut event {
            *approves_itself = approves;
        }
        events.on_event(event);
    })
}

/// Returns the cloud that the manifest names, else the cloud of the environment's address.
fn cloud(environment: &Environment, clouds: &Clouds) -> Result<Cloud, Failure> {
    let named = environment.cloud.as_deref().and_then(|name| clouds.get(name));
    let found = named.or_else(|| match &environment.place {
        Location::Sandbox => clouds.sandbox(),
        Location::Url(url) => clouds.for_environment(url),
    });
    found.cloned().ok_or_else(|| {
        let message =
            format!("the cloud of `{}` cannot be derived from its host", environment.name);
        Failure::new(Exit::Usage, message).hint("set `cloud` in the manifest")
    })
}
