//! Workload identity federation: the platforms that pipelines run on, which issue assertions to them, and the
//! credentials that trust those
//! (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation>).

use http::{Method, StatusCode};
use serde_json::json;

use super::super::bearer::{opened, sealed};
use super::super::clock::Moment;
use super::super::guid::Guid;
use super::super::message::{Answer, Call};
use super::super::seal::Key;
use super::super::site::Site;
use super::super::tenant::federation::{AUDIENCE, Pipelines};
use super::super::tenant::file::Application;
use super::assertion::Assertion;
use super::refusal::Refusal;

/// How long an assertion is good for, in seconds.
const LIFETIME_SECONDS: u64 = 300;

/// A platform that pipelines run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// GitHub Actions.
    GitHub,
    /// Azure DevOps.
    AzureDevOps,
}

/// Answers a pipeline that asks its platform for an assertion.
pub(super) fn issue(site: &Site, key: &Key, call: &Call, platform: Platform) -> Answer {
    let Some(pipelines) = &site.tenant.file.pipelines else {
        return told(StatusCode::NOT_FOUND, "The tenant file has no pipelines.");
    };
    let method = if platform == Platform::GitHub { Method::GET } else { Method::POST };
    if call.method != method {
        return told(StatusCode::METHOD_NOT_ALLOWED, "The method is not the platform's.");
    }
    if call.bearer() != Some(pipelines.request_token.as_str()) {
        return told(StatusCode::UNAUTHORIZED, "The request token is not the pipeline's.");
    }
    match platform {
        Platform::GitHub => github(pipelines, key, call),
        Platform::AzureDevOps => azure_devops(pipelines, key, call),
    }
}

/// Issues what `ACTIONS_ID_TOKEN_REQUEST_URL` does.
fn github(pipelines: &Pipelines, key: &Key, call: &Call) -> Answer {
    let audience = call.parameter("audience");
    let audience = audience.unwrap_or_else(|| "https://github.com/contoso".to_owned());
    let token = token(&pipelines.github_issuer, &pipelines.github_subject, &audience, key);
    Answer::json(StatusCode::OK, &json!({"count": token.len(), "value": token}))
}

/// Issues what `SYSTEM_OIDCREQUESTURI` does: for a service connection, else for the pipeline itself.
fn azure_devops(pipelines: &Pipelines, key: &Key, call: &Call) -> Answer {
    if call.parameter("api-version").is_none() {
        return told(StatusCode::BAD_REQUEST, "The api-version is missing.");
    }
    let connected = call.parameter("serviceConnectionId").is_some();
    let pipeline = pipelines.azure_devops_subject.replacen("sc://", "p://", 1);
    let subject = if connected { &pipelines.azure_devops_subject } else { &pipeline };
    let token = token(&pipelines.azure_devops_issuer, subject, AUDIENCE, key);
    Answer::json(StatusCode::OK, &json!({"oidcToken": token}))
}

fn token(issuer: &str, subject: &str, audience: &str, key: &Key) -> String {
    let now = Moment::now().seconds();
    let body = json!({
        "jti": Guid::random(),
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
    });
    sealed(&body, key)
}

fn told(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}

/// Refuses an assertion that none of the application's credentials trusts; all three names count case.
pub(super) fn check(
    application: &Application,
    assertion: &Assertion,
    key: &Key,
) -> Result<(), Refusal> {
    let issuer = assertion.text("iss").unwrap_or_default();
    let subject = assertion.text("sub").unwrap_or_default();
    let audiences = assertion.texts("aud");
    let credentials = application.federated.iter();
    let trusting: Vec<_> = credentials.filter(|one| one.issuer == issuer).collect();
    if trusting.is_empty() {
        return Err(Refusal::federated(700_211, "issuer", issuer));
    }
    opened(&assertion.token, key).ok_or_else(Refusal::forged)?;
    let trusting: Vec<_> = trusting.into_iter().filter(|one| one.subject == subject).collect();
    if trusting.is_empty() {
        return Err(Refusal::federated(700_213, "subject", subject));
    }
    if !trusting.iter().any(|one| audiences.contains(&one.audience.as_str())) {
        return Err(Refusal::federated(700_212, "audience", &audiences.join(" ")));
    }
    assertion.check_time(Moment::now())
}
