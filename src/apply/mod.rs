//! Carries out a plan and proves it.
//!
//! Nothing is decided here: the plan holds every write with its guard. All of them go in one
//! change set, or, past a thousand, in change sets one after the other. If a guard no longer holds,
//! the targets are read and planned anew, and the run goes on if that is the same in substance.

mod change_set;
mod conflict;
mod error;
mod extent;
mod goal;
mod progress;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

use crate::api::dataverse::{ChangeSetAnswer, MOST_OPERATIONS};
use crate::auth::SendError;
use crate::discover::{DiscoverError, Reader};
use crate::domain::{Cloud, Service, ServiceError, sentence};
use crate::event::{Event, Listener};
use crate::plan::{Divergence, Plan, Write};
use crate::stage::Stage;

use conflict::{MOST_ROUNDS, Verdict, judge};
use progress::Phase;

pub use error::ApplyError;
pub use extent::Extent;
pub use goal::Goal;
pub use progress::{Progress, Share};
pub use writer::Writer;

/// When to look whether a write whose answer was lost is in, each after a pause. Dataverse
/// itself gives up on a request after two minutes
/// (<https://learn.microsoft.com/power-apps/developer/data-platform/api-limits>), so that what is
/// not in by then will not come.
pub const LOOKS: &[Duration] = &[
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_mins(1),
];

/// The time that the rest of an apply has after each change set that was sent, whatever was left of
/// the run's.
const FINISH: Duration = Duration::from_mins(5);

/// How long a run that ends with some change sets in takes at most to read which targets those are.
const READ_EXTENT: Duration = Duration::from_mins(1);

/// How a plan was carried out.
#[derive(Debug)]
pub enum Applied {
    /// By this run.
    ByThisRun,
    /// By this run, after somebody else had written: this is what was planned anew, the same in
    /// substance.
    ByThisRunAnew(Plan),
    /// By another run that wrote the same meanwhile: this is what was planned anew.
    ByAnotherRun(Plan),
}

/// What a run knows when it begins to write.
pub struct Applying<'run> {
    /// What reads back.
    pub reader: &'run Reader<'run>,
    /// What is applied, and how it is planned again.
    pub goal: Goal<'run>,
    /// Whether to go on after a conflict by a plan that is the same in substance: not if what is
    /// written was noted down beforehand, row by row.
    pub goes_on: bool,
    /// The cloud whose hosts are trusted.
    pub cloud: &'run Cloud,
    /// Whom to tell.
    pub listener: &'run dyn Listener,
    /// When to look whether a write whose answer was lost is in: [`LOOKS`].
    pub looks: &'run [Duration],
    /// How far it has come.
    pub progress: Progress,
}

/// Why the change sets from one on are not known to be in.
enum Stop {
    Refused(ServiceError),
    Unsent(SendError),
    Unclear(String),
    Interrupted,
}

impl Applying<'_> {
    /// Writes what the plan says and reads it back: a plan made anew must be empty.
    ///
    /// # Errors
    /// [`ApplyError`] says what was written and what was not.
    pub async fn apply(&self, to: &Writer<'_>, agreed: &Plan) -> Result<Applied, ApplyError> {
        match self.rounds(to, agreed).await {
            Err(ApplyError::Partial { share, cause, .. }) => {
                let extent = self.extent(agreed).await;
                Err(ApplyError::Partial { share, cause, extent })
            }
            ended => ended,
        }
    }

    /// Has the run send nothing more, as somebody interrupts it. What is under way goes on.
    pub fn stop(&self) {
        self.progress.stop();
    }

    /// What is so if the run ends now.
    pub fn left(&self) -> ApplyError {
        self.progress.left(self.reader.is_writing())
    }

    /// Writes, and again after each conflict that leaves the plan the same in substance.
    async fn rounds(&self, to: &Writer<'_>, agreed: &Plan) -> Result<Applied, ApplyError> {
        let mut anew = None;
        for rounds_left in (0..MOST_ROUNDS).rev() {
            let plan = anew.as_ref().unwrap_or(agreed);
            let alone = self.progress.is_nothing_in();
            let Some(fault) = self.write(to, plan).await? else {
                return Ok(match anew {
                    // What earlier change sets wrote agrees in the newer plan.
                    Some(plan) if alone => Applied::ByThisRunAnew(plan),
                    _ => Applied::ByThisRun,
                });
            };
            let nothing_in = self.progress.is_nothing_in();
            let Ok(now) = self.plan_again().await else {
                return Err(self.conflict(fault, None, vec![]));
            };
            match judge(agreed, &now) {
                Verdict::Done if nothing_in => {
                    self.listener.tell(Event::WrittenElsewhere);
                    return Ok(Applied::ByAnotherRun(now));
                }
                Verdict::Done => return Ok(Applied::ByThisRun),
                Verdict::Again if rounds_left == 0 || !self.goes_on => {
                    return Err(self.conflict(fault, None, vec![]));
                }
                Verdict::Again => {
                    self.listener.tell(Event::PlannedAgain);
                    anew = Some(now);
                }
                Verdict::Diverged(both) => return Err(self.conflict(fault, Some(now), both)),
            }
        }
        Ok(Applied::ByThisRun)
    }

    /// Sends the writes of a plan and proves them; what the service said if a guard no longer held.
    async fn write(
        &self,
        to: &Writer<'_>,
        plan: &Plan,
    ) -> Result<Option<ServiceError>, ApplyError> {
        let sets: Vec<&[Write]> = plan.writes().chunks(MOST_OPERATIONS).collect();
        self.progress.plan(sets.len(), plan.writes().len());
        self.listener.tell(Event::Writing { writes: plan.writes().len(), change_sets: sets.len() });
        let mut open = sets.as_slice();
        loop {
            match self.send(to, &mut open).await {
                Ok(last) => return self.verify(&sets, last).await.map(|()| None),
                Err(Stop::Refused(fault)) if fault.is_conflict() => return Ok(Some(fault)),
                Err(Stop::Unclear(cause)) => {
                    let cause = format!("the write was sent and its answer lost: {cause}");
                    match self.look(open, cause).await? {
                        Looked::All => return Ok(None),
                        Looked::First => self.take(&mut open),
                    }
                }
                Err(stop) => return Err(self.failed(stop)),
            }
        }
    }

    /// Sends the change sets in order, and takes each off `open` that is in, up to the first that
    /// is not known to be. The first one has the run's time; what was begun is brought to its end.
    /// Answers the id of the last request.
    async fn send(
        &self,
        writer: &Writer<'_>,
        open: &mut &[&[Write]],
    ) -> Result<Option<String>, Stop> {
        let mut last = None;
        while let Some(set) = open.first() {
            if self.progress.is_stopped() {
                return Err(Stop::Interrupted);
            }
            self.progress.enter(Phase::Sending);
            let answer = writer.send(set).await;
            self.progress.enter(Phase::Between);
            self.reader.extend_deadline(FINISH);
            last = committed(answer)?;
            self.take(open);
        }
        Ok(last)
    }

    /// Notes that the first of the open change sets is in.
    fn take(&self, open: &mut &[&[Write]]) {
        if let Some((set, rest)) = open.split_first() {
            self.progress.take(set.len());
            *open = rest;
        }
    }

    /// The end of a run whose next change set is not in.
    fn failed(&self, stop: Stop) -> ApplyError {
        let nothing_in = self.progress.is_nothing_in();
        match stop {
            Stop::Refused(fault) if nothing_in => ApplyError::Refused(fault),
            Stop::Unsent(error) if nothing_in => error.into(),
            Stop::Refused(fault) => self.partial(fault.to_string()),
            Stop::Unsent(error) => self.partial(sentence(&error)),
            Stop::Unclear(cause) => self.partial(cause),
            Stop::Interrupted => self.left(),
        }
    }

    /// The end of a run of which some change sets are in.
    fn partial(&self, cause: String) -> ApplyError {
        ApplyError::Partial { share: self.progress.share(), cause, extent: None }
    }

    /// The end of a run that cannot go on after a guard no longer held, with what was planned anew
    /// and where it differs.
    fn conflict(
        &self,
        fault: ServiceError,
        now: Option<Plan>,
        both: Vec<Divergence>,
    ) -> ApplyError {
        if !self.progress.is_nothing_in() {
            return self.partial(fault.to_string());
        }
        let problems = now.map(|now| now.problems).unwrap_or_default();
        ApplyError::Conflict { fault, both, problems }
    }

    /// Plans again from what the targets hold now.
    async fn plan_again(&self) -> Result<Plan, DiscoverError> {
        self.goal.plan(self.reader, self.cloud).await
    }

    /// Which targets of a plan are in, if that can be read soon.
    async fn extent(&self, agreed: &Plan) -> Option<Extent> {
        let now = tokio::time::timeout(READ_EXTENT, self.plan_again()).await.ok()?.ok()?;
        Some(Extent::of(agreed, &now))
    }

    /// Makes sure that nothing is left to do. Where everything is, what answers the reads may not
    /// know of the writes yet.
    async fn verify(&self, sent: &[&[Write]], last: Option<String>) -> Result<(), ApplyError> {
        self.progress.enter(Phase::Verifying);
        self.listener.tell(Event::Verifying);
        let id = last.map(|id| format!(" (request {id})")).unwrap_or_default();
        let cause = format!("{} took the write{id}", Service::Dataverse);
        match Stage::Verify.log(self.plan_again()).await {
            Ok(after) if after.is_agreed() => Ok(()),
            Ok(after) if is_what_was_sent(&after, sent) => {
                self.progress.give_back(sent.len(), after.writes().len());
                match self.look(sent, cause.clone()).await? {
                    Looked::All => Ok(()),
                    Looked::First => Err(self.partial(cause)),
                }
            }
            Ok(after) => Err(ApplyError::Unknown { cause, after: Box::new(after) }),
            Err(source) => Err(ApplyError::Unverified { cause, source }),
        }
    }

    /// An answer was lost or is not borne out: reading shows whether its change set is in, until the
    /// service must have given up on it. `open` are the change sets that are not known to be in, of which the
    /// first was sent.
    async fn look(&self, open: &[&[Write]], cause: String) -> Result<Looked, ApplyError> {
        self.progress.enter(Phase::Looking);
        self.listener.tell(Event::Looking { longest: self.looks.iter().sum() });
        let mut after = Plan::default();
        for pause in self.looks {
            tokio::time::sleep(*pause).await;
            after = match self.plan_again().await {
                Ok(after) => after,
                Err(source) => return Err(ApplyError::Unverified { cause, source }),
            };
            if after.is_agreed() {
                return Ok(Looked::All);
            }
            if open.len() > 1 && is_what_was_sent(&after, &open[1..]) {
                return Ok(Looked::First);
            }
        }
        if !is_what_was_sent(&after, open) {
            return Err(ApplyError::Unknown { cause, after: Box::new(after) });
        }
        self.progress.enter(Phase::Between);
        if self.progress.is_nothing_in() {
            return Err(ApplyError::NotWritten { cause });
        }
        Err(self.partial(cause))
    }
}

/// What looking for a change set whose answer was lost found.
enum Looked {
    /// It is in, and nothing is left to do.
    All,
    /// It is in, and those after it are not.
    First,
}

/// Whether a plan has exactly the writes of these change sets.
fn is_what_was_sent(plan: &Plan, sets: &[&[Write]]) -> bool {
    plan.writes().iter().eq(sets.iter().copied().flatten())
}

/// Whether a change set is in, as its answer tells, to the request of that id.
fn committed(answer: Result<ChangeSetAnswer, SendError>) -> Result<Option<String>, Stop> {
    match answer {
        Ok(ChangeSetAnswer::Committed(id)) => Ok(id),
        Ok(ChangeSetAnswer::Refused(fault)) => Err(Stop::Refused(fault)),
        Ok(ChangeSetAnswer::Unclear(cause)) => Err(Stop::Unclear(cause)),
        Err(SendError::Transport(error)) if !error.is_never_sent() => {
            Err(Stop::Unclear(sentence(&error)))
        }
        Err(error) => Err(Stop::Unsent(error)),
    }
}
