//! Sign-ins and keyrings for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, mock};

use super::keyring::Keyring;
use super::{SignIn, SignInName};
use crate::model::RefreshToken;

/// The name of a sign-in for an application.
pub(super) fn name(client_id: &str) -> SignInName {
    SignInName {
        authority: "https://login.example".to_owned(),
        tenant: "contoso.example".to_owned(),
        client_id: client_id.to_owned(),
    }
}

/// A sign-in with a token.
pub(super) fn sign_in(token: &str) -> SignIn {
    SignIn {
        refresh_token: RefreshToken::new(token),
        user: Some("ada@contoso.example".to_owned()),
        object_id: None,
        tenant_id: None,
        since: 1_790_000_000,
        answered: BTreeMap::from([("dataverse".to_owned(), 1_790_000_001)]),
    }
}

/// A keyring in memory, and the store behind it.
pub(super) fn keyring() -> (Keyring, Arc<CredentialStore>) {
    let store: Arc<CredentialStore> = mock::Store::new().unwrap();
    let shared = Arc::clone(&store);
    (Keyring::new(move || Ok(Arc::clone(&shared))), store)
}
