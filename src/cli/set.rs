//! The command line of `flowbind set`.

use clap::{Args, ValueEnum};

use super::{RunArgs, WaitArgs, WriteArgs, new_journal};
use crate::model::{JsonPointer, SchemaName, SignedUrls, TriggerName, WorkflowId};
use crate::plan::journal::JournalFile;

/// Options of binding one flow to one variable.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Schema name of the environment variable.
    pub variable: SchemaName,
    /// Workflow id of the flow.
    #[arg(long, value_name = "WORKFLOW-ID")]
    pub flow: WorkflowId,
    /// Trigger of the flow, if it has several HTTP triggers.
    #[arg(long, value_name = "NAME")]
    pub trigger: Option<TriggerName>,
    /// Member of a JSON value that gets the URL, such as /orders/intake.
    #[arg(long, value_name = "POINTER")]
    pub json_pointer: Option<JsonPointer>,
    /// What to do if the URL is signed, so that whoever reads it can run the flow [default: as the
    /// manifest says, otherwise refuse].
    #[arg(long, value_name = "POLICY")]
    pub signed_urls: Option<SignedUrlPolicy>,
    /// Options of writing.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Write a journal to this new file, as `flowbind apply --journal` does.
    #[arg(long, value_name = "[plain:]FILE", value_parser = new_journal)]
    pub journal: Option<JournalFile>,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run. Only the environments and the policy of the manifest are used; a URL
    /// needs no manifest.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The policy for signed URLs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SignedUrlPolicy {
    /// Write nothing.
    Refuse,
    /// Write it, with a warning.
    Warn,
    /// Write it.
    Allow,
}

impl From<SignedUrlPolicy> for SignedUrls {
    fn from(policy: SignedUrlPolicy) -> Self {
        match policy {
            SignedUrlPolicy::Refuse => Self::Refuse,
            SignedUrlPolicy::Warn => Self::Warn,
            SignedUrlPolicy::Allow => Self::Allow,
        }
    }
}
