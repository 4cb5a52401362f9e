//! Certificates that are trusted besides those of the system's store, and what is wrong with one that is not trusted.

use std::error::Error;
use std::io;

use reqwest::Certificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, OtherError, RootCertStore};

/// Certificates that are trusted besides the system's.
#[derive(Clone, Debug, Default)]
pub struct ExtraRoots(Vec<Certificate>);

/// Why a text brings no certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtraRootsError {
    /// There is none in it.
    #[error("it contains no certificate")]
    NoCertificate,
    /// There are some, and none has a form that can be trusted.
    #[error("it contains no usable certificate")]
    Unusable,
}

impl ExtraRoots {
    /// Takes the certificates of a text; keys and whatever else stands between them are passed over.
    ///
    /// # Errors
    /// There is no certificate, or none that can be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ExtraRootsError> {
        let pem = pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem);
        let found: Vec<_> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
        if found.is_empty() {
            return Err(ExtraRootsError::NoCertificate);
        }
        let usable = found.iter().filter(|der| is_usable(der));
        let certificates: Vec<Certificate> =
            usable.filter_map(|der| Certificate::from_der(der).ok()).collect();
        if certificates.is_empty() {
            Err(ExtraRootsError::Unusable)
        } else {
            Ok(Self(certificates))
        }
    }

    /// Returns the certificates.
    pub(super) fn certificates(&self) -> Vec<Certificate> {
        self.0.clone()
    }
}

/// Returns true if a certificate can be trusted at all. Bundles of whole systems hold some that
/// cannot.
fn is_usable(der: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(der.clone()).is_ok()
}

/// Finds what is wrong with the certificate that a server showed, if that is why there is no
/// connection.
pub(super) fn find_distrust(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(wrong) = certificate_error(error) {
            return Some(describe_distrust(wrong));
        }
        next = error.source();
    }
    None
}

/// Finds the error about a certificate that an error is, or that it wraps.
fn certificate_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    // An `io::Error` does not name what it wraps as its source.
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return certificate_error(inner);
    }
    match error.downcast_ref()? {
        rustls::Error::InvalidCertificate(wrong) => Some(wrong),
        _ => None,
    }
}

/// Says what is wrong with a certificate.
fn describe_distrust(wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::UnknownIssuer => "its issuer is unknown".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host name".to_owned()
        }
        // The words of the system's own check.
        CertificateError::Other(OtherError(error)) => error.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_told_from_one_with_a_broken_one() {
        let refused = |text: &str| ExtraRoots::from_pem(text.as_bytes()).unwrap_err();
        let pem = |kind: &str| format!("-----BEGIN {kind}-----\nbm9uZQ==\n-----END {kind}-----\n");
        assert_eq!(refused(""), ExtraRootsError::NoCertificate);
        assert_eq!(refused("<html>"), ExtraRootsError::NoCertificate);
        assert_eq!(refused(&pem("PRIVATE KEY")), ExtraRootsError::NoCertificate);
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{}", pem("CERTIFICATE"));
            assert_eq!(refused(&text), ExtraRootsError::Unusable);
        }
    }

    #[test]
    fn an_error_about_a_certificate_is_found_where_it_is_wrapped() {
        let wrong = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, wrong);
        let outer = io::Error::other(wrapped);
        assert_eq!(find_distrust(&outer).as_deref(), Some("its issuer is unknown"));
        let own = OtherError(std::sync::Arc::new(io::Error::other("revoked by the system")));
        let own = rustls::Error::InvalidCertificate(CertificateError::Other(own));
        assert_eq!(find_distrust(&own).as_deref(), Some("revoked by the system"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(find_distrust(&refused), None);
    }
}
