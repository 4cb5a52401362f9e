//! The only type that writes. Only `run/interrupts.rs` creates one.

use super::change_set::operation;
use crate::discover::Reader;
use crate::plan::Write;
use crate::services::dataverse::{
    BatchId, ChangeSetAnswer, DataverseApi, Operation, change_set, read_change_set,
};
use crate::sign_in::{Audience, SendError, Session};

/// Writes to one environment as the signed-in user.
pub(crate) struct Writer<'run> {
    session: &'run Session,
    api: DataverseApi,
}

impl<'run> Writer<'run> {
    /// Creates a writer to the environment that the reader reads.
    pub(crate) fn new(reader: &Reader<'run>) -> Self {
        let (session, api) = reader.session_and_api();
        Self { session, api: api.clone() }
    }

    /// Sends one change set. `on_repeat` is called if the change set was sent again after it was turned
    /// away (401, 429): whether the first one was carried out is then not certain.
    pub(super) async fn send(
        &self,
        writes: &[Write],
        on_repeat: impl FnOnce(),
    ) -> Result<ChangeSetAnswer, SendError> {
        let operations: Vec<Operation> = writes.iter().map(operation).collect();
        let request = change_set(&self.api, BatchId::random(), &operations);
        self.session.ensure_lasting(Audience::Dataverse).await?;
        let before = self.session.dataverse_attempts();
        let answer = self.session.send(&request, Audience::Dataverse).await;
        if self.session.dataverse_attempts() > before + 1 {
            on_repeat();
        }
        let answer = answer?;
        Ok(read_change_set(&answer, operations.len()))
    }
}
