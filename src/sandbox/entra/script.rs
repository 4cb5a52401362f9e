//! Scripted refusals of the sign-in: requests that would be granted are refused as the tenant file says.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::tenant::sign_in::{SignInRefusal, Stage};
use super::refusal::Refusal;
use super::scope::ResourceKind;

/// The refusals of a tenant, with how many requests each was meant for, counted from the start of the server.
#[derive(Debug)]
pub(crate) struct Script(Vec<(SignInRefusal, AtomicU32)>);

impl Script {
    /// Arms the refusals.
    pub(crate) fn new(refusals: &[SignInRefusal]) -> Self {
        Self(refusals.iter().map(|refusal| (refusal.clone(), AtomicU32::new(0))).collect())
    }

    /// Refuses a request that one of the refusals is meant for; it is counted.
    pub(super) fn check(&self, stage: Stage, kind: ResourceKind) -> Result<(), Refusal> {
        let meant =
            self.0.iter().filter(|(one, _)| one.on == stage && kind.is_refused_by(one.resource));
        let mut struck = meant.filter(|(one, met)| {
            let before = met.fetch_add(1, Ordering::Relaxed);
            before >= one.after && one.times.is_none_or(|times| before - one.after < times)
        });
        struck.next().map_or(Ok(()), |(one, _)| Err(Refusal::scripted(one)))
    }
}
