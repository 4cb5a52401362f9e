//! The tenant that a sandbox starts with: who may sign in, what the environment holds, how the services
//! behave. It is read from a TOML file, checked, and never changes while a sandbox runs.

mod check;
mod definition;
pub(crate) mod fault;
pub(crate) mod federation;
pub(crate) mod file;
pub(crate) mod flows;
pub(crate) mod plug_ins;
pub(crate) mod sign_in;
pub(crate) mod switches;
pub(crate) mod synthetic;
pub(crate) mod tables;
pub(crate) mod throttling;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::entra::certificate::Certificate;
use super::error::SandboxError;
use super::guid::Guid;
use file::TenantFile;
use flows::FlowFile;
use synthetic::Synthetic;

/// The largest file of a tenant, in bytes.
const LARGEST_FILE_BYTES: u64 = 64 * 1024 * 1024;

const EMBEDDED: &str = include_str!("../../../config/sandbox.toml");

/// A checked tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// What the file says.
    pub(crate) file: TenantFile,
    /// SHA-256 of the file and of the definitions and certificates it names, in hex.
    pub(crate) digest: String,
    /// The flows and variables that are made up.
    pub(crate) synthetic: Option<Synthetic>,
    definitions: BTreeMap<Guid, String>,
    certificates: BTreeMap<Guid, String>,
}

impl Tenant {
    /// Returns the tenant that ships with the program.
    ///
    /// # Panics
    /// Never: the text is compiled in, and a test holds it to being valid.
    #[expect(
        clippy::expect_used,
        reason = "the text is compiled in, and a test holds it to being valid"
    )]
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED, Path::new("sandbox.toml")).expect("the embedded tenant is valid")
    }

    /// Reads a tenant file; the definitions that it names are found relative to its folder.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, SandboxError> {
        let path = path.as_ref();
        Self::parse(&read(path)?, path)
    }

    /// Gives the tenant made-up flows and variables in place of its own.
    #[must_use]
    pub fn with_synthetic(mut self, synthetic: Synthetic) -> Self {
        self.file.flows.clear();
        self.file.variables.clear();
        let Synthetic { flows, targets_per_flow } = synthetic;
        self.digest = format!("{} with {flows} flows of {targets_per_flow} variables", self.digest);
        self.synthetic = Some(synthetic);
        self
    }

    /// Writes the manifest of the made-up flows for the environment at that address, if there are any.
    pub fn manifest(&self, address: SocketAddr) -> Option<String> {
        let public = self.file.applications.iter().find(|one| !one.is_confidential())?;
        Some(self.synthetic?.manifest(address, public.client_id))
    }

    /// Returns the `clientdata` of a process.
    pub(crate) fn client_data(&self, flow: &FlowFile) -> Option<String> {
        let stored = self.definitions.get(&flow.workflow_id).cloned();
        stored.or_else(|| (flow.category == 5).then(|| definition::client_data(flow)))
    }

    /// Returns the application with this client id.
    pub(crate) fn application(&self, client_id: &str) -> Option<&file::Application> {
        let id: Guid = client_id.parse().ok()?;
        self.file.applications.iter().find(|application| application.client_id == id)
    }

    /// Returns the certificate of an application.
    pub(crate) fn certificate(&self, client_id: Guid) -> Option<Certificate> {
        Certificate::parse(self.certificates.get(&client_id)?)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, SandboxError> {
        let file: TenantFile =
            toml::from_str(text.trim_start_matches('\u{feff}')).map_err(|source| {
                SandboxError::TenantSyntax { path: path.to_owned(), source: Box::new(source) }
            })?;
        let definitions = read_definitions(&file, path)?;
        let certificates = read_certificates(&file, path)?;
        let problems = check::problems(&file, &definitions, &certificates);
        if !problems.is_empty() {
            return Err(SandboxError::TenantInvalid { path: path.to_owned(), problems });
        }
        let digest = digest(text, &[&definitions, &certificates]);
        Ok(Self { file, digest, synthetic: None, definitions, certificates })
    }
}

fn read_definitions(
    file: &TenantFile,
    path: &Path,
) -> Result<BTreeMap<Guid, String>, SandboxError> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let named =
        file.flows.iter().filter_map(|flow| Some((flow.workflow_id, flow.definition.as_ref()?)));
    named.map(|(id, name)| Ok((id, read(&folder.join(name))?))).collect()
}

/// Reads the certificates of the applications, which stand in the tenant file or beside it.
fn read_certificates(
    file: &TenantFile,
    path: &Path,
) -> Result<BTreeMap<Guid, String>, SandboxError> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let named = file.applications.iter();
    let named = named.filter_map(|one| Some((one.client_id, one.certificate.as_ref()?)));
    named
        .map(|(id, text)| {
            let inline = text.contains("-----BEGIN");
            Ok((id, if inline { text.clone() } else { read(&folder.join(text))? }))
        })
        .collect()
}

/// Reads a text file; an exported definition may begin with a byte order mark.
fn read(path: &Path) -> Result<String, SandboxError> {
    let unreadable = |source| SandboxError::TenantUnreadable { path: PathBuf::from(path), source };
    let bytes = read_bounded(path).map_err(unreadable)?;
    if is_utf16(&bytes) {
        return Err(SandboxError::TenantUtf16(PathBuf::from(path)));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Tells whether bytes look like UTF-16: by their mark, or by a NUL beside their first character.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

/// Reads a file that is not too large; one may have no end, such as `/dev/zero`.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn digest(text: &str, files: &[&BTreeMap<Guid, String>]) -> String {
    let mut digest = Sha256::new();
    digest.update(text);
    for (id, content) in files.iter().flat_map(|files| files.iter()) {
        digest.update(id.to_string());
        digest.update(content);
    }
    format!("{:x}", digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match Tenant::parse(text, Path::new("tenant.toml")) {
            Err(SandboxError::TenantInvalid { problems, .. }) => problems.join("\n"),
            Err(SandboxError::TenantSyntax { source, .. }) => source.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_embedded_tenant_is_valid() {
        assert_eq!(Tenant::embedded().file.flows.len(), 14);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = EMBEDDED.replace("version = 1", "version = 1\ncolour = \"red\"");
        assert!(refusal(&text).contains("unknown field `colour`"), "{}", refusal(&text));
    }

    #[test]
    fn every_contradiction_is_told_at_once() {
        let text = EMBEDDED
            .replace("b1c7f0d2-5b2e-f011-998a-7c1e5275cfe9", "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9")
            .replace("primary-name = \"contoso_name\"", "primary-name = \"contoso_label\"");
        let told = refusal(&text);
        assert!(told.contains("flow \"Order status\""), "{told}");
        assert!(told.contains("table \"contoso_endpoint\""), "{told}");
    }
}
