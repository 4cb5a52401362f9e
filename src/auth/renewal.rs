//! provisional
use super::AuthError;
pub(super) enum Next {
    AskPerson { forget: bool },
    Stop,
    Later,
}
pub(super) fn next(error: &AuthError) -> Next {
    match error {
        AuthError::NoRefreshToken { .. } => Next::AskPerson { forget: false },
        AuthError::Refused { refusal, .. } if refusal.error == "invalid_grant" => {
            match refusal.suberror.as_deref() {
                Some("message_only") => Next::Stop,
                Some("bad_token" | "token_expired") => Next::AskPerson { forget: true },
                _ => Next::AskPerson { forget: false },
            }
        }
        AuthError::Busy { .. } | AuthError::Transport { .. } => Next::Later,
        _ => Next::Stop,
    }
}
