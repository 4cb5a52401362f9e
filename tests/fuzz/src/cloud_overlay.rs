//! A file of clouds is laid over the embedded table, or everything wrong with it is told.

use flowbind::manifest::overlay_clouds;
use flowbind::model::{Clouds, Problem, is_hidden, is_https_or_loopback};
use url::Url;

use super::{CLOUDS, assert_inside};

/// An address that is in none of the embedded clouds, and one that is.
const ENVIRONMENTS: [&str; 2] =
    ["https://contoso.crm.airgap.example", "https://contoso.crm4.dynamics.com"];

/// Holds for every text.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match overlay_clouds(&CLOUDS, text) {
        Ok(clouds) => is_safe(&clouds),
        Err(problems) => is_told(text, &problems),
    }
}

/// Tokens go nowhere but by https or to this machine, and to hosts with a name.
fn is_safe(clouds: &Clouds) {
    for name in clouds.names() {
        let cloud = clouds.get(name).expect("it is one of the names");
        for environment in ENVIRONMENTS {
            let environment = environment.parse().expect("it is an address");
            let url: Url = cloud.flow_api(&environment).parse().expect("an API has an address");
            assert!(is_https_or_loopback(&url) && url.has_host(), "{url}");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
        }
        let audience: Url = cloud.flow_audience().parse().expect("an audience is an address");
        assert_eq!(audience.scheme(), "https");
        assert!(!cloud.authorities().is_empty());
        assert!(!cloud.serves_callbacks("com") && !cloud.serves_callbacks(""));
    }
    assert!(CLOUDS.names().iter().all(|name| clouds.get(name).is_some()));
}

/// Problems are sorted, lie within the text, say what helps, and are safe to show.
fn is_told(text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty());
    assert!(problems.is_sorted_by_key(|problem| problem.site));
    for problem in problems {
        let site = problem.site.expect("it has a place");
        assert_inside(text, site.line, site.column);
        assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        assert!(!problem.message.contains(is_hidden), "{problem:?}");
        assert!(!problem.hint.contains(is_hidden), "{problem:?}");
    }
}
