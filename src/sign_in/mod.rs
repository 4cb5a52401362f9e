//! Sign-in: a person approves once, and tokens for every audience follow from that.
//!
//! ```text
//! discover_authority      environment's challenge -> authority that the cloud lists
//! Session::begin          a token for each audience, from its source:
//!   Person                  the refresh token, else device code (RFC 8628) or browser (RFC 8252)
//!   Principal               an application that signs in as itself, for Dataverse alone
//!   HandedIn, Command       made elsewhere: checked, and never sent to an authority
//! Session::send           a request with its token, renewed before it expires, and once after a refusal
//! ```
//!
//! `exchange` speaks OAuth 2.0 to authorities, `person` asks people to sign in and holds their
//! refresh token, `principal` proves the identity of an application, `external_tokens` checks tokens
//! that were made elsewhere, `store` keeps a sign-in for later runs.
//!
//! Only this folder names `oauth2`, which sends its requests through the project's own transport.
//! Nothing here knows of manifests, plans or reports, and nothing prints: messages for a person are
//! [`Event`](crate::model::Event) values.

mod audience;
mod child_environment;
mod error;
mod exchange;
mod external_tokens;
mod hints;
mod identity;
mod new_token;
mod person;
mod principal;
mod session;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub use crate::services::entra::{Authority, Tenant};
pub use audience::{Audience, SignInStep};
pub use error::{AuthError, IdTokenError, RefreshTokenOrigin};
pub use exchange::{
    Application, ClientId, ClientIdError, discover_authority, parse_tenant, resolve_client_id,
};
pub use external_tokens::{
    TokenCommand, TokenCommandError, TokenCommandFailure, TokenCommandFor, UnusableToken,
};
pub use hints::{KnownCode, known_codes};
pub use identity::Identity;
pub use new_token::read_token;
pub use person::{DeviceCodePrompt, Person, SharedRefreshToken, SignInMethod, wait_for_renewals};
pub use principal::{
    Certificate, CertificateError, IdentityProvider, Principal, PrincipalError, Proof, ProofKind,
    empty_variable_hint,
};
pub use session::{SendError, Session, SessionSetup, WriteAnswer};
pub use source::{ApplicationSignIn, HandedInToken, TokenSource, TokenSources};
pub use store::{
    Damage, KeySource, KeyringError, LockedStore, STORE_FILES, SignIn, SignInName, SignIns,
    SignInsOrigin, Store, StoreDecryptError, StoreError, StoreKey, StoreKeyError, TokenStore,
    TokenStoreError, is_encrypted, is_encrypted_line,
};
