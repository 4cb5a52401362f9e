//! The events of one environment, on their way to the console, which is told whose they are.

use std::sync::Arc;

use crate::model::{Event, Listener};
use crate::report::Console;

/// Takes the events of one environment, and tells the console whose they are.
pub(crate) struct EnvironmentEvents {
    /// The manifest's name for the environment.
    pub(crate) environment: String,
    console: Arc<Console>,
}

impl EnvironmentEvents {
    /// Names the environment as the manifest does.
    pub(crate) fn new(environment: &str, console: &Arc<Console>) -> Arc<Self> {
        Arc::new(Self { environment: environment.to_owned(), console: Arc::clone(console) })
    }
}

impl Listener for EnvironmentEvents {
    fn tell(&self, event: Event<'_>) {
        self.console.show(&self.environment, event);
    }
}
