//! OAuth 2.0: the authority, the application, and each request to the authority. Only this folder
//! names `oauth2`.

mod application;
mod authority;
pub(super) mod grant;
mod mend;
pub(super) mod wire;

pub use application::{Application, ClientId, ClientIdError, client_id};
pub use authority::{discover_authority, tenant};

pub(super) use grant::{CodeRequest, DeviceCode, Grant};
pub(super) use wire::{Sleep, TOKEN, Wire};
