//! From an environment's address to a signed-in user.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::tenant::Place;
use crate::auth::{self, Application, Prompt, Session};
use crate::cli::RunArgs;
use crate::discover::Reader;
use crate::domain::{Cloud, Clouds, EnvironmentUrl, sentence};
use crate::event::{Event, Listener};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::http::{Settings, Transport, Trust};
use crate::manifest::Environment;
use crate::report::Console;

/// The longest that one attempt of a request may take: Dataverse itself gives up after two minutes.
const ATTEMPT: Duration = Duration::from_secs(130);

/// An environment with somebody signed in to it.
pub(super) struct Connection {
    /// What sends requests.
    pub(super) transport: Transport,
    /// Who signed in.
    pub(super) session: Session,
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
pub(super) fn transport(args: &RunArgs) -> Result<Transport, Failure> {
    let settings = Settings {
        concurrency: usize::from(args.concurrency),
        deadline: Duration::from_secs(args.timeout),
        attempt_timeout: ATTEMPT,
    };
    let trust = args.ca_bundle.as_deref().map_or_else(|| Ok(Trust::default()), bundle)?;
    Ok(Transport::trusting(settings, trust)?)
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

/// Signs in to the environment.
pub(super) async fn sign_in(
    args: &RunArgs,
    environment: &Environment,
    place: Place,
    clouds: &Clouds,
    transport: Transport,
    console: &Console,
) -> Result<Connection, Failure> {
    let cloud = cloud(environment, &place.url, clouds)?;
    let flow_origin = flow_origin(&cloud, &place.url)?;
    let client_id = args.client_id.as_deref().or(environment.client_id.as_deref());
    let client_id = auth::client_id(client_id, &cloud)?;
    let tenant = args.tenant.as_deref().or(environment.tenant.as_deref());
    let authority = auth::discover_authority(&transport, &place.url, &cloud, tenant).await?;
    let application = Application { authority, client_id };
    let prompt = |prompt: &Prompt| console.tell(sign_in_event(prompt, place.approves_itself));
    let session = auth::sign_in(&transport, application, &place.url, &cloud, prompt).await?;
    console.tell(Event::SignedIn { user: session.user() });
    Ok(Connection { transport, session, cloud, flow_origin, place })
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
fn cloud(
    environment: &Environment,
    url: &EnvironmentUrl,
    clouds: &Clouds,
) -> Result<Cloud, Failure> {
    let named = environment.cloud.as_deref().and_then(|name| clouds.named(name));
    let found = named.or_else(|| clouds.of_environment(url));
    found.cloned().ok_or_else(|| {
        let message = format!("the host `{}` does not tell which cloud it is in", url.host());
        Failure::new(Exit::Usage, message).hint("name the cloud in the manifest with `cloud`")
    })
}

fn flow_origin(cloud: &Cloud, url: &EnvironmentUrl) -> Result<Url, Failure> {
    let origin = cloud.flow_api(url);
    let broken = |error| Failure::new(Exit::Unexpected, format!("the Flow API's address: {error}"));
    Url::parse(&origin).map_err(broken)
}
