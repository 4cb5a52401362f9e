//! The certificate of an application, by which its assertions are checked.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use webpki::EndEntityCert;
use webpki::ring::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256_LEGACY_KEY};

use super::super::seal::decoded;

/// A certificate. How long it is valid is not looked at.
#[derive(Debug)]
pub(crate) struct Certificate(CertificateDer<'static>);

impl Certificate {
    /// Reads the first certificate of PEM text.
    pub(crate) fn parse(pem: &str) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        EndEntityCert::try_from(&certificate).ok()?;
        Some(Self(certificate))
    }

    /// Tells whether the header of an assertion names it: by `x5t#S256`, else by `x5t` (RFC 7515 section 4.1).
    pub(super) fn is_named(&self, header: &Value) -> bool {
        // Some libraries pad what they encode.
        let plain = |text: &str| decoded(text.trim_end_matches('='));
        let named = |name: &str| header.get(name).and_then(Value::as_str).and_then(plain);
        match (named("x5t#S256"), named("x5t")) {
            (Some(thumbprint), _) => thumbprint == Sha256::digest(&self.0).as_slice(),
            (None, Some(thumbprint)) => {
                thumbprint == digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.0).as_ref()
            }
            (None, None) => false,
        }
    }

    /// Tells whether its key made a signature.
    pub(super) fn signed(&self, algorithm: &str, text: &str, signature: &[u8]) -> bool {
        let algorithm: &dyn SignatureVerificationAlgorithm = match algorithm {
            "RS256" => RSA_PKCS1_2048_8192_SHA256,
            "PS256" => RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            _ => return false,
        };
        EndEntityCert::try_from(&self.0).is_ok_and(|certificate| {
            certificate.verify_signature(algorithm, text.as_bytes(), signature).is_ok()
        })
    }
}
