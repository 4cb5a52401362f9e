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
            .hint("turn on the flows that are off, once their connection references are bound, or look why the step that turns them on did not")
            .hint("run the same command again, with a longer --wait-ready if that step needs more time")
    }
}
