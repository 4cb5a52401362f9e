//! An application that signs in as itself (a service principal), and the proof of its identity.
//!
//! ```text
//! Proof::Secret         the secret, in the body
//! Proof::Certificate    an assertion that its key signs              certificate, assertion
//! Proof::Federated      what the pipeline's identity provider signs  federation
//! ```
//!
//! Its tokens are for Dataverse only: the Flow service accepts people only.

mod assertion;
mod certificate;
mod error;
mod federation;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use uuid::Uuid;

pub use certificate::Certificate;
pub use error::{CertificateError, PrincipalError, ProofKind, empty_variable_hint};
pub use federation::IdentityProvider;

use super::{Application, Audience, AuthError, ClientId, SignInStep};
use crate::http::Transport;
use crate::model::ClientSecret;
use crate::services::entra::Authority;
use crate::sign_in::exchange::{Credential, GrantedTokens, OauthHttp, TOKEN_PATH};

/// An application with the proof of its identity.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The application.
    pub client_id: ClientId,
    /// The proof of its identity.
    pub proof: Proof,
}

/// A proof of an application's identity.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A secret that the application shares with Entra.
    Secret(ClientSecret),
    /// The private key of a certificate that Entra knows.
    Certificate(Certificate),
    /// A token that the pipeline's identity provider signs.
    Federated(IdentityProvider),
}

impl Principal {
    /// Asks for a token with a scope, such as `https://contoso.crm4.dynamics.com/.default`.
    /// `audience` is the audience of the pipeline's token, such as `api://AzureADTokenExchange`,
    /// which differs from cloud to cloud.
    ///
    /// # Errors
    /// There is no proof, no answer, or a refusal.
    pub(super) async fn request_token(
        &self,
        transport: &Transport,
        authority: &Authority,
        scope: &str,
        audience: &str,
    ) -> Result<GrantedTokens, AuthError> {
        let credential = self.make_credential(transport, authority, audience).await?;
        let authority = authority.clone();
        let (client_id, code_pages) = (self.client_id.clone(), Vec::new());
        let application = Application { authority, client_id, code_pages };
        let wire =
            OauthHttp::with_retries(transport, SignInStep::Token(Audience::Dataverse), TOKEN_PATH);
        GrantedTokens::for_application(&wire, &application, &credential, scope).await
    }

    /// Makes the proof to send, anew each time: assertions last for minutes.
    async fn make_credential(
        &self,
        transport: &Transport,
        authority: &Authority,
        audience: &str,
    ) -> Result<Credential, AuthError> {
        let assertion = match &self.proof {
            Proof::Secret(secret) => return Ok(Credential::Secret(secret.clone())),
            Proof::Certificate(certificate) => {
                let (now, id) = (SystemTime::now(), Uuid::new_v4());
                let endpoint = authority.token_url();
                assertion::sign_assertion(certificate, &self.client_id, &endpoint, now, id)?
            }
            Proof::Federated(federation) => federation.fetch_assertion(transport, audience).await?,
        };
        Ok(Credential::Assertion(assertion))
    }
}
