//! Tokens that another program prints, such as the Azure CLI.
//!
//! The program is started without a shell, so nothing in its arguments can become a command of its
//! own.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use std::{env, fmt, io};

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::model::printable;
use crate::sign_in::Audience;
use crate::sign_in::child_environment::inherit_listed;
use crate::sign_in::new_token::{NewToken, read_token};

/// The Azure CLI, as messages name it.
pub(in crate::sign_in) const AZURE_CLI: &str = "the Azure CLI (`az`)";

/// The time limit of the program.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// The placeholder in an argument for the token's resource.
const RESOURCE: &str = "{resource}";

/// The extensions of scripts that Windows runs as programs.
const SCRIPTS: [&str; 2] = ["cmd", "bat"];

/// The maximum size of the output that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The maximum length of the program's error text that is shown, in characters.
const MAX_CHARACTERS: usize = 300;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCommand {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// The variables that it inherits besides the listed ones.
    pub(super) variables: Vec<String>,
    /// Whether `--sign-in az` chose it.
    pub(super) is_azure_cli: bool,
}

/// A token command, with the audience that it is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCommandFor {
    /// The audience; none if the command serves both.
    pub audience: Option<Audience>,
    /// The command.
    pub command: TokenCommand,
}

/// A reason why a text is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenCommandError {
    /// The text is empty.
    #[error(
        "is empty: write the program and its arguments, such as `az account get-access-token --resource {RESOURCE}`"
    )]
    Empty,
    /// A quote is not closed.
    #[error("has a quote that is not closed")]
    Quote,
}

/// A reason why a program gave no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenCommandFailure {
    /// The program could not be started.
    #[error("it could not be started")]
    Start(#[source] io::Error),
    /// The program took too long.
    #[error("it did not end within {} s", COMMAND_TIMEOUT.as_secs())]
    TimedOut,
    /// The program failed.
    #[error("it ended with {status}{}", error_text_suffix(.message))]
    Failed {
        /// Its exit status.
        status: String,
        /// The last line of its standard error, made safe to print.
        message: String,
    },
    /// The program printed something else.
    #[error("it printed no token: neither a bare one nor JSON with `accessToken`")]
    NoToken,
}

/// JSON that programs print instead of a bare token: `accessToken` of the Azure CLI, `access_token`
/// of OAuth, `token` of the Azure Developer CLI and PowerShell.
#[derive(Deserialize)]
struct Printed {
    #[serde(alias = "access_token", alias = "token", alias = "Token", rename = "accessToken")]
    token: String,
    expires_on: Option<serde_json::Value>,
    expires_in: Option<u64>,
}

impl TokenCommand {
    /// Runs the program to get a token for the resource.
    ///
    /// # Errors
    /// The program cannot be started, takes too long, fails, or prints no token.
    pub(in crate::sign_in) async fn run_for_token(
        &self,
        audience: Audience,
        resource: &str,
    ) -> Result<NewToken, TokenCommandFailure> {
        let running = self.run_program(audience, resource);
        let ended =
            timeout(COMMAND_TIMEOUT, running).await.map_err(|_| TokenCommandFailure::TimedOut)?;
        let (status, output, errors) = ended.map_err(TokenCommandFailure::Start)?;
        if !status.success() {
            let message = last_line(&errors);
            return Err(TokenCommandFailure::Failed { status: status.to_string(), message });
        }
        parse_output(&output, SystemTime::now()).ok_or(TokenCommandFailure::NoToken)
    }

    /// Lets the program inherit further variables.
    #[must_use]
    pub fn with_variables(self, variables: &[String]) -> Self {
        Self { variables: variables.to_vec(), ..self }
    }

    /// Runs the program, and returns its exit status and the beginning of its standard output and
    /// standard error.
    async fn run_program(
        &self,
        audience: Audience,
        resource: &str,
    ) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let mut child = self.start(audience, resource)?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let (output, errors) = tokio::try_join!(read_beginning(output), read_beginning(errors))?;
        Ok((child.wait().await?, output, errors))
    }

    /// Starts the program. On Windows the system itself finds programs only, so scripts such as the
    /// Azure CLI's `az.cmd` are looked for next.
    fn start(&self, audience: Audience, resource: &str) -> io::Result<Child> {
        let start = |program: &str| self.process_command(program, audience, resource).spawn();
        let mut started = start(&self.program);
        if cfg!(windows) && Path::new(&self.program).extension().is_none() {
            for extension in SCRIPTS {
                if !matches!(&started, Err(error) if error.kind() == ErrorKind::NotFound) {
                    break;
                }
                started = start(&format!("{}.{extension}", self.program));
            }
        }
        started
    }

    /// Makes the command to start.
    fn process_command(&self, program: &str, audience: Audience, resource: &str) -> Command {
        let mut command = Command::new(program);
        command.args(self.arguments.iter().map(|text| text.replace(RESOURCE, resource)));
        inherit_listed(command.as_std_mut());
        let named = self.variables.iter().filter_map(|name| Some((name, env::var_os(name)?)));
        command.envs(named);
        command.env("FLOWBIND_RESOURCE", resource).env("FLOWBIND_AUDIENCE", audience.name());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }
}

/// Reads the beginning of a stream, and closes it.
async fn read_beginning(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MAX_BYTES).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads a token from a program's output.
fn parse_output(output: &[u8], now: SystemTime) -> Option<NewToken> {
    let text = std::str::from_utf8(output).ok()?.trim_start_matches('\u{feff}').trim();
    if !text.starts_with('{') {
        let access = read_token(text.trim_matches('"'))?;
        return Some(NewToken { access, lifetime: None });
    }
    let printed: Printed = serde_json::from_str(text).ok()?;
    Some(NewToken { access: read_token(&printed.token)?, lifetime: printed.token_lifetime(now) })
}

impl Printed {
    /// Returns the token's lifetime, if the output states it in seconds.
    fn token_lifetime(&self, now: SystemTime) -> Option<Duration> {
        if let Some(seconds) = self.expires_in {
            return Some(Duration::from_secs(seconds));
        }
        let seconds = self.expires_on.as_ref()?;
        let seconds = seconds.as_u64().or_else(|| seconds.as_str()?.trim().parse().ok())?;
        let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        Some(end.duration_since(now).unwrap_or_default())
    }
}

/// Returns the last line that is not blank.
fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    printable(line.unwrap_or_default().trim(), MAX_CHARACTERS)
}

/// Formats the program's error text for the end of a sentence.
fn error_text_suffix(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// Splits a command into words as the shells of this system do. Returns none if a quote is not
/// closed.
fn split(text: &str) -> Option<Vec<String>> {
    if cfg!(windows) { split_with_backslashes(text) } else { shlex::split(text) }
}

/// Splits a command into words where a backslash is one of a path: both kinds of quotes group words,
/// and nothing is escaped.
fn split_with_backslashes(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in text.chars() {
        match character {
            closing if quote == Some(closing) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            blank if quote.is_none() && blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

impl FromStr for TokenCommand {
    type Err = TokenCommandError;

    fn from_str(text: &str) -> Result<Self, TokenCommandError> {
        let words = split(text).ok_or(TokenCommandError::Quote)?;
        let mut words = words.into_iter();
        let program = words.next().filter(|word| !word.is_empty());
        let program = program.ok_or(TokenCommandError::Empty)?;
        let (arguments, variables) = (words.collect(), Vec::new());
        Ok(Self { program, arguments, variables, is_azure_cli: false })
    }
}

impl FromStr for TokenCommandFor {
    type Err = TokenCommandError;

    fn from_str(text: &str) -> Result<Self, TokenCommandError> {
        let named = Audience::ALL.into_iter().find_map(|audience| {
            let rest = text.strip_prefix(audience.name())?.strip_prefix(':')?;
            Some((Some(audience), rest))
        });
        let (audience, text) = named.unwrap_or((None, text));
        Ok(Self { audience, command: text.parse()? })
    }
}

impl fmt::Display for TokenCommand {
    /// Shows the program only: arguments may be long, and may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_azure_cli {
            return formatter.write_str(AZURE_CLI);
        }
        write!(formatter, "the command `{}`", printable(&self.program, 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn command(text: &str) -> TokenCommand {
        text.parse().unwrap()
    }

    #[test]
    fn a_command_is_split_into_words_as_a_shell_would() {
        let parsed: TokenCommandFor =
            "az account 'get access' --resource {resource}".parse().unwrap();
        assert_eq!(parsed.audience, None);
        assert_eq!(parsed.command.program, "az");
        assert_eq!(parsed.command.arguments, ["account", "get access", "--resource", "{resource}"]);
        let parsed: TokenCommandFor = "flow:./token.sh".parse().unwrap();
        assert_eq!(parsed.audience, Some(Audience::Flow));
        assert_eq!(parsed.command.program, "./token.sh");
        assert_eq!("  ".parse::<TokenCommand>(), Err(TokenCommandError::Empty));
        assert_eq!("dataverse:".parse::<TokenCommandFor>(), Err(TokenCommandError::Empty));
        assert_eq!("az 'x".parse::<TokenCommand>(), Err(TokenCommandError::Quote));
    }

    #[test]
    fn on_windows_a_backslash_is_one_of_a_path() {
        let split = |text| split_with_backslashes(text);
        for (text, words) in [
            (r"C:\Tools\token.exe --for x", vec![r"C:\Tools\token.exe", "--for", "x"]),
            (r#""C:\a b\t.cmd" "" 'c "d' "#, vec![r"C:\a b\t.cmd", "", "c \"d"]),
            (r#"'\\server\a b\'"t.exe""#, vec![r"\\server\a b\t.exe"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        assert_eq!((split(r#"a "b"#), split("a 'b")), (None, None));
    }

    #[test]
    fn a_bare_token_and_the_json_of_known_programs_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let read = |text: &str| {
            let minted = parse_output(text.as_bytes(), now)?;
            Some((minted.access.expose().to_owned(), minted.lifetime.map(|time| time.as_secs())))
        };
        let token = |lifetime| Some(("made.up.token".to_owned(), lifetime));
        assert_eq!(read("made.up.token\r\n"), token(None));
        assert_eq!(read("\"made.up.token\"\n"), token(None));
        assert_eq!(read("\u{feff}made.up.token\r\n"), token(None));
        let azure = r#"{"accessToken": "made.up.token", "expiresOn": "2026-01-01 00:00:00.000000", "expires_on": 1600, "tokenType": "Bearer"}"#;
        assert_eq!(read(azure), token(Some(600)));
        assert_eq!(read(r#"{"access_token":"made.up.token","expires_in":7}"#), token(Some(7)));
        assert_eq!(read(r#"{"token":"made.up.token","expires_on":"1001"}"#), token(Some(1)));
        for text in ["", "please sign in first", "{}", r#"{"accessToken":""}"#, "a\nb"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn the_program_is_told_the_resource_and_none_of_our_secrets() {
        let script = "sh -c 'printf %s-%s-%s \"${1#https://}\" \"$FLOWBIND_AUDIENCE\" \"$FLOWBIND_STORE_KEY\"' sh {resource}";
        let minted =
            command(script).run_for_token(Audience::Flow, "https://x.example/id").await.unwrap();
        assert_eq!(minted.access.expose(), "x.example/id-flow-");
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn a_program_that_fails_is_told_with_its_last_words() {
        let failure = command("sh -c 'echo one >&2; echo two >&2; exit 3'");
        let failure = failure.run_for_token(Audience::Flow, "x").await.unwrap_err().to_string();
        assert_eq!(failure, "it ended with exit status: 3: two");
        let failure =
            command("no-such-program-here").run_for_token(Audience::Flow, "x").await.unwrap_err();
        assert!(matches!(failure, TokenCommandFailure::Start(_)), "{failure:?}");
        let failure =
            command("echo not a token").run_for_token(Audience::Flow, "x").await.unwrap_err();
        assert!(matches!(failure, TokenCommandFailure::NoToken), "{failure:?}");
    }
}
