//! Options of making a manifest out of deployment settings.

use std::path::PathBuf;

use clap::Args;

use super::ConnectArgs;
use crate::model::SchemaName;

/// Options of an import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Deployment settings file of this environment.
    #[arg(long, short = 's', value_name = "FILE", visible_alias = "settings-file")]
    pub deployment_settings: PathBuf,
    /// Import only this variable, by schema name; can be repeated.
    #[arg(long, value_name = "NAME")]
    pub variable: Vec<SchemaName>,
    /// Write the manifest to this new file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Options of the connection. Only the environments of the manifest are used; a URL needs no
    /// manifest.
    #[command(flatten)]
    pub connect: ConnectArgs,
}
