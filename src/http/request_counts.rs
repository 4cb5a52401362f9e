//! Counts requests by service: for the report, and for tests that bound them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::Service;

/// How many attempts went to each service so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Attempts that went to Entra.
    pub entra: usize,
    /// Attempts that went to Dataverse.
    pub dataverse: usize,
    /// Attempts that went to the Flow service.
    pub flow: usize,
    /// Attempts that went to the addresses of triggers.
    pub trigger: usize,
    /// Attempts that went to the pipeline's identity provider.
    pub pipeline: usize,
}

/// Counts while requests run side by side.
#[derive(Default)]
pub(super) struct RequestCounter {
    entra: AtomicUsize,
    dataverse: AtomicUsize,
    flow: AtomicUsize,
    trigger: AtomicUsize,
    pipeline: AtomicUsize,
}

impl RequestCounter {
    /// Counts one attempt.
    pub(super) fn count_attempt(&self, service: Service) {
        let cell = match service {
            Service::Entra => &self.entra,
            Service::Dataverse => &self.dataverse,
            Service::Flow => &self.flow,
            Service::Trigger => &self.trigger,
            Service::Pipeline => &self.pipeline,
        };
        cell.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the numbers so far.
    pub(super) fn read_counts(&self) -> RequestCounts {
        RequestCounts {
            entra: self.entra.load(Ordering::Relaxed),
            dataverse: self.dataverse.load(Ordering::Relaxed),
            flow: self.flow.load(Ordering::Relaxed),
            trigger: self.trigger.load(Ordering::Relaxed),
            pipeline: self.pipeline.load(Ordering::Relaxed),
        }
    }
}
