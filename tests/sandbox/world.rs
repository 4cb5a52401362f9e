//! A running sandbox and a client that knows the wire, and no type of the program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use flowbind_sandbox::{Options, Server, StateLocation, Tenant};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

pub(crate) const TENANT: &str = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40";
pub(crate) const CLIENT: &str = "00000000-0000-4000-8000-00000000f10b";
pub(crate) const FLOW_SCOPE: &str = "https://service.flow.microsoft.com//.default";
pub(crate) const ENVIRONMENT: &str = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6";
pub(crate) const ORDER_INTAKE: &str = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9";
pub(crate) const ORDER_STATUS: &str = "b1c7f0d2-5b2e-f011-998a-7c1e5275cfe9";
pub(crate) const SHIPMENTS: &str = "8e946dae-28fb-4011-998a-7c1e5275cfe9";

/// What differs from the sandbox as it ships.
pub(crate) struct Settings {
    pub(crate) tenant: Tenant,
    pub(crate) approve_after: Option<Duration>,
    pub(crate) state: StateLocation,
    pub(crate) latency: Duration,
    pub(crate) record: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tenant: Tenant::embedded(),
            approve_after: Some(Duration::ZERO),
            state: StateLocation::Memory,
            latency: Duration::ZERO,
            record: None,
        }
    }
}

/// The shipped tenant file with some text replaced.
pub(crate) fn changed(changes: &[(&str, &str)]) -> Tenant {
    let mut text = include_str!("../../config/sandbox.toml").to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "the tenant file has no {old:?}");
        text = text.replace(old, new);
    }
    written(&text)
}

/// The shipped tenant file with more at its end.
pub(crate) fn extended(more: &str) -> Tenant {
    written(&format!("{}\n{more}\n", include_str!("../../config/sandbox.toml")))
}

pub(crate) fn written(text: &str) -> Tenant {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.toml");
    std::fs::write(&path, text).unwrap();
    Tenant::load(&path).unwrap()
}

pub(crate) fn with_tenant(tenant: Tenant) -> Settings {
    Settings { tenant, ..Settings::default() }
}

pub(crate) fn in_file(path: PathBuf) -> Settings {
    Settings { state: StateLocation::File(path), ..Settings::default() }
}

/// A sandbox, and a person who is signed in to it.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) http: reqwest::Client,
    pub(crate) origin: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Read {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The code of an error in the shape of Dataverse and the Flow API.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

pub(crate) async fn serve(settings: Settings) -> Server {
    let options = Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        approve_after: settings.approve_after,
        latency: settings.latency,
        state: settings.state,
        tenant: settings.tenant,
        record: settings.record,
        tls: None,
    };
    Server::start(options).await.unwrap()
}

impl World {
    /// Starts the shipped sandbox and signs in.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let mut world = Self::signed_out(settings).await;
        let scope = format!("{}/.default openid profile offline_access", world.origin);
        let code = world.device_code(&scope).await.expect(200).json();
        let tokens = world.poll(&code).await.expect(200).json();
        tokens["access_token"].as_str().unwrap().clone_into(&mut world.token);
        tokens["refresh_token"].as_str().unwrap().clone_into(&mut world.refresh);
        world
    }

    pub(crate) async fn signed_out(settings: Settings) -> Self {
        let server = serve(settings).await;
        let origin = format!("http://{}", server.address());
        Self { server, http: client(), origin, token: String::new(), refresh: String::new() }
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Read {
        let request = self.http.post(format!("{}{path}", self.origin));
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(fields));
        Read::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn device_code(&self, scope: &str) -> Read {
        self.form(
            &format!("/{TENANT}/oauth2/v2.0/devicecode"),
            &[("client_id", CLIENT), ("scope", scope)],
        )
        .await
    }

    pub(crate) async fn poll(&self, code: &Value) -> Read {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", CLIENT),
            ("device_code", code["device_code"].as_str().unwrap()),
        ];
        self.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await
    }

    pub(crate) async fn refresh(&self, token: &str, scope: &str) -> Read {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", token),
            ("scope", scope),
        ];
        self.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await
    }

    /// A token of the person for another resource.
    pub(crate) async fn token_for(&self, scope: &str) -> String {
        let answer = self
            .refresh(&self.refresh, &format!("{scope} offline_access"))
            .await
            .expect(200)
            .json();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of the confidential application, for nobody.
    pub(crate) async fn app_token(&self, scope: &str) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "00000000-0000-4000-8000-0000000a9990"),
            ("client_secret", "made-up-for-the-sandbox"),
            ("scope", scope),
        ];
        let answer =
            self.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await.expect(200).json();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A request of the Web API.
    pub(crate) fn data(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/data/v9.2/{path}", self.origin))
            .bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Read {
        send(self.data(Method::GET, path)).await
    }

    pub(crate) async fn patch(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&'static str, &str)],
    ) -> Read {
        let mut request = self.data(Method::PATCH, path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request.body(body.to_string())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Read {
        let request = self.data(Method::POST, path).header("content-type", "application/json");
        send(request.body(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Read {
        send(self.data(Method::DELETE, path)).await
    }

    /// The names that a query of endpoints finds, in its order.
    pub(crate) async fn names(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("contoso_endpoints?{query}")).await.expect(200).json();
        let rows = answer["value"].as_array().unwrap();
        rows.iter().map(|row| row["contoso_name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn definition_id(&self, name: &str) -> String {
        let path = format!(
            "environmentvariabledefinitions?$filter=schemaname eq '{name}'&$select=schemaname"
        );
        let answer = self.get(&path).await.expect(200).json();
        answer["value"][0]["environmentvariabledefinitionid"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Read {
    Read::of(request.send().await.unwrap()).await
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        text.append_pair(name, value);
    }
    text.finish()
}

/// The claims of a token, which the test takes to be a JWT.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let body = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Keeps the status type in one place.
pub(crate) const NO_CONTENT: u16 = StatusCode::NO_CONTENT.as_u16();
