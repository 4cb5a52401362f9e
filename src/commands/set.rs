//! `flowbind set`: binds one flow to one environment variable, as an apply does.

use std::path::Path;

use super::apply::{ApplyOptions, apply};
use crate::cli::SetArgs;
use crate::model::Exit;
use crate::run::prepare::Inputs;
use crate::run::process::Process;

/// The name that messages and reports show instead of the path of a manifest.
pub(super) const SOURCE: &str = "command line";

/// Writes the URL of a flow into an environment variable, and reports.
pub(super) async fn command(args: &SetArgs, process: &Process) -> Exit {
    let options = ApplyOptions {
        source: Path::new(SOURCE),
        plan: None,
        output_url: &[],
        write: &args.write,
        journal: args.journal.as_ref(),
        wait: &args.wait,
        run: &args.run,
    };
    apply(&options, |_, _| Inputs::of_binding(args, process), process).await
}
