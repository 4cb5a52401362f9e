//! The pipeline runners whose logs know notices that stand out: a sign-in that waits for a person
//! must be found among a thousand other lines.
//!
//! Nothing here is hidden from a log. A command that masks a value prints that value first, so
//! none is used.

use std::borrow::Cow;

/// A pipeline runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// GitHub Actions
    /// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
    GitHubActions,
    /// Azure Pipelines
    /// (<https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>).
    AzurePipelines,
}

impl Runner {
    /// The runner that the environment variables tell of.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_set = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_set("GITHUB_ACTIONS") {
            Some(Self::GitHubActions)
        } else if is_set("TF_BUILD") {
            Some(Self::AzurePipelines)
        } else {
            None
        }
    }

    /// A line that this runner shows as a notice, above the log and in the run's summary. Azure
    /// Pipelines knows warnings and errors only.
    pub(super) fn notice(self, title: &str, text: &str) -> String {
        match self {
            Self::GitHubActions => {
                let title = escaped(title, &GITHUB_PROPERTY);
                format!("::notice title={title}::{}", escaped(text, &GITHUB))
            }
            Self::AzurePipelines => {
                let text = escaped(&format!("{title}. {text}"), &AZURE);
                format!("##vso[task.logissue type=warning]{text}")
            }
        }
    }

    /// A line that this runner shows as a warning.
    pub(super) fn warning(self, text: &str) -> String {
        match self {
            Self::GitHubActions => format!("::warning::{}", escaped(text, &GITHUB)),
            Self::AzurePipelines => {
                format!("##vso[task.logissue type=warning]{}", escaped(text, &AZURE))
            }
        }
    }
}

/// The text without what a runner would take for a command: Azure Pipelines finds one anywhere in a
/// line, GitHub Actions at its beginning, after any white space. Everything that is printed goes
/// through here but the commands of this module, since a manifest or a service may have put it there.
pub(super) fn without_commands(text: &str) -> Cow<'_, str> {
    let text = if text.contains("##") {
        Cow::Owned(text.replace("##vso[", "## vso[").replace("##[", "## ["))
    } else {
        Cow::Borrowed(text)
    };
    let is_command = |line: &str| line.trim_start().starts_with("::");
    if !text.lines().any(is_command) {
        return text;
    }
    let lines = text
        .split_inclusive('\n')
        .map(|line| if is_command(line) { line.replacen("::", ": :", 1) } else { line.to_owned() });
    Cow::Owned(lines.collect())
}

/// What stands for a character in a message on GitHub.
const GITHUB: [(char, &str); 3] = [('%', "%25"), ('\r', "%0D"), ('\n', "%0A")];

/// What stands for a character in a property on GitHub.
const GITHUB_PROPERTY: [(char, &str); 5] =
    [('%', "%25"), ('\r', "%0D"), ('\n', "%0A"), (':', "%3A"), (',', "%2C")];

/// What stands for a character in a message on Azure Pipelines.
const AZURE: [(char, &str); 3] = [('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A")];

/// The text with characters that would end it or begin another command taken out.
fn escaped(text: &str, table: &[(char, &str)]) -> String {
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
            Runner::GitHubActions.notice("Sign in: now, please", text),
            "::notice title=Sign in%3A now%2C please::50%25 of%0A::error::x"
        );
        assert_eq!(
            Runner::AzurePipelines.notice("Sign in", "50% of\n##vso[task.x]"),
            "##vso[task.logissue type=warning]Sign in. 50%AZP25 of%0A##vso[task.x]"
        );
        assert_eq!(
            Runner::AzurePipelines.warning("x\r\ny"),
            "##vso[task.logissue type=warning]x%0D%0Ay"
        );
    }
    #[test]
    fn what_is_printed_is_no_command_but_for_our_own() {
        let harmless = |text: &str| without_commands(text).into_owned();
        assert_eq!(harmless("a\n  ::error::x\n::set-env x::"), "a\n  : :error::x\n: :set-env x::");
        assert_eq!(harmless("a\n\u{3000}\u{85}::x"), "a\n\u{3000}\u{85}: :x");
        assert_eq!(harmless("x ##vso[task.x]##[error]y"), "x ## vso[task.x]## [error]y");
        assert_eq!(harmless("http://[::1]:8787 a::b ::c"), "http://[::1]:8787 a::b ::c");
    }
}
