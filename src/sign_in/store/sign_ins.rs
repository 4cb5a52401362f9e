//! The sign-ins in the store, each named by its authority, tenant and application.
//!
//! The document is JSON with a version. Nothing in it is secret but the refresh tokens.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::damage::{Damage, VERSION};
use crate::model::RefreshToken;

/// The name that identifies a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignInName {
    /// Where it was made: the origin of an authority, or the word `sandbox`.
    pub authority: String,
    /// The tenant there.
    pub tenant: String,
    /// The application in whose name it was made.
    pub client_id: String,
}

/// One person's approval, from which tokens for every audience follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignIn {
    /// The token from which access tokens are made.
    #[serde(with = "token")]
    pub refresh_token: RefreshToken,
    /// The name that the person signs in with.
    pub user: Option<String>,
    /// The person's id in the tenant.
    pub object_id: Option<String>,
    /// The tenant's id.
    pub tenant_id: Option<String>,
    /// When the person approved, in seconds since 1970.
    pub since: u64,
    /// When each audience last gave a token, in seconds since 1970.
    pub answered: BTreeMap<String, u64>,
}

/// Every sign-in that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns(BTreeMap<SignInName, SignIn>);

/// The document as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SignInsDocument<E> {
    version: u64,
    sign_ins: Vec<E>,
}

/// One entry of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DocumentEntry<N, S> {
    name: N,
    sign_in: S,
}

/// The part of a document of any version that tells its version.
#[derive(Deserialize)]
struct DocumentVersion {
    version: u64,
}

impl SignIns {
    /// Returns the sign-in of this name.
    pub fn find(&self, name: &SignInName) -> Option<&SignIn> {
        self.0.get(name)
    }

    /// Returns the name of the stored sign-in that serves for `name`: the same name if it is
    /// stored, otherwise the only stored one of its authority and application. A refresh token is
    /// bound to no tenant (<https://learn.microsoft.com/entra/identity-platform/refresh-tokens>).
    pub fn find_usable_name(&self, name: &SignInName) -> Option<&SignInName> {
        if let Some((same, _)) = self.0.get_key_value(name) {
            return Some(same);
        }
        let alike = |other: &&SignInName| {
            other.authority == name.authority && other.client_id == name.client_id
        };
        let mut alike = self.0.keys().filter(alike);
        alike.next().filter(|_| alike.next().is_none())
    }

    /// Adds a sign-in, in place of an earlier one of this name.
    pub fn put(&mut self, name: SignInName, sign_in: SignIn) {
        self.0.insert(name, sign_in);
    }

    /// Removes the sign-in of this name, and returns it.
    pub fn remove(&mut self, name: &SignInName) -> Option<SignIn> {
        self.0.remove(name)
    }

    /// Checks whether there are no sign-ins.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all sign-ins in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&SignInName, &SignIn)> {
        self.0.iter()
    }

    /// Formats the sign-ins as the JSON document.
    pub(super) fn to_json(&self) -> SecretString {
        let sign_ins = self.iter().map(|(name, sign_in)| DocumentEntry { name, sign_in }).collect();
        let document = SignInsDocument { version: VERSION, sign_ins };
        let text = serde_json::to_string_pretty(&document);
        SecretString::from(text.unwrap_or_else(|error| unreachable!("texts and numbers: {error}")))
    }

    /// Reads the sign-ins from the JSON document.
    ///
    /// # Errors
    /// The document has another version or another structure. The parser's own message is left out,
    /// since it quotes the document.
    pub(super) fn from_json(text: &[u8]) -> Result<Self, Damage> {
        let version = serde_json::from_slice::<DocumentVersion>(text).map_err(json_damage)?.version;
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let document: SignInsDocument<DocumentEntry<SignInName, SignIn>> =
            serde_json::from_slice(text).map_err(json_damage)?;
        let count = document.sign_ins.len();
        let entries = document.sign_ins.into_iter().map(|entry| (entry.name, entry.sign_in));
        let sign_ins = Self(entries.collect());
        if sign_ins.0.len() < count { Err(Damage::Twice) } else { Ok(sign_ins) }
    }
}

/// Converts an error of the JSON parser to its line and column, without any content.
#[expect(clippy::needless_pass_by_value, reason = "is passed to `map_err`")]
fn json_damage(error: serde_json::Error) -> Damage {
    Damage::Json { line: error.line(), column: error.column() }
}

/// A refresh token as a text of the document.
mod token {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::model::RefreshToken;

    pub(super) fn serialize<S: Serializer>(
        token: &RefreshToken,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(token.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RefreshToken, D::Error> {
        String::deserialize(deserializer).map(RefreshToken::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::sign_in::store::testing::{name, sign_in};

    fn any_sign_in() -> impl Strategy<Value = SignIn> {
        let optional = || option::of(".*");
        let answered = btree_map(".*", any::<u64>(), 0..3);
        (".*", optional(), optional(), optional(), any::<u64>(), answered).prop_map(
            |(token, user, object_id, tenant_id, since, answered)| SignIn {
                refresh_token: RefreshToken::new(token),
                user,
                object_id,
                tenant_id,
                since,
                answered,
            },
        )
    }

    fn any_name() -> impl Strategy<Value = SignInName> {
        (".*", ".*", ".*").prop_map(|(authority, tenant, client_id)| SignInName {
            authority,
            tenant,
            client_id,
        })
    }

    proptest! {
        #[test]
        fn whatever_is_kept_is_read_back(entries in vec((any_name(), any_sign_in()), 0..4)) {
            let mut sign_ins = SignIns::default();
            for (name, sign_in) in entries {
                sign_ins.put(name, sign_in);
            }
            let text = sign_ins.to_json();
            prop_assert_eq!(SignIns::from_json(text.expose_secret().as_bytes()).unwrap(), sign_ins);
        }
    }

    #[test]
    fn the_document_is_the_one_that_is_documented() {
        let mut sign_ins = SignIns::default();
        sign_ins.put(name("a"), sign_in("made-up"));
        let text = sign_ins.to_json();
        let expected = serde_json::json!({
            "version": 1,
            "sign-ins": [{
                "name": {
                    "authority": "https://login.example",
                    "tenant": "contoso.example",
                    "client-id": "a",
                },
                "sign-in": {
                    "refresh-token": "made-up",
                    "user": "ada@contoso.example",
                    "object-id": null,
                    "tenant-id": null,
                    "since": 1_790_000_000,
                    "answered": { "dataverse": 1_790_000_001 },
                },
            }],
        });
        let document: serde_json::Value = serde_json::from_str(text.expose_secret()).unwrap();
        assert_eq!(document, expected);
    }

    #[test]
    fn a_sign_in_is_found_replaced_and_removed_by_its_name() {
        let mut sign_ins = SignIns::default();
        sign_ins.put(name("a"), sign_in("first"));
        sign_ins.put(name("b"), sign_in("other"));
        sign_ins.put(name("a"), sign_in("second"));
        assert_eq!(sign_ins.find(&name("a")), Some(&sign_in("second")));
        assert_eq!(sign_ins.iter().count(), 2);
        assert_eq!(sign_ins.remove(&name("a")), Some(sign_in("second")));
        assert_eq!(sign_ins.remove(&name("a")), None);
        assert!(sign_ins.remove(&name("b")).is_some() && sign_ins.is_empty());
    }

    #[test]
    fn a_document_of_another_version_is_refused_by_its_number() {
        let error = SignIns::from_json(br#"{"version":2,"anything":[]}"#).unwrap_err();
        assert_eq!(error, Damage::Version(2));
        assert!(error.to_string().contains('2'), "{error}");
    }

    #[test]
    fn a_damaged_document_tells_the_place_and_nothing_of_its_content() {
        let cases = [
            "",
            "[]",
            "hush-hush",
            r#"{"version":1}"#,
            r#"{"version":"hush-hush"}"#,
            r#"{"version":1,"sign-ins":"hush-hush"}"#,
            r#"{"version":1,"sign-ins":[],"hush-hush":1}"#,
        ];
        for text in cases {
            let error = SignIns::from_json(text.as_bytes()).unwrap_err();
            assert!(matches!(error, Damage::Json { .. }), "{text}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{text}: {error}");
        }
    }

    #[test]
    fn a_document_that_names_a_sign_in_twice_is_refused() {
        let entry = DocumentEntry { name: name("a"), sign_in: sign_in("made-up") };
        let again = DocumentEntry { name: name("a"), sign_in: sign_in("made-up-too") };
        let document = SignInsDocument { version: VERSION, sign_ins: vec![entry, again] };
        let text = serde_json::to_vec(&document).unwrap();
        assert_eq!(SignIns::from_json(&text), Err(Damage::Twice));
    }

    #[test]
    fn nothing_secret_is_in_the_debug_text() {
        let mut sign_ins = SignIns::default();
        sign_ins.put(name("a"), sign_in("hush-hush"));
        let text = format!("{sign_ins:?}");
        assert!(text.contains("RefreshToken(****)") && !text.contains("hush"), "{text}");
    }
}
