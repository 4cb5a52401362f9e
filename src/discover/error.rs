//! The failures that end the reading.

use crate::http::TransportError;
use crate::services::ApiError;
use crate::sign_in::{AuthError, SendError};

/// A failure that ends the reading.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The service did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No token could be obtained.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// No plan can be made from the answer.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<SendError> for DiscoverError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Auth(error) => Self::Auth(error),
            SendError::Transport(error) => Self::Transport(error),
        }
    }
}
