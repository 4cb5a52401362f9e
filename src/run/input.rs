//! What a run is given, read and checked before anything is contacted.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::record::Record;
use crate::cli::RunArgs;
use crate::domain::{CloudProblem, CloudProblemKind, Clouds};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::{MOST_BYTES, Manifest, render, unreadable};
use crate::problem::{Code, Problem};
use crate::report::{Console, counted};
use crate::state::Site;

/// Reads the manifest and its SHA-256, or tells everything that is wrong with it.
pub(super) fn manifest(
    path: &Path,
    clouds: &Clouds,
    console: &Console,
    record: &mut Record,
) -> Result<(Manifest, String), Failure> {
    let name = path.display().to_string();
    let bytes = read(path).map_err(|error| {
        let problem = unreadable(&name, &error);
        refuse(Exit::Usage, &name, &[], vec![problem], console, record)
    })?;
    let manifest = Manifest::parse(&bytes, clouds)
        .map_err(|problems| refuse(Exit::Usage, &name, &bytes, problems, console, record))?;
    Ok((manifest, format!("{:x}", Sha256::digest(&bytes))))
}

/// The file, up to a little more than a manifest may have.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A problem that has no place in the manifest's text.
pub(super) fn invalid(
    args: &RunArgs,
    problem: Problem,
    console: &Console,
    record: &mut Record,
) -> Failure {
    let name = args.connect.manifest.display().to_string();
    refuse(Exit::Usage, &name, &[], vec![problem], console, record)
}

/// Tells what is wrong with what was given, and ends the run before anything is contacted.
pub(super) fn refuse(
    exit: Exit,
    name: &str,
    bytes: &[u8],
    problems: Vec<Problem>,
    console: &Console,
    record: &mut Record,
) -> Failure {
    console.problems(&render(name, bytes, &problems));
    let count = counted(problems.len(), "problem");
    record.manifest_problems = problems;
    Failure::new(exit, format!("{count}; nothing was contacted"))
}

/// The clouds that the program knows, with the file of the command line laid over them.
pub(super) fn clouds(file: Option<&Path>, console: &Console) -> Result<Clouds, Failure> {
    let broken =
        |error| Failure::new(Exit::Unexpected, format!("the embedded clouds.toml: {error}"));
    let clouds = Clouds::embedded().map_err(broken)?;
    let Some(file) = file else { return Ok(clouds) };
    let name = file.display().to_string();
    let refused = |reason: &str| {
        Failure::new(Exit::Usage, format!("the file of clouds `{name}` {reason}; nothing was contacted"))
            .hint("name a TOML file in the shape of docs/clouds.md by --clouds or FLOWBIND_CLOUDS, or leave it out")
    };
    let bytes = read(file).map_err(|error| refused(&format!("cannot be read: {error}")))?;
    if bytes.len() > MOST_BYTES {
        return Err(refused(&format!("has more than {MOST_BYTES} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|_| refused("is not UTF-8"))?;
    clouds.overlaid(text.trim_start_matches('\u{feff}')).map_err(|problems| {
        let problems: Vec<Problem> = problems.into_iter().map(cloud_problem).collect();
        console.problems(&render(&name, &bytes, &problems));
        refused(&format!("has {}", counted(problems.len(), "problem")))
    })
}

/// A problem of a file of clouds in the words of every problem.
fn cloud_problem(problem: CloudProblem) -> Problem {
    let code = match problem.kind {
        CloudProblemKind::NotToml => Code::ManifestNotToml,
        CloudProblemKind::KeyUnknown => Code::KeyUnknown,
        CloudProblemKind::KeyMissing => Code::KeyMissing,
        CloudProblemKind::TypeWrong => Code::TypeWrong,
        CloudProblemKind::ValueInvalid => Code::ValueInvalid,
    };
    let site = Some(Site { line: problem.line, column: problem.column });
    Problem { code, address: None, message: problem.message, hint: problem.hint, site }
}
