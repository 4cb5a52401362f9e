//! The transport of a run, and the environment that its requests go to.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::atomic_file;
use crate::cli::ConnectArgs;
use crate::discover::Reader;
use crate::http::{ExtraRoots, Settings, SlowAnswer, Transport};
use crate::model::{
    Cloud, EnvironmentUrl, Event, Exit, Failure, FlowEndpoint, Listener, error_chain,
};
use crate::run::blocking::in_thread;
use crate::run::environment_events::EnvironmentEvents;
use crate::run::place::Place;
use crate::sign_in::{Identity, Session, SignIn, SignInName};

/// The longest that one attempt of a request may take: Dataverse itself gives up after two minutes.
const ATTEMPT: Duration = Duration::from_secs(130);

/// The shortest wait that is reported to the user.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// The largest CA bundle, in bytes. That of a system has some 200 KB.
const MOST_BUNDLE_BYTES: u64 = 8 * 1024 * 1024;

/// A signed-in connection to an environment.
pub(crate) struct Connection {
    transport: Transport,
    session: Session,
    /// The cloud whose hosts are trusted.
    pub(crate) cloud: Cloud,
    flow_way: Option<FlowEndpoint>,
    place: Place,
    name: Option<SignInName>,
}

impl Connection {
    /// Creates a connection to the environment at `place`, with the signed-in session.
    pub(crate) fn new(
        transport: Transport,
        session: Session,
        cloud: Cloud,
        place: Place,
        name: Option<SignInName>,
        flow_way: Option<FlowEndpoint>,
    ) -> Self {
        Self { transport, session, cloud, flow_way, place, name }
    }

    /// Returns the sign-in that a store is to keep, and its name there.
    pub(crate) async fn sign_in_to_keep(&self) -> Result<(SignInName, SignIn), Failure> {
        let sign_in = self.session.sign_in_to_keep().await?;
        let missing = || Failure::new(Exit::Unexpected, "nobody signed in");
        Ok((self.name.clone().ok_or_else(missing)?, sign_in))
    }

    /// Returns the URL of the environment.
    pub(crate) fn url(&self) -> &EnvironmentUrl {
        &self.place.url
    }

    /// Returns the signed-in identity, as far as the tokens show it.
    pub(crate) fn identity(&self) -> Identity {
        self.session.identity()
    }

    /// Returns true if the environment is the sandbox that this run started.
    pub(crate) fn is_embedded(&self) -> bool {
        self.place.approves_itself
    }

    /// Returns a reader that reads the environment as the signed-in user.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::new(&self.transport, &self.session, self.url(), &self.cloud, self.flow_way)
    }

    /// Stops the sandbox, if this run started one.
    pub(crate) async fn close(self) {
        self.place.close().await;
    }
}

/// Opens the transport that sends every request of the run.
pub(crate) async fn transport(
    args: &ConnectArgs,
    events: &Arc<EnvironmentEvents>,
) -> Result<Transport, Failure> {
    let settings = Settings {
        concurrency: usize::from(args.concurrency),
        deadline: args.timeout,
        attempt_timeout: ATTEMPT,
        http1: args.http1,
    };
    let extra_roots = match args.ca_bundle.clone() {
        Some(file) => in_thread(move || bundle(&file)).await??,
        None => ExtraRoots::default(),
    };
    let transport = Transport::with_extra_roots(settings, extra_roots)?;
    let listener = Arc::clone(events);
    transport.on_slow_answer(move |slow| tell_of(slow, &*listener));
    let listener = Arc::clone(events);
    transport.on_wait(move |wait| {
        if wait.time >= WORTH_TELLING {
            listener.on_event(Event::Waiting(wait));
        }
    });
    Ok(transport)
}

/// Reports an answer that is slow.
fn tell_of(silence: SlowAnswer<'_>, listener: &dyn Listener) {
    let SlowAnswer { peer, method, template, time, left, limit } = silence;
    let (service, host) = (peer.service(), peer.host());
    let request = &format!("{method} {template}");
    listener.on_event(Event::Unanswered { service, host, request, time, left, limit });
}

/// Reads the certificates of a CA bundle.
fn bundle(file: &Path) -> Result<ExtraRoots, Failure> {
    let refused = |error: &(dyn Error + 'static)| {
        Failure::new(
            Exit::Usage,
            format!("the CA bundle `{}` cannot be used: {}", file.display(), error_chain(error)),
        )
        .hint("name a PEM file of certificates with --ca-bundle or FLOWBIND_CA_BUNDLE")
    };
    let pem = atomic_file::read(file, MOST_BUNDLE_BYTES).map_err(|error| refused(&error))?;
    ExtraRoots::from_pem(&pem).map_err(|error| refused(&error))
}
