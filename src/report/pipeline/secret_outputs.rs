//! Prints a secret, at the only place in this program: a callback URL that the user asks to hand to
//! a later step of a pipeline. The URL is masked in the log first, by printing it to the runner.
//!
//! A mask does not hide a part of the masked text, so the bare signature has its own mask.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::runner::{AZURE, GITHUB, Runner, escaped};
use crate::model::{CallbackUrl, Signature};

/// The names of outputs that the program sets without being asked.
const OURS: [&str; 3] = ["outcome", "flowbindOutcome", "flowbindChangesPresent"];

/// A URL to hand to a later step, with the name of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputUrl {
    /// The name of the step's output, or of the secret variable.
    pub name: String,
    /// The address of the target that holds the URL.
    pub address: String,
}

/// The error of a text that is not an output's name and address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OutputUrlError {
    /// The name is missing, or not every runner accepts it.
    #[error(
        "the name may contain only letters, digits and `_`, and no digit first: write NAME=ADDRESS"
    )]
    Name,
    /// The name is that of an output that the program sets itself.
    #[error("flowbind sets an output of this name itself: choose another name")]
    Ours,
    /// There is no address.
    #[error("the address is missing: write NAME=ADDRESS, with an address from `flowbind plan`")]
    Address,
}

impl FromStr for OutputUrl {
    type Err = OutputUrlError;

    fn from_str(text: &str) -> Result<Self, OutputUrlError> {
        let (name, address) = text.split_once('=').unwrap_or((text, ""));
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || !name.chars().all(is_word)
        {
            return Err(OutputUrlError::Name);
        }
        if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
            return Err(OutputUrlError::Ours);
        }
        if address.is_empty() {
            return Err(OutputUrlError::Address);
        }
        Ok(Self { name: name.to_owned(), address: address.to_owned() })
    }
}

/// Lines with secrets that only a runner may read.
pub(crate) struct Secrets(SecretString);

impl Secrets {
    /// Returns the commands that mask a URL and its signatures in the runner's log.
    pub(crate) fn mask_commands(runner: Runner, url: &CallbackUrl) -> Self {
        let signatures = url.signatures();
        let texts = [url.expose()].into_iter().chain(signatures.iter().map(Signature::expose));
        let command = |text: &str| match runner {
            Runner::GitHubActions => format!("::add-mask::{}\n", escaped(text, &GITHUB)),
            Runner::AzurePipelines => format!("##vso[task.setsecret]{}\n", escaped(text, &AZURE)),
        };
        Self(texts.map(command).collect::<String>().into())
    }

    /// Returns the command that stores a URL as a secret variable for later steps in Azure
    /// Pipelines.
    pub(crate) fn variable(name: &str, url: &CallbackUrl) -> Self {
        let value = escaped(url.expose(), &AZURE);
        Self(
            format!("##vso[task.setvariable variable={name};issecret=true;isOutput=true]{value}\n")
                .into(),
        )
    }

    /// Returns the line that stores a URL as an output of the step in GitHub Actions.
    pub(crate) fn output(name: &str, url: &CallbackUrl) -> Self {
        // No callback URL holds a line break, so that nothing can follow the value.
        Self(format!("{name}={}\n", url.expose()).into())
    }

    /// Exposes the lines with the secrets, for the runner.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_is_a_name_and_an_address() {
        let parsed = |text: &str| text.parse::<OutputUrl>();
        let output = parsed("orderUrl=record/t[a=b]/c").unwrap();
        assert_eq!((&*output.name, &*output.address), ("orderUrl", "record/t[a=b]/c"));
        for name in ["", "=x", "1a=x", "a b=x", "a\nb=x", "a;b=x"] {
            assert_eq!(parsed(name), Err(OutputUrlError::Name), "{name:?}");
        }
        assert_eq!(parsed("Outcome=x"), Err(OutputUrlError::Ours));
        assert_eq!(parsed("a="), Err(OutputUrlError::Address));
        assert_eq!(parsed("a"), Err(OutputUrlError::Address));
    }

    #[test]
    fn the_whole_and_the_bare_signature_are_covered_before_anything_is_set() {
        let url: CallbackUrl = "https://flow.example/x?sig=made%2Dup".parse().unwrap();
        assert_eq!(
            Secrets::mask_commands(Runner::GitHubActions, &url).expose(),
            "::add-mask::https://flow.example/x?sig=made%252Dup\n::add-mask::made%252Dup\n::add-mask::made-up\n"
        );
        assert_eq!(
            Secrets::mask_commands(Runner::AzurePipelines, &url).expose(),
            "##vso[task.setsecret]https://flow.example/x?sig=made%AZP252Dup\n##vso[task.setsecret]made%AZP252Dup\n##vso[task.setsecret]made-up\n"
        );
        assert_eq!(
            Secrets::variable("url", &url).expose(),
            "##vso[task.setvariable variable=url;issecret=true;isOutput=true]https://flow.example/x?sig=made%AZP252Dup\n"
        );
        assert_eq!(
            Secrets::output("url", &url).expose(),
            "url=https://flow.example/x?sig=made%2Dup\n"
        );
        assert_eq!(format!("{:?}", Secrets::output("url", &url)), "Secrets(****)");
    }
}
