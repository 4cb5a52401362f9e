//! The flows that were not ready when the wait for them was over.

use std::time::Duration;

use crate::model::{Exit, Failure};

/// Flows that were not ready when the wait for them was over.
pub(crate) struct NotReady {
    /// The display names of the flows, safe to print.
    pub(crate) names: Vec<String>,
    /// The time that the run waited.
    pub(crate) longest: Duration,
}

impl NotReady {
    /// Returns the failure that ends the run.
    pub(crate) fn failure(&self) -> Failure {
        let were = if self.names.len() == 1 { "flow was" } else { "flows were" };
        let listed: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        let (number, seconds) = (self.names.len(), self.longest.as_secs());
        let message =
            format!("{number} {were} not ready within {seconds} s: {}", listed.join(", "));
        Failure::new(Exit::NotReady, message)
            .nothing_written()
            .hint("bind the connection references and turn the flows on, or check the step that should have turned them on")
            .hint("run the same command again; if that step needs more time, use a longer --wait-ready")
    }
}
