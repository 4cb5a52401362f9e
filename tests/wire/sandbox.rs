//! The sandbox answers each documented request as documented.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::exchange::{Exchange, Message, all};
use crate::fit::differences;
use crate::template::{filled, names};
use crate::world::{CLIENT, FLOW_SCOPE, Read, SHIPMENTS, Settings, TENANT, World, with_tenant};

/// A sandbox as an exchange wants it.
async fn world(exchange: &Exchange) -> World {
    let mut text = include_str!("../../config/sandbox.toml").to_owned();
    for (from, to) in exchange.all("replace").map(|line| line.split_once(" => ").unwrap()) {
        assert!(text.contains(from), "{}: the tenant has no `{from}`", exchange.file);
        text = text.replacen(from, to, 1);
    }
    let more: Vec<&str> = exchange.all("tenant").collect();
    let tenant = crate::world::written(&format!("{text}\n{}\n", more.join("\n")));
    let by_hand = exchange.all("person").next().is_some();
    let approve_after = (!by_hand).then_some(Duration::ZERO);
    World::signed_out(Settings { approve_after, ..with_tenant(tenant) }).await
}

async fn sign_in(world: &mut World) {
    let scope = format!("{}/.default openid profile offline_access", world.origin);
    let code = world.device_code(&scope).await.expect(200).json();
    let tokens = world.poll(&code).await.expect(200).json();
    tokens["access_token"].as_str().unwrap().clone_into(&mut world.token);
    tokens["refresh_token"].as_str().unwrap().clone_into(&mut world.refresh);
}

/// What a placeholder of a request stands for in this sandbox.
async fn value(world: &mut World, exchange: &Exchange, name: &str) -> String {
    if ["token", "flow-token", "refresh-token", "etag"].contains(&name) && world.token.is_empty() {
        sign_in(world).await;
    }
    match name {
        "environment" => world.origin.clone(),
        "tenant" => TENANT.to_owned(),
        "client" => CLIENT.to_owned(),
        "token" => world.token.clone(),
        "refresh-token" => world.refresh.clone(),
        "flow-token" => world.token_for(FLOW_SCOPE).await,
        "app-token" => world.app_token(&format!("{}/.default", world.origin)).await,
        "flow-app-token" => world.app_token(FLOW_SCOPE).await,
        "device-code" => device_code(world, exchange).await,
        "etag" => {
            let row = world.get(&format!("contoso_endpoints({SHIPMENTS})")).await.json();
            row["@odata.etag"].as_str().unwrap().to_owned()
        }
        other => panic!("{}: no placeholder of a request is called `{other}`", exchange.file),
    }
}

/// A device code, which the person may have declined.
async fn device_code(world: &World, exchange: &Exchange) -> String {
    let scope = format!("{}/.default openid profile offline_access", world.origin);
    let code = world.device_code(&scope).await.expect(200).json();
    if exchange.all("person").any(|person| person == "declines") {
        let fields = [("user_code", code["user_code"].as_str().unwrap()), ("decision", "decline")];
        world.form("/devicelogin", &fields).await.expect(200);
    }
    code["device_code"].as_str().unwrap().to_owned()
}

/// Every placeholder of a request with its value, in the form that its place wants.
async fn values(world: &mut World, exchange: &Exchange) -> Vec<(String, String)> {
    let request = &exchange.request;
    let headers = request.headers.iter().map(|(_, value)| value.as_str());
    let texts: Vec<&str> = headers.chain([request.line.as_str(), &request.body]).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for name in texts.into_iter().flat_map(names) {
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), value(world, exchange, name).await));
        }
    }
    found
}

async fn replay(world: &mut World, exchange: &Exchange) -> Message {
    let values = values(world, exchange).await;
    let value =
        |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let encoded = |name: &str| {
        value(name).map(|text| url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
    };
    let request = &exchange.request;
    let (method, target) = request.line.split_once(' ').unwrap();
    let target = filled(target, value);
    let address = format!("{}{target}", world.origin);
    let mut sent = world.http.request(method.parse::<Method>().unwrap(), address);
    for (name, text) in &request.headers {
        sent = sent.header(name, filled(text, value));
    }
    let form = request.header("content-type").is_some_and(|kind| kind.ends_with("urlencoded"));
    let body = if form { filled(&request.body, encoded) } else { filled(&request.body, value) };
    if request.is_multipart() {
        sent = sent.body(format!("{}\r\n", body.replace('\n', "\r\n")));
    } else if !body.is_empty() {
        sent = sent.body(body);
    }
    message(&Read::of(sent.send().await.unwrap()).await)
}

fn message(read: &Read) -> Message {
    let headers = read.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    Message { line: read.status.to_string(), headers, body: read.text.replace("\r\n", "\n") }
}

/// The documented answer with the addresses of this sandbox in it.
fn wanted(exchange: &Exchange, origin: &str) -> Message {
    let fill = |text: &str| filled(text, |name| (name == "environment").then(|| origin.to_owned()));
    let answer = &exchange.answer;
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    Message { line: answer.line.clone(), headers, body: fill(&answer.body) }
}

#[tokio::test]
async fn each_documented_request_is_answered_as_documented() {
    let mut wrong = Vec::new();
    for exchange in all() {
        let mut world = world(&exchange).await;
        let found = replay(&mut world, &exchange).await;
        let mut differences = differences(&wanted(&exchange, &world.origin), &found);
        let body: Value = serde_json::from_str(&found.body).unwrap_or_default();
        let there = exchange.all("absent").filter(|name| body.get(name).is_some());
        differences.extend(there.map(|name| format!("/{name} is there")));
        if !differences.is_empty() {
            let file = &exchange.file;
            let differences = differences.join("\n  ");
            wrong.push(format!("{file}:\n  {differences}\n  body: {}", found.body));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
