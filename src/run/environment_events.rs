//! The listener of a run.

use std::sync::Arc;

use crate::model::{Event, Listener};
use crate::report::Console;

/// Forwards the events of one environment to the console, with the environment's name.
pub(crate) struct EnvironmentEvents {
    /// The manifest's name for the environment.
    pub(crate) environment: String,
    console: Arc<Console>,
}

impl EnvironmentEvents {
    /// Creates the listener of an environment with the name that the manifest gives it.
    pub(crate) fn new(environment: &str, console: &Arc<Console>) -> Arc<Self> {
        Arc::new(Self { environment: environment.to_owned(), console: Arc::clone(console) })
    }
}

impl Listener for EnvironmentEvents {
    fn on_event(&self, event: Event<'_>) {
        self.console.show(&self.environment, &event);
    }
}
