//! All that speaks OAuth 2.0 with an authority: where it is, in whose name, and each exchange with it.
//! Only here is `oauth2` named.

mod application;
mod authority;
pub(super) mod grant;
mod mend;
pub(super) mod wire;

pub use application::{Application, ClientId, ClientIdError, client_id};
pub use authority::{discover_authority, tenant};

pub(super) use grant::{CodeRequest, DeviceCode, Grant};
pub(super) use wire::{Sleep, TOKEN, Wire};
