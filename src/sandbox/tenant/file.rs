//! The tenant file as it is written.

use serde::{Deserialize, Serialize};

use super::super::guid::Guid;
use super::fault::FaultFile;
use super::federation::{FederatedCredential, Pipelines};
use super::flows::FlowFile;
use super::plug_ins::{HiddenRowFile, PlugInFile};
use super::sign_in::{RefreshRefusal, SignIn, SignInRefusal, TokenRevocation};
use super::switches::Switches;
use super::tables::{TableFile, VariableFile};
use super::throttling::Throttling;

/// A whole tenant file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TenantFile {
    /// The version of this format.
    pub(crate) version: u32,
    /// The directory.
    pub(crate) directory: Directory,
    /// The person who signs in.
    pub(crate) user: User,
    /// The applications that may sign someone in.
    #[serde(default, rename = "application")]
    pub(crate) applications: Vec<Application>,
    /// The platforms that pipelines run on.
    pub(crate) pipelines: Option<Pipelines>,
    /// The environment.
    pub(crate) environment: Environment,
    /// Times of the sign-in.
    #[serde(default)]
    pub(crate) sign_in: SignIn,
    /// Resources that a refresh token is refused for.
    #[serde(default, rename = "refresh-refusal")]
    pub(crate) refresh_refusals: Vec<RefreshRefusal>,
    /// The scripted refusals of the sign-in.
    #[serde(default, rename = "sign-in-refusal")]
    pub(crate) sign_in_refusals: Vec<SignInRefusal>,
    /// The revocations of access tokens.
    #[serde(default, rename = "token-revocation")]
    pub(crate) token_revocations: Vec<TokenRevocation>,
    /// The processes.
    #[serde(default, rename = "flow")]
    pub(crate) flows: Vec<FlowFile>,
    /// The environment variables.
    #[serde(default, rename = "environment-variable")]
    pub(crate) variables: Vec<VariableFile>,
    /// The custom tables.
    #[serde(default, rename = "table")]
    pub(crate) tables: Vec<TableFile>,
    /// What runs when rows are written.
    #[serde(default, rename = "plug-in")]
    pub(crate) plug_ins: Vec<PlugInFile>,
    /// The rows that the person does not see.
    #[serde(default, rename = "hidden-row")]
    pub(crate) hidden_rows: Vec<HiddenRowFile>,
    /// The scripted faults.
    #[serde(default, rename = "fault")]
    pub(crate) faults: Vec<FaultFile>,
    /// The limits of the services.
    #[serde(default)]
    pub(crate) throttling: Throttling,
    /// The switches.
    #[serde(default)]
    pub(crate) switches: Switches,
}

/// The directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Directory {
    /// The tenant id.
    pub(crate) id: Guid,
    /// The domain that may stand for the id in an authority.
    pub(crate) domain: String,
}

/// The person who signs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct User {
    /// The `systemuserid` in Dataverse.
    pub(crate) id: Guid,
    /// The object id in the directory.
    pub(crate) object_id: Guid,
    /// The full name.
    pub(crate) name: String,
    /// The sign-in name.
    pub(crate) principal_name: String,
    /// The privileges that the person lacks, such as `prvReadWorkflow`.
    #[serde(default)]
    pub(crate) missing_privileges: Vec<String>,
}

/// An application registration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Application {
    /// The client id.
    pub(crate) client_id: Guid,
    /// The name that the sign-in page shows.
    pub(crate) name: String,
    /// The secret of a confidential client, which then signs in as itself.
    pub(crate) secret: Option<String>,
    /// The certificate of a confidential client: PEM, or a file of it relative to the tenant file.
    pub(crate) certificate: Option<String>,
    /// The platforms whose assertions a confidential client proves itself by.
    #[serde(default, rename = "federated-credential")]
    pub(crate) federated: Vec<FederatedCredential>,
    /// Whether the organisation has a user for the application.
    #[serde(default, rename = "application-user")]
    pub(crate) is_member: bool,
}

impl Application {
    /// Tells whether it has to prove itself.
    pub(crate) fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.certificate.is_some() || !self.federated.is_empty()
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = self.secret.as_ref().map(|_| "****");
        let mut shown = formatter.debug_struct("Application");
        shown
            .field("client_id", &self.client_id)
            .field("name", &self.name)
            .field("secret", &secret)
            .finish_non_exhaustive()
    }
}

/// The environment, which is one Dataverse organisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Environment {
    /// The environment id that the Flow API wants: a GUID, or `Default-` and the tenant id.
    pub(crate) id: String,
    /// The organisation id.
    pub(crate) organization_id: Guid,
    /// The friendly name.
    pub(crate) name: String,
    /// The unique name.
    #[serde(default = "unique_name")]
    pub(crate) unique_name: String,
    /// The region as the Flow API names it.
    #[serde(default = "location")]
    pub(crate) location: String,
    /// Further host names of the organisation, for clients that do not reach it by a loopback name.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// Built-in tables on which optimistic concurrency is off.
    #[serde(default)]
    pub(crate) without_optimistic_concurrency: Vec<String>,
    /// Tables whose rows come without an entity tag.
    #[serde(default)]
    pub(crate) without_etags: Vec<String>,
}

fn unique_name() -> String {
    "unqsandbox".to_owned()
}

fn location() -> String {
    "europe".to_owned()
}

/// A service of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceName {
    /// The sign-in service.
    Entra,
    /// The Web API.
    Dataverse,
    /// The Flow API.
    Flow,
    /// The trigger addresses.
    Trigger,
}

impl ServiceName {
    /// Returns the word that it is written as.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Dataverse => "dataverse",
            Self::Flow => "flow",
            Self::Trigger => "trigger",
        }
    }
}

/// The default of what is so unless it is said otherwise.
pub(super) fn yes() -> bool {
    true
}
