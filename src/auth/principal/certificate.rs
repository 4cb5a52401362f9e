//! A certificate with its private key, out of PEM, ready to sign.
//!
//! Everything that can be wrong with the two is told before anything is sent, and nothing of
//! their content is.

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

use super::PrincipalError;
use crate::domain::CertificatePem;

/// What every section of PEM begins with.
const BEGIN: &str = "-----BEGIN ";

/// What an encrypted key has in its first lines, in either of the two forms.
const ENCRYPTED: &str = "ENCRYPTED";

/// A certificate that Entra knows, and its private key.
#[derive(Clone)]
pub struct Certificate {
    signer: Arc<dyn Signer>,
    thumbprint: String,
}

/// Why a text brings no certificate to sign with. It holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is no section of PEM in it.
    #[error("it is not PEM")]
    NotPem,
    /// It is PEM without its line ends.
    #[error("it is on one line, but PEM has many")]
    OneLine,
    /// The private key is encrypted.
    #[error("its private key is encrypted")]
    Encrypted,
    /// A section breaks the form of PEM.
    #[error("it is damaged PEM")]
    Damaged,
    /// There is no private key in it.
    #[error("it has no private key")]
    NoKey,
    /// There is no certificate in it.
    #[error("it has no certificate")]
    NoCertificate,
    /// The private key is of another kind.
    #[error("its private key is not RSA")]
    NotRsa,
    /// The private key is none, or too short or too long.
    #[error("its private key is not an RSA key of 2048 to 4096 bits")]
    UnusableKey,
    /// No certificate in it belongs to the private key.
    #[error("none of its certificates belongs to its private key")]
    Mismatch,
    /// The certificate has expired.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("its certificate is not valid yet")]
    NotYetValid,
}

impl Certificate {
    /// Takes a private key and the certificate that belongs to it out of a text. Other
    /// certificates, such as those of its issuers, are passed over.
    ///
    /// # Errors
    /// Something is missing, or cannot be used now.
    pub fn from_pem(pem: &CertificatePem, now: SystemTime) -> Result<Self, CertificateError> {
        let text = pem.expose();
        check_form(text)?;
        let key = key(text)?;
        let certificate = certificate_of(&*key, text)?;
        check_time(&certificate, now)?;
        let signer = key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
        Ok(Self {
            signer: signer.ok_or(CertificateError::UnusableKey)?.into(),
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
        })
    }

    /// The SHA-256 of the certificate, by which Entra finds it.
    pub(super) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Signs by PS256: RSA with PSS padding, whose salt is as long as the SHA-256 it is made of
    /// (RFC 7518 section 3.5).
    ///
    /// # Errors
    /// The system gave no random numbers.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrincipalError> {
        self.signer.sign(message).map_err(|_| PrincipalError::NotSigned)
    }
}

/// Tells what no reader of PEM would tell apart.
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

/// The private key, if it is RSA.
fn key(text: &str) -> Result<Arc<dyn SigningKey>, CertificateError> {
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

/// The certificate that belongs to the key.
fn certificate_of(
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

/// The public key of a certificate; none if it cannot be read.
fn public_key(der: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let parsed = ParsedCertificate::try_from(der).ok()?;
    Some(parsed.subject_public_key_info())
}

/// Refuses a certificate that Entra would refuse for its age. The verification looks at that
/// first; that nobody is trusted to have issued the certificate, which is the other answer, does
/// not matter here.
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
