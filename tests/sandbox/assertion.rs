//! Applications that prove themselves by a certificate. The key beside this file was made up for these tests.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flowbind_sandbox::Tenant;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::authorize::{error, with};
use crate::world::{FLOW_SCOPE, Read, TENANT, World, claims, extended, send, with_tenant};

const CERTIFICATE: &str = include_str!("certificate/certificate.pem");
const KEY: &str = include_str!("certificate/key.pem");
const APPLICATION: &str = "00000000-0000-4000-8000-00000000ce27";
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn application(more: &str) -> String {
    format!(
        "[[application]]\nname = \"Certified\"\nclient-id = \"{APPLICATION}\"\ncertificate = '''\n{CERTIFICATE}'''\n{more}"
    )
}

async fn certified() -> World {
    World::signed_out(with_tenant(extended(&application("")))).await
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn thumbprint(name: &str) -> String {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    match name {
        "x5t" => URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate)),
        _ => URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
    }
}

fn signed(header: &Value, body: &Value) -> String {
    let key = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(header), encode(body));
    let algorithm: &dyn RsaEncoding =
        if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(algorithm, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint("x5t#S256")})
}

fn body(world: &World) -> Value {
    json!({
        "aud": format!("{}/{TENANT}/oauth2/v2.0/token", world.origin),
        "iss": APPLICATION,
        "sub": APPLICATION,
        "jti": "made-up",
        "nbf": now(),
        "exp": now() + 300,
    })
}

pub(crate) async fn present(world: &World, client: &str, assertion: &str, scope: &str) -> Read {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
        ("scope", scope),
    ];
    world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await
}

#[tokio::test]
async fn a_certificate_vouches_for_an_application_in_both_schemes() {
    let world = certified().await;
    for (algorithm, name) in [("PS256", "x5t#S256"), ("RS256", "x5t"), ("RS256", "x5t#S256")] {
        let header = json!({"alg": algorithm, "typ": "JWT", name: thumbprint(name)});
        let assertion = signed(&header, &body(&world));
        let tokens = present(&world, APPLICATION, &assertion, FLOW_SCOPE).await.expect(200).json();
        let body = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!((&body["idtyp"], &body["appid"]), (&json!("app"), &json!(APPLICATION)));
        assert!(body.get("scp").is_none() && tokens.get("refresh_token").is_none());
    }
}

#[tokio::test]
async fn an_assertion_is_for_this_token_endpoint_under_any_of_its_names() {
    let world = certified().await;
    let local = world.origin.replace("127.0.0.1", "localhost");
    for (host, path, status) in [
        (local.as_str(), "/contoso.example/oauth2/v2.0/token", 200),
        ("https://login.microsoftonline.com", &format!("/{TENANT}/oauth2/v2.0/token"), 200),
        ("https://login.microsoftonline.com", &format!("/{TENANT}/v2.0"), 200),
        ("http://localhost:1", &format!("/{TENANT}/oauth2/v2.0/token"), 401),
        (&world.origin, "/fabrikam.example/oauth2/v2.0/token", 401),
        (&world.origin, &format!("/{TENANT}/oauth2/v2.0/authorize"), 401),
    ] {
        let body = json!({"aud": format!("{host}{path}"), "iss": APPLICATION, "sub": APPLICATION, "jti": "x", "exp": now() + 300});
        let answer = present(&world, APPLICATION, &signed(&header(), &body), FLOW_SCOPE).await;
        assert_eq!(answer.status, status, "{host}{path}: {}", answer.text);
        if status == 401 {
            assert_eq!(error(&answer), with("invalid_client", 700_023));
        }
    }
}

#[tokio::test]
async fn what_an_assertion_lacks_is_told_by_the_code() {
    let world = certified().await;
    let other = |name: &str, value: Value| {
        let mut body = body(&world);
        body[name] = value;
        signed(&header(), &body)
    };
    let good = signed(&header(), &body(&world));
    let elsewhere = signed(&header(), &json!({}));
    let (text, signature) =
        (good.rsplit_once('.').unwrap().0, elsewhere.rsplit_once('.').unwrap().1);
    let unnamed = json!({"alg": "PS256", "x5t#S256": URL_SAFE_NO_PAD.encode("another")});
    for (assertion, code) in [
        (format!("{text}.{signature}"), 700_027),
        (signed(&unnamed, &body(&world)), 700_027),
        (signed(&json!({"alg": "PS256"}), &body(&world)), 700_027),
        (signed(&json!({"alg": "HS256", "x5t": thumbprint("x5t")}), &body(&world)), 700_027),
        (other("exp", json!(now() - 1)), 700_024),
        (other("exp", json!(null)), 700_024),
        (other("nbf", json!(now() + 900)), 700_024),
        (other("sub", json!("another")), 700_021),
        (other("jti", json!(null)), 50027),
        ("no token".to_owned(), 50027),
    ] {
        let answer = present(&world, APPLICATION, &assertion, FLOW_SCOPE).await.expect(401);
        assert_eq!(error(&answer), with("invalid_client", code), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_assertion_of_a_client_without_a_certificate_is_refused() {
    let world = certified().await;
    let confidential = "00000000-0000-4000-8000-0000000a9990";
    let mut body = body(&world);
    body["iss"] = json!(confidential);
    let assertion = signed(&header(), &body);
    let answer = present(&world, confidential, &assertion, FLOW_SCOPE).await.expect(401);
    assert_eq!(error(&answer).1, 700_027);
    let answer = present(&world, crate::world::CLIENT, &assertion, FLOW_SCOPE).await.expect(401);
    assert_eq!(error(&answer).1, 700_025);
}

#[tokio::test]
async fn dataverse_takes_an_application_that_it_has_a_user_for() {
    for (more, status) in [("application-user = true", 200), ("application-user = false", 403)] {
        let world = World::signed_out(with_tenant(extended(&application(more)))).await;
        let scope = format!("{}/.default", world.origin);
        let assertion = signed(&header(), &body(&world));
        let tokens = present(&world, APPLICATION, &assertion, &scope).await.expect(200).json();
        let token = tokens["access_token"].as_str().unwrap();
        let path = format!("{}/api/data/v9.2/WhoAmI", world.origin);
        let answer = send(world.http.get(path).bearer_auth(token)).await.expect(status);
        if status == 403 {
            assert_eq!(answer.code(), "0x80072560");
        } else {
            let user = answer.json()["UserId"].as_str().unwrap().to_owned();
            assert_ne!(user, "1f0a6f0e-6b0d-4f7c-9c77-3d2a5b8e4c11");
            let path = format!("{}/api/data/v9.2/systemusers({user})", world.origin);
            send(world.http.get(path).bearer_auth(token)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_certificate_can_be_a_file_beside_the_tenant_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.toml");
    let shipped = include_str!("../../config/sandbox.toml");
    let text = format!(
        "{shipped}\n[[application]]\nname = \"Certified\"\nclient-id = \"{APPLICATION}\"\ncertificate = \"own.pem\"\n"
    );
    std::fs::write(&path, text).unwrap();
    assert!(Tenant::load(&path).unwrap_err().to_string().contains("own.pem"));
    std::fs::write(folder.path().join("own.pem"), "nothing").unwrap();
    let told = Tenant::load(&path).unwrap_err().to_string();
    assert!(told.contains("application \"Certified\": certificate"), "{told}");
    std::fs::write(folder.path().join("own.pem"), CERTIFICATE).unwrap();
    let world = World::signed_out(with_tenant(Tenant::load(&path).unwrap())).await;
    let assertion = signed(&header(), &body(&world));
    present(&world, APPLICATION, &assertion, FLOW_SCOPE).await.expect(200);
}
