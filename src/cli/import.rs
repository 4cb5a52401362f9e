//! Options of making a manifest out of deployment settings.

use std::path::PathBuf;

use clap::Args;

use super::ConnectArgs;
use crate::model::SchemaName;

/// Options of an import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The deployment settings to read, of the same environment as is connected to.
    #[arg(long, short = 's', value_name = "FILE", visible_alias = "settings-file")]
    pub deployment_settings: PathBuf,
    /// Only this variable, by its schema name; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub variable: Vec<SchemaName>,
    /// Write the manifest to this new file, instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Which environment, and how it is reached. The manifest is read for its environments alone, and
    /// an address needs none.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
