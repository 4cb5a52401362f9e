//! The formats of a report file.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use super::{html, json, junit, markdown, sarif};
use crate::report::{Run, safe_json, safe_text};

/// The format of a report file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Markdown, as in the summary of a job (.md).
    Markdown,
    /// JUnit XML with a test case per target (.xml).
    Junit,
    /// SARIF 2.1.0 with the problems by file and line (.sarif).
    Sarif,
    /// JSON, the same as `--format json` (.json).
    Json,
    /// A self-contained HTML page (.html).
    Html,
}

impl ReportFormat {
    /// Returns the report format for the extension of a file, if the extension is known.
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "xml" => Some(Self::Junit),
            "sarif" => Some(Self::Sarif),
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }

    /// Writes the run in this format.
    ///
    /// # Errors
    /// The writer fails.
    pub fn write(self, run: &Run<'_>, mut to: impl Write) -> io::Result<()> {
        match self {
            Self::Markdown => write!(to, "{}", markdown::document(run)),
            Self::Junit => junit::write(run, to),
            Self::Sarif => writeln!(to, "{:#}", sarif::document(run)),
            Self::Json => json::write(run, to),
            Self::Html => html::write(run, to),
        }
    }

    /// Returns the function that makes lines of this format safe to print.
    pub fn make_safe(self) -> fn(&str) -> Cow<'_, str> {
        match self {
            Self::Json | Self::Sarif => safe_json,
            Self::Markdown | Self::Junit | Self::Html => safe_text,
        }
    }

    /// Renders the run in this format.
    #[cfg(test)]
    pub(crate) fn render(self, run: &Run<'_>) -> String {
        let mut text = Vec::new();
        self.write(run, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_selects_the_format() {
        let of = |name: &str| ReportFormat::from_path(Path::new(name));
        assert_eq!(of("a/summary.MD"), Some(ReportFormat::Markdown));
        assert_eq!(of("TEST-flowbind.xml"), Some(ReportFormat::Junit));
        assert_eq!(of("flowbind.sarif"), Some(ReportFormat::Sarif));
        assert_eq!(of("run.json"), Some(ReportFormat::Json));
        assert_eq!(of("release.htm"), Some(ReportFormat::Html));
        assert_eq!(of("report.txt"), None);
        assert_eq!(of("report"), None);
    }
}
