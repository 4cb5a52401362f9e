//! Sign-in: a person approves once, and tokens for every audience follow from that.
//!
//! ```text
//! discover_authority      environment's challenge -> authority that the cloud trusts
//! sign_in                 device code (RFC 8628) -> prompt -> polling -> Session
//! Session::token          a token for an audience, renewed in time
//! Principal::grant        a token for Dataverse by an application that signs in as itself
//! ```
//!
//! This is the only place that names `oauth2`, which runs over the project's own transport.
//! Nothing here knows of manifests, plans or reports, and nothing prints: the prompt is a
//! callback.

mod application;
mod authority;
mod device;
mod error;
mod grant;
mod hints;
mod mend;
mod principal;
mod prompt;
mod session;
#[cfg(test)]
mod tests;
mod wire;

pub use application::{Application, ClientId, ClientIdError, client_id};
pub use authority::{check_tenant, discover_authority};
pub use device::sign_in;
pub use error::{AuthError, Step};
pub use principal::{
    Certificate, CertificateError, Federation, Means, Principal, PrincipalError, Proof,
};
pub use prompt::Prompt;
pub use session::{Audience, Identity, Session};
