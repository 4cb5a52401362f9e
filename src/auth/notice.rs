//! What a sign-in tells while it goes on, for whoever shows it.

use std::sync::Arc;

use url::Url;

use super::Prompt;

/// Something that the person or the operator should see.
pub enum Notice<'a> {
    /// A person is to enter a code on a page.
    DeviceCode(&'a Prompt),
    /// A person is to open that address in a browser of this machine.
    Browser(&'a Url),
    /// The person has not entered the code for long.
    StillWaiting,
    /// Something may be wrong, but the run goes on.
    Warning(&'a str),
}

/// Takes notices in.
pub type Notify = Arc<dyn Fn(Notice<'_>) + Send + Sync>;
