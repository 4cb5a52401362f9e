//! Errors of an application's proof of identity, and what to do about them.
//!
//! Messages name variables, and never show their values.

use std::path::PathBuf;
use std::{fmt, io};

use crate::http::{DecodeError, Peer};

/// A reason why an application cannot prove its identity.
#[derive(Debug, thiserror::Error)]
pub enum PrincipalError {
    /// Variables are not set, or are empty.
    #[error(
        "{means} cannot be read, because these variables are not set: {}",
        list_names(variables)
    )]
    NotSet {
        /// The proof that needs them.
        means: ProofKind,
        /// The names of the variables, each with whether it is there and empty.
        variables: Vec<(String, bool)>,
    },
    /// A variable does not hold an https address.
    #[error("the variable `{variable}` does not hold an https address")]
    NoAddress {
        /// Its name.
        variable: String,
    },
    /// A variable names a file that cannot be read.
    #[error("the variable `{variable}` holds neither PEM nor the path of a file that can be read")]
    CertificateFile {
        /// Its name.
        variable: String,
        /// The system's error.
        source: io::Error,
    },
    /// A certificate cannot be used.
    #[error(
        "there is no usable certificate in the variable `{variable}`, or in the file that it names"
    )]
    Certificate {
        /// The variable's name.
        variable: String,
        /// The problem.
        source: CertificateError,
    },
    /// The key could not sign.
    #[error("the private key could not sign: the system gives no random numbers")]
    NotSigned,
    /// The pipeline's identity provider gave no token.
    #[error("{peer} answered {status} without a token for this pipeline")]
    NoToken {
        /// The provider.
        means: ProofKind,
        /// The service that was asked.
        peer: Peer,
        /// The status.
        status: u16,
        /// The problem with the body, if that is the cause.
        source: Option<DecodeError>,
    },
    /// The file with the token cannot be used.
    #[error("the token file `{}` cannot be read", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A kind of proof of an application's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// A secret.
    Secret,
    /// A certificate.
    Certificate,
    /// A token from GitHub Actions.
    GitHub,
    /// A token from Azure Pipelines.
    AzureDevOps,
    /// A token from a Kubernetes cluster.
    Kubernetes,
}

/// A reason why a text holds no usable certificate. It holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The text has no PEM section.
    #[error("it is not PEM")]
    NotPem,
    /// The text is PEM without line breaks.
    #[error("it is on one line, but PEM has many")]
    OneLine,
    /// The private key is encrypted.
    #[error("its private key is encrypted")]
    Encrypted,
    /// A section is not valid PEM.
    #[error("it is damaged PEM")]
    Damaged,
    /// The text has no private key.
    #[error("it has no private key")]
    NoKey,
    /// The text has no certificate.
    #[error("it has no certificate")]
    NoCertificate,
    /// The private key is not RSA.
    #[error("its private key is not RSA")]
    NotRsa,
    /// The private key is invalid, too short or too long.
    #[error("its private key is not an RSA key of 2048 to 4096 bits")]
    UnusableKey,
    /// No certificate belongs to the private key.
    #[error("none of its certificates belongs to its private key")]
    Mismatch,
    /// The certificate has expired.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("its certificate is not valid yet")]
    NotYetValid,
}

impl PrincipalError {
    /// Returns true if the error is found before any service is contacted.
    pub fn is_setup_error(&self) -> bool {
        match self {
            Self::NotSet { .. }
            | Self::NoAddress { .. }
            | Self::CertificateFile { .. }
            | Self::Certificate { .. } => true,
            Self::NotSigned | Self::NoToken { .. } | Self::TokenFile { .. } => false,
        }
    }

    /// Returns what to do about the error, most likely first.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotSet { means, variables } => {
                let empty = variables.iter().filter(|(_, is_empty)| *is_empty);
                let empty = empty.map(|(name, _)| empty_variable_hint(name));
                empty.chain([means.how_to_set().to_owned()]).collect()
            }
            Self::NoAddress { .. } => {
                vec!["leave the variable as the runner of the pipeline sets it".to_owned()]
            }
            Self::CertificateFile { variable, .. } => vec![format!(
                "put the PEM text with the private key and the certificate into `{variable}`, or the path of such a file"
            )],
            Self::Certificate { variable, source } => source.hints(variable),
            Self::NotSigned => vec!["run again".to_owned()],
            Self::NoToken { means, .. } => vec![means.how_to_get_token().to_owned()],
            Self::TokenFile { .. } => vec![ProofKind::Kubernetes.how_to_get_token().to_owned()],
        }
    }
}

impl ProofKind {
    /// Returns how to set a missing variable.
    fn how_to_set(self) -> &'static str {
        match self {
            Self::Secret => {
                "in the step that runs flowbind, set the variable from the pipeline's secret store; it holds the secret's value, not its id"
            }
            Self::Certificate => {
                "in the step that runs flowbind, set the variable from the pipeline's secret store to the PEM text with the private key and the certificate, or to the path of such a file"
            }
            Self::GitHub => {
                "in the workflow, give the job `permissions:` with `id-token: write`; runs for pull requests from forks never get it"
            }
            Self::AzureDevOps => {
                "in the step that runs flowbind, write `env:` with `SYSTEM_ACCESSTOKEN: $(System.AccessToken)`, and in the manifest `service-connection` with the id of a service connection of workload identity federation"
            }
            Self::Kubernetes => {
                "label the pod `azure.workload.identity/use: \"true\"` and give it a service account that the application trusts"
            }
        }
    }

    /// Returns what to check if there is no token.
    fn how_to_get_token(self) -> &'static str {
        match self {
            Self::AzureDevOps => {
                "check that `service-connection` is the `resourceId` in the address of its page, that it is one of workload identity federation, and that this pipeline may use it"
            }
            Self::Kubernetes => {
                "check that the pod has the token's volume, and that its user may read the file"
            }
            Self::GitHub | Self::Secret | Self::Certificate => {
                "run flowbind within the job that has `permissions:` with `id-token: write`: the request token expires with the job"
            }
        }
    }
}

impl CertificateError {
    /// Returns what to do about the error, where `variable` holds the certificate.
    fn hints(self, variable: &str) -> Vec<String> {
        let hint = match self {
            Self::NotPem => {
                "make PEM of a PFX file: `openssl pkcs12 -in app.pfx -nodes -out app.pem`"
            }
            Self::OneLine => {
                "the pipeline removed the line breaks: keep app.pem as a secure file; `openssl x509 -in app.pem -noout -subject` shows whether it is complete"
            }
            Self::Encrypted => {
                "remove the passphrase: `openssl pkey -in app.pem -out plain.pem && openssl x509 -in app.pem >> plain.pem`"
            }
            Self::Damaged => {
                "find the damaged part: `openssl pkey -in app.pem -noout -check`, `openssl x509 -in app.pem -noout -subject`"
            }
            Self::NoKey => {
                "put the private key before the certificate: `openssl pkey -in key.pem -out app.pem && openssl x509 -in certificate.pem >> app.pem`"
            }
            Self::NoCertificate => {
                "put the certificate after the private key: `openssl x509 -in certificate.pem >> app.pem`"
            }
            Self::Mismatch => {
                "find the ones that belong together: `openssl pkey -in app.pem -pubout` and `openssl x509 -in app.pem -noout -pubkey` print the same"
            }
            Self::NotYetValid => {
                "check this machine's clock against `openssl x509 -in app.pem -noout -dates`"
            }
            Self::NotRsa | Self::UnusableKey | Self::Expired => {
                "make new ones, and upload certificate.pem under Certificates & secrets of the application: `openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=flowbind -keyout key.pem -out certificate.pem && cat key.pem certificate.pem > app.pem`"
            }
        };
        let then = format!("then set `{variable}` to the text of the PEM file, or to its path");
        vec![hint.to_owned(), then]
    }
}

impl fmt::Display for ProofKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Secret => "the client secret",
            Self::Certificate => "the certificate",
            Self::GitHub => "the identity of this GitHub Actions job",
            Self::AzureDevOps => "the identity of this Azure Pipelines job",
            Self::Kubernetes => "the workload identity of this pod",
        })
    }
}

/// Lists the names in backticks.
fn list_names(variables: &[(String, bool)]) -> String {
    let quoted: Vec<String> = variables.iter().map(|(name, _)| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Returns the hint for a variable that is there, and empty.
pub fn empty_variable_hint(name: &str) -> String {
    format!(
        "{name} is there, and empty: the pipeline has no secret of that name, or hands it to no step of this job"
    )
}
