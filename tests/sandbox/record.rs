//! What is noted of the requests that arrive, and what is not.

use reqwest::Method;

use crate::world::{Settings, World, send};

#[tokio::test]
async fn addresses_are_noted_as_they_came_and_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.txt");
    let world = World::with(Settings { record: Some(file.clone()), ..Settings::default() }).await;
    world.get("contoso_endpoints?%24top=1&$filter=contoso_name+eq%20%27a%27").await.expect(200);
    let body = "--b\r\nContent-Type: application/http\r\n\r\nGET contoso_endpoints?$top=2 HTTP/1.1\r\n\r\n\r\n--b--\r\n";
    let batch = world.data(Method::POST, "$batch");
    let batch = batch.header("content-type", "multipart/mixed; boundary=b").body(body);
    send(batch).await.expect(200);
    let trigger = format!("{}/workflows/ab/triggers/manual/paths/invoke?sig=made-up", world.origin);
    send(world.http.post(trigger)).await;
    let flows = "/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01";
    send(world.http.get(format!("{}{flows}", world.origin))).await.expect(401);
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        format!(
            "dataverse GET /api/data/v9.2/contoso_endpoints?%24top=1&$filter=contoso_name+eq%20%27a%27\n\
             dataverse POST /api/data/v9.2/$batch\n\
             batch GET contoso_endpoints?$top=2\n\
             flow GET {flows}\n"
        )
    );
}
