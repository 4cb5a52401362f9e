//! Microsoft Entra ID: who signs people in, how it refuses, and what its tokens say.
//!
//! The requests for tokens themselves are those of OAuth 2.0 and are made in `sign_in`.

mod authority;
mod challenge;
mod claims;
mod claims_challenge;
mod refusal;

pub use authority::{Authority, Tenant, TenantError};
pub use challenge::{Challenge, ask_for_challenge};
pub use claims::Claims;
pub use claims_challenge::claims_challenge;
pub use refusal::Refusal;
