//! The manifest as a whole: what is read, and what is told of everything that can be wrong.

mod breakages;
mod choosing;
mod dataverse_identity;
mod properties;
mod reading;
mod rendering;
mod target_breakages;

use super::Manifest;
use crate::model::{Clouds, Problem};

/// The manifest that users copy.
const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// The head of a manifest with nothing wrong in it: five lines.
const HEAD: &str = "version = 1\n[environments.prod]\nurl = \"https://contoso.crm4.dynamics.com\"\n[[flow]]\nworkflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\n";

/// A target for it: two lines.
const TARGET: &str = "[[flow.target]]\nenvironment-variable = \"contoso_OrderUrl\"\n";

fn parse(bytes: impl AsRef<[u8]>) -> Result<Manifest, Vec<Problem>> {
    Manifest::parse(bytes.as_ref(), &Clouds::embedded().unwrap())
}

fn problems(bytes: impl AsRef<[u8]>) -> Vec<Problem> {
    parse(bytes).err().unwrap_or_default()
}

/// A problem as `line:column code`.
fn brief(problem: &Problem) -> String {
    let site = problem
        .site
        .map_or_else(|| "-".to_owned(), |site| format!("{}:{}", site.line, site.column));
    format!("{site} {}", problem.code)
}
