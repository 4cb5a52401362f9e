//! Limits of the services as they are written in the tenant file.

use std::time::Duration;

use serde::Deserialize;

/// The limits of each service that has some.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Throttling {
    /// Those of the Web API.
    pub(crate) dataverse: Limits,
    /// Those of the Flow API.
    pub(crate) flow: Limits,
}

/// The limits of a service; what is absent has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    /// The most requests in a window.
    pub(crate) requests: Option<u32>,
    /// The most milliseconds that the requests in a window may take together.
    pub(crate) execution_time: Option<u64>,
    /// The most requests at a time.
    pub(crate) concurrent: Option<u32>,
    /// The length of the sliding window, in seconds.
    window: u64,
}

impl Default for Limits {
    /// Has no limit, and the window that Microsoft documents.
    fn default() -> Self {
        Self { requests: None, execution_time: None, concurrent: None, window: 300 }
    }
}

impl Limits {
    /// Returns the length of the sliding window.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.window)
    }

    /// Lists what is wrong.
    pub(crate) fn problems(&self) -> Vec<String> {
        let values = [
            ("requests", self.requests.map(u64::from)),
            ("execution-time", self.execution_time),
            ("concurrent", self.concurrent.map(u64::from)),
            ("window", Some(self.window)),
        ];
        let wrong = values.into_iter().filter(|(_, value)| *value == Some(0));
        wrong.map(|(name, _)| format!("{name} is less than 1")).collect()
    }
}
