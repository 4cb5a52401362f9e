//! From an environment's address to a signed-in user.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::tenant::Place;
use crate::auth::{self, Application, ClientId, Prompt, Session};
use crate::cli::RunArgs;
use crate::discover::Reader;
use crate::domain::{Cloud, Clouds, EnvironmentUrl, sentence};
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{Settings, Transport, Trust};
use crate::manifest::{Environment, Place as Named};
use crate::report::Console;

/// The longest that one attempt of a request may take: Dataverse itself gives up after two minutes.
const ATTEMPT: Duration = Duration::from_secs(130);

/// A wait that a person should know of.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// How long a person may take before something seems wrong.
const WORTH_REMINDING: Duration = Duration::from_mins(2);

/// An environment with somebody signed in to it.
pub(super) struct Connection {
    transport: Transport,
    session: Session,
    /// The cloud whose hosts are trusted.
    pub(super) cloud: Cloud,
    flow_origin: Url,
    place: Place,
}

impl Connection {
    /// The address of the environment.
    pub(super) fn url(&self) -> &EnvironmentUrl {
        &self.place.url
    }

    /// Reads the environment as the signed-in user.
    pub(super) fn reader(&self) -> Reader<'_> {
        let flow_origin = self.flow_origin.clone();
        Reader::new(&self.transport, &self.session, self.url(), flow_origin)
    }

    /// Stops what was started for the run.
    pub(super) async fn close(self) {
        self.place.close().await;
    }
}

/// What sends every request of the run.
pub(super) fn transport(args: &RunArgs, console: &Arc<Console>) -> Result<Transport, Failure> {
    let settings = Settings {
        concurrency: usize::from(args.concurrency),
        deadline: Duration::from_secs(args.timeout),
        attempt_timeout: ATTEMPT,
    };
    let trust = args.ca_bundle.as_deref().map_or_else(|| Ok(Trust::default()), bundle)?;
    let transport = Transport::trusting(settings, trust)?;
    let console = Arc::clone(console);
    transport.on_wait(move |service, time| {
        if time >= WORTH_TELLING {
            console.tell(Event::Waiting { service, time });
        }
    });
    Ok(transport)
}

/// The certificates of a bundle.
fn bundle(file: &Path) -> Result<Trust, Failure> {
    let refused = |error: &(dyn Error + 'static)| {
        Failure::new(
            Exit::Usage,
            format!("the CA bundle `{}`: {}", file.display(), sentence(error)),
        )
        .hint("name a file with certificates in PEM form by --ca-bundle or FLOWBIND_CA_BUNDLE")
    };
    let pem = std::fs::read(file).map_err(|error| refused(&error))?;
    Trust::from_pem(&pem).map_err(|error| refused(&error))
}

/// Who is to sign in, and where: everything that can be wrong with it before anything is contacted.
pub(super) struct Login {
    cloud: Cloud,
    client_id: ClientId,
    tenant: Option<String>,
}

impl Login {
    /// Takes the command line first, then the manifest, then the cloud's own.
    pub(super) fn of(
        args: &RunArgs,
        environment: &Environment,
        clouds: &Clouds,
    ) -> Result<Self, Failure> {
        let cloud = cloud(environment, clouds)?;
        let client_id = args.client_id.as_ref().map(ToString::to_string);
        let client_id = client_id.or_else(|| environment.client_id.clone());
        let client_id = auth::client_id(client_id.as_deref(), &cloud)?;
        let tenant = args.tenant.clone().or_else(|| environment.tenant.clone());
        auth::check_tenant(tenant.as_deref())?;
        Ok(Self { cloud, client_id, tenant })
    }

    /// Signs in to the environment at that place.
    pub(super) async fn sign_in(
        self,
        place: Place,
        transport: Transport,
        console: &Console,
    ) -> Result<Connection, Failure> {
        let Self { cloud, client_id, tenant } = self;
        let flow_origin = flow_origin(&cloud, &place.url)?;
        let tenant = tenant.as_deref();
        let authority = auth::discover_authority(&transport, &place.url, &cloud, tenant).await?;
        let application = Application { authority, client_id };
        let prompt = |prompt: &Prompt| console.tell(sign_in_event(prompt, place.approves_itself));
        let session = auth::sign_in(&transport, application, &place.url, &cloud, prompt);
        let session = with_reminder(session, console).await?;
        console.tell(Event::SignedIn { user: session.user() });
        Ok(Connection { transport, session, cloud, flow_origin, place })
    }
}

/// Does the work, and reminds of what may be wrong if it takes long.
async fn with_reminder<T>(work: impl Future<Output = T>, listener: &dyn Listener) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        ended = &mut work => return ended,
        () = tokio::time::sleep(WORTH_REMINDING) => listener.tell(Event::StillWaiting),
    }
    work.await
}

fn sign_in_event(prompt: &Prompt, approves_itself: bool) -> Event<'_> {
    Event::SignIn {
        verification_uri: &prompt.verification_uri,
        user_code: &prompt.user_code,
        message: prompt.message.as_deref(),
        expires_in: prompt.expires_in,
        approves_itself,
    }
}

/// The cloud that the manifest names, else the one that the address belongs to.
fn cloud(environment: &Environment, clouds: &Clouds) -> Result<Cloud, Failure> {
    let named = environment.cloud.as_deref().and_then(|name| clouds.named(name));
    let found = named.or_else(|| match &environment.place {
        Named::Sandbox => clouds.sandbox(),
        Named::Url(url) => clouds.of_environment(url),
    });
    found.cloned().ok_or_else(|| {
        let message =
            format!("the host of `{}` does not tell which cloud it is in", environment.name);
        Failure::new(Exit::Usage, message).hint("name the cloud in the manifest with `cloud`")
    })
}

fn flow_origin(cloud: &Cloud, url: &EnvironmentUrl) -> Result<Url, Failure> {
    let origin = cloud.flow_api(url);
    let broken = |error| Failure::new(Exit::Unexpected, format!("the Flow API's address: {error}"));
    Url::parse(&origin).map_err(broken)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Counts the reminders.
    #[derive(Default)]
    struct Reminders(Cell<usize>);

    impl Listener for Reminders {
        fn tell(&self, event: Event<'_>) {
            assert!(matches!(event, Event::StillWaiting));
            self.0.set(self.0.get() + 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_who_takes_long_is_reminded_once() {
        for (minutes, reminders) in [(1, 0), (3, 1), (14, 1)] {
            let told = Reminders::default();
            let approves = tokio::time::sleep(Duration::from_mins(minutes));
            with_reminder(approves, &told).await;
            assert_eq!(told.0.get(), reminders, "after {minutes} minutes");
        }
    }
}
