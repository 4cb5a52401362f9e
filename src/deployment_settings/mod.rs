//! Reads and writes deployment settings, the file from which `pac solution import` takes values.
//!
//! ```text
//! settings    bytes <-> Settings             every byte that is not written stays as it is
//! export      Desired + Observed + Settings -> Plan and other Settings
//! import      Settings + the environment's URLs -> the text of a manifest
//! ```
//!
//! The shape of the file:
//! <https://learn.microsoft.com/power-platform/alm/conn-ref-env-variables-build-tools>.
//! Everything here is pure: other modules read files and send requests.

mod export;
mod import;
mod layout;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use export::{Export, ExportedVariable, plan_export};
pub(crate) use import::{Import, flow_urls, import_bindings};
pub(crate) use settings::Settings;
