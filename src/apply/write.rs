//! The stage that writes rows: one change set, whose answer is not believed before the targets were
//! read and planned again.

use std::time::Duration;

use super::conflict::{MOST_ROUNDS, NewPlanVerdict, is_conflict, judge, taken_by_unseen_row};
use super::progress::Phase;
use super::writer::{WriteEnd, Writer};
use super::{Applied, ApplyError, ApplyRun, Refused};
use crate::discover::DiscoverError;
use crate::model::{Event, Service, Stage, error_chain};
use crate::plan::{Plan, TargetState, Write};
use crate::services::dataverse::{ChangeSetAnswer, ChangeSetRefusal, Receipt};
use crate::sign_in::SendError;

/// The number of those checks for a write that was answered: reads may show the write a moment
/// later.
const LOOKS_AFTER_ANSWER: usize = 2;

/// The time for the rest of an apply after its change set was sent, whatever time the run had left.
const FINISH: Duration = Duration::from_mins(5);

impl ApplyRun<'_> {
    /// Sends the writes and reads the targets back: a new plan must be empty. After a conflict,
    /// writes again if the new plan has the same effect, at most `MOST_ROUNDS` times in all.
    ///
    /// # Errors
    /// Returns an [`ApplyError`], which says what was written and what was not.
    pub(super) async fn carry_out_writes(&self, agreed: &Plan) -> Result<Applied, ApplyError> {
        let writer = Writer::new(self.reader);
        let mut anew = None;
        for rounds_left in (0..MOST_ROUNDS).rev() {
            let plan = anew.as_ref().unwrap_or(agreed);
            let Some(refusal) = self.write(&writer, plan).await? else { break };
            let now = self.plan_after_refusal(plan, &refusal).await?;
            let refused = || Refused::from_change_set(&refusal, plan);
            if now.is_up_to_date() && !refusal.error.is_conflict_by_code() {
                return Ok(Applied::ThoughRefused { refused: refused(), anew });
            }
            if !is_conflict(&refusal, plan.writes()) {
                return Err(refusal_error(refused(), plan, now));
            }
            match judge(agreed, &now) {
                NewPlanVerdict::Done => {
                    self.listener.on_event(Event::WrittenElsewhere);
                    return Ok(Applied::ByAnotherRun(now));
                }
                NewPlanVerdict::Again if rounds_left == 0 || !self.may_replan => {
                    let (both, problems) = (Vec::new(), Vec::new());
                    let (refused, unmoved) = (refused(), now.writes() == plan.writes());
                    return Err(ApplyError::Conflict { refused, both, problems, unmoved });
                }
                NewPlanVerdict::Again => {
                    self.listener.on_event(Event::PlannedAgain);
                    anew = Some(now);
                }
                NewPlanVerdict::Diverged(both) => {
                    let (refused, problems, unmoved) = (refused(), now.problems, false);
                    return Err(ApplyError::Conflict { refused, both, problems, unmoved });
                }
            }
        }
        Ok(anew.map_or(Applied::ByThisRun, Applied::ByThisRunAnew))
    }

    /// Sends the writes of a plan and verifies them; returns the refusal if the service refuses
    /// them.
    async fn write(
        &self,
        to: &Writer<'_>,
        plan: &Plan,
    ) -> Result<Option<ChangeSetRefusal>, ApplyError> {
        self.listener.on_event(Event::Writing { writes: plan.writes().len() });
        match self.send_until_taken(to, plan).await? {
            ChangeSetAnswer::Committed(receipt) => self.verify(plan, receipt).await.map(|()| None),
            ChangeSetAnswer::Refused(refusal) => Ok(Some(refusal)),
            ChangeSetAnswer::Unclear(cause) => {
                self.find_lost_write(plan, cause).await.map(|()| None)
            }
        }
    }

    /// Sends the change set, and again while the service turns it away (401, 429) and reading
    /// back shows that nothing was written. Then extends the run's time limit for the rest.
    async fn send_until_taken(
        &self,
        to: &Writer<'_>,
        plan: &Plan,
    ) -> Result<ChangeSetAnswer, ApplyError> {
        let mut refusals = 0;
        loop {
            let WriteEnd { answer, may_repeat } = self.send(to, plan, refusals).await?;
            if !may_repeat || !self.is_unwritten(plan).await {
                self.reader.extend_deadline(FINISH);
                return Ok(answer);
            }
            refusals += 1;
        }
    }

    /// Sends the change set once, within the run's time limit.
    async fn send(
        &self,
        to: &Writer<'_>,
        plan: &Plan,
        refusals: u32,
    ) -> Result<WriteEnd, ApplyError> {
        if self.progress.is_stopped() {
            return Err(ApplyError::Interrupted);
        }
        self.progress.enter(Phase::Sending);
        let end = to.send(plan.writes(), refusals).await;
        self.progress.enter(Phase::Between);
        match end {
            Ok(end) => Ok(end),
            Err(SendError::Transport(error)) if !error.is_never_sent() => {
                let answer = ChangeSetAnswer::Unclear(error_chain(&error));
                Ok(WriteEnd { answer, may_repeat: false })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Checks by reading that a change set which was turned away was not carried out. Reads twice
    /// if rows were to be created, since reads may show them a moment later.
    async fn is_unwritten(&self, plan: &Plan) -> bool {
        self.progress.enter(Phase::Checking);
        let looks = if plan.writes().iter().any(Write::is_new) { 2 } else { 1 };
        for look in 0..looks {
            if look > 0 {
                tokio::time::sleep(self.pause()).await;
            }
            let now = self.plan_again().await;
            if !now.is_ok_and(|now| now.writes() == plan.writes()) {
                return false;
            }
        }
        self.progress.enter(Phase::Between);
        self.progress.settle(self.reader.answered_writes());
        true
    }

    /// Plans again after the service refused a plan's writes, since a refusal alone does not prove
    /// that nothing was written.
    async fn plan_after_refusal(
        &self,
        plan: &Plan,
        refusal: &ChangeSetRefusal,
    ) -> Result<Plan, ApplyError> {
        self.progress.enter(Phase::Checking);
        let refused = || Refused::from_change_set(refusal, plan);
        let unread = |source| ApplyError::Unchecked { refused: refused(), source };
        let mut now = self.plan_again().await.map_err(unread)?;
        if !taken_by_unseen_row(refusal, plan, &now).is_empty() {
            // Another run's row may be seen a moment later.
            tokio::time::sleep(self.pause()).await;
            now = self.plan_again().await.map_err(unread)?;
        }
        self.progress.enter(Phase::Between);
        let taken = taken_by_unseen_row(refusal, plan, &now);
        if taken.is_empty() {
            return Ok(now);
        }
        let targets = taken.iter().flat_map(|write| plan.targets_of(*write)).cloned().collect();
        let of_value_name = refusal.error.is_duplicate_value_name();
        Err(ApplyError::KeyTaken { refused: refused(), targets, of_value_name })
    }

    /// Returns the pause before the targets are read again after an answer.
    fn pause(&self) -> Duration {
        self.look_pauses.get(1).copied().unwrap_or_default()
    }

    /// Plans again from the targets' current values.
    async fn plan_again(&self) -> Result<Plan, DiscoverError> {
        self.goal.plan(self.reader, self.cloud).await
    }

    /// Verifies that nothing is left to do after the service accepted the writes. Reads again if
    /// all writes are still to do, since reads may not show the writes yet.
    async fn verify(&self, plan: &Plan, receipt: Receipt) -> Result<(), ApplyError> {
        self.progress.enter(Phase::Verifying);
        self.listener.on_event(Event::Verifying);
        let mut after = Plan::default();
        for pause in self.look_pauses.iter().take(LOOKS_AFTER_ANSWER) {
            tokio::time::sleep(*pause).await;
            after = match Stage::Verify.log(self.plan_again()).await {
                Ok(after) => after,
                Err(source) => {
                    return Err(ApplyError::Unverified { cause: accepted(&receipt), source });
                }
            };
            if after.is_up_to_date() {
                return Ok(());
            }
            if after.writes() != plan.writes() {
                break;
            }
        }
        Err(self.altered_error(plan, receipt, after).await)
    }

    /// Returns the error of a run whose writes the service accepted but did not keep as sent.
    async fn altered_error(&self, plan: &Plan, receipt: Receipt, after: Plan) -> ApplyError {
        let mut results = plan.results(&after);
        let created = self.created(plan, &receipt, &after).await;
        for result in &mut results {
            let new = created.iter().find(|row| row.targets.contains(&result.address));
            let lost =
                || plan.row_of(&result.address).filter(|_| after.misses_record(&result.address));
            result.row = new.and_then(|row| row.id).or_else(lost);
        }
        let (cause, after) = (accepted(&receipt), Box::new(after));
        ApplyError::Altered { cause, results, created, after }
    }

    /// Checks repeatedly whether a write whose answer was lost was carried out, until the service
    /// must have given up on it.
    async fn find_lost_write(&self, plan: &Plan, cause: String) -> Result<(), ApplyError> {
        let cause = format!("the write was sent and its answer lost: {cause}");
        self.progress.enter(Phase::Looking);
        self.listener.on_event(Event::Looking { longest: self.look_pauses.iter().sum() });
        let mut after = Plan::default();
        for pause in self.look_pauses {
            tokio::time::sleep(*pause).await;
            after = match self.plan_again().await {
                Ok(after) => after,
                Err(source) => return Err(ApplyError::Unverified { cause, source }),
            };
            if after.is_up_to_date() {
                return Ok(());
            }
        }
        if after.writes() != plan.writes() {
            return Err(unknown(cause, plan, after));
        }
        self.progress.enter(Phase::Between);
        let has_new_rows = plan.writes().iter().any(Write::is_new);
        Err(ApplyError::NotWritten { cause, has_new_rows })
    }
}

/// Returns the error of a run whose writes the service refused, but not because of a conflict.
fn refusal_error(refused: Refused, plan: &Plan, now: Plan) -> ApplyError {
    let mut results = plan.results(&now).into_iter();
    if results.all(|one| one.state == TargetState::Unchanged) {
        return ApplyError::Refused(refused);
    }
    unknown(refused.to_string(), plan, now)
}

/// Returns the error of a run whose outcome is unknown, with the targets' results by a later plan.
fn unknown(cause: String, plan: &Plan, after: Plan) -> ApplyError {
    let results = plan.results(&after);
    let may_repeat = plan.writes().iter().any(|write| after.makes(write));
    ApplyError::Unknown { cause, after: Box::new(after), results, may_repeat }
}

/// Formats the message that the service accepted the writes.
fn accepted(receipt: &Receipt) -> String {
    let id = receipt.request_id.as_ref().map(|id| format!(" (request {id})"));
    format!("{} accepted the write{}", Service::Dataverse, id.unwrap_or_default())
}
