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

    /// Sends one change set.
    pub(super) async fn send(&self, writes: &[Write]) -> Result<ChangeSetAnswer, SendError> {
        let operations: Vec<Operation> = writes.iter().map(operation).collect();
        let request = change_set(&self.api, BatchId::random(), &operations);
        self.session.ensure_lasting(Audience::Dataverse).await?;
        let answer = self.session.send(&request, Audience::Dataverse).await?;
        Ok(read_change_set(&answer, operations.len()))
    }
}
