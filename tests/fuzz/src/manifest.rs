//! A manifest is read, or everything that is wrong with it is told by its place.

use std::collections::BTreeSet;

use flowbind::manifest::{Manifest, render_problems};
use flowbind::model::{Code, Problem, is_hidden};

use super::{CLOUDS, assert_inside, assert_no_signature};

/// Holds for every file.
pub fn holds(bytes: &[u8]) {
    match Manifest::parse(bytes, &CLOUDS) {
        Ok(manifest) => whole(&manifest),
        Err(problems) => told(bytes, &problems),
    }
}

/// Every binding has its flow, and no two write to one place.
fn whole(manifest: &Manifest) {
    let desired = manifest.desired();
    assert!(!desired.flows.is_empty() && !desired.bindings.is_empty());
    let addresses: BTreeSet<String> =
        desired.bindings.iter().map(|binding| binding.target.address()).collect();
    assert_eq!(addresses.len(), desired.bindings.len());
    for binding in &desired.bindings {
        assert!(binding.flow.0 < desired.flows.len());
        assert!(!binding.target.address().contains(is_hidden));
    }
}

/// Problems are sorted, lie within the text and say what helps; what is rendered is safe to show.
fn told(bytes: &[u8], problems: &[Problem]) {
    assert!(!problems.is_empty());
    assert!(problems.is_sorted_by_key(|problem| problem.site));
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    for problem in problems {
        assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        match problem.site {
            Some(site) => assert_inside(&text, site.line, site.column),
            None => assert!(
                matches!(problem.code, Code::ManifestTooLarge | Code::ManifestNotUtf8),
                "{problem:?}"
            ),
        }
    }
    let shown = render_problems("flowbind.toml", bytes, problems);
    assert!(!shown.chars().any(|c| is_hidden(c) && c != '\n'), "{shown:?}");
    assert_no_signature(&shown);
}
