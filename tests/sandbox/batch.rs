//! `$batch`, as writers of different habits send it.

use reqwest::Method;
use serde_json::json;

use crate::world::{NO_CONTENT, Read, SHIPMENTS, World, changed, extended, send, with_tenant};

async fn batch(world: &World, content_type: &str, body: String, prefer: &str) -> Read {
    let request = world.data(Method::POST, "$batch").header("content-type", content_type);
    let request = if prefer.is_empty() { request } else { request.header("prefer", prefer) };
    send(request.body(body)).await
}

fn operation(id: &str, line: &str, body: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("Content-ID: {id}\r\n") };
    format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{id}\r\n{line} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}"
    )
}

fn joined(boundary: &str, parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|one| format!("--{boundary}\r\n{one}\r\n")).collect();
    parts.concat()
}

fn set(operations: &[String]) -> String {
    let parts = joined("c", operations);
    format!("Content-Type: multipart/mixed; boundary=\"c\"\r\n\r\n{parts}--c--\r\n")
}

fn whole(parts: &[String]) -> String {
    let parts = joined("b", parts);
    format!("{parts}--b--\r\n")
}

fn name(text: &str) -> String {
    json!({"contoso_name": text}).to_string()
}

#[tokio::test]
async fn a_change_set_writes_everything_and_answers_part_by_part() {
    let world = World::new().await;
    let base = format!("{}/api/data/v9.2", world.origin);
    let body = whole(&[set(&[
        operation("1", &format!("POST {base}/contoso_endpoints"), &name("one")),
        operation("2", "POST /api/data/v9.2/contoso_endpoints", &name("two")),
        operation(
            "3",
            &format!("PATCH contoso_endpoints({SHIPMENTS})"),
            "{\"contoso_notes\":\"n\"}",
        ),
    ])]);
    let answer = batch(&world, "multipart/mixed; boundary=\"b\"", body, "").await.expect(200);
    assert!(answer.header("content-type").starts_with("multipart/mixed; boundary=batchresponse_"));
    assert!(answer.text.contains("boundary=changesetresponse_"));
    assert_eq!(answer.text.matches("HTTP/1.1 204 No Content\r\n").count(), 3);
    for id in 1..=3 {
        assert!(answer.text.contains(&format!("Content-ID: {id}\r\n")));
    }
    assert_eq!(answer.text.matches("OData-EntityId: ").count(), 3);
    assert_eq!(answer.text.matches("Location: ").count(), 2);
    assert_eq!(
        world.names("$filter=contoso_name eq 'one' or contoso_name eq 'two'").await.len(),
        2
    );
}

#[tokio::test]
async fn a_failed_change_set_leaves_nothing_behind() {
    let world = World::new().await;
    let change_set = set(&[
        operation("1", "POST contoso_endpoints", &name("gone")),
        operation("2", "POST contoso_endpoints", &name("orders")),
    ]);
    let answer =
        batch(&world, "multipart/mixed;boundary=b", whole(&[change_set]), "").await.expect(412);
    assert_eq!(answer.text.matches("HTTP/1.1 ").count(), 1);
    assert!(
        answer.text.contains("HTTP/1.1 412 Precondition Failed\r\n")
            && answer.text.contains("0x80060892")
    );
    assert!(
        answer.text.contains("changesetresponse_") && answer.text.contains("Content-ID: 2\r\n")
    );
    world.get("contoso_endpoints(contoso_name='gone')").await.expect(404);
}

#[tokio::test]
async fn a_failed_change_set_can_stand_flat() {
    let world =
        World::with(with_tenant(extended("[switches.dataverse]\nfailed-change-set = \"flat\"")))
            .await;
    let change_set = set(&[operation("1", "POST contoso_endpoints", &name("orders"))]);
    let answer =
        batch(&world, "multipart/mixed;boundary=b", whole(&[change_set]), "").await.expect(412);
    assert!(!answer.text.contains("changesetresponse_"));
}

#[tokio::test]
async fn later_operations_name_earlier_ones() {
    let world = World::new().await;
    let change_set = set(&[
        operation(
            "1",
            "POST environmentvariabledefinitions",
            &json!({"schemaname": "contoso_New", "displayname": "New"}).to_string(),
        ),
        operation(
            "2",
            "POST environmentvariablevalues",
            &json!({"value": "v", "EnvironmentVariableDefinitionId@odata.bind": "$1"}).to_string(),
        ),
        operation("3", "PATCH $1", "{\"displayname\":\"Newer\"}"),
        operation("4", "PUT $2/value", "{\"value\":\"w\"}"),
    ]);
    batch(&world, "multipart/mixed;boundary=b", whole(&[change_set]), "").await.expect(200);
    let path = "environmentvariabledefinitions?$filter=schemaname eq 'contoso_New'&$expand=environmentvariabledefinition_environmentvariablevalue";
    let row = &world.get(path).await.json()["value"][0];
    assert_eq!(row["displayname"], "Newer");
    assert_eq!(row["environmentvariabledefinition_environmentvariablevalue"][0]["value"], "w");
    let early = set(&[operation("1", "PATCH $2", "{}")]);
    let answer = batch(&world, "multipart/mixed;boundary=b", whole(&[early]), "").await.expect(400);
    assert!(
        answer.text.contains("Content-ID Reference: '$2' does not exist in the batch context.")
    );
}

#[tokio::test]
async fn without_continue_on_error_a_batch_ends_at_its_failure() {
    let world = World::new().await;
    let parts = [
        operation("", "POST contoso_endpoints", &name("before")),
        operation("", "GET contoso_endpoints(contoso_name='nobody')", ""),
        operation("", "POST contoso_endpoints", &name("after")),
    ];
    let answer = batch(&world, "multipart/mixed;boundary=b", whole(&parts), "").await.expect(404);
    assert_eq!(answer.text.matches("HTTP/1.1 ").count(), 2);
    world.get("contoso_endpoints(contoso_name='before')").await.expect(200);
    world.get("contoso_endpoints(contoso_name='after')").await.expect(404);
    world.delete("contoso_endpoints(contoso_name='before')").await.expect(NO_CONTENT);
    let answer =
        batch(&world, "multipart/mixed;boundary=b", whole(&parts), "odata.continue-on-error")
            .await
            .expect(200);
    assert_eq!(answer.text.matches("HTTP/1.1 ").count(), 3);
    world.get("contoso_endpoints(contoso_name='after')").await.expect(200);
}

#[tokio::test]
async fn guards_work_inside_a_batch() {
    let world = World::new().await;
    let guarded = format!(
        "Content-Type: application/http\r\nContent-ID: 1\r\n\r\nPATCH contoso_endpoints({SHIPMENTS}) HTTP/1.1\r\nIf-Match: W/\"1\"\r\n\r\n{{}}"
    );
    let answer = batch(&world, "multipart/mixed;boundary=b", whole(&[set(&[guarded])]), "")
        .await
        .expect(412);
    assert!(answer.text.contains("0x80060882"));
}

#[tokio::test]
async fn what_may_not_stand_in_a_change_set_is_refused() {
    let world = World::new().await;
    for (change_set, said) in [
        (set(&[operation("1", "GET contoso_endpoints", "")]), "GET"),
        (set(&[operation("", "POST contoso_endpoints", &name("x"))]), "Content-ID"),
        (
            set(&[
                operation("1", "POST contoso_endpoints", &name("x")),
                operation("1", "POST contoso_endpoints", &name("y")),
            ]),
            "more than once",
        ),
    ] {
        let answer =
            batch(&world, "multipart/mixed;boundary=b", whole(&[change_set]), "").await.expect(400);
        assert!(
            answer.text.contains(said) && answer.text.contains("0x80060888"),
            "{}",
            answer.text
        );
    }
    assert_eq!(
        world.get("contoso_endpoints/$count").await.text.trim_start_matches('\u{feff}'),
        "3"
    );
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_refused_as_a_whole() {
    let world = World::new().await;
    let plain = whole(&[operation("", "GET WhoAmI", "")]);
    for (content_type, body) in [
        ("application/json", plain.clone()),
        ("multipart/mixed", plain.clone()),
        ("multipart/mixed;boundary=other", plain.clone()),
        ("multipart/mixed;boundary=b", plain.replace("\r\n", "\n")),
    ] {
        let answer = batch(&world, content_type, body, "").await.expect(400);
        assert_eq!(answer.code(), "0x80048d19", "{content_type}");
    }
    let parts: Vec<String> = (0..1001).map(|_| operation("", "GET WhoAmI", "")).collect();
    assert_eq!(
        batch(&world, "multipart/mixed;boundary=b", whole(&parts), "").await.expect(400).code(),
        "0x80060888"
    );
    let nested =
        batch(&world, "multipart/mixed;boundary=b", whole(&[operation("", "POST $batch", "")]), "")
            .await;
    assert!(nested.expect(400).text.contains("another batch"));
    send(world.data(Method::GET, "$batch")).await.expect(405);
}

#[tokio::test]
async fn reads_come_back_with_their_bodies() {
    let world = World::new().await;
    let body = format!(
        "\r\n{}",
        whole(&[operation(
            "",
            "GET /api/data/v9.2/contoso_endpoints?$filter=contoso_name eq 'orders'&$select=contoso_name",
            ""
        )])
    );
    let answer = batch(&world, "multipart/mixed;boundary=b", body.trim_end().to_owned(), "")
        .await
        .expect(200);
    assert!(
        answer.text.contains("HTTP/1.1 200 OK")
            && answer.text.contains("\"contoso_name\":\"orders\"")
    );
}

/// The names that are there after a change set whose second write takes a name that is taken.
async fn after_a_failed_set(table: &str, key: &str) -> (u16, Vec<String>) {
    let world = World::with(with_tenant(changed(&[
        ("name = \"contoso_endpoint\"", &format!("name = \"contoso_endpoint\"\n{table}")),
        ("columns = [\"contoso_name\"]", &format!("columns = [\"contoso_name\"]\n{key}")),
    ])))
    .await;
    let create = |id: &str, text: &str| operation(id, "POST contoso_endpoints", &name(text));
    let body = whole(&[set(&[create("1", "new"), create("2", "Shipments")])]);
    let answer = batch(&world, "multipart/mixed; boundary=\"b\"", body, "").await;
    (
        answer.status,
        world.names("$filter=contoso_name eq 'new' or contoso_name eq 'shipments'").await,
    )
}

#[tokio::test]
async fn a_failed_change_set_leaves_what_came_before_in_an_elastic_table_alone() {
    let (standard, names) = after_a_failed_set("type = \"standard\"", "").await;
    assert_eq!((standard, names), (412, vec!["shipments".to_owned()]));
    let (elastic, mut names) = after_a_failed_set("type = \"elastic\"", "").await;
    names.sort();
    assert_eq!((elastic, names), (412, vec!["new".to_owned(), "shipments".to_owned()]));
}

#[tokio::test]
async fn a_key_whose_index_is_not_active_is_not_enforced() {
    for status in ["pending", "in-progress", "failed"] {
        let key = format!("index-status = \"{status}\"");
        let (status, names) = after_a_failed_set("", &key).await;
        assert_eq!((status, names.len()), (200, 3), "{names:?}");
    }
}
