//! How far the writing has come, so that a run that is interrupted knows what it leaves behind.

use std::cell::Cell;
use std::fmt;

use super::ApplyError;

/// How far the writing has come.
#[derive(Debug, Default)]
pub struct Progress {
    phase: Cell<Phase>,
    share: Cell<Share>,
    stopped: Cell<bool>,
}

/// What a run is about while it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// No change set is in doubt.
    #[default]
    Between,
    /// A change set is handed over to be sent.
    Sending,
    /// The service took all of them, and they are read back.
    Verifying,
    /// The answer to one was lost, and it is looked for.
    Looking,
}

/// How much of what was to be written is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many change sets are in.
    pub sets: usize,
    /// How many there are.
    pub of_sets: usize,
    /// How many rows are in.
    pub rows: usize,
    /// How many there are.
    pub of_rows: usize,
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sets, of_sets, rows, of_rows } = self;
        write!(formatter, "{sets} of {of_sets} change sets are in ({rows} of {of_rows} rows)")
    }
}

impl Progress {
    /// How much is in.
    pub(super) fn share(&self) -> Share {
        self.share.get()
    }

    /// Whether no change set is in.
    pub(super) fn is_nothing_in(&self) -> bool {
        self.share().sets == 0
    }

    /// Notes that so much is to be written, besides what is in.
    pub(super) fn plan(&self, sets: usize, rows: usize) {
        let share = self.share();
        let (of_sets, of_rows) = (share.sets + sets, share.rows + rows);
        self.share.set(Share { of_sets, of_rows, ..share });
    }

    /// Notes that a change set of so many rows is in.
    pub(super) fn take(&self, rows: usize) {
        let share = self.share();
        self.share.set(Share { sets: share.sets + 1, rows: share.rows + rows, ..share });
    }

    /// Notes that what the service called in is not there.
    pub(super) fn give_back(&self, sets: usize, rows: usize) {
        let share = self.share();
        let (sets, rows) = (share.sets.saturating_sub(sets), share.rows.saturating_sub(rows));
        self.share.set(Share { sets, rows, ..share });
    }

    /// Notes what the run is about.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Has the run send no further change set.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Whether no further change set is to be sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// What is so if the run ends now, where `is_writing` tells whether a request that writes is
    /// under way.
    pub(super) fn left(&self, is_writing: bool) -> ApplyError {
        let share = self.share();
        let doubt = match self.phase.get() {
            Phase::Sending if is_writing => {
                "a change set was under way, and its answer is not there"
            }
            Phase::Verifying => "the service took the write, and it was not read back to the end",
            Phase::Looking => "the answer to the write was lost, and reading has not found it",
            Phase::Between | Phase::Sending if share.sets == 0 => return ApplyError::Interrupted,
            Phase::Between | Phase::Sending => {
                let cause = "the run was interrupted".to_owned();
                return ApplyError::Partial { share, cause, extent: None };
            }
        };
        let share = (share.of_sets > 1).then_some(share);
        ApplyError::Abandoned { doubt, share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(phase: Phase, sets: usize) -> Progress {
        let progress = Progress::default();
        progress.plan(3, 2_100);
        for _ in 0..sets {
            progress.take(1_000);
        }
        progress.enter(phase);
        progress
    }

    #[test]
    fn only_what_may_be_carried_out_now_or_is_not_read_back_is_in_doubt() {
        for phase in [Phase::Between, Phase::Sending] {
            assert!(matches!(at(phase, 0).left(false), ApplyError::Interrupted));
            assert!(matches!(at(phase, 2).left(false), ApplyError::Partial { .. }));
        }
        for (phase, is_writing) in
            [(Phase::Sending, true), (Phase::Verifying, false), (Phase::Looking, false)]
        {
            assert!(matches!(at(phase, 0).left(is_writing), ApplyError::Abandoned { .. }));
        }
    }

    #[test]
    fn what_is_left_in_part_says_how_much() {
        let said = at(Phase::Between, 2).left(false).to_string();
        assert!(said.contains("2 of 3 change sets are in (2000 of 2100 rows)"), "{said}");
        let said = at(Phase::Sending, 1).left(true).to_string();
        assert!(said.contains("1 of 3 change sets are in (1000 of 2100 rows)"), "{said}");
    }
}
