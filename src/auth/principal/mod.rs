//! An application that signs in as itself: a service principal, and how it proves who it is.
//!
//! ```text
//! Proof::Secret         the secret, in the body
//! Proof::Certificate    an assertion that its key signs              certificate, assertion
//! Proof::Federated      what the pipeline's identity provider signs  federation
//! ```
//!
//! Its tokens serve Dataverse. The Flow service answers people only.

mod assertion;
mod certificate;
mod error;
mod federation;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use uuid::Uuid;

pub use certificate::{Certificate, CertificateError};
pub use error::{Means, PrincipalError};
pub use federation::Federation;

use super::{Application, Audience, AuthError, ClientId, Step};
use crate::api::entra::Authority;
use crate::auth::exchange::Grant;
use crate::auth::exchange::TOKEN;
use crate::auth::exchange::Wire;
use crate::domain::{ClientAssertion, ClientSecret};
use crate::http::Transport;

/// An application and how it proves who it is.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The application.
    pub client_id: ClientId,
    /// Its proof.
    pub proof: Proof,
}

/// How an application proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// By a secret that it shares with Entra.
    Secret(ClientSecret),
    /// By the private key of a certificate that Entra knows.
    Certificate(Certificate),
    /// By the word of whoever runs the pipeline.
    Federated(Federation),
}

/// What goes to Entra as a proof.
#[derive(Debug)]
pub(super) enum Credential {
    /// The secret itself.
    Secret(ClientSecret),
    /// A token that somebody signed whom Entra trusts.
    Assertion(ClientAssertion),
}

impl Principal {
    /// Asks for a token with that scope, such as `https://contoso.crm4.dynamics.com/.default`.
    /// A pipeline's identity provider is asked for a token for that audience first, such as
    /// `api://AzureADTokenExchange`, which differs from cloud to cloud.
    ///
    /// # Errors
    /// No proof, no answer, or a refusal.
    pub(super) async fn grant(
        &self,
        transport: &Transport,
        authority: &Authority,
        scope: &str,
        audience: &str,
    ) -> Result<Grant, AuthError> {
        let credential = self.credential(transport, authority, audience).await?;
        let authority = authority.clone();
        let application = Application { authority, client_id: self.client_id.clone() };
        let wire = Wire::asking(transport, Step::Token(Audience::Dataverse), TOKEN);
        Grant::for_application(&wire, &application, &credential, scope).await
    }

    /// The proof as it goes to Entra, made anew each time: assertions last for minutes.
    async fn credential(
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
                assertion::signed(certificate, &self.client_id, &endpoint, now, id)?
            }
            Proof::Federated(federation) => federation.assertion(transport, audience).await?,
        };
        Ok(Credential::Assertion(assertion))
    }
}
