//! The command line: types and help texts, no behaviour.

mod check;
mod dry_run;
mod duration;
mod explain;
mod export;
mod generate;
mod help;
mod import;
mod init;
mod lint;
mod log;
mod only;
pub mod pac;
mod read;
mod report;
mod set;
mod usage;
mod variables;
mod wait;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use explain::ExplainArgs;
pub use export::ExportArgs;
pub use generate::{CompletionsArgs, ManArgs};
pub use help::{EXIT_CODES, examples, program};
pub use import::ImportArgs;
pub use init::InitArgs;
pub use lint::LintArgs;

use crate::model::Guid;
use crate::plan::journal::JournalFile;
use crate::report::{Format, OutputUrl};
use crate::sign_in::{TokenCommandFor, TokenStore};

pub use log::LogArgs;
pub use only::OnlyArgs;
pub use report::{Ci, ReportArgs};
pub use set::SetArgs;
pub use usage::usage_text;
pub(crate) use variables::is_set;
pub use wait::WaitArgs;

pub use check::CheckArgs;
use duration::{DAY, HOUR, MILLISECOND, SECOND, duration_in};

/// Colours of the help, quiet ones.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Writes the HTTP-trigger URLs of Power Automate cloud flows into Dataverse.
///
/// flowbind reads a manifest of workflow ids, reads the callback URL of each flow as a signed-in user,
/// and writes the URLs into environment variables or configuration records. It shows the changes
/// first, writes all or nothing, verifies the result, and never prints a secret.
#[derive(Debug, Parser)]
#[command(bin_name = "flowbind", version, long_version = env!("FLOWBIND_VERSION"), styles = STYLES, max_term_width = 100)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what apply would change; writes nothing.
    Plan(PlanArgs),
    /// Report targets that do not hold the current URL of their flow; writes nothing.
    ///
    /// This is drift: after a key rotation, an environment copy or a manual edit. A flow that is off
    /// is reported, too.
    Check(CheckArgs),
    /// Write the changes, all or nothing, and verify the result.
    Apply(ApplyArgs),
    /// Write one flow's URL into one environment variable, without a manifest.
    ///
    /// It plans, asks, writes and verifies as apply does.
    Set(Box<SetArgs>),
    /// Undo an apply that wrote a journal, all or nothing, and verify the result.
    Rollback(RollbackArgs),
    /// Write the URLs to a deployment settings file for `pac solution import`.
    Export(ExportArgs),
    /// Create a manifest from a deployment settings file and the flows of its environment.
    Import(Box<ImportArgs>),
    /// Sign in for later runs, show who is signed in, or sign out.
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Serve the sandbox, an emulated tenant, on this machine.
    Sandbox(SandboxArgs),
    /// Create a starter manifest.
    Init(InitArgs),
    /// Check the manifest offline, without signing in.
    Lint(LintArgs),
    /// Print the JSON Schema of the manifest, for editors.
    Schema,
    /// Explain an exit code, a problem or an Entra error.
    Explain(ExplainArgs),
    /// Print shell completions.
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
    /// Write a file for the maintainers of flowbind: statuses, codes, shapes of answers and times.
    ///
    /// It contains no value and no name of your environment.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        hide_short_help = true,
        env = "FLOWBIND_BUNDLE",
        help_heading = "Messages"
    )]
    pub bundle: Option<PathBuf>,
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
    /// Exit with code 2 if there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Taking a part of the manifest.
    #[command(flatten)]
    pub only: OnlyArgs,
    /// Options of saving the plan.
    #[command(flatten)]
    pub review: ReviewArgs,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Options of saving a plan for review.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Save the plan to this file for `flowbind apply --plan`.
    ///
    /// The file contains fingerprints and no secrets. A plan with a problem is not saved.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Time until the saved plan expires, such as 30m or 24h; a number alone is in hours.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration_in(SECOND..=DAY * 365, HOUR), requires = "out")]
    pub valid_for: Duration,
}

/// Options of an apply.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Apply this plan, saved by `flowbind plan --out`, without asking.
    ///
    /// If the manifest, the environment, the user, a URL or a target has changed since, nothing is
    /// written (exit code 5).
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    pub plan: Option<PathBuf>,
    /// Taking a part of the manifest. A reviewed plan says itself which part.
    #[command(flatten)]
    pub only: OnlyArgs,
    /// Options of writing.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Write a journal to this new file, so that `flowbind rollback` can undo the changes.
    ///
    /// `{time}` in its name stands for the time of the run, and `DIR/` for a new file in that folder,
    /// so that the same command can run again. The journal contains the previous values, so it is
    /// encrypted with `FLOWBIND_STORE_KEY`. With `plain:` before the path it is not encrypted, and
    /// readable by its owner only.
    #[arg(long, value_name = "[plain:]FILE", value_parser = new_journal)]
    pub journal: Option<JournalFile>,
    /// In a pipeline, pass the URL of the target ADDRESS to later steps as output or secret variable
    /// NAME; can be repeated.
    ///
    /// The URL is masked in the log, but every later step can read it.
    #[arg(long, value_name = "NAME=ADDRESS", conflicts_with = "dry_run")]
    pub output_url: Vec<OutputUrl>,
    /// Waiting for flows.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Reads the name of a new journal, which may contain the time of the run.
fn new_journal(text: &str) -> Result<JournalFile, Infallible> {
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    text.parse().map(|file: JournalFile| file.named_at(&time))
}

/// Options of a command that writes its plan.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct WriteArgs {
    /// Write without asking; required where nobody can be asked. The sandbox asks only with --ask.
    #[arg(long, short = 'y', env = "FLOWBIND_YES", value_parser = clap::builder::BoolishValueParser::new())]
    pub yes: bool,
    /// Ask before writing, also in the sandbox and with a saved plan.
    #[arg(long, conflicts_with = "dry_run")]
    pub ask: bool,
    /// Show the plan and write nothing, like `flowbind plan`.
    #[arg(long, alias = "what-if", visible_alias = "whatif")]
    pub dry_run: bool,
    /// With --dry-run, exit with code 2 if there are changes.
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
}

/// Options of undoing an apply.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Journal of the apply to undo, as `flowbind apply --journal` wrote it.
    ///
    /// The journal names the environment. An encrypted journal needs `FLOWBIND_STORE_KEY`, one that is
    /// not encrypted needs `plain:` before its path.
    #[arg(value_name = "[plain:]FILE")]
    pub journal: JournalFile,
    /// Options of writing.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Skip the targets that have changed since the apply, and undo the others.
    ///
    /// Without this option, nothing is undone if any target has changed.
    #[arg(long)]
    pub skip_changed: bool,
    /// Options of every run. Only the environments of the manifest are used; none is needed.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands of `flowbind auth`.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Sign in, and store the refresh token for later runs.
    #[command(alias = "create")]
    Login(Box<LoginArgs>),
    /// Show who is signed in, where and since when.
    #[command(aliases = ["list", "who"])]
    Status(StatusArgs),
    /// Remove every stored sign-in.
    #[command(alias = "clear")]
    Logout(LogoutArgs),
}

/// Options of a sign-in for later runs.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Print the sign-in for a pipeline instead of storing it.
    ///
    /// It is one line, encrypted with `FLOWBIND_STORE_KEY`, for the pipeline's secret variable
    /// `FLOWBIND_REFRESH_TOKEN`. If no key is set, a new one is made and printed, too.
    #[arg(long, conflicts_with = "token_store")]
    pub export: bool,
    /// Options of the connection. A URL needs no manifest.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Options of showing who is signed in.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Output format of the result.
    #[arg(long, default_value = "human", env = "FLOWBIND_FORMAT")]
    pub format: Format,
}

/// Options of signing out.
#[derive(Debug, Args)]
pub struct LogoutArgs {
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Where sign-ins are kept.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Where sign-ins are stored: `keyring`, `file[:PATH]`, `plain[:PATH]` or `none` [default:
    /// keyring; in a pipeline: none].
    ///
    /// `keyring` uses the keyring of the operating system. `file` is encrypted with
    /// `FLOWBIND_STORE_KEY`. `plain` is not encrypted, and readable by its owner only.
    #[arg(long, value_name = "STORE", env = "FLOWBIND_TOKEN_STORE")]
    pub token_store: Option<TokenStore>,
}

/// Options of every run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Output format of the result.
    #[arg(long, default_value = "human", env = "FLOWBIND_FORMAT")]
    pub format: Format,
    /// List the targets that are up to date, too.
    #[arg(long, short)]
    pub verbose: bool,
    /// Options of the connection.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Options of reports.
    #[command(flatten)]
    pub reports: ReportArgs,
}

impl RunArgs {
    /// Returns the output format, with true if every target is listed.
    pub(crate) fn output(&self) -> (Format, bool) {
        (self.format, self.verbose)
    }
}

/// Options of the connection to an environment.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// Manifest file: which flow's URL goes where.
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "flowbind.toml",
        env = "FLOWBIND_MANIFEST"
    )]
    pub manifest: PathBuf,
    /// Name or `environment-id` from the manifest, or a URL. Optional if the manifest has only one
    /// environment.
    #[arg(long, short, value_name = "NAME|URL", env = "FLOWBIND_ENVIRONMENT")]
    pub environment: Option<String>,
    /// Clouds file with additional or changed hosts and token audiences.
    ///
    /// It decides where tokens are sent, so a manifest cannot name it.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_CLOUDS", hide_short_help = true)]
    pub clouds: Option<PathBuf>,
    /// PEM file with additional CA certificates to trust.
    ///
    /// Needed if a proxy inspects TLS, and for a sandbox that is served over https.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_CA_BUNDLE", hide_short_help = true)]
    pub ca_bundle: Option<PathBuf>,
    /// Use HTTP/1.1 only, for proxies and firewalls that break HTTP/2.
    #[arg(long, env = "FLOWBIND_HTTP1", hide_short_help = true, value_parser = clap::builder::BoolishValueParser::new())]
    pub http1: bool,
    /// Maximum concurrent requests per service.
    ///
    /// flowbind sends fewer while a service throttles the run.
    #[arg(long, value_name = "N", default_value_t = 24, hide_short_help = true, value_parser = clap::value_parser!(u16).range(1..=64), env = "FLOWBIND_CONCURRENCY")]
    pub concurrency: u16,
    /// Timeout of the run after the sign-in, such as 90s, 10m or 2h; a number alone is in seconds.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration_in(SECOND..=DAY, SECOND), env = "FLOWBIND_TIMEOUT")]
    pub timeout: Duration,
    /// Options of the sign-in.
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// Options of the embedded sandbox.
    #[command(flatten)]
    pub sandbox: SandboxState,
}

/// Options of the sign-in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInArgs {
    /// Application (client) id to sign in with; overrides the manifest.
    #[arg(long, value_name = "GUID", env = "FLOWBIND_CLIENT_ID")]
    pub client_id: Option<Guid>,
    /// Tenant to sign in to, as a GUID or domain; overrides the manifest.
    ///
    /// If neither names a tenant, flowbind discovers it.
    #[arg(long, value_name = "TENANT", env = "FLOWBIND_TENANT")]
    pub tenant: Option<String>,
    /// Sign in with a browser on this machine instead of a device code.
    ///
    /// For tenants that block device codes. The application needs the redirect URI
    /// `http://localhost`.
    #[arg(long, env = "FLOWBIND_BROWSER", value_parser = clap::builder::BoolishValueParser::new())]
    pub browser: bool,
    /// Take the tokens from another program that a person is signed in to, instead of asking one.
    ///
    /// `az` needs no application: sign in with `az login --tenant TENANT --allow-no-subscriptions`. A
    /// service principal, as `azure/login` signs in, does not serve the Flow service.
    #[arg(long, value_name = "PROGRAM", env = "FLOWBIND_SIGN_IN", conflicts_with = "browser")]
    pub sign_in: Option<SignInProgram>,
    /// Where sign-ins are kept.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Never prompt: exit with code 4 if a person has to sign in.
    #[arg(long, env = "FLOWBIND_NON_INTERACTIVE", value_parser = clap::builder::BoolishValueParser::new(), conflicts_with = "browser")]
    pub non_interactive: bool,
    /// Read the refresh token from the first line of standard input instead of
    /// `FLOWBIND_REFRESH_TOKEN`.
    #[arg(long, hide_short_help = true)]
    pub refresh_token_stdin: bool,
    /// Command that prints an access token; can be repeated.
    ///
    /// For example: `az account get-access-token --resource {resource}`. With `dataverse:` or `flow:`
    /// before it, the command is used for that service only.
    #[arg(
        long,
        hide_short_help = true,
        value_name = "[SERVICE:]COMMAND",
        env = "FLOWBIND_TOKEN_COMMAND",
        hide_env_values = true
    )]
    pub token_command: Vec<TokenCommandFor>,
    /// Variables that token commands inherit in addition, such as `IDENTITY_HEADER`; can be
    /// repeated.
    ///
    /// A token command inherits no secret that is not named here.
    #[arg(
        long,
        hide_short_help = true,
        value_name = "NAME",
        value_delimiter = ',',
        env = "FLOWBIND_TOKEN_COMMAND_VARIABLE"
    )]
    pub token_command_variable: Vec<String>,
}

/// The programs that tokens can be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignInProgram {
    /// The Azure CLI.
    Az,
}

/// Options of the sandbox in a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxState {
    /// Where the sandbox keeps its state.
    #[command(flatten)]
    pub state: StateArgs,
    /// Log the Dataverse and Flow API requests to the sandbox in this file.
    #[arg(long, value_name = "FILE", hide_short_help = true, env = "FLOWBIND_SANDBOX_RECORD")]
    pub sandbox_record: Option<PathBuf>,
    /// Tenant file to use instead of the built-in tenant.
    #[arg(long, value_name = "FILE", hide_short_help = true, env = "FLOWBIND_SANDBOX_TENANT")]
    pub sandbox_tenant: Option<PathBuf>,
}

/// Where the sandbox keeps its state.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// State file of the sandbox, or `none` to keep the state in memory.
    ///
    /// The default is a file in the platform's folder for application state.
    #[arg(long, global = true, value_name = "FILE|none", env = "FLOWBIND_SANDBOX_STATE")]
    pub sandbox_state: Option<String>,
}

/// Options of the sandbox.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// The command; without one, the sandbox is served.
    #[command(subcommand)]
    pub command: Option<SandboxCommand>,
    /// Options of serving.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Options of the state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// The commands of `flowbind sandbox`.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Delete the state, so that the next run starts with the original tenant.
    Reset,
}

/// Options of serving the sandbox.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Loopback address to listen on; port 0 chooses a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Approve each sign-in automatically after this time, such as 5s.
    ///
    /// Without it, a person approves sign-ins at /devicelogin.
    #[arg(long, value_name = "DURATION", value_parser = duration_in(Duration::ZERO..=DAY, SECOND))]
    pub approve_after: Option<Duration>,
    /// Also serve https, and write its CA certificate to `ca.pem` in this folder.
    ///
    /// https uses the same address. The certificate is created at each start; clients have to trust
    /// `ca.pem`.
    #[arg(long, value_name = "DIR")]
    pub tls_dir: Option<PathBuf>,
    /// Additional host name to serve https for, such as contoso.crm4.dynamics.com; can be repeated.
    ///
    /// It may begin with `*.`. `localhost` and the addresses of this machine are always served.
    #[arg(long, value_name = "NAME", requires = "tls_dir", hide_short_help = true)]
    pub host: Vec<String>,
    /// Offer only HTTP/1.1 over https.
    #[arg(long, requires = "tls_dir", hide_short_help = true)]
    pub http1: bool,
    /// Append the method and URL of each Dataverse and Flow API request to this file.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub record: Option<PathBuf>,
    /// Delay every response by this time, such as 50ms; a number alone is in milliseconds.
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration_in(Duration::ZERO..=DAY, MILLISECOND))]
    pub latency: Duration,
    /// Tenant file to serve instead of the built-in tenant.
    #[arg(long, value_name = "FILE", env = "FLOWBIND_SANDBOX_TENANT")]
    pub tenant: Option<PathBuf>,
    /// Serve this many generated HTTP flows instead of the tenant's own flows and variables.
    ///
    /// Each flow has a definition of 40 KB and a variable. The state is kept in memory unless
    /// --sandbox-state is given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub flows: Option<u32>,
    /// Variables per generated flow.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000), requires = "flows", hide_short_help = true)]
    pub targets_per_flow: u32,
    /// Write a manifest for the generated flows to this file once the sandbox listens; an existing
    /// file is replaced.
    #[arg(long, value_name = "FILE", requires = "flows")]
    pub write_manifest: Option<PathBuf>,
}
