//! Checks that no file to be written is named twice: by options, by the variables of a pipeline, or
//! as a file of the program itself.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{env, fs};

use same_file::Handle;
use tracing::level_filters::LevelFilter;

use crate::atomic_file;
use crate::cli::{ConnectArgs, Global, LogArgs, ReportArgs, RunArgs, StateArgs, StoreArgs};
use crate::model::{Exit, Failure};
use crate::run::state_dir;
use crate::sign_in::{STORE_FILES, TokenStore};

/// The option that names the manifest.
pub(crate) const MANIFEST: &str = "--manifest";

/// The value of `--sandbox-state` that means no file.
const NO_FILE: &str = "none";

/// The default token store, as messages call it.
const OWN_STORE: &str = "the default token store";

/// The sandbox's default state file, as messages call it.
const OWN_STATE: &str = "the default state file of the sandbox";

/// The variables by which a pipeline names files that steps add to.
const ADDED_TO: [&str; 5] =
    ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"];

/// The variable that names the file of a federated token.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// The access of a run to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Written,
}

/// A file, and the option or variable that names it.
#[derive(Clone)]
pub(crate) struct NamedFile<'run> {
    by: Naming,
    path: Cow<'run, Path>,
    access: Access,
}

/// The option or variable that names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// An option, or a command.
    Option(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A default of the program: the words for it, and the option that may name the same file.
    Own(&'static str, &'static str),
}

impl Naming {
    /// Returns true if both may name the same file: neither is an option, or an option names the
    /// default file that it replaces.
    fn may_share(self, other: Self) -> bool {
        match (self, other) {
            (Self::Own(_, option), Self::Option(named)) => option == named,
            (Self::Option(_), _) | (_, Self::Option(_)) => false,
            _ => true,
        }
    }
}

/// Checks that no file to be written is named twice, by whatever path: by the command, or by the
/// options of every command.
pub(crate) fn check_no_file_named_twice(
    of_command: Vec<NamedFile<'_>>,
    global: &Global,
) -> Result<(), Failure> {
    let mut known: Vec<(NamedFile<'_>, FileIdentity)> = Vec::new();
    let of_every_command = [of_log(&global.log), written("--bundle", &global.bundle)].concat();
    for named in surroundings().into_iter().chain(of_command).chain(of_every_command) {
        let Some(identity) = identity(&named.path) else { continue };
        let clash = known.iter().find(|(other, same)| {
            *same == identity
                && (other.access, named.access) != (Access::Read, Access::Read)
                && !other.by.may_share(named.by)
        });
        if let Some((other, _)) = clash {
            return Err(refused(other, &named));
        }
        known.push((named, identity));
    }
    Ok(())
}

fn refused(one: &NamedFile<'_>, other: &NamedFile<'_>) -> Failure {
    let message = format!(
        "{one} and {other} name the same file, which would be overwritten; nothing was contacted"
    );
    let hint = match other.by {
        Naming::Option(option) => format!("name another file with {option}"),
        Naming::Variable(_) | Naming::Own(..) => "name another file".to_owned(),
    };
    Failure::new(Exit::Usage, message).hint(hint)
}

impl NamedFile<'_> {
    /// Returns true if the manifest does not exist yet.
    pub(crate) fn is_missing_manifest(&self) -> bool {
        self.by == Naming::Option(MANIFEST) && !self.path.exists()
    }
}

impl std::fmt::Display for NamedFile<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match self.by {
            Naming::Option(option) => write!(formatter, "`{option} {path}`"),
            Naming::Variable(variable) => write!(formatter, "`{variable}={path}`"),
            Naming::Own(words, _) => write!(formatter, "{words} `{path}`"),
        }
    }
}

/// Lists the files that no option names: those of the program itself and those of a pipeline.
fn surroundings() -> Vec<NamedFile<'static>> {
    let variable = |access: Access, name: &'static str| {
        let path = PathBuf::from(env::var_os(name).filter(|path| !path.is_empty())?);
        Some(NamedFile { by: Naming::Variable(name), path: path.into(), access })
    };
    let added_to = ADDED_TO.into_iter().filter_map(|name| variable(Access::Written, name));
    let mut found: Vec<_> = added_to.chain(variable(Access::Read, TOKEN_FILE)).collect();
    if let Ok(folder) = state_dir::state() {
        let own = |words, option, file: &str| {
            let by = Naming::Own(words, option);
            NamedFile { by, path: folder.join(file).into(), access: Access::Written }
        };
        let stores = STORE_FILES.map(|file| own(OWN_STORE, "--token-store", file));
        let state = own(OWN_STATE, "--sandbox-state", state_dir::SANDBOX_STATE);
        found.extend(with_locks(stores.into_iter().chain([state]).collect()));
    }
    found
}

/// Lists the files of a run and of its reports.
pub(crate) fn of_run(args: &RunArgs) -> Vec<NamedFile<'_>> {
    [of_connect(&args.connect), of_reports(&args.reports)].concat()
}

/// Lists the files that connecting to an environment reads and writes.
pub(crate) fn of_connect(args: &ConnectArgs) -> Vec<NamedFile<'_>> {
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

/// Lists the files of the sandbox's state.
pub(crate) fn of_state(args: &StateArgs) -> Vec<NamedFile<'_>> {
    let file = args.sandbox_state.as_ref().filter(|file| *file != NO_FILE);
    with_locks(written("--sandbox-state", file))
}

/// Lists the files of the token store.
pub(crate) fn of_store(args: &StoreArgs) -> Vec<NamedFile<'_>> {
    match &args.token_store {
        Some(TokenStore::File(file) | TokenStore::Plain(file)) => {
            with_locks(written("--token-store", file))
        }
        _ => Vec::new(),
    }
}

/// Adds the file beside each that a run locks while it changes the first.
fn with_locks(files: Vec<NamedFile<'_>>) -> Vec<NamedFile<'_>> {
    let lock = |file: &NamedFile<'_>| {
        let mut path = file.path.as_os_str().to_owned();
        path.push(".lock");
        NamedFile { path: PathBuf::from(path).into(), ..file.clone() }
    };
    let locks: Vec<_> = files.iter().map(lock).collect();
    [files, locks].concat()
}

/// Lists the files of the reports.
pub(crate) fn of_reports(args: &ReportArgs) -> Vec<NamedFile<'_>> {
    written("--report", &args.report)
}

fn of_log(args: &LogArgs) -> Vec<NamedFile<'_>> {
    let file = args.log_file.as_ref().filter(|_| args.level() != LevelFilter::OFF);
    written("--log-file", file)
}

/// Lists the files that an option names, and the run reads.
pub(crate) fn read<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<NamedFile<'run>> {
    files(option, Access::Read, paths)
}

/// Lists the files that an option names, and the run writes.
pub(crate) fn written<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<NamedFile<'run>> {
    files(option, Access::Written, paths)
}

fn files<'run, P: AsRef<Path> + 'run>(
    option: &'static str,
    access: Access,
    paths: impl IntoIterator<Item = &'run P>,
) -> Vec<NamedFile<'run>> {
    let by = Naming::Option(option);
    let named = |path: &'run P| NamedFile { by, path: Cow::Borrowed(path.as_ref()), access };
    paths.into_iter().map(named).collect()
}

/// The identity of a file, whatever path leads to it.
#[derive(PartialEq, Eq)]
enum FileIdentity {
    /// The file exists, and the system identifies it.
    There(Handle),
    /// The file does not exist or cannot be opened: its path identifies it.
    At(PathBuf),
}

/// Returns the identity of a file, or none for a device or a pipe, which may be named twice.
fn identity(path: &Path) -> Option<FileIdentity> {
    let is_other =
        is_null_device(path) || fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let there = || Handle::from_path(path).map(FileIdentity::There);
    (!is_other).then(|| there().unwrap_or_else(|_| FileIdentity::At(place(path))))
}

/// Checks whether a path is that of the null device of Windows, of which the system tells nothing.
fn is_null_device(path: &Path) -> bool {
    cfg!(windows) && path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("NUL"))
}

/// Returns the path at which a file would be created: links are followed.
fn place(path: &Path) -> PathBuf {
    let path = atomic_file::follow_links(path).unwrap_or_else(|_| path.to_owned());
    let folder = atomic_file::folder(&path);
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let ignores_case = cfg!(any(windows, target_os = "macos"));
    folder.join(folded(path.file_name().unwrap_or_default(), ignores_case))
}

/// Returns the name of a file in lower case if the file system ignores case. On Windows also
/// removes dots and spaces at the end.
fn folded(name: &OsStr, ignores_case: bool) -> OsString {
    let Some(text) = name.to_str().filter(|_| ignores_case) else { return name.to_owned() };
    let text = if cfg!(windows) { text.trim_end_matches(['.', ' ']) } else { text };
    text.to_lowercase().into()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli::Cli;

    /// What is said of a command line in which `@` stands for a folder.
    fn said(folder: &Path, line: &str) -> Option<String> {
        let line = line.replace('@', &folder.display().to_string());
        let cli = Cli::read(line.split(' ').map(OsString::from)).unwrap();
        let files = crate::commands::files_of(&cli.command);
        check_no_file_named_twice(files, &cli.global).err().map(|failure| failure.message)
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
            (
                "flowbind check --sandbox-state @/a --report @/a.lock",
                ["--sandbox-state", "--report"],
            ),
            (
                "flowbind sandbox --sandbox-state @/a --record @/a.lock",
                ["--sandbox-state", "--record"],
            ),
            (
                "flowbind plan --token-store plain:@/a --report @/a.lock",
                ["--token-store", "--report"],
            ),
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
            ("flowbind plan --out @/a --bundle @/a", ["--out", "--bundle"]),
            (
                "flowbind set x --flow a09e4a0d-3a1c-f011-998a-7c1e5275cfe9 --journal @/a --report @/a",
                ["--report", "--journal"],
            ),
        ] {
            let said = said(folder.path(), line).unwrap_or_else(|| panic!("{line}"));
            let [one, other] = options.map(|option| said.find(&format!("`{option} ")));
            assert!(one.is_some() && one <= other, "{line}: {said}");
        }
    }

    #[test]
    fn what_is_only_read_or_takes_what_several_write_may_be_named_twice() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
        for line in [
            "flowbind plan -m @/a --clouds @/a --ca-bundle @/a",
            &format!("flowbind plan --report {nothing} --report-format json --log-file {nothing}"),
            "flowbind plan --report @/a --log-file @/a --log off",
            "flowbind plan --report @/none --sandbox-state none",
            "flowbind import -s @/a -m @/new.toml --out @/new.toml",
        ] {
            assert_eq!(said(folder.path(), line), None, "{line}");
        }
    }

    #[test]
    fn a_name_is_one_whatever_its_case_where_the_file_system_ignores_that() {
        let folded = |name: &str, ignores| folded(OsStr::new(name), ignores);
        assert_eq!(folded("Flow.LOG", true), folded("flow.log", true));
        assert_ne!(folded("Flow.LOG", false), folded("flow.log", false));
    }

    #[test]
    fn the_files_of_the_program_itself_are_compared_too() {
        let folder = state_dir::state().unwrap();
        for (file, words) in STORE_FILES
            .map(|file| (file, OWN_STORE))
            .into_iter()
            .chain([(state_dir::SANDBOX_STATE, OWN_STATE), ("sandbox.json.lock", OWN_STATE)])
        {
            let path = folder.join(file);
            let said = said(&folder, &format!("flowbind plan --report @/{file}")).unwrap();
            assert!(said.starts_with(&format!("{words} `{}` and `--report", path.display())));
        }
        let usual =
            "flowbind plan --token-store plain:@/sign-ins.json --sandbox-state @/sandbox.json";
        assert_eq!(said(&folder, usual), None);
    }

    #[cfg(windows)]
    #[test]
    fn a_file_is_known_by_every_name_that_windows_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        fs::write(path("there"), "").unwrap();
        fs::hard_link(path("there"), path("hard")).unwrap();
        let verbatim = |name: &str| format!(r"\\?\{}", path(name).display());
        for (one, other) in [
            ("@/there", r"@\INNER\..\There"),
            ("@/there", "@/hard"),
            ("@/there", &*verbatim("there")),
            ("@/new", "@/NEW"),
            ("@/Ärger", "@/äRGER"),
            ("@/new", "@/new."),
            ("@/new", &*verbatim("new")),
            ("@/inner/new", "@/Inner/new"),
        ] {
            let line = format!("flowbind plan --out {one} --report {other}");
            assert!(said(folder.path(), &line).is_some(), "{line}");
        }
        assert_eq!(said(folder.path(), "flowbind plan --out @/there --report @/other"), None);
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
