//! The command line: types and help texts, no behaviour.

mod check;
mod dry_run;
mod explain;
mod export;
mod generate;
mod import;
mod init;
mod lint;
mod log;
pub mod pac;
mod report;
mod variables;
mod wait;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use explain::ExplainArgs;
pub use export::ExportArgs;
pub use generate::{CompletionsArgs, ManArgs};
pub use import::ImportArgs;
pub use init::InitArgs;
pub use lint::LintArgs;

use crate::model::Guid;
use crate::plan::journal::JournalFile;
use crate::report::{Format, OutputUrl};
use crate::sign_in::{TokenCommandFor, TokenStore};

pub use log::LogArgs;
pub use report::{Ci, ReportArgs};
pub(crate) use variables::is_set;
pub use wait::WaitArgs;

pub use check::CheckArgs;

/// Colours of the help, quiet ones.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What stands below the help of the whole program.
const AFTER_HELP: &str = "\
Exit codes:
  0    agreed, applied, exported, planned, or drifted
  1    unexpected failure
  2    changes pending, drift, or an export that changed its file (only with --detailed-exitcode)
  3    usage, manifest or file error, or no --yes where nobody can be asked; nothing was contacted
  4    not signed in, sign-in refused, or a person needed where nobody is asked
  5    refused: a problem, a policy, a privilege, a guard; nothing was written
  6    a service was unreachable or throttled too long; nothing was written
  7    outcome unknown: a write was sent and could not be verified
  8    not ready: a flow was still off when --wait-ready was over; nothing was written
  130  interrupted
`flowbind explain CODE` tells what to do.

Try it without an account, on the embedded sandbox tenant:
  flowbind apply --manifest config/example.toml --environment sandbox";

/// Writes the HTTP-trigger URLs of Power Automate cloud flows into Dataverse.
///
/// Reads a manifest of workflow ids, discovers each flow's callback URL as a signed-in user, and
/// writes the URLs into environment variables or configuration records: shows what will change,
/// changes all or nothing, reads it back, and never prints a secret.
#[derive(Debug, Parser)]
#[command(version, long_version = env!("FLOWBIND_VERSION"), styles = STYLES, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

impl Cli {
    /// Reads a command line; names of `pac` that mean the same are understood.
    ///
    /// # Errors
    /// What is wrong with it, or the help or version that was asked for.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words = pac::understood(words).map_err(|pac::Misunderstood { word, hint }| {
            let message = format!("flowbind has no `{word}`: {hint}");
            Self::command().error(ErrorKind::UnknownArgument, message)
        })?;
        let command = || dry_run::refusing(Self::command());
        Self::from_arg_matches(&variables::matches(command, &words)?)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what apply would change; writes nothing.
    Plan(PlanArgs),
    /// Tell what drifted: rotated keys, URLs of another environment, hand edits, flows that are off;
    /// writes nothing.
    Check(CheckArgs),
    /// Write what should change, all or nothing, and read it back.
    Apply(ApplyArgs),
    /// Undo an apply that kept a journal, all or nothing, and read it back.
    Rollback(RollbackArgs),
    /// Write the URLs into deployment settings for `pac solution import`, not into the environment.
    Export(ExportArgs),
    /// Make a manifest out of deployment settings and the flows of their environment.
    Import(Box<ImportArgs>),
    /// Sign in once for many runs; tell who is signed in; sign out.
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Serve the emulated tenant on this machine until stopped.
    Sandbox(SandboxArgs),
    /// Write a manifest to begin with.
    Init(InitArgs),
    /// Check the manifest alone: nobody signs in, nothing is contacted.
    Lint(LintArgs),
    /// Print the JSON Schema of manifests, by which editors check and complete one.
    Schema,
    /// Say what an exit code, a problem or a refusal of Entra means, and what to do.
    Explain(ExplainArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    Man(ManArgs),
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// When to use colour.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "FLOWBIND_COLOR",
        help_heading = "Messages"
    )]
    pub color: Color,
    /// Options of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// When to use colour. `NO_COLOR` is heeded by `auto`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of a plan.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Exit with 2 if there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Saving it to be reviewed.
    #[command(flatten)]
    pub review: ReviewArgs,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Saving a plan to be reviewed.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Save the plan in this file, for `flowbind apply --plan` to hold to. It holds fingerprints and no
    /// secret. A plan with a problem is not saved.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How long the saved plan can be applied, in hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_760), requires = "out")]
    pub valid_for: u32,
}

/// Options of an apply.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Apply this reviewed plan, as `flowbind plan --out` saved it, without asking: if the manifest,
    /// the environment, the user, a URL or a target moved since, nothing is written (exit code 5).
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Whether and how it writes.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Keep in this new file what is changed from what to what, so that `flowbind rollback` can
    /// undo it. It holds earlier values, so it is encrypted with `FLOWBIND_STORE_KEY`; with `plain:`
    /// before the path it is not, and readable by its owner alone.
    #[arg(long, value_name = "[plain:]FILE")]
    pub journal: Option<JournalFile>,
    /// In a pipeline: hand the URL that goes to the target with that address to later steps, as the
    /// output or secret variable NAME; may be repeated. The URL is covered in the log, but every
    /// later step that asks for it gets it: docs/reports.md tells of the risk.
    #[arg(long, value_name = "NAME=ADDRESS", conflicts_with = "dry_run")]
    pub output_url: Vec<OutputUrl>,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Whether a command writes what it has planned, and how.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Write without asking; needed where nobody can be asked. The sandbox never asks.
    #[arg(long, short = 'y', env = "FLOWBIND_YES", value_parser = clap::builder::BoolishValueParser::new())]
    pub yes: bool,
    /// Show the plan and write nothing, as `flowbind plan` does.
    #[arg(long, alias = "what-if", visible_alias = "whatif")]
    pub dry_run: bool,
    /// With --dry-run: exit with 2 if there are changes.
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
}

/// Options of undoing an apply.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The journal that `flowbind apply --journal` kept; it names the environment. One that is
    /// encrypted is opened with `FLOWBIND_STORE_KEY`.
    #[arg(value_name = "FILE")]
    pub journal: JournalFile,
    /// Whether and how it writes.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Leave alone what somebody changed since the apply, and undo the rest; else nothing is undone
    /// if anything was changed since.
    #[arg(long)]
    pub skip_changed: bool,
    /// Options of every run. The manifest is read for its environments alone, and none is needed.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What can be done about the sign-in.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Sign in, and keep it for later runs: nothing but the refresh token is kept.
    #[command(alias = "create")]
    Login(Box<LoginArgs>),
    /// Tell who is signed in, where, and since when; never a secret.
    #[command(aliases = ["list", "who"])]
    Status(StatusArgs),
    /// Forget every sign-in that is kept in the store.
    #[command(alias = "clear")]
    Logout(LogoutArgs),
}

/// Options of a sign-in that is kept.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Keep nothing here, but print the sign-in as one line, encrypted with `FLOWBIND_STORE_KEY`:
    /// the value of a pipeline's secret variable `FLOWBIND_REFRESH_TOKEN`.
    #[arg(long, conflicts_with = "token_store")]
    pub export: bool,
    /// Which environment, and how it is reached. An address needs no manifest.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Options of the question who is signed in.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The form of the result on standard output.
    #[arg(long, default_value = "human", env = "FLOWBIND_FORMAT")]
    pub format: Format,
}

/// Options of forgetting.
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Where sign-ins are kept.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Where sign-ins are kept: `keyring` of the operating system (the default), `file[:PATH]`
    /// encrypted with `FLOWBIND_STORE_KEY`, `plain[:PATH]` readable by its owner alone, or `none`
    /// (the default in a pipeline).
    #[arg(long, value_name = "STORE", env = "FLOWBIND_TOKEN_STORE")]
    pub token_store: Option<TokenStore>,
}

/// Options of every run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The form of the result on standard output.
    #[arg(long, default_value = "human", env = "FLOWBIND_FORMAT")]
    pub format: Format,
    /// Which environment, and how it is reached.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// What it leaves behind.
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// Which environment, and how it is reached.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The manifest: which flow's URL goes where. docs/manifest.md explains every key.
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "flowbind.toml",
        env = "FLOWBIND_MANIFEST"
    )]
    pub manifest: PathBuf,
    /// The environment: a name or an `environment-id` from the manifest, or a URL. Needed where the manifest has several.
    #[arg(long, short, value_name = "NAME|URL", env = "FLOWBIND_ENVIRONMENT")]
    pub environment: Option<String>,
    /// Hosts and audiences of clouds, laid over the program's own. It decides where tokens are sent,
    /// so a manifest cannot name it. docs/clouds.md explains every key.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_CLOUDS")]
    pub clouds: Option<PathBuf>,
    /// Certificates to trust besides the system's, as PEM: of a company that inspects TLS, or of a
    /// sandbox.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_CA_BUNDLE")]
    pub ca_bundle: Option<PathBuf>,
    /// Speak HTTP/1.1 to services that offer HTTP/2, too: for proxies and firewalls that break HTTP/2.
    #[arg(long, env = "FLOWBIND_HTTP1", value_parser = clap::builder::BoolishValueParser::new())]
    pub http1: bool,
    /// At most so many requests at once to each service. Fewer where it asks for less.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=64), env = "FLOWBIND_CONCURRENCY")]
    pub concurrency: u16,
    /// The time for the whole run after the sign-in, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400), env = "FLOWBIND_TIMEOUT")]
    pub timeout: u64,
    /// How to sign in.
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// Options of the embedded sandbox.
    #[command(flatten)]
    pub sandbox: SandboxState,
}

/// How to sign in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sign-in (docs/sign-in.md tells which way to choose when)")]
pub struct SignInArgs {
    /// The application to sign in with; else the manifest's.
    #[arg(long, value_name = "GUID", env = "FLOWBIND_CLIENT_ID")]
    pub client_id: Option<Guid>,
    /// The tenant to sign in to, as a GUID or domain; else the manifest's, else discovered.
    #[arg(long, value_name = "TENANT", env = "FLOWBIND_TENANT")]
    pub tenant: Option<String>,
    /// Sign in with a browser on this machine, instead of a code that is entered on any device:
    /// for tenants that block device code. The application needs the redirect address
    /// `http://localhost`.
    #[arg(long, env = "FLOWBIND_BROWSER", value_parser = clap::builder::BoolishValueParser::new())]
    pub browser: bool,
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Never ask anybody: fail at once, with exit code 4, where a person would have to sign in.
    #[arg(long, env = "FLOWBIND_NON_INTERACTIVE", value_parser = clap::builder::BoolishValueParser::new(), conflicts_with = "browser")]
    pub non_interactive: bool,
    /// Read a refresh token from the first line of standard input, instead of from
    /// `FLOWBIND_REFRESH_TOKEN`.
    #[arg(long)]
    pub refresh_token_stdin: bool,
    /// A program that prints an access token, such as `az account get-access-token --resource
    /// {resource}`. With `dataverse:` or `flow:` before it, it is for that service alone; may be
    /// repeated.
    #[arg(
        long,
        value_name = "[SERVICE:]COMMAND",
        env = "FLOWBIND_TOKEN_COMMAND",
        hide_env_values = true
    )]
    pub token_command: Vec<TokenCommandFor>,
}

/// The sandbox of a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "The embedded sandbox (docs/sandbox.md)")]
pub struct SandboxState {
    /// Where the sandbox keeps its state.
    #[command(flatten)]
    pub state: StateArgs,
    /// Note the requests that the sandbox gets, but those of sign-in and triggers, in this file.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_SANDBOX_RECORD")]
    pub sandbox_record: Option<PathBuf>,
    /// Another tenant for the sandbox than the one that ships with the program.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_SANDBOX_TENANT")]
    pub sandbox_tenant: Option<PathBuf>,
}

/// Where the sandbox keeps its state.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// The sandbox's state file, or `none` to keep it in memory; else in the platform's state folder.
    #[arg(long, global = true, value_name = "FILE|none", env = "FLOWBIND_SANDBOX_STATE")]
    pub sandbox_state: Option<String>,
}

/// Options of the sandbox.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// What to do with the sandbox; without it, serve.
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
    /// Options of serving.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Where it keeps its state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// What can be done with the sandbox besides serving it.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Empty the state, so that the next run begins with the tenant as it is described.
    Reset,
}

/// Options of serving the sandbox.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The loopback address to serve at, such as 127.0.0.1:8787; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Let the sandbox's user approve a sign-in by itself after so many seconds; else a person
    /// approves it at /devicelogin.
    #[arg(long, value_name = "SECONDS")]
    pub approve_after: Option<u64>,
    /// Serve https as well, on the same address, with a certificate made up at the start; the folder
    /// gets `ca.pem`, which clients are to trust.
    #[arg(long, value_name = "DIR")]
    pub tls_dir: Option<PathBuf>,
    /// A further name to serve https for, such as contoso.crm4.dynamics.com; may be repeated, and
    /// may begin with `*.`. `localhost` and the addresses of this machine are always served.
    #[arg(long, value_name = "NAME", requires = "tls_dir")]
    pub host: Vec<String>,
    /// Offer HTTP/1.1 alone over https; else HTTP/2 as well.
    #[arg(long, requires = "tls_dir")]
    pub http1: bool,
    /// Add a line to this file for each request of Dataverse and the Flow API: its method and its
    /// address.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Have every answer come so many milliseconds after its request.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,
    /// The tenant to serve; else the one that ships with the program.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_SANDBOX_TENANT")]
    pub tenant: Option<PathBuf>,
    /// Serve so many made-up HTTP flows, with a definition of 40 KB and a variable each, in place of
    /// the tenant's own flows and variables; in memory, unless a state file is named.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub flows: Option<u32>,
    /// So many variables for each of the made-up flows.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000), requires = "flows")]
    pub targets_per_flow: u32,
    /// Write a manifest that binds the made-up flows to their variables here, once it is known where
    /// they are served; a file that is there is replaced.
    #[arg(long, value_name = "FILE", requires = "flows")]
    pub write_manifest: Option<PathBuf>,
}
