//! What a service says when it refuses becomes short text that is safe to show.

use flowbind::http::Answer;
use flowbind::model::{Service, ServiceError};
use flowbind::services::entra::Refusal;
use flowbind::services::flow::{named_region, read_callback_url};
use flowbind::services::read_service_error;
use http::HeaderMap;
use serde_json::{Map, Value};

use super::assert_shown;

/// The statuses that a body is read under.
const STATUSES: [u16; 3] = [200, 403, 500];

/// Holds for every body.
pub fn holds(bytes: &[u8]) {
    for status in STATUSES {
        let answer = Answer::new(status, HeaderMap::new(), bytes.to_vec());
        for service in [Service::Dataverse, Service::Flow] {
            let found = read_service_error(service, &answer, "rows");
            assert_eq!((found.service, found.status), (service, status));
            service_error(&found);
        }
        if let Err(error) = read_callback_url(&answer) {
            assert_shown(&error.to_string(), 1_000);
        }
        if let Ok(body) = answer.json::<Map<String, Value>>() {
            Refusal::from_body(&body).iter().for_each(refusal);
        }
    }
}

/// Holds for every error of Dataverse and of the Flow service.
pub fn service_error(error: &ServiceError) {
    assert_shown(&error.code, 80);
    assert_shown(&error.message, 600);
    assert_shown(error.request_id.as_deref().unwrap_or_default(), 128);
    assert_shown(&error.to_string(), 1_000);
    assert!(error.documented || error.code.is_empty() && error.message.is_empty());
    if let Some(privilege) = error.missing_privilege() {
        assert!(privilege.starts_with("prv") && error.message.contains(privilege));
    }
    // It becomes a part of a host's name.
    if let Some(region) = named_region(error) {
        assert!(region.bytes().all(|byte| byte.is_ascii_lowercase()), "{region}");
    }
    let _ = error.is_conflict() || error.is_unknown_flow() || error.is_unknown_region();
}

/// Holds for every refusal of Entra.
fn refusal(refusal: &Refusal) {
    assert!(!refusal.error.is_empty());
    let words = [&refusal.suberror, &refusal.trace_id, &refusal.correlation_id];
    assert_shown(&refusal.error, 64);
    words.into_iter().flatten().for_each(|word| assert_shown(word, 64));
    if let Some(description) = &refusal.description {
        assert_shown(description, 600);
        assert!(!description.is_empty());
        assert!(refusal.words().is_none_or(|words| description.ends_with(words)));
    }
    if let Some(claims) = &refusal.claims {
        assert!(claims.len() <= 8 * 1024);
        assert!(serde_json::from_str::<Map<String, Value>>(claims).is_ok());
    }
}
