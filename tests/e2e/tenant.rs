//! A served sandbox with tokens for it at hand, so that a run signs in without a request; and what
//! its targets hold, read at one instant.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::harness::{Ended, Place, Served, place};
use super::sign_in::{FLOW, access_token, device_login};

/// What the targets hold: a line for every row, so that one too many shows as well.
pub(crate) type Targets = Vec<(String, String)>;

/// A served sandbox and what a run on it needs.
pub(crate) struct Tenant {
    pub(crate) place: Place,
    pub(crate) served: Served,
    dataverse: String,
    flow: String,
}

impl Tenant {
    /// The tenant that ships, with more at its end.
    pub(crate) fn with(more: &str) -> Self {
        Self::serving(more, &[])
    }

    /// The same, whose state is in memory: for one that is too large to be read at every request.
    pub(crate) fn in_memory(more: &str) -> Self {
        Self::serving(more, &["--sandbox-state", "none"])
    }

    /// The same, which is served in that way.
    pub(crate) fn serving(more: &str, arguments: &[&str]) -> Self {
        let place = place();
        let tenant = place.tenant_with(more);
        let usual = ["--approve-after", "0", "--tenant", &tenant];
        let served = Served::start(&place, &[&usual, arguments].concat());
        let token = device_login(&served.url)["refresh_token"].as_str().unwrap().to_owned();
        let dataverse = access_token(&served.url, &token, &served.url);
        let flow = access_token(&served.url, &token, FLOW);
        Self { place, served, dataverse, flow }
    }

    /// A run on this tenant.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let at = ["--environment", &self.served.url, "--token-store", "none"];
        let mut command = self.place.command(&[arguments, &at].concat());
        command.env("FLOWBIND_DATAVERSE_TOKEN", &self.dataverse);
        command.env("FLOWBIND_FLOW_TOKEN", &self.flow).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// The exit code and the document of a run.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ended = self.run(&[arguments, &["--format", "json"]].concat());
        (ended.code, document(&ended))
    }

    /// Starts a run whose streams are read when it has ended.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What the targets hold now.
    pub(crate) fn targets(&self) -> Targets {
        targets(&fs::read(self.place.state()).unwrap())
    }
}

/// The document that a run printed.
pub(crate) fn document(ended: &Ended) -> Value {
    let read = serde_json::from_str(&ended.stdout);
    read.unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr))
}

/// What the targets hold in a state: the values of variables, and the URLs of the records.
pub(crate) fn targets(state: &[u8]) -> Targets {
    let state: Value = serde_json::from_slice(state).unwrap();
    let rows = |table: &str| -> Vec<Value> {
        let rows = state["tables"][table].as_object();
        rows.map(|rows| rows.values().map(|row| row["values"].clone()).collect())
            .unwrap_or_default()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let definitions = state["tables"]["environmentvariabledefinition"].as_object().unwrap();
    let values = rows("environmentvariablevalue").into_iter().map(|row| {
        let definition = row["environmentvariabledefinitionid"].as_str().unwrap();
        (text(&definitions[definition]["values"]["schemaname"]), text(&row["value"]))
    });
    let records = rows("contoso_endpoint").into_iter();
    let records = records.map(|row| (text(&row["contoso_name"]), text(&row["contoso_url"])));
    let mut targets: Targets = values.chain(records).collect();
    targets.sort();
    targets
}

/// Puts a state in the place of another, whole.
pub(crate) fn put(state: &Path, content: &[u8]) {
    let new = state.with_extension("put");
    fs::write(&new, content).unwrap();
    fs::rename(new, state).unwrap();
}
