//! The files that a command line names: none that is written is named by two options.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use tracing::level_filters::LevelFilter;

use crate::auth::TokenStore;
use crate::cli::{
    AuthCommand, Cli, Command, ConnectArgs, LogArgs, ReportArgs, RunArgs, StateArgs, StoreArgs,
};
use crate::disk;
use crate::exit::Exit;
use crate::failure::Failure;

/// The option that names the manifest.
const MANIFEST: &str = "--manifest";

/// What stands in the place of a state file if there is to be none.
const NO_FILE: &str = "none";

/// The most links that are followed to a file that is not there.
const MOST_LINKS: u8 = 40;

/// What a run does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Written,
}

/// A file that an option names.
#[derive(Clone, Copy)]
struct Named<'run> {
    option: &'static str,
    path: &'run Path,
    access: Access,
}

/// Makes sure that no file is written that another option names too, by whatever path.
pub(super) fn distinct(cli: &Cli) -> Result<(), Failure> {
    let mut known: Vec<(Named<'_>, Identity)> = Vec::new();
    for named in named(cli) {
        let Some(identity) = identity(named.path) else { continue };
        let clash = known.iter().find(|(other, same)| {
            *same == identity && (other.access, named.access) != (Access::Read, Access::Read)
        });
        if let Some((other, _)) = clash {
            return Err(refused(other, &named));
        }
        known.push((named, identity));
    }
    Ok(())
}

fn refused(one: &Named<'_>, other: &Named<'_>) -> Failure {
    let shown = |named: &Named<'_>| format!("`{} {}`", named.option, named.path.display());
    let message = format!(
        "{} and {} name the same file, and it would be written; nothing was contacted",
        shown(one),
        shown(other)
    );
    Failure::new(Exit::Usage, message).hint(format!("name another file by {}", other.option))
}

/// Every file that the command line names.
fn named(cli: &Cli) -> Vec<Named<'_>> {
    let of_command = match &cli.command {
        Command::Plan(args) => [of_run(&args.run), written("--out", &args.review.out)].concat(),
        Command::Check(args) => of_run(&args.run),
        Command::Apply(args) => {
            let journal = args.journal.as_ref().map(|journal| &journal.path);
            [of_run(&args.run), read("--plan", &args.plan), written("--journal", journal)].concat()
        }
        Command::Rollback(args) => {
            [of_run(&args.run), written("flowbind rollback", Some(&args.journal.path))].concat()
        }
        Command::Export(args) => {
            let settings = written("--deployment-settings", Some(&args.deployment_settings));
            [of_run(&args.run), settings].concat()
        }
        Command::Import(args) => {
            let settings = read("--deployment-settings", Some(&args.deployment_settings));
            let mut connect = of_connect(&args.connect);
            // The manifest that is looked for may be the one that is to be made.
            connect.retain(|named| named.option != MANIFEST || named.path.exists());
            [connect, settings, written("--out", &args.out)].concat()
        }
        Command::Auth(AuthCommand::Login(args)) => of_connect(&args.connect),
        Command::Auth(AuthCommand::Status(args)) => of_store(&args.store),
        Command::Auth(AuthCommand::Logout(args)) => of_store(&args.store),
        Command::Sandbox(args) => [
            of_state(&args.state),
            read("--tenant", &args.serve.tenant),
            written("--record", &args.serve.record),
            written("--write-manifest", &args.serve.write_manifest),
        ]
        .concat(),
        Command::Init(args) => written("--out", Some(&args.out)),
        Command::Lint(args) => [
            read(MANIFEST, Some(&args.manifest)),
            read("--clouds", &args.clouds),
            of_reports(&args.reports),
        ]
        .concat(),
        Command::Schema | Command::Explain(_) | Command::Completions(_) | Command::Man(_) => {
            Vec::new()
        }
    };
    [of_command, of_log(&cli.global.log)].concat()
}

fn of_run(args: &RunArgs) -> Vec<Named<'_>> {
    [of_connect(&args.connect), of_reports(&args.reports)].concat()
}

fn of_connect(args: &ConnectArgs) -> Vec<Named<'_>> {
    [
        read(MANIFEST, Some(&args.manifest)),
        read("--clouds", &args.clouds),
        read("--ca-bundle", &args.ca_bundle),
        read("--sandbox-tenant", &args.sandbox.sandbox_tenant),
        written("--sandbox-record", &args.sandbox.sandbox_record),
        of_state(&args.sandbox.state),
        of_store(&args.sign_in.store),
    ]
    .concat()
}

fn of_state(args: &StateArgs) -> Vec<Named<'_>> {
    let file = args.sandbox_state.as_ref().filter(|file| *file != NO_FILE);
    written("--sandbox-state", file)
}

fn of_store(args: &StoreArgs) -> Vec<Named<'_>> {
    match &args.token_store {
        Some(TokenStore::File(file) | TokenStore::Plain(file)) => written("--token-store", file),
        _ => Vec::new(),
    }
}

fn of_reports(args: &ReportArgs) -> Vec<Named<'_>> {
    written("--report", &args.report)
}

fn of_log(args: &LogArgs) -> Vec<Named<'_>> {
    let file = args.log_file.as_ref().filter(|_| args.level() != LevelFilter::OFF);
    written("--log-file", file)
}

fn read<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<Named<'run>> {
    files(option, Access::Read, paths)
}

fn written<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<Named<'run>> {
    files(option, Access::Written, paths)
}

fn files<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    access: Access,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<Named<'run>> {
    paths.into_iter().map(|path| Named { option, path: path.as_ref(), access }).collect()
}

/// What a file is known by, whatever path leads to it.
#[derive(PartialEq, Eq)]
enum Identity {
    /// It is there: its device and its number on that.
    #[cfg(unix)]
    There(u64, u64),
    /// It is at that place, or will be.
    At(PathBuf),
}

/// What a file is known by; none if it is a device or a pipe, which takes what several write.
fn identity(path: &Path) -> Option<Identity> {
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file().then(|| there(path, &metadata)),
        Err(_) => Some(Identity::At(place(path, MOST_LINKS))),
    }
}

/// What a file that is there is known by: it may have several names.
#[cfg(unix)]
fn there(_: &Path, metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity::There(metadata.dev(), metadata.ino())
}

/// What a file that is there is known by.
#[cfg(not(unix))]
fn there(path: &Path, _: &Metadata) -> Identity {
    Identity::At(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// Where a file would be made: a link is followed, as it is then.
fn place(path: &Path, links: u8) -> PathBuf {
    let folder = disk::folder(path);
    match fs::read_link(path) {
        Ok(target) if links > 0 => place(&folder.join(target), links - 1),
        _ => {
            let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            folder.join(path.file_name().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// What is said of a command line in which `@` stands for a folder.
    fn said(folder: &Path, line: &str) -> Option<String> {
        let line = line.replace('@', &folder.display().to_string());
        let cli = Cli::read(line.split(' ').map(OsString::from)).unwrap();
        distinct(&cli).err().map(|failure| failure.message)
    }

    #[test]
    fn no_two_options_name_a_file_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "").unwrap();
        for (line, options) in [
            ("flowbind plan --out @/a --report @/a", ["--report", "--out"]),
            ("flowbind plan --report @/a.md --report @/a.md", ["--report", "--report"]),
            ("flowbind plan -m @/there --out @/there", ["--manifest", "--out"]),
            ("flowbind apply --plan @/a --journal plain:@/a", ["--plan", "--journal"]),
            ("flowbind apply --clouds @/a --log-file @/a", ["--clouds", "--log-file"]),
            ("flowbind apply --ca-bundle @/a --report @/a", ["--ca-bundle", "--report"]),
            ("flowbind check --sandbox-state @/a --report @/a", ["--sandbox-state", "--report"]),
            ("flowbind check --sandbox-record @/a --report @/a", ["--sandbox-record", "--report"]),
            (
                "flowbind check --sandbox-tenant @/a --log-file @/a",
                ["--sandbox-tenant", "--log-file"],
            ),
            ("flowbind rollback @/a --report @/a", ["--report", "flowbind rollback"]),
            ("flowbind export -s @/a --report @/a", ["--report", "--deployment-settings"]),
            ("flowbind import -s @/a --out @/a", ["--deployment-settings", "--out"]),
            ("flowbind import -s @/a -m @/there --out @/there", ["--manifest", "--out"]),
            (
                "flowbind auth status --token-store plain:@/a --log-file @/a",
                ["--token-store", "--log-file"],
            ),
            ("flowbind lint -m @/a --report @/a", ["--manifest", "--report"]),
            ("flowbind init --out @/a --log-file @/a", ["--out", "--log-file"]),
            ("flowbind sandbox --tenant @/a --record @/a", ["--tenant", "--record"]),
        ] {
            let said = said(folder.path(), line).unwrap_or_else(|| panic!("{line}"));
            let [one, other] = options.map(|option| said.find(&format!("`{option} ")));
            assert!(one.is_some() && one <= other, "{line}: {said}");
        }
    }

    #[test]
    fn what_is_only_read_or_takes_what_several_write_may_be_named_twice() {
        let folder = tempfile::tempdir().unwrap();
        for line in [
            "flowbind plan -m @/a --clouds @/a --ca-bundle @/a",
            "flowbind plan --report /dev/null --report-format json --log-file /dev/null",
            "flowbind plan --report @/a --log-file @/a --log off",
            "flowbind plan --report @/none --sandbox-state none",
            "flowbind import -s @/a -m @/new.toml --out @/new.toml",
        ] {
            assert_eq!(said(folder.path(), line), None, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_known_by_every_path_that_leads_to_it() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        fs::write(path("there"), "").unwrap();
        fs::hard_link(path("there"), path("hard")).unwrap();
        symlink("there", path("link")).unwrap();
        symlink("inner/../new", path("to-new")).unwrap();
        symlink("inner", path("folder")).unwrap();
        symlink("round", path("round")).unwrap();
        for (one, other) in [
            ("there", "inner/../there"),
            ("there", "hard"),
            ("link", "hard"),
            ("new", "to-new"),
            ("inner/new", "folder/new"),
            ("round", "round"),
        ] {
            let line = format!("flowbind plan --out @/{one} --report @/{other}");
            assert!(said(folder.path(), &line).is_some(), "{line}");
        }
        assert_eq!(said(folder.path(), "flowbind plan --out @/there --report @/other"), None);
    }
}
