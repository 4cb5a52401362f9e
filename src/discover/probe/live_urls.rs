//! The URLs that the Flow service tells, found by what they start and where they lead.

use std::collections::{HashMap, HashSet};

use crate::model::{Callback, CallbackUrl, Observed, Started};

/// The URLs of the flows as the Flow service tells them now.
pub(super) struct Told<'run> {
    by_trigger: HashMap<Started, Vec<&'run CallbackUrl>>,
    hosts: HashSet<&'run str>,
}

impl<'run> Told<'run> {
    /// The URLs that were observed, each read once.
    pub(super) fn of(observed: &'run Observed) -> Self {
        let mut told = Self { by_trigger: HashMap::new(), hosts: HashSet::new() };
        for flow in &observed.flows {
            let Some(Callback::Url(live)) = &flow.callback else { continue };
            told.hosts.insert(&live.view().host);
            if let Some(started) = live.started() {
                told.by_trigger.entry(started).or_default().push(live);
            }
        }
        told
    }

    /// Whether one of them leads to that host.
    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    /// By which method the URL is called, if the service tells it of the very trigger that it starts.
    pub(super) fn method(&self, url: &CallbackUrl) -> Option<&'static str> {
        let environment = url.environment();
        let is_here =
            |live: &&&CallbackUrl| environment.is_none() || environment == live.environment();
        self.by_trigger.get(&url.started()?)?.iter().find(is_here)?.method()
    }
}
