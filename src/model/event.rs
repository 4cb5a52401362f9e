//! Events that the stages report while they work. Every reporter renders the same events, and knows
//! the environment of each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Service, ServiceWait};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The sandbox serves this run.
    SandboxStarted {
        /// Its address.
        address: &'a str,
        /// Where it keeps its state; none if it keeps it in memory.
        state: Option<&'a Path>,
        /// Whether it was left behind by another tenant and starts anew.
        anew: bool,
    },
    /// A person is to sign in.
    SignIn {
        /// The address to open.
        verification_uri: &'a str,
        /// The code to enter there.
        user_code: &'a str,
        /// The server's own sentence.
        message: Option<&'a str>,
        /// How long the code is good for.
        expires_in: Duration,
        /// Whether the sandbox's user approves by itself.
        approves_itself: bool,
    },
    /// A person is to sign in with a browser of this machine.
    SignInByBrowser {
        /// The address to open.
        url: &'a str,
        /// Whether a browser is being opened with it.
        opened: bool,
        /// The port to forward if the browser is at the other end of SSH.
        tunnel: Option<u16>,
    },
    /// Something about the sign-in may be wrong, but the run goes on.
    SignInWarning {
        /// What, as a sentence.
        text: &'a str,
    },
    /// Nobody has approved for a while.
    StillWaiting,
    /// The person has signed in.
    SignedIn {
        /// Who, as far as the token tells.
        user: Option<&'a str>,
    },
    /// Reading begins.
    Discovering {
        /// How many URLs there are to ask for.
        flows: usize,
        /// How many targets there are to read.
        targets: usize,
    },
    /// One more flow has been asked for its URL.
    FlowRead {
        /// How many have been asked.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// The Flow service was asked at another host than the cloud's API, which does not serve the
    /// environment.
    FlowApiElsewhere {
        /// The host.
        host: &'a str,
    },
    /// Flows are not ready yet, and are looked at again after a pause.
    AwaitingFlows {
        /// What people call them, safe to print.
        flows: &'a [String],
        /// How long until the next look.
        pause: Duration,
        /// How long they are waited for at most.
        left: Duration,
        /// Whether they are others than those of the last look.
        news: bool,
    },
    /// A look at flows that are waited for failed as the next one may not.
    LookFailed {
        /// Why.
        reason: &'a str,
    },
    /// Writing begins.
    Writing {
        /// How many rows are written.
        writes: usize,
    },
    /// Everything was sent and is now read back.
    Verifying,
    /// Somebody else wrote to a target first, and the plan that was made anew is the same in
    /// substance.
    PlannedAgain,
    /// Another run wrote the same first.
    WrittenElsewhere,
    /// The service refused the write, and all of it is in.
    WrittenThoughRefused {
        /// What the service said, as a sentence.
        text: &'a str,
    },
    /// The run waits before the next request to a service.
    Waiting(ServiceWait),
    /// A service has not answered for a while.
    Unanswered {
        /// Which service.
        service: Service,
        /// Its host.
        host: &'a str,
        /// What it was asked: the method, and the path without what varies.
        request: &'a str,
        /// How long the answer is out.
        time: Duration,
        /// How much longer it is waited for.
        left: Duration,
        /// The time for the whole run, if that is what ends the wait.
        limit: Option<Duration>,
    },
    /// The answer to a write was lost, and reading is to show whether it is in.
    Looking {
        /// How long that may take.
        longest: Duration,
    },
}

/// A receiver of the events of a sign-in, which its tasks share.
pub type Notify = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// A receiver of the events of one environment.
pub trait Listener {
    /// Receives an event.
    fn on_event(&self, event: Event<'_>);
}
