//! Messages of a sign-in to the person or the operator.

use std::sync::Arc;

use url::Url;

use super::DeviceCodePrompt;

/// A message to the person or the operator.
pub enum Notice<'a> {
    /// A person has to enter a code on a page.
    DeviceCode(&'a DeviceCodePrompt),
    /// A person has to open this address in a browser on this machine.
    Browser(&'a Url),
    /// The code has not been entered for two minutes.
    StillWaiting,
    /// A problem that does not stop the run.
    Warning(&'a str),
}

/// A receiver of notices.
pub type Notify = Arc<dyn Fn(Notice<'_>) + Send + Sync>;
