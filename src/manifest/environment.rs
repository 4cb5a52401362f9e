//! The environments of a manifest.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::application::{client_id, tenant};
use super::choices::FLOW_APIS;
use super::dataverse_identity::{self, DataverseIdentity};
use super::fields::{FieldResult, Fields, Reported, parse_as, type_name};
use super::nearest::quoted_list;
use super::schema::{ENVIRONMENT, ROOT};
use super::show::quoted;
use crate::model::{Clouds, Code, EnvironmentId, EnvironmentUrl, FlowEndpoint, Guid, GuidError};

/// The most characters of an environment's name.
const MOST_NAME_CHARACTERS: usize = 100;

/// One Dataverse organisation, as the manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name in the manifest; its address if the manifest does not have it.
    pub name: String,
    /// Its location.
    pub place: Location,
    /// The name of its cloud, if it does not follow from the address.
    pub cloud: Option<String>,
    /// The application that signs in, a GUID in lower case.
    pub client_id: Option<String>,
    /// The tenant to sign in to, a GUID or a domain name in lower case.
    pub tenant: Option<String>,
    /// The id by which the Flow service knows it.
    pub environment_id: Option<EnvironmentId>,
    /// The only API of the Flow service to use, if the manifest restricts it to one.
    pub flow_way: Option<FlowEndpoint>,
    /// The application used for Dataverse instead of the person who signs in, if any.
    pub dataverse_identity: Option<DataverseIdentity>,
}

/// The location of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The tenant that ships with the program.
    Sandbox,
    /// An organisation at that address.
    Url(EnvironmentUrl),
}

impl Environment {
    /// Formats the name and the address for a message.
    pub fn name_and_address(&self) -> String {
        match &self.place {
            Location::Sandbox => format!("`{}`", self.name),
            Location::Url(url) => format!("`{}` ({url})", self.name),
        }
    }
}

/// Reads every environment.
pub(super) fn read(root: &Fields<'_>, clouds: &Clouds) -> BTreeMap<String, Environment> {
    let Ok(Some((table, _))) = root.table("environments") else {
        return BTreeMap::new();
    };
    let environments = table.iter().flat_map(|(name, value)| entry(root, name, value, clouds));
    environments.map(|environment| (environment.name.clone(), environment)).collect()
}

/// Reads one environment and its name.
fn entry<'a>(
    root: &Fields<'a>,
    name: &'a Spanned<DeString<'a>>,
    value: &'a Spanned<DeValue<'a>>,
    clouds: &Clouds,
) -> FieldResult<Environment> {
    let checked = label(root, name);
    let DeValue::Table(table) = value.get_ref() else {
        let found = type_name(value.get_ref());
        let name = quoted(name.get_ref());
        let message = format!("the environment {name} is {found}, but a table is needed");
        root.add(value.span().start, Code::TypeWrong, message, ROOT.help("environments"));
        return Err(Reported);
    };
    let fields = Fields::new(table, value.span().start, &ENVIRONMENT, root.findings());
    environment(&fields, checked, clouds)
}

/// Reads the keys of one environment.
fn environment(
    fields: &Fields<'_>,
    name: FieldResult<String>,
    clouds: &Clouds,
) -> FieldResult<Environment> {
    let place = place(fields);
    let cloud = cloud(fields, &place, clouds);
    let client_id = fields.optional("client-id", client_id);
    let tenant = fields.optional("tenant", tenant);
    let environment_id = fields.optional("environment-id", environment_id);
    let flow_way = fields.choice("flow-api", FLOW_APIS);
    let dataverse_identity = dataverse_identity::read(fields);
    Ok(Environment {
        name: name?,
        place: place?,
        cloud: cloud?,
        client_id: client_id?,
        tenant: tenant?,
        environment_id: environment_id?,
        flow_way: flow_way?,
        dataverse_identity: dataverse_identity?,
    })
}

/// Checks the name of an environment, which is typed on a command line.
fn label(root: &Fields<'_>, name: &Spanned<DeString<'_>>) -> FieldResult<String> {
    let text = name.get_ref().as_ref();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let length = text.chars().count();
    if (1..=MOST_NAME_CHARACTERS).contains(&length) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let message = format!("{} cannot be the name of an environment", quoted(text));
    let hint = format!(
        "use up to {MOST_NAME_CHARACTERS} letters, digits, `-`, `_` and `.`, such as `[environments.prod]`"
    );
    root.add(name.span().start, Code::ValueInvalid, message, hint);
    Err(Reported)
}

/// Reads where the environment is: in the sandbox, or at an address.
fn place(fields: &Fields<'_>) -> FieldResult<Location> {
    let sandbox = sandbox(fields);
    let url = fields.optional("url", parse_as);
    match (fields.has("url"), fields.has("sandbox")) {
        (true, true) => {
            let message = "`sandbox` and `url` exclude each other";
            Err(fields.report_conflict("sandbox", message, "keep one of them"))
        }
        (false, false) => Err(report_no_location(fields)),
        (false, true) => sandbox.map(|()| Location::Sandbox),
        (true, false) => url?.map(Location::Url).ok_or(Reported),
    }
}

/// Reports an environment that has neither `url` nor `sandbox`.
fn report_no_location(fields: &Fields<'_>) -> Reported {
    let message = "this environment has no address: it needs `url` or `sandbox = true`";
    let hint = ENVIRONMENT.help("url");
    fields.add(fields.table_offset(), Code::KeyMissing, message, hint);
    Reported
}

/// Reads the key `sandbox`, which can only be true.
fn sandbox(fields: &Fields<'_>) -> FieldResult<()> {
    match fields.boolean("sandbox")? {
        Some(false) => Err(fields.report_invalid("sandbox", "cannot be `false`")),
        Some(true) | None => Ok(()),
    }
}

/// Reads the cloud, which is required if the address does not determine it.
fn cloud(
    fields: &Fields<'_>,
    place: &FieldResult<Location>,
    clouds: &Clouds,
) -> FieldResult<Option<String>> {
    let cloud = fields.optional("cloud", |text| Ok(text.to_owned()))?;
    match (cloud, place) {
        (Some(_), Ok(Location::Sandbox)) => {
            let message =
                "`cloud` is only for an environment with a `url`; the sandbox has its own cloud";
            Err(fields.report_conflict("cloud", message, "leave it out"))
        }
        (Some(cloud), _) if clouds.names().contains(&cloud.as_str()) => Ok(Some(cloud)),
        (Some(cloud), _) => Err(fields.not_a_choice("cloud", &cloud, clouds.names().into_iter())),
        (None, Ok(Location::Url(url))) if clouds.for_environment(url).is_none() => {
            Err(cloud_unknown(fields, url, clouds))
        }
        (None, _) => Ok(None),
    }
}

/// Reports an address that belongs to no known cloud.
fn cloud_unknown(fields: &Fields<'_>, url: &EnvironmentUrl, clouds: &Clouds) -> Reported {
    let message =
        format!("the host {} does not identify the environment's cloud", quoted(url.host()));
    let names = quoted_list(clouds.names());
    let hint = format!("check the address, or write `cloud` with one of {names}");
    fields.add(fields.value_offset("url"), Code::KeyMissing, message, hint);
    Reported
}

/// Parses the id by which the Flow service knows an environment.
fn environment_id(text: &str) -> Result<EnvironmentId, String> {
    let nil = text.parse::<Guid>() == Err(GuidError::Nil);
    match text.parse() {
        Ok(id) if !nil => Ok(id),
        Ok(_) => Err("is the nil GUID, which names nothing".into()),
        Err(_) => {
            Err("is not an environment id, which has up to 128 letters, digits and `-`".into())
        }
    }
}
