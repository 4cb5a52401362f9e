//! The stored sign-ins, without their secrets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::model::{escape_hidden, printable};
use crate::report::{Format, safe_json};

/// The most characters of a name.
const MOST_CHARACTERS: usize = 200;

/// A stored sign-in without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptSignIn {
    /// The name with which the person signs in.
    pub user: Option<String>,
    /// The tenant as the user wrote it.
    pub tenant: String,
    /// The tenant's id.
    pub tenant_id: Option<String>,
    /// The application's id.
    pub client_id: String,
    /// The sign-in service.
    pub authority: String,
    /// The time of the sign-in, in seconds since 1970.
    pub since: u64,
    /// The time of the last answer for each audience, in seconds since 1970.
    pub answered: BTreeMap<String, u64>,
}

/// Formats the sign-ins of a token store, as text or as one JSON document.
pub(crate) fn sign_ins(
    sign_ins: &[KeptSignIn],
    store: &str,
    file: Option<&str>,
    format: Format,
) -> String {
    match format {
        Format::Human => human(sign_ins, store, file),
        Format::Json => safe_json(&format!("{:#}\n", json(sign_ins, store, file))).into_owned(),
    }
}

fn human(sign_ins: &[KeptSignIn], store: &str, file: Option<&str>) -> String {
    let place = file.map_or_else(String::new, |file| format!(", {}", escape_hidden(file)));
    if sign_ins.is_empty() {
        return format!("Nobody is signed in (token store `{store}`{place}).\n");
    }
    let mut text = String::new();
    for sign_in in sign_ins {
        text += &one(sign_in);
    }
    let _ = writeln!(text, "Stored in the token store `{store}`{place}.");
    text
}

fn one(sign_in: &KeptSignIn) -> String {
    let shown = |text: &str| printable(text, MOST_CHARACTERS);
    let user = sign_in.user.as_deref().map_or_else(|| "unknown user".to_owned(), shown);
    let tenant = match &sign_in.tenant_id {
        Some(id) if *id != sign_in.tenant => format!("{} ({})", shown(&sign_in.tenant), shown(id)),
        _ => shown(&sign_in.tenant),
    };
    let answered: Vec<String> = sign_in
        .answered
        .iter()
        .map(|(name, at)| format!("{} {}", shown(name), time(*at)))
        .collect();
    let rows = [
        ("tenant", tenant),
        ("client id", shown(&sign_in.client_id)),
        ("authority", shown(&sign_in.authority)),
        ("since", time(sign_in.since)),
        ("answered", answered.join(", ")),
    ];
    let mut text = format!("{user}\n");
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<10} {value}");
    }
    text
}

fn json(sign_ins: &[KeptSignIn], store: &str, file: Option<&str>) -> serde_json::Value {
    let one = |sign_in: &KeptSignIn| {
        let answered: serde_json::Map<_, _> =
            sign_in.answered.iter().map(|(name, at)| (name.clone(), json!(time(*at)))).collect();
        json!({
            "user": sign_in.user,
            "tenant": sign_in.tenant,
            "tenant-id": sign_in.tenant_id,
            "client-id": sign_in.client_id,
            "authority": sign_in.authority,
            "since": time(sign_in.since),
            "answered": answered,
        })
    };
    let sign_ins: Vec<_> = sign_ins.iter().map(one).collect();
    json!({"version": 1, "store": store, "file": file, "sign-ins": sign_ins})
}

/// Formats a time as RFC 3339 in UTC.
fn time(seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let time = time.filter(|_| seconds < 253_402_300_800);
    time.map_or_else(
        || "unknown".to_owned(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> KeptSignIn {
        KeptSignIn {
            user: Some("megan@contoso.example".to_owned()),
            tenant: "contoso.example".to_owned(),
            tenant_id: Some("7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40".to_owned()),
            client_id: "00000000-0000-4000-8000-00000000f10b".to_owned(),
            authority: "https://login.example.com".to_owned(),
            since: 1_790_000_000,
            answered: [("dataverse".to_owned(), 1_790_000_001), ("flow".to_owned(), u64::MAX)]
                .into(),
        }
    }

    #[test]
    fn a_sign_in_is_told_for_people() {
        insta::assert_snapshot!(sign_ins(&[kept()], "file", Some("/state/x.age"), Format::Human), @r#"
        megan@contoso.example
          tenant     contoso.example (7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40)
          client id  00000000-0000-4000-8000-00000000f10b
          authority  https://login.example.com
          since      2026-09-21T14:13:20Z
          answered   dataverse 2026-09-21T14:13:21Z, flow unknown
        Stored in the token store `file`, /state/x.age.
        "#);
        let none = sign_ins(&[], "none", None, Format::Human);
        assert_eq!(none, "Nobody is signed in (token store `none`).\n");
    }

    #[test]
    fn a_sign_in_is_told_for_machines() {
        insta::assert_snapshot!(sign_ins(&[kept()], "file", Some("/state/x.age"), Format::Json), @r#"
        {
          "version": 1,
          "store": "file",
          "file": "/state/x.age",
          "sign-ins": [
            {
              "user": "megan@contoso.example",
              "tenant": "contoso.example",
              "tenant-id": "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40",
              "client-id": "00000000-0000-4000-8000-00000000f10b",
              "authority": "https://login.example.com",
              "since": "2026-09-21T14:13:20Z",
              "answered": {
                "dataverse": "2026-09-21T14:13:21Z",
                "flow": "unknown"
              }
            }
          ]
        }
        "#);
    }
}
