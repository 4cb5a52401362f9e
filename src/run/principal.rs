//! Reads the proof of a manifest's application from the variables of this process.

use std::path::Path;
use std::time::SystemTime;

use url::Url;

use crate::atomic_file;
use crate::manifest::{self, DataverseIdentity, VariableName};
use crate::model::{AccessToken, CertificatePem, ClientSecret, Failure};
use crate::sign_in::{
    AuthError, Certificate, ClientId, IdentityProvider, Principal, PrincipalError, Proof, ProofKind,
};

/// The beginning of a PEM block, which no path contains.
const PEM: &str = "-----BEGIN ";

/// The largest file of a certificate and its key, in bytes.
const MOST_CERTIFICATE_BYTES: u64 = 1024 * 1024;

/// A lookup of the variables of this process.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns the application that is used for Dataverse, with its proof from the variables of this
/// process.
///
/// # Errors
/// Fails if a variable is not set, or holds no valid proof.
pub(crate) fn principal(identity: &DataverseIdentity) -> Result<Principal, Failure> {
    let variables = |name: &str| std::env::var(name).ok();
    principal_of(identity, &variables).map_err(Failure::from)
}

/// Returns the application that is used for Dataverse, with its proof from `variables`.
fn principal_of(
    identity: &DataverseIdentity,
    variables: Variables<'_>,
) -> Result<Principal, AuthError> {
    let malformed = |source| {
        let text = identity.client_id.clone();
        AuthError::MalformedClientId { text, source }
    };
    let client_id: ClientId = identity.client_id.parse().map_err(malformed)?;
    let proof = match &identity.proof {
        manifest::Proof::Secret(name) => secret(name, variables)?,
        manifest::Proof::Certificate(name) => certificate(name, variables)?,
        manifest::Proof::Federated(federation) => {
            Proof::Federated(federated(federation, variables)?)
        }
    };
    Ok(Principal { client_id, proof })
}

/// Reads the client secret in a variable.
fn secret(name: &VariableName, variables: Variables<'_>) -> Result<Proof, PrincipalError> {
    let [text] = read_required_variables([name.as_str()], ProofKind::Secret, variables)?;
    Ok(Proof::Secret(ClientSecret::new(text)))
}

/// Reads the certificate in a variable, or in the file that the variable names.
fn certificate(name: &VariableName, variables: Variables<'_>) -> Result<Proof, PrincipalError> {
    let [text] = read_required_variables([name.as_str()], ProofKind::Certificate, variables)?;
    let variable = || name.as_str().to_owned();
    let pem = pem(text);
    let pem =
        pem.map_err(|source| PrincipalError::CertificateFile { variable: variable(), source })?;
    let certificate = Certificate::from_pem(&pem, SystemTime::now());
    let certificate = certificate
        .map_err(|source| PrincipalError::Certificate { variable: variable(), source })?;
    Ok(Proof::Certificate(certificate))
}

/// Returns the text if it is PEM, else the content of the file that it names. A file that is not
/// text, such as a PFX, is rejected when the PEM is parsed.
fn pem(text: String) -> std::io::Result<CertificatePem> {
    if text.contains(PEM) {
        return Ok(CertificatePem::new(text));
    }
    let bytes = atomic_file::read(Path::new(&text), MOST_CERTIFICATE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(CertificatePem::new(text.trim_start_matches('\u{feff}')))
}

/// Returns the identity provider of a federation, with the values of its variables.
fn federated(
    federation: &manifest::Federation,
    variables: Variables<'_>,
) -> Result<IdentityProvider, PrincipalError> {
    match federation {
        manifest::Federation::GitHub => git_hub(variables),
        manifest::Federation::AzureDevOps { service_connection } => {
            azure_dev_ops(service_connection.as_deref(), variables)
        }
        manifest::Federation::Kubernetes => {
            let [path] = read_required_variables(
                ["AZURE_FEDERATED_TOKEN_FILE"],
                ProofKind::Kubernetes,
                variables,
            )?;
            Ok(IdentityProvider::File { path: path.into() })
        }
    }
}

/// Returns the identity provider of GitHub Actions.
fn git_hub(variables: Variables<'_>) -> Result<IdentityProvider, PrincipalError> {
    let names = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
    let [url, token] = read_required_variables(names, ProofKind::GitHub, variables)?;
    let url: Url = IdentityProvider::parse_address(names[0], &url)?;
    Ok(IdentityProvider::GitHub { url, request_token: AccessToken::new(token) })
}

/// Returns the identity provider of Azure Pipelines, with the service connection of the manifest,
/// else that of the step.
fn azure_dev_ops(
    service_connection: Option<&str>,
    variables: Variables<'_>,
) -> Result<IdentityProvider, PrincipalError> {
    const CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";
    let names = ["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", CONNECTION];
    let either = |name: &str| match service_connection {
        Some(connection) if name == CONNECTION => Some(connection.to_owned()),
        _ => variables(name),
    };
    let [url, token, service_connection] =
        read_required_variables(names, ProofKind::AzureDevOps, &either)?;
    let url: Url = IdentityProvider::parse_address(names[0], &url)?;
    Ok(IdentityProvider::AzureDevOps {
        url,
        access_token: AccessToken::new(token),
        service_connection,
    })
}

/// Reads the values of all these variables.
///
/// # Errors
/// Names every variable that is not set or empty.
fn read_required_variables<const N: usize>(
    names: [&str; N],
    means: ProofKind,
    variables: Variables<'_>,
) -> Result<[String; N], PrincipalError> {
    let values = names.map(|name| variables(name).unwrap_or_default().trim().to_owned());
    let missing = names.iter().zip(&values).filter(|(_, value)| value.is_empty());
    let missing = missing.map(|(name, _)| ((*name).to_owned(), variables(name).is_some()));
    let variables: Vec<(String, bool)> = missing.collect();
    if variables.is_empty() { Ok(values) } else { Err(PrincipalError::NotSet { means, variables }) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::manifest::Proof as Named;
    use crate::model::Exit;

    fn identity(proof: Named) -> DataverseIdentity {
        let client_id = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9".to_owned();
        DataverseIdentity { client_id, tenant: None, proof }
    }

    fn made(proof: Named, set: &[(&str, &str)]) -> Result<Principal, Failure> {
        let variables = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        principal_of(&identity(proof), &variables).map_err(Failure::from)
    }

    /// What is told of a proof that cannot be had, before anything is contacted.
    fn told(proof: Named, set: &[(&str, &str)]) -> String {
        let failure = made(proof, set).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        let text = format!("{}. {}", failure.message, failure.hints.join("; "));
        assert!(!text.contains("made-up"), "{text}");
        text
    }

    fn name(text: &str) -> VariableName {
        text.parse().unwrap()
    }

    fn azure(connection: Option<&str>) -> Named {
        let service_connection = connection.map(str::to_owned);
        Named::Federated(manifest::Federation::AzureDevOps { service_connection })
    }

    const GITHUB: Named = Named::Federated(manifest::Federation::GitHub);

    #[test]
    fn a_secret_is_taken_without_the_line_end_of_its_file() {
        let principal = made(Named::Secret(name("S")), &[("S", "made-up\n")]).unwrap();
        assert_eq!(principal.client_id.as_str(), "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9");
        let Proof::Secret(secret) = &principal.proof else { panic!("{principal:?}") };
        assert_eq!(secret.expose(), "made-up");
        assert!(!format!("{principal:?}").contains("made-up"));
    }

    #[test]
    fn every_variable_that_is_not_set_is_named_with_what_to_write() {
        let text = told(Named::Secret(name("S")), &[("S", " ")]);
        assert!(
            text.starts_with(
                "the client secret cannot be read, because these variables are not set: `S`. "
            ),
            "{text}"
        );
        assert!(text.contains("S is there, and empty"), "{text}");
        let text = told(GITHUB, &[]);
        assert!(!text.contains("and empty"), "{text}");
        for part in ["_REQUEST_URL`", "_REQUEST_TOKEN`", "`id-token: write`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = told(azure(None), &[("SYSTEM_OIDCREQUESTURI", "https://a.example/made-up")]);
        for part in ["`SYSTEM_ACCESSTOKEN`", "_CONNECTION_ID`", "$(System.AccessToken)"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("SYSTEM_OIDCREQUESTURI"), "{text}");
        let text = told(Named::Federated(manifest::Federation::Kubernetes), &[]);
        assert!(text.contains("`AZURE_FEDERATED_TOKEN_FILE`"), "{text}");
    }

    #[test]
    fn an_address_that_others_could_read_is_refused_and_not_repeated() {
        for address in ["http://a.example/made-up", "made-up", "file:///made-up"] {
            let token = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "made-up");
            let text = told(GITHUB, &[("ACTIONS_ID_TOKEN_REQUEST_URL", address), token]);
            assert!(text.contains("`ACTIONS_ID_TOKEN_REQUEST_URL`"), "{text}");
        }
    }

    #[test]
    fn the_manifests_service_connection_comes_before_that_of_the_step() {
        let set = [
            ("SYSTEM_OIDCREQUESTURI", "https://a.example/oidctoken"),
            ("SYSTEM_ACCESSTOKEN", "made-up"),
            ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "of-the-step"),
        ];
        for (named, wanted) in [(None, "of-the-step"), (Some("named"), "named")] {
            let principal = made(azure(named), &set).unwrap();
            let text = format!("{principal:?}");
            assert!(text.contains(wanted) && !text.contains("made-up"), "{text}");
        }
    }

    #[test]
    fn a_certificate_is_read_from_the_variable_or_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path.display().to_string()
        };
        let text = "-----BEGIN PRIVATE KEY-----\nmade-up\n-----END PRIVATE KEY-----\n";
        let told = |value: &str| told(Named::Certificate(name("C")), &[("C", value)]);
        for value in [text, &file("damaged.pem", text.as_bytes())] {
            assert!(told(value).contains("`C`, or in the file that it names: it is damaged PEM"));
        }
        let text = told(&file("app.pfx", b"\x30\x82\xff"));
        assert!(text.contains("it is not PEM") && text.contains("openssl pkcs12"), "{text}");
        assert!(told("made-up").contains("holds neither PEM nor the path"));
    }
}
