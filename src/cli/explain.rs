//! Options of explaining a code.

use clap::Args;

/// Options of explaining a code.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Exit code (`5`), problem code (`flow-draft`), Entra error (`AADSTS53003`) or service error
    /// (`0x80040265`). Without one, all codes are listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}
