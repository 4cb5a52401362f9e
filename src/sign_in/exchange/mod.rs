//! OAuth 2.0: the authority, the application, and each request to the authority. Only this folder
//! names `oauth2`.

mod application;
mod authority;
mod client_id;
mod normalize;
pub(super) mod oauth_http;
pub(super) mod token_requests;

pub use application::{Application, resolve_client_id};
pub use authority::{discover_authority, parse_tenant};
pub use client_id::{ClientId, ClientIdError};

pub(super) use oauth_http::{OauthHttp, Sleep, TOKEN_PATH};
pub(super) use token_requests::{AuthorizationRequest, Credential, DeviceCode, GrantedTokens};
