//! Revocations in the middle of a run: after so many requests, a service takes the tokens issued until then no more.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::tenant::file::ServiceName;
use super::tenant::sign_in::TokenRevocation;

/// The revocations of a tenant, counted from the start of the server.
#[derive(Debug)]
pub(crate) struct Revocations(Vec<Revocation>);

#[derive(Debug)]
struct Revocation {
    service: ServiceName,
    after: u32,
    accepted: AtomicU32,
    /// The number of the last token that is refused; 0 before the revocation.
    last: AtomicU64,
}

impl Revocations {
    /// Arms the revocations.
    pub(crate) fn new(revocations: &[TokenRevocation]) -> Self {
        let armed = |one: &TokenRevocation| Revocation {
            service: one.service,
            after: one.after,
            accepted: AtomicU32::new(0),
            last: AtomicU64::new(0),
        };
        Self(revocations.iter().map(armed).collect())
    }

    /// Tells whether a token that is good otherwise is refused, else counts its request as accepted. `issued` is the
    /// number of the newest token.
    pub(crate) fn refuses(&self, service: ServiceName, serial: u64, issued: u64) -> bool {
        let meant = || self.0.iter().filter(|one| one.service == service);
        if meant().any(|one| serial <= one.last.load(Ordering::Relaxed)) {
            return true;
        }
        meant().for_each(|one| one.accept(issued));
        false
    }
}

impl Revocation {
    fn accept(&self, issued: u64) {
        if self.accepted.fetch_add(1, Ordering::Relaxed) + 1 == self.after {
            self.last.store(issued, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_tokens_are_refused_after_so_many_requests_and_newer_ones_are_not() {
        let file = TokenRevocation { service: ServiceName::Dataverse, after: 2 };
        let revocations = Revocations::new(&[file]);
        let refuses = |serial, issued| revocations.refuses(ServiceName::Dataverse, serial, issued);
        assert!(!refuses(1, 1));
        assert!(!revocations.refuses(ServiceName::Flow, 1, 1));
        assert!(!refuses(1, 2));
        assert!(refuses(1, 2));
        assert!(refuses(2, 2));
        assert!(!refuses(3, 3));
        assert!(refuses(2, 3));
    }
}
