//! A certificate with its private key, read from PEM, ready to sign.
//!
//! Every problem of the two is reported before anything is sent, and no message quotes them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{Signer, SigningKey};
use rustls::{
    CertificateError as Invalid, Error, RootCertStore, SignatureAlgorithm, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::error::{CertificateError, PrincipalError};
use crate::model::CertificatePem;

/// The beginning of every PEM section.
const BEGIN: &str = "-----BEGIN ";

/// A word in the first lines of an encrypted key, in either of the two forms.
const ENCRYPTED: &str = "ENCRYPTED";

/// A certificate that Entra knows, and its private key.
#[derive(Clone)]
pub struct Certificate {
    signer: Arc<dyn Signer>,
    thumbprint: String,
}

impl Certificate {
    /// Reads a private key and the certificate that belongs to it from a text. Other certificates,
    /// such as those of its issuers, are ignored.
    ///
    /// # Errors
    /// A part is missing or cannot be used now.
    pub fn from_pem(pem: &CertificatePem, now: SystemTime) -> Result<Self, CertificateError> {
        let text = pem.expose();
        check_form(text)?;
        let key = read_key(text)?;
        let certificate = find_certificate(&*key, text)?;
        check_time(&certificate, now)?;
        let signer = key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
        Ok(Self {
            signer: signer.ok_or(CertificateError::UnusableKey)?.into(),
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
        })
    }

    /// Returns the SHA-256 of the certificate, by which Entra finds it.
    pub(super) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Signs with PS256: RSA with PSS padding and a salt as long as the SHA-256 digest (RFC 7518
    /// section 3.5).
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrincipalError> {
        self.signer.sign(message).map_err(|_| PrincipalError::NotSigned)
    }
}

/// Checks for mistakes that the PEM reader does not distinguish.
fn check_form(text: &str) -> Result<(), CertificateError> {
    if !text.contains(BEGIN) {
        return Err(CertificateError::NotPem);
    }
    if !text.trim().contains('\n') {
        return Err(CertificateError::OneLine);
    }
    if text.contains(ENCRYPTED) {
        return Err(CertificateError::Encrypted);
    }
    Ok(())
}

/// Reads the private key, which must be RSA.
fn read_key(text: &str) -> Result<Arc<dyn SigningKey>, CertificateError> {
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateError::NoKey,
        _ => CertificateError::Damaged,
    })?;
    if matches!(der, PrivateKeyDer::Sec1(_)) {
        return Err(CertificateError::NotRsa);
    }
    let key = any_supported_type(&der).map_err(|_| CertificateError::UnusableKey)?;
    let is_rsa = key.algorithm() == SignatureAlgorithm::RSA;
    is_rsa.then_some(key).ok_or(CertificateError::NotRsa)
}

/// Finds the certificate that belongs to the key.
fn find_certificate(
    key: &dyn SigningKey,
    text: &str,
) -> Result<CertificateDer<'static>, CertificateError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let all = all.map_err(|_| CertificateError::Damaged)?;
    if all.is_empty() {
        return Err(CertificateError::NoCertificate);
    }
    let wanted = key.public_key();
    let mut own = all.into_iter().filter(|der| wanted.is_some() && public_key(der) == wanted);
    own.next().ok_or(CertificateError::Mismatch)
}

/// Returns the public key of a certificate, or `None` if the certificate cannot be read.
fn public_key(der: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let parsed = ParsedCertificate::try_from(der).ok()?;
    Some(parsed.subject_public_key_info())
}

/// Checks the certificate's validity period. The verification checks the period first; its other
/// answer, that the issuer is not trusted, does not matter here.
fn check_time(der: &CertificateDer<'_>, now: SystemTime) -> Result<(), CertificateError> {
    let parsed = ParsedCertificate::try_from(der).map_err(|_| CertificateError::Damaged)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now = UnixTime::since_unix_epoch(now);
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], now, &[]) {
        Err(Error::InvalidCertificate(Invalid::Expired | Invalid::ExpiredContext { .. })) => {
            Err(CertificateError::Expired)
        }
        Err(Error::InvalidCertificate(
            Invalid::NotValidYet | Invalid::NotValidYetContext { .. },
        )) => Err(CertificateError::NotYetValid),
        _ => Ok(()),
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({}, ****)", self.thumbprint)
    }
}
