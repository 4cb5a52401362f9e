//! How far the writing has come, so that a run that is interrupted knows what it leaves behind.

use std::cell::Cell;

use super::ApplyError;

/// How far the writing has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: Cell<Phase>,
    stopped: Cell<bool>,
}

/// What a run is about while it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was sent that is not known to be out.
    #[default]
    Between,
    /// The change set is handed over to be sent.
    Sending,
    /// The service refused it, and whether that is so is read.
    Checking,
    /// The service took it, and it is read back.
    Verifying,
    /// Its answer was lost, and it is looked for.
    Looking,
}

impl Progress {
    /// Notes what the run is about.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Has the run send nothing more.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Tells whether nothing more is to be sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Says what is so if the run ends now, where `is_writing` tells whether a request that writes
    /// is under way.
    pub(super) fn left(&self, is_writing: bool) -> ApplyError {
        let doubt = match self.phase.get() {
            Phase::Sending if is_writing => {
                "a change set was under way, and its answer is not there"
            }
            Phase::Checking => "the service refused the write, and that was not checked to the end",
            Phase::Verifying => "the service took the write, and it was not read back to the end",
            Phase::Looking => "the answer to the write was lost, and reading has not found it",
            Phase::Between | Phase::Sending => return ApplyError::Interrupted,
        };
        ApplyError::Abandoned { doubt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_carried_out_now_or_is_not_read_back_is_in_doubt() {
        let left = |phase, is_writing| {
            let progress = Progress::default();
            progress.enter(phase);
            progress.left(is_writing)
        };
        for phase in [Phase::Between, Phase::Sending] {
            assert!(matches!(left(phase, false), ApplyError::Interrupted));
        }
        assert!(matches!(left(Phase::Sending, true), ApplyError::Abandoned { .. }));
        for phase in [Phase::Checking, Phase::Verifying, Phase::Looking] {
            assert!(matches!(left(phase, false), ApplyError::Abandoned { .. }), "{phase:?}");
        }
    }
}
