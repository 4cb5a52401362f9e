//! The outputs of a run for its pipeline: a summary, the outcome, and the URLs that the user asks
//! for.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::cli::Ci;
use crate::model::{
    Callback, CallbackUrl, Desired, Exit, Failure, FlowIndex, Observed, did_you_mean, nearest,
    printable_path,
};
use crate::report::{Console, OutputUrl, Run, Runner, Secrets, job_summary, safe_text};

/// The most bytes of the summaries of one step on GitHub
/// (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>).
const MOST_SUMMARY_BYTES: usize = 1 << 20;

/// The last lines of a summary that is cut.
const CUT: &str = "\n\nThe summary is cut here, at the size limit of a step. `--report FILE.md` writes all of it.\n";

/// The variable that names the file of a step's summary.
const GITHUB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// The variable that names the file of a step's outputs.
const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

/// Returns the pipeline to report to: the one that `--ci` names, else the one that is detected.
pub(crate) fn runner(ci: Ci) -> Option<Runner> {
    match ci {
        Ci::Auto => detected(),
        Ci::Github => Some(Runner::GitHubActions),
        Ci::Azure => Some(Runner::AzurePipelines),
        Ci::None => None,
    }
}

fn detected() -> Option<Runner> {
    Runner::detect(|name| env::var(name).ok())
}

/// Returns the path of a file from the root of the repository, as a pipeline wants it. Other paths
/// stay as they are.
pub(crate) fn source(path: &Path, runner: Option<Runner>) -> String {
    let root = match runner {
        Some(Runner::GitHubActions) => env::var_os("GITHUB_WORKSPACE"),
        Some(Runner::AzurePipelines) => env::var_os("BUILD_SOURCESDIRECTORY"),
        None => None,
    };
    let root = root.map(PathBuf::from).or_else(|| env::current_dir().ok());
    let inside = root.and_then(|root| inside(path, &root));
    let path = inside.unwrap_or_else(|| path.to_owned());
    printable_path(Path::new(&path.display().to_string().replace('\\', "/")))
}

/// Returns the path relative to `root`, or none if it is outside.
fn inside(path: &Path, root: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    if let Ok(inside) = absolute.strip_prefix(root)
        && inside.components().all(|part| matches!(part, std::path::Component::Normal(_)))
    {
        return Some(inside.to_owned());
    }
    let (path, root) = (fs::canonicalize(path).ok()?, fs::canonicalize(root).ok()?);
    path.strip_prefix(root).ok().map(Path::to_owned)
}

/// The files that GitHub gives a step for what a run reports, as far as they could be opened.
#[derive(Default)]
pub(crate) struct StepFiles {
    summary: Option<StepFile>,
    outputs: Option<StepFile>,
}

/// A file that a step adds to.
struct StepFile {
    path: PathBuf,
    file: File,
}

impl StepFiles {
    /// Opens the files, before anything is contacted. If one cannot be written, the other is written
    /// all the same.
    pub(crate) fn open(&mut self, console: &Console) -> Result<(), Failure> {
        if console.runner() != Some(Runner::GitHubActions) {
            return Ok(());
        }
        let mut opened = Ok(());
        let mut open = |variable| {
            StepFile::open(variable).unwrap_or_else(|failure| {
                opened = Err(failure);
                None
            })
        };
        (self.summary, self.outputs) = (open(GITHUB_SUMMARY), open(GITHUB_OUTPUT));
        opened
    }

    fn write_summary(&self, run: &Run<'_>) -> Result<(), Failure> {
        let Some(summary) = &self.summary else { return Ok(()) };
        let there = summary.file.metadata().map_or(0, |there| there.len());
        let room = MOST_SUMMARY_BYTES.saturating_sub(usize::try_from(there).unwrap_or(usize::MAX));
        summary.add(&bounded(safe_text(&job_summary(run)).into_owned(), room))
    }

    fn write_outputs(&self, run: &Run<'_>) -> Result<(), Failure> {
        let Some(outputs) = &self.outputs else { return Ok(()) };
        let changes = run.changes_present().map(|present| format!("changes-present={present}\n"));
        let outcome = run.outcome.as_str();
        outputs.add(&format!("outcome={outcome}\n{}", changes.unwrap_or_default()))
    }
}

impl StepFile {
    /// Opens the file that a variable names; none if it names none. A missing file is created, for
    /// its owner alone.
    fn open(variable: &str) -> Result<Option<Self>, Failure> {
        let path = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(path) = path else { return Ok(None) };
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&path).map_err(|error| {
            let shown = path.display();
            let message = format!(
                "the pipeline's file `{shown}` cannot be written: {error}; nothing was contacted"
            );
            Failure::new(Exit::Usage, message).hint(format!(
                "let {variable} name a file in a folder that you may write to, or report to no pipeline by --ci none"
            ))
        })?;
        Ok(Some(Self { path, file }))
    }

    fn add(&self, text: &str) -> Result<(), Failure> {
        (&self.file).write_all(text.as_bytes()).map_err(|error| untold(&self.path, &error))
    }
}

/// Hands the summary and the outcome of the run to the pipeline, and returns the failures.
pub(crate) fn report_to_pipeline(
    run: &Run<'_>,
    files: &StepFiles,
    console: &Console,
) -> Vec<Failure> {
    let told = match console.runner() {
        Some(Runner::GitHubActions) => vec![files.write_summary(run), files.write_outputs(run)],
        Some(Runner::AzurePipelines) => {
            azure_outputs(run, console);
            vec![azure_summary(run, console)]
        }
        None => Vec::new(),
    };
    told.into_iter().filter_map(Result::err).collect()
}

/// Returns the text, or if it is too long, its first lines and a note that it is cut.
fn bounded(text: String, room: usize) -> String {
    if text.len() <= room {
        return text;
    }
    let room = room.saturating_sub(CUT.len());
    let whole = |(place, _): &(usize, &str)| *place <= room;
    let end = text.match_indices('\n').take_while(whole).last().map(|(place, _)| place);
    end.map_or_else(String::new, |end| format!("{}{CUT}", &text[..end]))
}

fn azure_outputs(run: &Run<'_>, console: &Console) {
    console.command(&Runner::set_variable("flowbindOutcome", run.outcome.as_str()));
    if let Some(present) = run.changes_present() {
        let present = present.to_string();
        console.command(&Runner::set_variable("flowbindChangesPresent", &present));
    }
}

fn azure_summary(run: &Run<'_>, console: &Console) -> Result<(), Failure> {
    let Some(folder) = env::var_os("AGENT_TEMPDIRECTORY").map(PathBuf::from) else { return Ok(()) };
    // The page of the run shows each summary under the name of its file.
    let path = folder
        .join(Uuid::new_v4().to_string())
        .join(format!("flowbind {}.md", run.command.as_str()));
    let text = job_summary(run);
    let text = safe_text(&text);
    let written = fs::create_dir_all(path.parent().unwrap_or(&folder))
        .and_then(|()| fs::write(&path, text.as_bytes()));
    written.map_err(|error| untold(&path, &error))?;
    console.command(&Runner::upload_summary(&path.display().to_string()));
    Ok(())
}

fn untold(path: &Path, error: &io::Error) -> Failure {
    let message = format!("the pipeline's file `{}` cannot be written: {error}", path.display());
    Failure::new(Exit::Unexpected, message).hint("the result of the run itself is shown above")
}

/// The URLs to hand to a later step of the pipeline.
pub(crate) struct OutputUrls<'run> {
    runner: Runner,
    urls: Vec<(&'run OutputUrl, FlowIndex)>,
}

impl<'run> OutputUrls<'run> {
    /// Checks, before anything is contacted, that there is a pipeline to hand each URL to, and that
    /// the manifest has each target. Returns none if there is no URL to hand over.
    pub(crate) fn from_args(
        outputs: &'run [OutputUrl],
        desired: &Desired,
        console: &Console,
    ) -> Result<Option<Self>, Failure> {
        if outputs.is_empty() {
            return Ok(None);
        }
        let runner = real(console)?;
        let urls = outputs.iter().map(|output| Ok((output, flow(output, desired)?)));
        Ok(Some(Self { runner, urls: urls.collect::<Result<_, Failure>>()? }))
    }

    /// Masks each URL and its signatures in the log, and then hands the URL over.
    pub(crate) fn hand_over(&self, observed: &Observed, console: &Console) -> Result<(), Failure> {
        for (output, flow) in &self.urls {
            let Some(url) = url(observed, *flow) else { continue };
            console.mask_secrets(&Secrets::mask_commands(self.runner, url));
            match self.runner {
                Runner::GitHubActions => keep(&Secrets::output(&output.name, url))?,
                Runner::AzurePipelines => {
                    console.mask_secrets(&Secrets::variable(&output.name, url));
                }
            }
        }
        Ok(())
    }
}

/// Returns the pipeline that really reads this program's output, or fails: anywhere else a URL
/// would stay in the log.
fn real(console: &Console) -> Result<Runner, Failure> {
    let is_sure = env::var_os("GITHUB_ACTIONS").is_none() || env::var_os("TF_BUILD").is_none();
    let runner = console.runner().filter(|runner| is_sure && detected() == Some(*runner));
    let has_file = env::var_os(GITHUB_OUTPUT).is_some();
    match runner {
        Some(Runner::GitHubActions) if !has_file => None,
        other => other,
    }
    .ok_or_else(|| {
        let (why, help) = match runner {
            Some(_) => {
                ("GITHUB_OUTPUT is not set", "use it in a step of a job, which sets that variable")
            }
            None => (
                "this is not a supported pipeline",
                "use it in a job of GitHub Actions or Azure Pipelines, without --ci none",
            ),
        };
        let message = "--output-url passes a URL to a later pipeline step";
        Failure::new(Exit::Usage, format!("{message}, but {why}; nothing was contacted")).hint(help)
    })
}

/// Finds the flow whose URL goes to the target of an output.
fn flow(output: &OutputUrl, desired: &Desired) -> Result<FlowIndex, Failure> {
    let mut bindings = desired.bindings.iter().filter(|one| !desired.is_removed(one));
    let found = bindings.find(|binding| binding.target.address() == output.address);
    found.map(|binding| binding.flow).ok_or_else(|| {
        let message =
            format!("the manifest has no target `{}`; nothing was contacted", output.address);
        let addresses: Vec<String> =
            desired.bindings.iter().map(|binding| binding.target.address()).collect();
        let near = did_you_mean(nearest(&output.address, addresses.iter().map(String::as_str)));
        Failure::new(Exit::Usage, message).hint(format!(
            "{near}use an address from `flowbind plan --format json`: --output-url NAME=ADDRESS"
        ))
    })
}

/// Returns the URL of a flow, if there is one. The plan has checked that it may be written.
fn url(observed: &Observed, flow: FlowIndex) -> Option<&CallbackUrl> {
    match observed.flows.get(flow.0)?.callback.as_ref()? {
        Callback::Url(url) | Callback::Unconfirmed(url) => Some(url),
        _ => None,
    }
}

/// Saves a secret as an output of the step.
fn keep(line: &Secrets) -> Result<(), Failure> {
    let path = PathBuf::from(env::var_os(GITHUB_OUTPUT).unwrap_or_default());
    // The runner made it, its own alone: another file would be readable by others.
    let file = OpenOptions::new().append(true).open(&path);
    let written = file.and_then(|mut file| {
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        file.write_all(line.expose().as_bytes())
    });
    written.map_err(|error| untold(&path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_ends_at_a_line_where_it_would_be_too_long() {
        let text = "one\ntwo\nthree\n".repeat(100);
        assert_eq!(bounded(text.clone(), text.len()), text);
        let cut = bounded(text.clone(), CUT.len() + 9);
        assert_eq!(cut, format!("one\ntwo{CUT}"));
        assert!(cut.len() <= CUT.len() + 9);
        assert_eq!(bounded(text, 10), "");
    }

    #[test]
    fn a_path_cannot_steer_a_terminal_or_a_pipeline() {
        let source = source(Path::new("/made-up/a\u{1b}[2J\n::error::b.toml"), None);
        assert_eq!(source, "/made-up/a\\u{1b}[2J ::error::b.toml");
    }

    #[test]
    fn a_path_is_told_from_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("deploy");
        fs::create_dir(&folder).unwrap();
        let file = folder.join("flowbind.toml");
        fs::write(&file, "").unwrap();
        let wanted = Some(PathBuf::from("deploy/flowbind.toml"));
        assert_eq!(inside(&file, root.path()), wanted);
        assert_eq!(inside(&folder.join("../deploy/flowbind.toml"), root.path()), wanted);
        assert_eq!(inside(&file, &root.path().join("elsewhere")), None);
    }
}
