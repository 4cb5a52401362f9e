//! The only type that writes. Only the stages of this folder create one.

use super::change_set::operation;
use crate::discover::Reader;
use crate::plan::Write;
use crate::services::dataverse::{
    BatchId, ChangeSetAnswer, DataverseApi, Operation, change_set, read_change_set,
};
use crate::sign_in::{Audience, SendError, Session, WriteAnswer};

/// Writes to one environment as the signed-in user.
pub(super) struct Writer<'run> {
    session: &'run Session,
    api: DataverseApi,
}

/// The end of sending one change set.
pub(super) struct WriteEnd {
    /// The answer to it.
    pub answer: ChangeSetAnswer,
    /// Whether it was turned away and may be sent again, provided that nothing was written.
    pub may_repeat: bool,
}

impl<'run> Writer<'run> {
    /// Creates a writer to the environment that the reader reads.
    pub(super) fn new(reader: &Reader<'run>) -> Self {
        let (session, api) = reader.session_and_api();
        Self { session, api: api.clone() }
    }

    /// Sends one change set, once, after it was turned away `refusals` times.
    pub(super) async fn send(
        &self,
        writes: &[Write],
        refusals: u32,
    ) -> Result<WriteEnd, SendError> {
        let operations: Vec<Operation> = writes.iter().map(operation).collect();
        let request = change_set(&self.api, BatchId::random(), &operations);
        self.session.ensure_lasting(Audience::Dataverse).await?;
        let WriteAnswer { answer, may_repeat } =
            self.session.send_write(&request, refusals).await?;
        Ok(WriteEnd { answer: read_change_set(&answer, operations.len()), may_repeat })
    }
}
