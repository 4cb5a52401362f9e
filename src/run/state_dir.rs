//! The folder in which the program keeps its state between runs.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The name of the file in which the sandbox keeps its state.
pub(crate) const SANDBOX_STATE: &str = "sandbox.json";

/// Returns the platform's folder for the program's state: `~/.local/state/flowbind` on Linux, and
/// `%LOCALAPPDATA%\flowbind` on Windows, which does not roam, unlike the folder of data.
pub(crate) fn state() -> Result<PathBuf, etcetera::HomeDirError> {
    let folders = etcetera::choose_base_strategy()?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Ok(folder.join("flowbind"))
}
