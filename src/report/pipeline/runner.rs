//! Formats commands for pipeline runners whose logs highlight notices: a person must find a waiting
//! sign-in among a thousand other lines.
//!
//! No command of this module hides a secret: a command that masks a value prints that value first.
//! Only `secret_outputs` makes such a command, and only for a URL that the user asks to hand over.

use std::borrow::Cow;

use anstream::adapter::strip_str;

use crate::model::{cover_secrets, escape_hidden, is_hidden};

/// A pipeline runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// GitHub Actions
    /// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
    GitHubActions,
    /// Azure Pipelines
    /// (<https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>).
    AzurePipelines,
}

impl Runner {
    /// Detects the runner from the environment variables.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_set = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_set("GITHUB_ACTIONS") {
            Some(Self::GitHubActions)
        } else if is_set("TF_BUILD") {
            Some(Self::AzurePipelines)
        } else {
            None
        }
    }

    /// Formats a notice, which this runner shows above the log and in the run's summary. Azure
    /// Pipelines knows only warnings and errors, so it gets a warning.
    pub(crate) fn notice(self, title: &str, text: &str) -> RunnerCommand {
        let text = &without_commands(text);
        RunnerCommand(match self {
            Self::GitHubActions => {
                let title = escaped(title, &GITHUB_PROPERTY);
                format!("::notice title={title}::{}", escaped(text, &GITHUB))
            }
            Self::AzurePipelines => {
                let text = escaped(&format!("{title}. {text}"), &AZURE);
                format!("##vso[task.logissue type=warning]{text}")
            }
        })
    }

    /// Formats a warning for this runner.
    pub(crate) fn warning(self, text: &str) -> RunnerCommand {
        self.issue(Severity::Warning, &[], text)
    }

    /// Formats an error or a warning with these properties for this runner.
    pub(crate) fn issue(
        self,
        severity: Severity,
        properties: &[(&str, &str)],
        text: &str,
    ) -> RunnerCommand {
        let (severity, text) = (severity.as_str(), &without_commands(text));
        RunnerCommand(match self {
            Self::GitHubActions => {
                let properties = format_properties(properties, ",", &GITHUB_PROPERTY);
                let space = if properties.is_empty() { "" } else { " " };
                format!("::{severity}{space}{properties}::{}", escaped(text, &GITHUB))
            }
            Self::AzurePipelines => {
                let all = [&[("type", severity)], properties].concat();
                let properties = format_properties(&all, ";", &AZURE_PROPERTY);
                format!("##vso[task.logissue {properties}]{}", escaped(text, &AZURE))
            }
        })
    }

    /// Returns the two commands between which this runner folds a part of the log.
    pub(crate) fn group(self, title: &str) -> (RunnerCommand, RunnerCommand) {
        let (begin, end) = match self {
            Self::GitHubActions => {
                (format!("::group::{}", escaped(title, &GITHUB)), "::endgroup::")
            }
            Self::AzurePipelines => {
                let title = without_commands(title).replace(['\r', '\n'], " ");
                (format!("##[group]{title}"), "##[endgroup]")
            }
        };
        (RunnerCommand(begin), RunnerCommand(end.to_owned()))
    }

    /// Returns the command that adds a Markdown file to the summary of an Azure Pipelines run.
    pub(crate) fn upload_summary(path: &str) -> RunnerCommand {
        RunnerCommand(format!("##vso[task.uploadsummary]{}", escaped(path, &AZURE)))
    }

    /// Returns the command that sets a variable for later steps in Azure Pipelines.
    pub(crate) fn set_variable(name: &str, value: &str) -> RunnerCommand {
        let properties =
            format_properties(&[("variable", name), ("isOutput", "true")], ";", &AZURE_PROPERTY);
        RunnerCommand(format!("##vso[task.setvariable {properties}]{}", escaped(value, &AZURE)))
    }
}

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The run could not do what it was asked to.
    Error,
    /// A person should know.
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A line that a runner takes for a command. Only this module makes one, and none holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunnerCommand(String);

impl RunnerCommand {
    /// Returns the command with a line break at its end, with hidden characters as numbers, and with
    /// secrets covered.
    pub(crate) fn line(&self) -> String {
        format!("{}\n", escape_hidden(&cover_secrets(&self.0)))
    }
}

/// Formats properties in the runner's syntax.
fn format_properties(
    properties: &[(&str, &str)],
    separator: &str,
    table: &[(char, &str)],
) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name}={}", escaped(value, table));
    properties.iter().map(one).collect::<Vec<_>>().join(separator)
}

/// Defuses everything in the text that a runner would take for a command: Azure Pipelines finds a
/// command anywhere in a line, GitHub Actions at its beginning, after any white space. All output
/// but the commands of this module passes through this function, since a manifest or a service may
/// have put a command into it.
pub(crate) fn without_commands(text: &str) -> Cow<'_, str> {
    let text = if text.contains("##") {
        Cow::Owned(text.replace("##vso[", "## vso[").replace("##[", "## ["))
    } else {
        Cow::Borrowed(text)
    };
    if !text.split_inclusive(ends_line).any(is_command) {
        return text;
    }
    let lines = text
        .split_inclusive(ends_line)
        .map(|line| if is_command(line) { line.replacen("::", ": :", 1) } else { line.to_owned() });
    Cow::Owned(lines.collect())
}

/// Checks if the character ends a line for any program that may read the output.
fn ends_line(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Checks if GitHub Actions would take a line for a command, ignoring terminal escapes.
fn is_command(line: &str) -> bool {
    let line = strip_str(line).to_string();
    let is_blank = |character: char| character.is_whitespace() || is_hidden(character);
    line.trim_start_matches(is_blank).starts_with("::")
}

/// The escapes of characters in a message on GitHub
/// (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).
pub(crate) const GITHUB: [(char, &str); 3] = [('%', "%25"), ('\r', "%0D"), ('\n', "%0A")];

/// The escapes of characters in a property on GitHub.
const GITHUB_PROPERTY: [(char, &str); 5] =
    [('%', "%25"), ('\r', "%0D"), ('\n', "%0A"), (':', "%3A"), (',', "%2C")];

/// The escapes of characters in a message on Azure Pipelines
/// (<https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/CommandStringConvertor.cs>).
pub(crate) const AZURE: [(char, &str); 3] = [('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A")];

/// The escapes of characters in a property on Azure Pipelines.
const AZURE_PROPERTY: [(char, &str); 5] =
    [('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A"), (']', "%5D"), (';', "%3B")];

/// Escapes the characters that would end the text or begin another command.
pub(crate) fn escaped(text: &str, table: &[(char, &str)]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match table.iter().find(|(from, _)| *from == character) {
            Some((_, to)) => escaped.push_str(to),
            None => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(name: &str, value: &str) -> Option<Runner> {
        Runner::detect(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_runner_is_known_by_its_variable() {
        assert_eq!(detected("GITHUB_ACTIONS", "true"), Some(Runner::GitHubActions));
        assert_eq!(detected("TF_BUILD", "True"), Some(Runner::AzurePipelines));
        assert_eq!(detected("TF_BUILD", "0"), None);
        assert_eq!(detected("CI", "true"), None);
    }

    #[test]
    fn a_text_cannot_end_its_notice_or_begin_another_command() {
        let text = "50% of\n::error::x";
        assert_eq!(
            Runner::GitHubActions.notice("Sign in: now, please", text).0,
            "::notice title=Sign in%3A now%2C please::50%25 of%0A: :error::x"
        );
        assert_eq!(
            Runner::AzurePipelines.notice("Sign in", "50% of\n##vso[task.x]").0,
            "##vso[task.logissue type=warning]Sign in. 50%AZP25 of%0A## vso[task.x]"
        );
        assert_eq!(
            Runner::AzurePipelines.warning("x\r\ny").0,
            "##vso[task.logissue type=warning]x%0D%0Ay"
        );
    }

    #[test]
    fn a_property_cannot_end_itself_or_begin_another() {
        let hostile = [("file", "a,b::c;d]e%\n")];
        assert_eq!(
            Runner::GitHubActions.issue(Severity::Error, &hostile, "x").0,
            "::error file=a%2Cb%3A%3Ac;d]e%25%0A::x"
        );
        assert_eq!(
            Runner::AzurePipelines.issue(Severity::Warning, &hostile, "x").0,
            "##vso[task.logissue type=warning;file=a,b::c%3Bd%5De%AZP25%0A]x"
        );
        assert_eq!(Runner::GitHubActions.warning("x").0, "::warning::x");
    }

    #[test]
    fn what_is_printed_is_no_command_but_for_our_own() {
        let harmless = |text: &str| without_commands(text).into_owned();
        assert_eq!(harmless("a\n  ::error::x\n::set-env x::"), "a\n  : :error::x\n: :set-env x::");
        assert_eq!(harmless("a\n\u{3000}\u{85}::x"), "a\n\u{3000}\u{85}: :x");
        assert_eq!(harmless("a\r::x\r\n::y"), "a\r: :x\r\n: :y");
        for end in ['\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'] {
            assert_eq!(harmless(&format!("a{end}::x")), format!("a{end}: :x"));
        }
        assert_eq!(harmless("\u{1b}[31m\u{feff}::x"), "\u{1b}[31m\u{feff}: :x");
        assert_eq!(harmless("x ##vso[task.x]##[error]y"), "x ## vso[task.x]## [error]y");
        assert_eq!(harmless("http://[::1]:8787 a::b ::c"), "http://[::1]:8787 a::b ::c");
    }
}
