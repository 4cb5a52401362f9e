//! The application that is used for Dataverse in the place of the person who signs in.
//!
//! A manifest says where a secret is, and never what it is.

use std::fmt;
use std::str::FromStr;

use super::application::{client_id, tenant};
use super::choices::{FEDERATIONS, FederationKind};
use super::fields::{FieldResult, Fields, Reported, parse_as};
use super::nearest::quoted_list;
use super::schema::DATAVERSE_IDENTITY;
use crate::model::{Code, Guid, OWN_SECRETS};

/// The keys of which exactly one says how the application proves who it is.
const PROOFS: [&str; 3] = ["client-secret-variable", "certificate-variable", "federation"];

/// An application that is a user of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataverseIdentity {
    /// The application, a GUID in lower case.
    pub client_id: String,
    /// Its tenant, if that is not the environment's: a GUID or a domain name in lower case.
    pub tenant: Option<String>,
    /// The proof of its identity.
    pub proof: Proof,
}

/// The way in which an application proves its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By a secret that this variable holds.
    Secret(VariableName),
    /// By a certificate with its private key that this variable holds, or the path to both.
    Certificate(VariableName),
    /// By the word of whoever runs the pipeline.
    Federated(Federation),
}

/// Whoever runs the pipeline and tells Entra who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Federation {
    /// GitHub Actions.
    GitHub,
    /// Azure Pipelines.
    AzureDevOps {
        /// The id of the service connection, if it is not that of the step.
        service_connection: Option<String>,
    },
    /// A Kubernetes cluster with workload identity.
    Kubernetes,
}

/// The name of a variable of this process, such as `FLOWBIND_DATAVERSE_CLIENT_SECRET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableName(String);

/// The error of a text that is not the name of such a variable. It never holds the text, which may
/// be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an allowed variable name: use capital letters, digits and `_`, no digit first, and no variable of flowbind itself such as `FLOWBIND_STORE_KEY`"
)]
pub struct VariableNameError;

impl VariableName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VariableName {
    type Err = VariableNameError;

    fn from_str(text: &str) -> Result<Self, VariableNameError> {
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(VariableNameError);
        }
        let usable = text.chars().all(plain) && !OWN_SECRETS.contains(&text);
        usable.then(|| Self(text.to_owned())).ok_or(VariableNameError)
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Reads the application that an environment uses for Dataverse.
pub(super) fn read(environment: &Fields<'_>) -> FieldResult<Option<DataverseIdentity>> {
    let Some((table, place)) = environment.table("dataverse-identity")? else {
        return Ok(None);
    };
    let fields = Fields::new(table, place, &DATAVERSE_IDENTITY, environment.findings());
    identity(&fields).map(Some)
}

/// Reads the keys of the table.
fn identity(fields: &Fields<'_>) -> FieldResult<DataverseIdentity> {
    let client_id = fields.required("client-id", client_id);
    let tenant = fields.optional("tenant", tenant);
    let proof = proof(fields);
    Ok(DataverseIdentity { client_id: client_id?, tenant: tenant?, proof: proof? })
}

/// Reads the one proof.
fn proof(fields: &Fields<'_>) -> FieldResult<Proof> {
    let secret = fields.optional("client-secret-variable", parse_as);
    let certificate = fields.optional("certificate-variable", parse_as);
    let federation = federation(fields);
    require_one_proof(fields)?;
    let secret = secret?.map(Proof::Secret);
    let certificate = certificate?.map(Proof::Certificate);
    let federated = federation?.map(Proof::Federated);
    secret.or(certificate).or(federated).ok_or(Reported)
}

/// Reports a missing proof, and every proof after the first.
fn require_one_proof(fields: &Fields<'_>) -> FieldResult<()> {
    let mut present = PROOFS.to_vec();
    present.retain(|name| fields.has(name));
    present.sort_by_key(|name| fields.key_offset(name));
    let Some((first, others)) = present.split_first() else {
        return Err(no_proof(fields));
    };
    for other in others {
        let message = format!("`{first}` and `{other}` exclude each other");
        fields.report_conflict(other, message, "keep one of them");
    }
    if others.is_empty() { Ok(()) } else { Err(Reported) }
}

/// Reports an application that cannot prove who it is.
fn no_proof(fields: &Fields<'_>) -> Reported {
    let message =
        format!("this application cannot prove who it is: it needs one of {}", quoted_list(PROOFS));
    let hint = DATAVERSE_IDENTITY.help("federation");
    fields.add(fields.table_offset(), Code::KeyMissing, message, hint);
    Reported
}

/// Reads who runs the pipeline, and the service connection, which only Azure Pipelines has.
fn federation(fields: &Fields<'_>) -> FieldResult<Option<Federation>> {
    let runner = fields.choice("federation", FEDERATIONS);
    let connection = fields
        .optional("service-connection", |text| parse_as::<Guid>(text).map(|id| id.to_string()));
    let (runner, connection) = (runner?, connection?);
    if connection.is_some() && runner != Some(FederationKind::AzureDevOps) {
        let message = "`service-connection` is only for `federation = \"azure-devops\"`";
        return Err(fields.report_conflict("service-connection", message, "leave it out"));
    }
    Ok(runner.map(|runner| match runner {
        FederationKind::GitHub => Federation::GitHub,
        FederationKind::AzureDevOps => Federation::AzureDevOps { service_connection: connection },
        FederationKind::Kubernetes => Federation::Kubernetes,
    }))
}
