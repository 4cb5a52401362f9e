//! The sandbox: an emulated tenant that is spoken to over loopback HTTP and HTTPS like any other.
//!
//! It serves a sign-in service, a Dataverse organisation, the Flow API and the trigger addresses behind one
//! listener, from a [`Tenant`] that a TOML file describes. It shares no type and no module with the client, so
//! that a wrong name cannot agree with itself, and it never prints.

mod bearer;
mod breaker;
mod clock;
mod control;
mod dataverse;
mod entra;
mod error;
mod faults;
mod flow;
mod guid;
mod home;
mod management;
mod message;
mod names;
mod record;
mod revocation;
mod route;
mod seal;
mod server;
mod service;
mod signing;
mod site;
mod state;
mod tenant;
mod throttle;
mod tls;
mod traffic;
mod wire;

pub use error::SandboxError;
pub use record::lost_record;
pub use server::{Options, Server};
pub use state::store::{StateLocation, reset};
pub use tenant::Tenant;
pub use tenant::synthetic::Synthetic;
pub use tls::TlsOptions;
