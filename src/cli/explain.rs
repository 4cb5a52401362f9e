//! Options of explaining a code.

use clap::Args;

/// Options of explaining a code.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An exit code (`5`), the code of a problem (`flow-draft`), a number of Entra
    /// (`AADSTS53003`), or a service's code (`0x80040265`). Without one, all are listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}
