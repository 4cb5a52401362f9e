//! A throw-away certification authority and the certificate that it issues, both new at every start.
//!
//! The keys stay in memory: whoever trusts `ca.pem` trusts this process and nothing that comes after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::SandboxError;
use super::names;
use super::wire::H2;

/// The file of the authority's certificate.
const AUTHORITY_FILE: &str = "ca.pem";
/// The names that are always served.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long ago the certificates begin, for clocks that are behind.
const BEFORE: Duration = Duration::from_hours(24);
/// How long the certificates hold: as long as strict clients take any.
const AFTER: Duration = Duration::from_hours(397 * 24);

/// How https is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The folder that gets the authority's certificate; it is made if it is not there.
    pub dir: PathBuf,
    /// The names to serve besides those of this machine; `*.` stands for one label.
    pub hosts: Vec<String>,
    /// Whether HTTP/2 is not offered.
    pub http1: bool,
}

/// Makes the certificates, writes the authority's, and returns its file and what takes connections. A wildcard
/// that means `own`, a host of more labels than wildcards stand for, covers it too.
pub(crate) fn acceptor(
    options: &TlsOptions,
    own: &str,
) -> Result<(PathBuf, TlsAcceptor), SandboxError> {
    let hosts = hosts(&options.hosts, own)?;
    let failed = |source| SandboxError::Certificate(Box::new(source));
    let (issuer, authority) = authority().map_err(failed)?;
    let key = KeyPair::generate().map_err(failed)?;
    let leaf = leaf(hosts, &key, &issuer).map_err(failed)?;
    let mut config = config(leaf, &key)?;
    config.alpn_protocols = protocols(options.http1);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let file = options.dir.join(AUTHORITY_FILE);
    write(&file, &authority)
        .map_err(|source| SandboxError::AuthorityFile { path: file.clone(), source })?;
    Ok((file, acceptor))
}

/// Returns every name that the certificate is for.
fn hosts(asked: &[String], own: &str) -> Result<Vec<String>, SandboxError> {
    if let Some(wrong) = asked.iter().find(|host| !is_name(host)) {
        return Err(SandboxError::HostName(wrong.clone()));
    }
    let mut all: Vec<String> = LOOPBACK.map(str::to_owned).to_vec();
    all.extend(asked.iter().map(|host| host.to_ascii_lowercase()));
    if all.iter().any(|name| names::matches(name, own)) {
        all.push(own.to_owned());
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Tells whether a certificate can be for this name.
fn is_name(host: &str) -> bool {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let labels = host.strip_prefix("*.").unwrap_or(host).split('.');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    labels.into_iter().all(|label| (1..=63).contains(&label.len()) && label.chars().all(plain))
}

/// Makes an authority, with its certificate as PEM.
fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let mut params = dated(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "flowbind sandbox, made up at its start");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), certificate.pem()))
}

/// Issues the certificate that is shown.
fn leaf(
    hosts: Vec<String>,
    key: &KeyPair,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let mut params = dated(hosts)?;
    params.distinguished_name.push(DnType::CommonName, "flowbind sandbox");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params.signed_by(key, issuer)?.der().clone())
}

/// Begins a certificate that holds from yesterday on.
fn dated(hosts: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let now = SystemTime::now();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + AFTER).into();
    Ok(params)
}

fn config(leaf: CertificateDer<'static>, key: &KeyPair) -> Result<ServerConfig, SandboxError> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    let config =
        builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![leaf], key));
    config.map_err(|source| SandboxError::Certificate(Box::new(source)))
}

/// Returns what is offered, the best first.
fn protocols(http1: bool) -> Vec<Vec<u8>> {
    let all = [H2, b"http/1.1"];
    all.iter().skip(usize::from(http1)).map(|name| name.to_vec()).collect()
}

/// Replaces the file as a whole, so that nobody reads half a certificate.
fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = file.with_extension(format!("pem.{}", std::process::id()));
    fs::write(&fresh, text)?;
    readable(&fresh)?;
    fs::rename(&fresh, file)
}

/// Lets everybody read a certificate, whatever the process's mask.
#[cfg(unix)]
fn readable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "3d5b.a6.environment.api.powerplatform.com";

    fn of(asked: &[&str]) -> Vec<String> {
        let asked: Vec<String> = asked.iter().map(|host| (*host).to_owned()).collect();
        hosts(&asked, OWN).unwrap()
    }

    #[test]
    fn loopback_names_are_always_served_and_each_name_once() {
        assert_eq!(of(&["LOCALHOST"]), ["127.0.0.1", "::1", "localhost"]);
    }

    #[test]
    fn a_wildcard_covers_the_environments_own_host() {
        assert!(of(&["*.environment.api.powerplatform.com"]).contains(&OWN.to_owned()));
        assert!(!of(&["*.logic.azure.com"]).contains(&OWN.to_owned()));
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        for wrong in ["", "*", "a..b", "https://a", "a:443", "*.*.a", "a b"] {
            assert!(hosts(&[wrong.to_owned()], OWN).is_err(), "{wrong}");
        }
    }
}
