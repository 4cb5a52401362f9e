//! The key that tokens are signed with (RFC 7518 section 3.3), and how it is published (RFC 7517).
//!
//! Its private half ships with the sandbox, so a signature proves nothing to anybody. It is there for clients that
//! check one; the sandbox itself believes the seal in the token's header, which each state makes with its own key.

use std::sync::LazyLock;

use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::seal::encoded;

/// The key; absent if the file that was built in held none.
static KEY: LazyLock<Option<RsaKeyPair>> = LazyLock::new(|| {
    let key = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("signing_key.pem")).ok()?;
    RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()
});

/// Returns the id of the key, which tokens name it by.
pub(crate) fn id() -> String {
    let public = KEY.as_ref().map(|key| Sha256::digest(key.public().as_ref()));
    public.map(|digest| encoded(&digest)).unwrap_or_default()
}

/// Signs `text` with RS256.
pub(crate) fn sign(text: &str) -> Vec<u8> {
    let Some(key) = KEY.as_ref() else { return Vec::new() };
    let mut signature = vec![0; key.public().modulus_len()];
    let signed = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
    signed.map(|()| signature).unwrap_or_default()
}

/// Tells whether `signature` was made from `text`.
pub(crate) fn is_signed(text: &str, signature: &[u8]) -> bool {
    KEY.as_ref().is_some_and(|key| {
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public());
        public.verify(text.as_bytes(), signature).is_ok()
    })
}

/// Describes the key to those who check signatures.
pub(crate) fn published(issuer: &str) -> Option<Value> {
    let public: PublicKeyComponents<Vec<u8>> = KEY.as_ref()?.public().into();
    Some(json!({
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": id(),
        "n": encoded(&public.n),
        "e": encoded(&public.e),
        "issuer": issuer,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_only() {
        let signature = sign("text");
        assert_eq!(signature.len(), 256);
        assert!(is_signed("text", &signature) && !is_signed("other", &signature));
        assert!(published("x").is_some());
    }
}
