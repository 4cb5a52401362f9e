//! Principals against a scripted authority and a scripted pipeline on this machine.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use ring::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::*;
use crate::http::Settings;
use crate::http::testing::{Received, Reply, Server};
use crate::model::{AccessToken, CertificatePem};

/// An RSA key, made for these tests.
const KEY: &str = include_str!("testing/key.pem");

const SCOPE: &str = "https://contoso.crm4.dynamics.com/.default";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The beginning of 2026, in seconds since 1970.
const NOW: u64 = 1_767_225_600;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A certificate for a key, as PEM and as DER: one that may issue others, as `openssl req -x509`
/// makes them.
fn certificate(key: &KeyPair, years: (i32, i32)) -> (String, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let certificate = params.self_signed(key).unwrap();
    (certificate.pem(), certificate.der().to_vec())
}

fn rsa() -> KeyPair {
    KeyPair::from_pem(KEY).unwrap()
}

fn elliptic() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn read(pem: &str) -> Result<Certificate, CertificateError> {
    Certificate::from_pem(&CertificatePem::new(pem), now())
}

/// The key of the tests with its certificate.
fn usable() -> (Certificate, Vec<u8>) {
    let (pem, der) = certificate(&rsa(), (2020, 2090));
    (read(&format!("{KEY}{pem}")).unwrap(), der)
}

fn der_of_key() -> Vec<u8> {
    PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap().secret_pkcs8_der().to_vec()
}

/// The key in the older form, which is the newer one without its first 26 bytes.
fn older_key() -> String {
    let text = STANDARD.encode(&der_of_key()[26..]);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

/// Reads an assertion, whose signature has to be that of the tests' key.
fn verified(assertion: &str) -> (Value, Value) {
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let key = RsaKeyPair::from_pkcs8(&der_of_key()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(message.as_bytes(), &signature).unwrap();
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (part(header), part(payload))
}

#[test]
fn an_assertion_is_what_entra_wants_signed_by_the_key() {
    let (certificate, der) = usable();
    let client_id = "app-1".parse().unwrap();
    let endpoint = "https://login.example.com/t-1/oauth2/v2.0/token".parse().unwrap();
    let assertion =
        assertion::sign_assertion(&certificate, &client_id, &endpoint, now(), Uuid::nil());
    let assertion = assertion.unwrap();
    let (header, payload) = verified(assertion.expose());
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
    assert_eq!(header, json!({"typ": "JWT", "alg": "PS256", "x5t#S256": thumbprint}));
    let wanted = json!({
        "aud": "https://login.example.com/t-1/oauth2/v2.0/token", "iss": "app-1", "sub": "app-1",
        "jti": "00000000-0000-0000-0000-000000000000",
        "nbf": NOW, "iat": NOW, "exp": NOW + 300,
    });
    assert_eq!(payload, wanted);
    assert_eq!(format!("{assertion:?}"), "ClientAssertion(****)");
}

#[test]
fn a_key_is_read_in_either_form_and_with_certificates_of_others() {
    let (own, der) = certificate(&rsa(), (2020, 2090));
    let (other, _) = certificate(&elliptic(), (2020, 2090));
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
    for pem in [format!("{KEY}{own}"), format!("{other}{own}{}", older_key()).replace('\n', "\r\n")]
    {
        let certificate = read(&pem).unwrap();
        assert_eq!(format!("{certificate:?}"), format!("Certificate({thumbprint}, ****)"));
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_with_a_command_and_without_its_content() {
    let (own, _) = certificate(&rsa(), (2020, 2090));
    let (other, _) = certificate(&elliptic(), (2020, 2090));
    let encrypted = KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let older = older_key().replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\n\nM");
    let cases = [
        ("MIIJ base64 of a PFX".to_owned(), CertificateError::NotPem),
        (format!("{KEY}{own}").replace('\n', " "), CertificateError::OneLine),
        (format!("{encrypted}{own}"), CertificateError::Encrypted),
        (format!("{older}{own}"), CertificateError::Encrypted),
        (KEY.replace("KEY-----\nM", "KEY-----\n*"), CertificateError::Damaged),
        (format!("{KEY}{}", &own[..99]), CertificateError::Damaged),
        (own.clone(), CertificateError::NoKey),
        (KEY.to_owned(), CertificateError::NoCertificate),
        (format!("{}{other}", elliptic().serialize_pem()), CertificateError::NotRsa),
        (KEY.replace("KEY-----\nM", "KEY-----\nN") + &own, CertificateError::UnusableKey),
        (format!("{KEY}{other}"), CertificateError::Mismatch),
        (format!("{KEY}{}", certificate(&rsa(), (2020, 2025)).0), CertificateError::Expired),
        (format!("{KEY}{}", certificate(&rsa(), (2027, 2090)).0), CertificateError::NotYetValid),
    ];
    for (pem, wanted) in cases {
        let source = read(&pem).unwrap_err();
        assert_eq!(source, wanted);
        let error = AuthError::from(PrincipalError::Certificate { variable: "C".into(), source });
        let text = format!("{error} {error:?} {:?}", error.hints());
        assert!(text.contains("`C`") && text.contains("`openssl "), "{text}");
        assert!(!pem.lines().any(|line| line.len() > 40 && text.contains(line)), "{text}");
    }
}

/// The result of a request for a token, and what it took.
struct Ended {
    result: Result<GrantedTokens, AuthError>,
    received: Vec<Received>,
    transport: Transport,
}

impl Ended {
    fn error(&self) -> &AuthError {
        let error = self.result.as_ref().err().unwrap();
        let shown = format!("{error} {error:?} {:?}", error.hints());
        assert!(!shown.contains("made-up"), "{shown}");
        error
    }

    /// The form that went to the token endpoint last.
    fn form(&self) -> HashMap<String, String> {
        let last = self.received.last().unwrap();
        assert_eq!(last.line, "POST /contoso.example/oauth2/v2.0/token HTTP/1.1");
        assert!(last.headers("authorization").is_empty());
        last.form()
    }
}

/// Asks for a token by a proof, of a server that is both the authority and the pipeline.
async fn grant(proof: impl FnOnce(&Server) -> Proof, pipeline: Reply, token: Reply) -> Ended {
    let server = Server::start(move |_, received| {
        let reply = if received.line.contains("/oauth2/") { &token } else { &pipeline };
        reply.clone()
    })
    .await;
    let principal = Principal { client_id: "app-1".parse().unwrap(), proof: proof(&server) };
    assert!(!format!("{principal:?}").contains("made-up"), "{principal:?}");
    let authority = Authority::new(&server.url("/"), "contoso.example".parse().unwrap());
    let transport = Transport::new(Settings::default()).unwrap();
    let result = principal.request_token(&transport, &authority, SCOPE, AUDIENCE).await;
    Ended { result, received: server.received(), transport }
}

fn granted() -> Reply {
    let body = json!({
        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
        "access_token": "made-up-access",
    });
    Reply::json(200, &body.to_string())
}

fn secret(_: &Server) -> Proof {
    Proof::Secret(ClientSecret::new("made-up~secret+&="))
}

fn git_hub(server: &Server) -> Proof {
    let url = server.url("/idtoken?api-version=2.0");
    let request_token = AccessToken::new("made-up-request-token");
    Proof::Federated(IdentityProvider::GitHub { url, request_token })
}

fn azure_dev_ops(server: &Server) -> Proof {
    Proof::Federated(IdentityProvider::AzureDevOps {
        url: server.url("/oidctoken"),
        access_token: AccessToken::new("made-up-job-token"),
        service_connection: "connection-1".to_owned(),
    })
}

/// The form with an assertion of that text.
fn asserted(assertion: &str) -> HashMap<String, String> {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-1"),
        ("scope", SCOPE),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[tokio::test]
async fn a_secret_goes_in_the_body() {
    let ended = grant(secret, Reply::Drop, granted()).await;
    let wanted = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-1"),
        ("scope", SCOPE),
        ("client_secret", "made-up~secret+&="),
    ];
    assert_eq!(
        ended.form(),
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    );
    let grant = ended.result.ok().unwrap();
    assert_eq!(grant.access.expose(), "made-up-access");
    assert_eq!(grant.lifetime, Some(Duration::from_secs(3599)));
    assert!(grant.refresh.is_none());
    assert_eq!(ended.received.len(), 1);
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_for_the_token_endpoint_each_time() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let ended = grant(|_| Proof::Certificate(usable().0), Reply::Drop, granted()).await;
        let form = ended.form();
        let assertion = &form["client_assertion"];
        assert_eq!(form, asserted(assertion));
        let (_, payload) = verified(assertion);
        let endpoint = payload["aud"].as_str().unwrap();
        assert!(endpoint.ends_with("/contoso.example/oauth2/v2.0/token"), "{endpoint}");
        ids.push(payload["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn git_hub_is_asked_for_the_audience() {
    let pipeline = Reply::json(200, "{\"count\":1,\"value\":\"made-up-assertion\"}");
    let ended = grant(git_hub, pipeline, granted()).await;
    let asked = &ended.received[0];
    assert_eq!(
        asked.line,
        "GET /idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange HTTP/1.1"
    );
    assert_eq!(asked.headers("authorization"), ["Bearer made-up-request-token"]);
    assert_eq!(ended.form(), asserted("made-up-assertion"));
    assert_eq!((ended.transport.counts().pipeline, ended.transport.counts().entra), (1, 1));
}

#[tokio::test]
async fn azure_dev_ops_is_asked_for_a_service_connection() {
    let pipeline = Reply::json(200, "{\"oidcToken\":\"made-up-assertion\"}");
    let ended = grant(azure_dev_ops, pipeline, granted()).await;
    let asked = &ended.received[0];
    assert_eq!(
        asked.line,
        "POST /oidctoken?api-version=7.1&serviceConnectionId=connection-1 HTTP/1.1"
    );
    assert_eq!(asked.headers("authorization"), ["Bearer made-up-job-token"]);
    assert_eq!(asked.headers("content-length"), ["0"]);
    assert_eq!(asked.headers("content-type"), ["application/json"]);
    assert_eq!(asked.headers("x-tfs-fedauthredirect"), ["Suppress"]);
    assert_eq!(ended.form(), asserted("made-up-assertion"));
}

#[tokio::test]
async fn a_token_file_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = |_: &Server| Proof::Federated(IdentityProvider::File { path: path.clone() });
    for text in ["made-up-1", "made-up-2\n"] {
        std::fs::write(&path, text).unwrap();
        let ended = grant(file, Reply::Drop, granted()).await;
        assert_eq!(ended.form(), asserted(text.trim()));
    }
    std::fs::write(&path, " \n").unwrap();
    let ended = grant(file, Reply::Drop, granted()).await;
    assert!(matches!(ended.error(), AuthError::Principal { .. }), "{:?}", ended.error());
    assert!(ended.received.is_empty());
}

#[tokio::test]
async fn a_pipeline_that_tells_nothing_is_told_with_what_to_check() {
    let replies = [
        Reply::json(401, "{\"message\":\"made-up\"}"),
        Reply::redirect("https://login.example.com/made-up"),
        Reply::json(200, "{\"value\":\"\",\"oidcToken\":null}"),
        Reply::text(200, "text/html", "made-up"),
    ];
    for reply in replies {
        let ended = grant(git_hub, reply.clone(), granted()).await;
        assert!(ended.error().hints()[0].contains("id-token: write"), "{:?}", ended.error());
        assert_eq!(ended.received.len(), 1);
        let ended = grant(azure_dev_ops, reply, granted()).await;
        assert!(ended.error().hints()[0].contains("`resourceId`"), "{:?}", ended.error());
        let text = ended.error().to_string();
        assert!(text.starts_with("the pipeline's identity provider at `127.0.0.1:"), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_of_entra_is_told_as_one() {
    let body = json!({
        "error": "invalid_client", "error_codes": [7_000_222],
        "error_description": "AADSTS7000222: The provided client secret keys are expired. Trace ID: x",
    });
    let ended = grant(secret, Reply::Drop, Reply::json(401, &body.to_string())).await;
    assert_eq!(
        ended.error().to_string(),
        "Entra refused a token for Dataverse (AADSTS7000222): the secret of the application has expired"
    );
    assert_eq!(ended.received.len(), 1);
}

#[tokio::test]
async fn a_busy_service_is_asked_again_as_often_as_any_and_no_oftener() {
    let busy = || Reply::json(503, "made-up").with("retry-after", "0");
    let ended = grant(git_hub, busy(), granted()).await;
    assert!(matches!(ended.error(), AuthError::Busy { .. }), "{:?}", ended.error());
    assert_eq!(ended.received.len(), 5);
    let pipeline = Reply::json(200, "{\"value\":\"made-up-assertion\"}");
    let ended = grant(git_hub, pipeline, busy()).await;
    assert!(matches!(ended.error(), AuthError::Busy { .. }), "{:?}", ended.error());
    assert_eq!(ended.received.len(), 1 + 5);
}

#[tokio::test]
async fn nothing_is_asked_over_plain_http() {
    let far = |_: &Server| {
        let url = "http://pipelines.example.com/".parse().unwrap();
        let request_token = AccessToken::new("made-up");
        Proof::Federated(IdentityProvider::GitHub { url, request_token })
    };
    let ended = grant(far, Reply::Drop, granted()).await;
    assert!(matches!(ended.error(), AuthError::Transport { .. }), "{:?}", ended.error());
    assert!(ended.received.is_empty());
}
