//! The files of a run's reports: opened before anything is contacted, written at its end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::cli::ReportArgs;
use crate::model::{Exit, Failure};
use crate::report::{CommandFilter, ReportFormat, Run};

/// The reports that were asked for.
#[derive(Default)]
pub(crate) struct Reports {
    files: Vec<ReportFile>,
}

/// A report to write.
struct ReportFile {
    path: PathBuf,
    format: ReportFormat,
    file: File,
}

impl Reports {
    /// Opens and empties the files, so that no report of an earlier run is taken for this one's. If
    /// one cannot be written, those before it are written all the same.
    pub(crate) fn open(&mut self, args: &ReportArgs) -> Result<(), Failure> {
        if args.report_format.is_some() && args.report.len() != 1 {
            return Err(Failure::new(Exit::Usage, "--report-format needs exactly one --report")
                .hint("name one report, or omit --report-format and let each extension select the format"));
        }
        for path in &args.report {
            let format = format(path, args.report_format)?;
            let file = atomic_file::open_empty(path).map_err(|error| unwritable(path, &error))?;
            self.files.push(ReportFile { path: path.clone(), format, file });
        }
        Ok(())
    }

    /// Saves each report, and returns the failures of those that cannot be written.
    pub(crate) fn write(&self, run: &Run<'_>) -> Vec<Failure> {
        let written = self.files.iter().map(|report| report.write(run));
        written.filter_map(Result::err).collect()
    }
}

impl ReportFile {
    fn write(&self, run: &Run<'_>) -> Result<(), Failure> {
        let is_file = self.file.metadata().is_ok_and(|there| there.is_file());
        let written = self.write_to(CommandFilter::new(&self.file, self.format.make_safe()), run);
        // A part of a report, or an empty one, is worse than none.
        let written = written.inspect_err(|_| {
            if let (true, Ok(path)) = (is_file, atomic_file::follow_links(&self.path)) {
                let _ = fs::remove_file(path);
            }
        });
        written.map_err(|error| {
            let shown = self.path.display();
            Failure::new(
                Exit::Unexpected,
                format!("the report `{shown}` cannot be written: {error}"),
            )
            .hint("the result of the run itself is shown above")
        })
    }

    fn write_to(&self, mut to: impl Write, run: &Run<'_>) -> io::Result<()> {
        self.format.write(run, &mut to)?;
        to.flush()
    }
}

/// Returns the format of a report: the given one, else the one of the file's extension.
fn format(path: &Path, given: Option<ReportFormat>) -> Result<ReportFormat, Failure> {
    given.or_else(|| ReportFormat::from_path(path)).ok_or_else(|| {
        refused(path, "has an unknown extension")
            .hint("use .md, .xml, .sarif, .json or .html, or add --report-format")
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    refused(path, &format!("cannot be written: {error}"))
        .hint("name a file in a writable folder with --report")
}

fn refused(path: &Path, reason: &str) -> Failure {
    let message = format!("the report `{}` {reason}; nothing was contacted", path.display());
    Failure::new(Exit::Usage, message)
}
