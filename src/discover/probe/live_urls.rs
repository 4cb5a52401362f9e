//! The current URLs from the Flow service, looked up by trigger or by host.

use std::collections::{HashMap, HashSet};

use crate::model::{Callback, CallbackUrl, Observed, TriggerKey};

/// The current URLs of the flows, as the Flow service returned them.
pub(super) struct LiveUrls<'run> {
    /// By the key of the trigger alone, each with the whole key.
    by_trigger: HashMap<TriggerKey, Vec<(TriggerKey, &'run CallbackUrl)>>,
    hosts: HashSet<&'run str>,
}

impl<'run> LiveUrls<'run> {
    /// Collects the URLs that were observed.
    pub(super) fn from_observed(observed: &'run Observed) -> Self {
        let mut told = Self { by_trigger: HashMap::new(), hosts: HashSet::new() };
        for flow in &observed.flows {
            let Some(Callback::Url(live)) = &flow.callback else { continue };
            told.hosts.insert(&live.view().host);
            if let Some(started) = live.trigger_key() {
                let trigger = started.without_path();
                told.by_trigger.entry(trigger).or_default().push((started, live));
            }
        }
        told
    }

    /// Checks whether one of them has that host.
    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    /// Returns the method that the URL is called with, if the service told it for the same trigger.
    pub(super) fn method(&self, url: &CallbackUrl) -> Option<&'static str> {
        let environment = url.environment();
        let key = url.trigger_key()?;
        let is_here = |(live_key, live): &&(TriggerKey, &CallbackUrl)| {
            key.starts(live_key) && (environment.is_none() || environment == live.environment())
        };
        let (_, live) = self.by_trigger.get(&key.without_path())?.iter().find(is_here)?;
        live.method()
    }
}
