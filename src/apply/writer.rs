//! The one thing that writes. It is made where an apply begins and nowhere else.

use super::change_set::operation;
use super::error::NotSent;
use crate::api::dataverse::{
    BatchId, ChangeSetAnswer, DataverseApi, Operation, change_set, read_change_set,
};
use crate::auth::{Audience, Session};
use crate::discover::Reader;
use crate::http::Transport;
use crate::plan::Write;

/// Writes to one environment as the signed-in user.
pub struct Writer<'run> {
    transport: &'run Transport,
    session: &'run Session,
    api: DataverseApi,
}

impl<'run> Writer<'run> {
    /// A writer to the environment that the reader reads.
    pub fn new(reader: &Reader<'run>) -> Self {
        let (transport, session, api) = reader.parts();
        Self { transport, session, api: api.clone() }
    }

    /// Sends one change set.
    pub(super) async fn send(&self, writes: &[Write]) -> Result<ChangeSetAnswer, NotSent> {
        let operations: Vec<Operation> = writes.iter().map(operation).collect();
        let request = change_set(&self.api, BatchId::random(), &operations);
        let token = self.session.token(Audience::Dataverse).await;
        let token = token.map_err(NotSent::Auth)?;
        let answer = self.transport.send(&request, Some(&token)).await;
        let answer = answer.map_err(NotSent::Transport)?;
        Ok(read_change_set(&answer, operations.len()))
    }
}
