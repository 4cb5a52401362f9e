//! What changes while a sandbox runs, as one value.

mod index;
pub(crate) mod seed;
pub(crate) mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Moment;
use super::guid::Guid;
use super::seal::Key;
use index::Index;

/// The whole state.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// The version of this format.
    pub(crate) format: u32,
    /// The digest of the tenant that the state began with.
    pub(crate) tenant: String,
    /// Grows with every change, so that an unchanged state is not written.
    pub(crate) revision: u64,
    /// Signs tokens.
    pub(crate) token_key: Key,
    /// Signs callback addresses.
    pub(crate) callback_key: Key,
    /// The rows of every table, by its logical name.
    pub(crate) tables: BTreeMap<String, BTreeMap<Guid, Row>>,
    /// The device codes that were issued.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// How often the access key of a flow was regenerated.
    pub(crate) regenerated: BTreeMap<Guid, u32>,
    /// The resources that the person has consented to since.
    pub(crate) consents: BTreeSet<String>,
    /// The authorization codes that were issued.
    #[serde(default)]
    pub(crate) authorizations: BTreeMap<String, Authorization>,
    /// The refresh tokens that were used up.
    #[serde(default)]
    pub(crate) spent: BTreeSet<Guid>,
    /// The sign-ins whose refresh tokens were revoked.
    #[serde(default)]
    pub(crate) revoked: BTreeSet<Guid>,
    /// How many access tokens were issued.
    #[serde(default)]
    pub(crate) issued: u64,
    /// Finds rows by some of their columns.
    #[serde(skip)]
    index: Index,
}

impl fmt::Debug for Database {
    /// Shows no content: device codes and signed addresses are in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// A row of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The version that its entity tag shows.
    pub(crate) version: u64,
    /// Its values by column; what is null is absent, and a lookup holds the id of its target.
    pub(crate) values: BTreeMap<String, Value>,
}

/// A sign-in that was begun with a device code.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// The code that the person enters.
    pub(crate) user_code: String,
    /// The application.
    pub(crate) client_id: Guid,
    /// The scope that was asked for.
    pub(crate) scope: String,
    /// When the code can no longer be used.
    pub(crate) expires_at: Moment,
    /// When the person approves by itself.
    pub(crate) approved_at: Option<Moment>,
    /// What the person decided.
    pub(crate) decision: Decision,
    /// When the client last asked.
    pub(crate) polled_at: Option<Moment>,
    /// The `claims` that were asked for.
    #[serde(default)]
    pub(crate) claims: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A sign-in that a person finished in a browser.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authorization {
    /// The application.
    pub(crate) client_id: Guid,
    /// Where the browser was sent with the code.
    pub(crate) redirect_uri: String,
    /// The scope that was asked for.
    pub(crate) scope: String,
    /// The SHA-256 of the verifier (RFC 7636), as the client sent it; a confidential client may send none.
    pub(crate) challenge: Option<String>,
    /// What the id token repeats.
    pub(crate) nonce: Option<String>,
    /// The `claims` that were asked for.
    pub(crate) claims: Option<String>,
    /// When the code can no longer be used.
    pub(crate) expires_at: Moment,
    /// Whether the tokens were fetched.
    pub(crate) redeemed: bool,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authorization")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What a person decided about a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    /// Nothing yet.
    Pending,
    /// To approve.
    Approved,
    /// To decline.
    Declined,
    /// To approve, and the tokens were fetched.
    Redeemed,
}

impl Database {
    /// Returns a row.
    pub(crate) fn row(&self, table: &str, id: Guid) -> Option<&Row> {
        self.tables.get(table)?.get(&id)
    }

    /// Returns the rows of a table in the order of their ids.
    pub(crate) fn rows(&self, table: &str) -> impl Iterator<Item = (Guid, &Row)> {
        self.tables.get(table).into_iter().flatten().map(|(id, row)| (*id, row))
    }

    /// Returns the rows of which a column holds one of some texts, in whatever case, in the order of their
    /// ids; nothing if the table has to be walked through for that.
    pub(crate) fn holding(
        &self,
        table: &str,
        column: &str,
        texts: &[&str],
    ) -> Option<Vec<(Guid, &Row)>> {
        let found: Option<Vec<_>> =
            texts.iter().map(|text| self.index.holding(table, column, text)).collect();
        let ids: BTreeSet<Guid> = found?.into_iter().flatten().collect();
        Some(ids.into_iter().filter_map(|id| Some((id, self.row(table, id)?))).collect())
    }

    /// Makes the index of rows that were read from a file.
    fn indexed(mut self) -> Self {
        for (table, rows) in &self.tables {
            for (id, row) in rows {
                self.index.insert(table, *id, row);
            }
        }
        self
    }

    /// Puts a row, whether or not it exists, under a new version.
    pub(crate) fn put(&mut self, table: &str, id: Guid, mut values: BTreeMap<String, Value>) {
        values.retain(|_, value| !value.is_null());
        self.touch();
        let row = Row { version: 1_000_000 + self.revision, values };
        self.take_out(table, id);
        self.index.insert(table, id, &row);
        self.tables.entry(table.to_owned()).or_default().insert(id, row);
    }

    fn take_out(&mut self, table: &str, id: Guid) {
        if let Some(row) = self.tables.get_mut(table).and_then(|rows| rows.remove(&id)) {
            self.index.remove(table, id, &row);
        }
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, table: &str, id: Guid) {
        self.touch();
        self.take_out(table, id);
    }

    /// Counts an access token, and returns its number.
    pub(crate) fn issue(&mut self) -> u64 {
        self.touch();
        self.issued += 1;
        self.issued
    }

    /// Notes that something changed.
    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }
}

impl Row {
    /// Returns a value, null when it is absent.
    pub(crate) fn value(&self, column: &str) -> &Value {
        self.values.get(column).unwrap_or(&Value::Null)
    }

    /// Returns a text value.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.value(column).as_str()
    }

    /// Returns a whole number.
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        self.value(column).as_i64()
    }

    /// Returns a GUID.
    pub(crate) fn guid(&self, column: &str) -> Option<Guid> {
        self.text(column)?.parse().ok()
    }
}
