//! The inputs of a run, read and checked before anything is contacted.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::{ConnectArgs, RunArgs};
use crate::manifest::{Environment, MOST_BYTES, Manifest, overlay_clouds, unreadable};
use crate::model::{Clouds, Exit, Failure, Problem, docs_page, note_desired_names};
use crate::report::{Console, counted};
use crate::run::environment_run::EnvironmentRun;
use crate::run::process::Process;

/// Reads the manifest and computes its SHA-256, or reports all of its problems.
pub(crate) fn manifest(
    path: &Path,
    clouds: &Clouds,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Result<(Manifest, String), Failure> {
    let name = path.display().to_string();
    let bytes = read(path).map_err(|error| {
        let problem = unreadable(&name, &error);
        refuse(Exit::Usage, &name, &[], vec![problem], process, run)
    })?;
    let manifest = Manifest::parse(&bytes, clouds)
        .map_err(|problems| refuse(Exit::Usage, &name, &bytes, problems, process, run))?;
    note_desired_names(manifest.desired());
    Ok((manifest, format!("{:x}", Sha256::digest(&bytes))))
}

/// Reads a file, and stops one byte after the size limit of a manifest.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reports a problem that has no position in the manifest's text, and returns the failure of the
/// run.
pub(crate) fn invalid(
    args: &RunArgs,
    problem: Problem,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Failure {
    let name = args.connect.manifest.display().to_string();
    refuse(Exit::Usage, &name, &[], vec![problem], process, run)
}

/// Reports the problems of an input, and returns the failure that ends the run before anything is
/// contacted.
pub(crate) fn refuse(
    exit: Exit,
    name: &str,
    bytes: &[u8],
    problems: Vec<Problem>,
    process: &Process,
    run: &mut EnvironmentRun,
) -> Failure {
    process.console.problems(name, bytes, &problems);
    let count = counted(problems.len(), "problem");
    run.manifest_problems = problems;
    Failure::new(exit, format!("{count}; nothing was contacted"))
}

/// Returns the wanted environment as the manifest describes it. An address needs no manifest.
pub(crate) fn environment(
    args: &ConnectArgs,
    wanted: Option<&str>,
    clouds: &Clouds,
    console: &Console,
) -> Result<Environment, Failure> {
    optional_manifest(args, wanted, clouds, console).map(|(_, environment)| environment)
}

/// Reads the manifest, and chooses the wanted environment. An address needs no manifest.
pub(crate) fn optional_manifest(
    args: &ConnectArgs,
    wanted: Option<&str>,
    clouds: &Clouds,
    console: &Console,
) -> Result<(Manifest, Environment), Failure> {
    let is_address = wanted.is_some_and(|wanted| wanted.contains("://"));
    let name = args.manifest.display().to_string();
    let refused = |bytes: &[u8], problems: Vec<_>| {
        console.problems(&name, bytes, &problems);
        let count = counted(problems.len(), "problem");
        Failure::new(Exit::Usage, format!("{count}; nothing was contacted"))
    };
    let manifest = match read(&args.manifest) {
        Err(_) if is_address => Manifest::without_file(clouds),
        Err(error) => {
            let problem = unreadable(&name, &error);
            return Err(refused(&[], vec![problem]).hint(
                "or sign in without a manifest: `--environment https://contoso.crm4.dynamics.com --client-id GUID`, with your own host and application",
            ));
        }
        Ok(bytes) => {
            Manifest::parse(&bytes, clouds).map_err(|problems| refused(&bytes, problems))?
        }
    };
    let environment = manifest.choose_environment(wanted);
    let environment = environment.map_err(|problem| refused(&[], vec![problem]))?;
    Ok((manifest, environment))
}

/// Returns the clouds that the program knows, overlaid with the file of `--clouds`.
pub(crate) fn clouds(file: Option<&Path>, console: &Console) -> Result<Clouds, Failure> {
    let broken =
        |error| Failure::new(Exit::Unexpected, format!("the embedded clouds.toml: {error}"));
    let clouds = Clouds::embedded().map_err(broken)?;
    let Some(file) = file else { return Ok(clouds) };
    let name = file.display().to_string();
    let refused = |reason: &str| {
        Failure::new(
            Exit::Usage,
            format!("the clouds file `{name}` {reason}; nothing was contacted"),
        )
        .hint(concat!(
            "name a clouds file in TOML with --clouds or FLOWBIND_CLOUDS, or omit the option; see ",
            docs_page!("clouds")
        ))
    };
    let bytes = read(file).map_err(|error| refused(&format!("cannot be read: {error}")))?;
    if bytes.len() > MOST_BYTES {
        return Err(refused(&format!("has more than {MOST_BYTES} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|_| refused("is not UTF-8"))?;
    overlay_clouds(&clouds, text.trim_start_matches('\u{feff}')).map_err(|problems| {
        console.problems(&name, &bytes, &problems);
        refused(&format!("has {}", counted(problems.len(), "problem")))
    })
}
