//! What a tenant file says of pipelines: what their platforms issue, and which applications trust it.

use std::fmt;

use serde::Deserialize;

/// The audience that assertions are issued for.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What an application trusts instead of a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FederatedCredential {
    /// Who issues the assertions.
    pub(crate) issuer: String,
    /// Whom they are about.
    pub(crate) subject: String,
    /// Whom they are for.
    #[serde(default = "audience")]
    pub(crate) audience: String,
}

fn audience() -> String {
    AUDIENCE.to_owned()
}

/// The platforms that pipelines run on.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Pipelines {
    /// What a pipeline shows its platform.
    pub(crate) request_token: String,
    /// The issuer of GitHub Actions.
    #[serde(default = "github_issuer")]
    pub(crate) github_issuer: String,
    /// The subject of a workflow.
    #[serde(default = "github_subject")]
    pub(crate) github_subject: String,
    /// The issuer of Azure DevOps.
    #[serde(default = "azure_devops_issuer")]
    pub(crate) azure_devops_issuer: String,
    /// The subject of a service connection.
    #[serde(default = "azure_devops_subject")]
    pub(crate) azure_devops_subject: String,
}

impl fmt::Debug for Pipelines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipelines").finish_non_exhaustive()
    }
}

fn github_issuer() -> String {
    "https://token.actions.githubusercontent.com".to_owned()
}

fn github_subject() -> String {
    "repo:contoso/flows:environment:production".to_owned()
}

fn azure_devops_issuer() -> String {
    "https://vstoken.dev.azure.com/00000000-0000-4000-8000-00000000ad00".to_owned()
}

fn azure_devops_subject() -> String {
    "sc://contoso/Flows/production".to_owned()
}
