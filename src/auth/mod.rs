//! Sign-in: a person approves once, and tokens for every audience follow from that.
//!
//! ```text
//! discover_authority      environment's challenge -> authority that the cloud trusts
//! Session::begin          a token for each audience, from its source:
//!   Person                  the refresh token, else device code (RFC 8628) or browser (RFC 8252)
//!   Principal               an application that signs in as itself, for Dataverse alone
//!   Given, Command          made elsewhere: checked, and never sent to an authority
//! Session::send           a request with its token, renewed in time or once after a refusal
//! ```
//!
//! `exchange` speaks to authorities, `person` asks people and holds what they signed in for, `principal`
//! proves an application, `elsewhere` takes what others made, `store` keeps a sign-in for later runs.
//!
//! This is the only place that names `oauth2`, which runs over the project's own transport.
//! Nothing here knows of manifests, plans or reports, and nothing prints: what a person should
//! see is a [`Notice`].

mod audience;
mod elsewhere;
mod error;
mod exchange;
mod hints;
mod identity;
mod notice;
mod person;
mod principal;
mod session;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub use crate::api::entra::{Authority, Tenant};
pub use audience::Audience;
pub use elsewhere::{CommandFailure, TokenCommand, TokenCommandError, TokenCommandFor, Unfit};
pub use error::{AuthError, IdTokenError, Step};
pub use exchange::{Application, ClientId, ClientIdError, client_id, discover_authority, tenant};
pub use hints::{KnownCode, known_codes};
pub use identity::Identity;
pub use notice::{Notice, Notify};
pub use person::{Keeper, Person, Prompt, Way, open_browser, renewals_end};
pub use principal::{
    Certificate, CertificateError, Federation, Means, Principal, PrincipalError, Proof,
};
pub use session::{SendError, Session, Setup};
pub use source::{GivenToken, OwnIdentity, Source, Sources, read_token};
pub use store::{
    Damage, Exclusive, KeyHolder, KeyringError, Origin, STORE_FILES, Shut, SignIn, SignInName,
    SignIns, Store, StoreError, StoreKey, StoreKeyError, TokenStore, TokenStoreError,
    is_sealed_line,
};
