//! Scripted faults: requests that match are answered by them, or their answers are spoilt.

mod answer;
mod chance;
mod multipart;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::message::Call;
use super::tenant::fault::FaultFile;
use super::tenant::file::ServiceName;
pub(crate) use answer::struck;

/// The faults that are armed, with how often each was met.
#[derive(Debug)]
pub(crate) struct Faults(Mutex<Vec<Armed>>);

#[derive(Debug)]
struct Armed {
    fault: Arc<FaultFile>,
    /// How many requests matched.
    met: u32,
    /// How many of them it was the answer of.
    struck: u32,
}

impl Faults {
    /// Arms the faults of a tenant.
    pub(crate) fn new(faults: &[FaultFile]) -> Self {
        Self(Mutex::new(faults.iter().cloned().map(Armed::new).collect()))
    }

    /// Finds the fault that a request is struck by; those that it meets until then count it.
    pub(crate) fn strike(
        &self,
        service: Option<ServiceName>,
        call: &Call,
    ) -> Option<Arc<FaultFile>> {
        let mut armed = self.armed();
        let mut matching = armed.iter_mut().filter(|one| matches(&one.fault, service, call));
        matching.find_map(|one| one.meet().then(|| Arc::clone(&one.fault)))
    }

    /// Takes these instead of all others, which begin to count anew.
    pub(crate) fn replace(&self, faults: Vec<FaultFile>) {
        *self.armed() = faults.into_iter().map(Armed::new).collect();
    }

    /// Puts one behind the others.
    pub(crate) fn add(&self, fault: FaultFile) {
        self.armed().push(Armed::new(fault));
    }

    /// Lists them with their counts.
    pub(crate) fn told(&self) -> Value {
        let armed = self.armed();
        let told = armed
            .iter()
            .map(|one| json!({"fault": *one.fault, "met": one.met, "struck": one.struck}));
        told.collect()
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn new(fault: FaultFile) -> Self {
        Self { fault: Arc::new(fault), met: 0, struck: 0 }
    }

    /// Counts a request that matches; tells whether it is struck.
    fn meet(&mut self) -> bool {
        let (after, times) = self.fault.turns();
        let turn = self.met >= after && times.is_none_or(|times| self.struck < times);
        let probability = self.fault.probability.unwrap_or(1.0);
        let strikes =
            turn && chance::draw(self.fault.seed.unwrap_or_default(), self.met) < probability;
        self.met = self.met.saturating_add(1);
        self.struck = self.struck.saturating_add(u32::from(strikes));
        strikes
    }
}

fn matches(fault: &FaultFile, service: Option<ServiceName>, call: &Call) -> bool {
    let address = format!("{}?{}", call.path, call.query);
    Some(fault.service) == service
        && fault
            .method
            .as_ref()
            .is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()))
        && fault.path_contains.as_ref().is_none_or(|part| address.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the first requests a fault strikes.
    fn strikes(more: &str, requests: usize) -> Vec<bool> {
        let text = format!("service = \"flow\"\nstatus = 500\n{more}");
        let mut armed = Armed::new(toml::from_str(&text).unwrap());
        (0..requests).map(|_| armed.meet()).collect()
    }

    #[test]
    fn a_fault_strikes_when_it_is_its_turn() {
        assert_eq!(strikes("", 3), [true, false, false]);
        assert_eq!(strikes("after = 1\ntimes = 2", 4), [false, true, true, false]);
        assert_eq!(strikes("nth = 3", 4), [false, false, true, false]);
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests() {
        let (one, other) = ("probability = 0.5\nseed = 1", "probability = 0.5\nseed = 2");
        assert_eq!(strikes(one, 64), strikes(one, 64));
        assert_ne!(strikes(one, 64), strikes(other, 64));
    }

    #[test]
    fn a_probability_is_met_over_many_requests() {
        let struck = strikes("probability = 0.25\nseed = 9", 4000);
        let count = struck.iter().filter(|struck| **struck).count();
        assert!((900..1100).contains(&count), "{count}");
        assert_eq!(strikes("probability = 1.0", 3), [true; 3]);
        assert_eq!(strikes("probability = 0.0", 3), [false; 3]);
    }

    #[test]
    fn a_probable_fault_can_be_limited() {
        let struck = strikes("probability = 0.5\ntimes = 2", 64);
        assert_eq!(struck.iter().filter(|struck| **struck).count(), 2);
    }
}
