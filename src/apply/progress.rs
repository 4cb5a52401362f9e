//! The phase of the writing, so that an interrupted run can say what is not known.

use std::cell::Cell;

use super::ApplyError;

/// The phase of the writing, and whether the run was interrupted.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: Cell<Phase>,
    stopped: Cell<bool>,
    /// The number of answered writes whose outcome is known.
    settled: Cell<usize>,
}

/// The phases of a run that writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// The outcome of everything that was sent is known.
    #[default]
    Between,
    /// The change set is being sent.
    Sending,
    /// The service refused it, and the run reads back whether nothing was written.
    Checking,
    /// The service accepted it, and the run reads it back.
    Verifying,
    /// Its answer was lost, and the run reads back whether it was written.
    Looking,
}

impl Progress {
    /// Sets the phase of the run.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Notes that reading showed the outcome of all writes that were answered so far.
    pub(super) fn settle(&self, answered: usize) {
        self.settled.set(answered);
    }

    /// Stops the run from sending anything more.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Checks whether the run must send nothing more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Returns the error of a run that is interrupted now. `is_writing` tells whether a write is
    /// under way, and `answered` how many writes were answered.
    pub(super) fn interruption_error(&self, is_writing: bool, answered: usize) -> ApplyError {
        let doubt = match self.phase.get() {
            Phase::Sending if is_writing => "it waited for the answer to a change set",
            Phase::Checking => "it checked whether the refused write was carried out",
            Phase::Verifying => "it read the targets back after the write",
            Phase::Looking => "it looked for a write whose answer was lost",
            Phase::Sending if answered > self.settled.get() => return ApplyError::TurnedAway,
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
            let answered = 0;
            let progress = Progress::default();
            progress.enter(phase);
            progress.interruption_error(is_writing, answered)
        };
        for phase in [Phase::Between, Phase::Sending] {
            assert!(matches!(left(phase, false), ApplyError::Interrupted));
        }
        let pausing = Progress::default();
        pausing.enter(Phase::Sending);
        assert!(matches!(pausing.interruption_error(false, 1), ApplyError::TurnedAway));
        pausing.settle(1);
        assert!(matches!(pausing.interruption_error(false, 1), ApplyError::Interrupted));
        assert!(matches!(left(Phase::Sending, true), ApplyError::Abandoned { .. }));
        for phase in [Phase::Checking, Phase::Verifying, Phase::Looking] {
            assert!(matches!(left(phase, false), ApplyError::Abandoned { .. }), "{phase:?}");
        }
    }
}
