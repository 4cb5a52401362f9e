//! Parses the text of a manifest into the desired state.
//!
//! Everything that can be wrong with a manifest is found here, all at once and each with its
//! place, before anybody is asked to sign in. Pure: it gets the bytes and gives values; it
//! reads no file and knows no clock.
//!
//! A file of clouds is read in the same way (`clouds`).
//!
//! The way through: `text` decodes, `syntax` parses TOML, `fields` reads the keys of each
//! table by `schema`, `environment` (with `dataverse_identity`) and `flow` (with `target` and
//! `record_key`) make typed values of them, `check` looks at all flows together, `choose` picks
//! the environment, and `render` shows what was wrong.

mod application;
mod check;
mod choices;
mod choose;
mod cloud_values;
mod clouds;
mod dataverse_identity;
mod environment;
mod excerpt;
mod fields;
mod findings;
mod flow;
mod json_schema;
mod nearest;
mod only;
mod record_key;
mod render;
mod schema;
mod show;
mod syntax;
mod target;
mod text;
mod unreadable;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use clouds::overlay_clouds;
pub use dataverse_identity::{DataverseIdentity, Federation, Proof, VariableName};
pub use environment::{Environment, Location};
pub use flow::can_name_flow;
pub use json_schema::json_schema;
pub use nearest::nearest;
pub use only::NothingNamed;
pub use render::render_problems;
pub(crate) use render::style_problems;
pub use text::MOST_BYTES;
pub use unreadable::unreadable;

use crate::model::{
    Binding, Clouds, Code, Desired, Flow, FlowIndex, JsonPointer, Problem, SchemaName, SignedUrls,
    Target, TriggerName, WorkflowId,
};
use choices::SIGNED_URLS;
use fields::{Fields, type_name, whole_number};
use findings::Findings;

/// The version of manifests that this program reads.
const VERSION: i64 = 1;

/// A valid manifest, as the operator wrote it.
#[derive(Clone, Debug)]
pub struct Manifest {
    desired: Desired,
    environments: BTreeMap<String, Environment>,
    clouds: Clouds,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Every problem of the manifest, sorted by place.
    pub fn parse(bytes: &[u8], clouds: &Clouds) -> Result<Self, Vec<Problem>> {
        let text = text::decode(bytes).map_err(|problem| vec![problem])?;
        let findings = Findings::new(text);
        let table = syntax::parse(text, &findings);
        let manifest = table.map(|table| read(&table, clouds, &findings));
        let problems = findings.into_problems();
        match manifest {
            Some(manifest) if problems.is_empty() => Ok(manifest),
            _ => Err(problems),
        }
    }

    /// Creates the manifest for a run without a file: it has no flows and no environments.
    pub fn without_file(clouds: &Clouds) -> Self {
        let environments = BTreeMap::new();
        Self { desired: Desired::default(), environments, clouds: clouds.clone() }
    }

    /// Replaces the flows of the manifest by one that is bound to one environment variable.
    /// `signed_urls` overrides the manifest's policy.
    #[must_use]
    pub fn with_binding(
        self,
        (workflow_id, trigger): (WorkflowId, Option<TriggerName>),
        (schema_name, pointer): (SchemaName, Option<JsonPointer>),
        signed_urls: Option<SignedUrls>,
    ) -> Self {
        let flow = Flow { name: None, workflow_id, trigger, site: text::START, removed: false };
        let target = Target::Variable { schema_name, pointer };
        let binding = Binding { flow: FlowIndex(0), target, site: text::START };
        let signed_urls = signed_urls.unwrap_or(self.desired.signed_urls);
        let (flows, bindings, left_out) = (vec![flow], vec![binding], Vec::new());
        Self { desired: Desired { flows, bindings, signed_urls, left_out }, ..self }
    }

    /// Keeps only the bindings to environment variables.
    #[must_use]
    pub fn of_variables(self) -> Self {
        Self { desired: self.desired.only_variables(), ..self }
    }

    /// Returns the desired state, which is the same for every environment.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// Finds the environment to which the manifest gives the id.
    pub fn environment_of_id(&self, id: &str) -> Option<&Environment> {
        let id = id.parse().ok()?;
        self.environments.values().find(|one| one.environment_id.as_ref() == Some(&id))
    }

    /// Returns the names of the environments, sorted.
    pub fn environment_names(&self) -> impl Iterator<Item = &str> {
        self.environments.keys().map(String::as_str)
    }
}

/// Reads the tables of a manifest. Wrong parts are left out, and their problems are in `findings`.
fn read(table: &DeTable<'_>, clouds: &Clouds, findings: &Findings<'_>) -> Manifest {
    let root = Fields::new(table, 0, &schema::ROOT, findings);
    version(&root);
    let environments = environment::read(&root, clouds);
    let signed_urls = policy(&root);
    let drafts = flow::read(&root);
    check::run_checks(&drafts, findings);
    let (flows, bindings) = flow::complete_flows(drafts);
    Manifest {
        desired: Desired { flows, bindings, signed_urls, left_out: Vec::new() },
        environments,
        clouds: clouds.clone(),
    }
}

/// Checks the version. A wrong version does not stop the reading, so one run reports everything.
fn version(root: &Fields<'_>) {
    let value = root.value("version");
    let message = match value.map(Spanned::get_ref) {
        Some(DeValue::Integer(number)) if whole_number(number) == Some(VERSION) => return,
        Some(DeValue::Integer(number)) => format!(
            "this manifest is of version {}, but this program reads version {VERSION}",
            show::quoted(&number.to_string())
        ),
        Some(other) => {
            format!("`version` is {}, but the whole number {VERSION} is needed", type_name(other))
        }
        None => "the manifest does not say its version".into(),
    };
    let place = root.value_offset("version");
    root.add(place, Code::VersionUnknown, message, schema::ROOT.help("version"));
}

/// Reads how signed URLs are treated.
fn policy(root: &Fields<'_>) -> SignedUrls {
    let Ok(Some((table, place))) = root.table("policy") else {
        return SignedUrls::default();
    };
    let fields = Fields::new(table, place, &schema::POLICY, root.findings());
    let signed_urls = fields.choice("signed-urls", SIGNED_URLS);
    signed_urls.ok().flatten().unwrap_or_default()
}
