//! A callback URL is compared by what it means, and never shown.

use flowbind::model::{CallbackUrl, UrlAccess, printable};
use flowbind::plan::ValueView;
use url::Url;

use super::{CLOUDS, assert_shown};

/// Holds for every text.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    for most in [1, 40, 120] {
        assert_shown(&printable(text, most), most);
    }
    if let Ok(url) = text.parse::<CallbackUrl>() {
        is_kept(&url, text);
        is_hidden(&url, text);
        is_compared(&url, text);
        if url.is_unambiguous() {
            is_read_alike(&url, text);
        }
    }
}

/// What is stored is what came.
fn is_kept(url: &CallbackUrl, text: &str) {
    assert_eq!(url.expose(), text);
    assert_eq!(url.length(), text.len());
}

/// No value of the query is in what may be shown.
fn is_hidden(url: &CallbackUrl, text: &str) {
    let cloud = CLOUDS.get("public").expect("there is a public cloud");
    let view = ValueView::from_text(Some(text), cloud).expect("the text is not empty");
    let shown = format!("{url:?} {:?} {view} {view:?}", url.view());
    // A host may be shown, and any query may repeat it.
    let host = &url.view().host;
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let values = query.split(['&', '=']).filter(|value| value.len() > 12);
    for value in values.filter(|value| !host.contains(value)) {
        assert!(!shown.contains(value), "{shown}");
    }
}

/// It means what it means in the spelling of a URL parser.
fn is_compared(url: &CallbackUrl, text: &str) {
    assert!(url.is_equivalent_to(url));
    let usual = Url::parse(text).expect("it was parsed before").to_string();
    let other: CallbackUrl = usual.parse().expect("a URL is printed as one");
    assert!(url.is_equivalent_to(&other) && other.is_equivalent_to(url), "{usual}");
    assert_eq!(url.view().kind, other.view().kind);
    assert_eq!(url.view().host, other.view().host);
}

/// A reader that knows no more than `://`, `/`, `?` and `:` finds the same host and signature.
fn is_read_alike(url: &CallbackUrl, text: &str) {
    assert!(url.is_https());
    let (_, rest) = text.split_once("://").expect("it begins with a scheme");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = rest[..end].strip_suffix(":443").unwrap_or(&rest[..end]);
    assert!(authority.eq_ignore_ascii_case(&url.view().host), "{authority}");
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.to_ascii_lowercase().starts_with("sig=")) {
        assert_eq!(url.view().kind, UrlAccess::Signed);
    }
}
