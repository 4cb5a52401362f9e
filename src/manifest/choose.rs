//! Chooses the environment of a run from those of the manifest.

use super::environment::{Environment, Location};
use super::nearest::{nearest, quoted_list};
use super::show::quoted;
use super::{Manifest, show};
use crate::model::{Code, EnvironmentId, EnvironmentUrl, Guid, Problem};

impl Manifest {
    /// Finds the environment by name, address or id, or takes the only one if `wanted` is none. For
    /// an address that the manifest does not list, returns an environment with nothing but that
    /// address.
    ///
    /// # Errors
    /// [`Code::EnvironmentNone`] where none or several could be meant,
    /// [`Code::EnvironmentUnknown`] for a name that the manifest does not have,
    /// [`Code::ValueInvalid`] for an address that is none.
    pub fn choose_environment(&self, wanted: Option<&str>) -> Result<Environment, Problem> {
        match wanted {
            None => self.choose_only(),
            Some(wanted) if wanted.contains("://") => self.choose_by_address(wanted),
            Some(wanted) => self.choose_by_name(wanted),
        }
    }

    /// Returns the environment if the manifest has exactly one.
    fn choose_only(&self) -> Result<Environment, Problem> {
        let mut environments = self.environments.values();
        match (environments.next(), environments.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(problem(
                Code::EnvironmentNone,
                "no environment is given, and the manifest has none",
                "add `--environment https://contoso.crm4.dynamics.com`, or write `[environments.prod]` with a `url` in the manifest",
            )),
            (Some(_), Some(_)) => Err(problem(
                Code::EnvironmentNone,
                "no environment is given, and the manifest has several",
                &format!(
                    "add `--environment` with one of {}",
                    quoted_list(self.environment_names())
                ),
            )),
        }
    }

    /// Finds the environment by its name, or by an id that the platform assigned.
    fn choose_by_name(&self, wanted: &str) -> Result<Environment, Problem> {
        if let Some(environment) = self.environments.get(wanted) {
            return Ok(environment.clone());
        }
        if let Ok(id) = wanted.parse::<EnvironmentId>()
            && is_assigned_id(wanted)
        {
            return self.choose_by_id(&id);
        }
        let hint = match nearest(wanted, self.environment_names()) {
            Some(near) => format!("add `--environment {near}`"),
            None => self.hint_for_unknown(wanted),
        };
        let message = format!("the manifest has no environment {}", quoted(wanted));
        Err(problem(Code::EnvironmentUnknown, &message, &hint))
    }

    /// Finds the environment by its id.
    fn choose_by_id(&self, id: &EnvironmentId) -> Result<Environment, Problem> {
        let has_id = |known: &&Environment| known.environment_id.as_ref() == Some(id);
        let known: Vec<&Environment> = self.environments.values().filter(has_id).collect();
        match known.as_slice() {
            [only] => Ok((*only).clone()),
            [] => {
                let message = format!("the manifest has no environment with the id `{id}`");
                let hint = "add `--environment https://contoso.crm4.dynamics.com` with the Environment URL that the Power Platform admin center shows beside this id, or write `environment-id` in its table of the manifest";
                Err(problem(Code::EnvironmentUnknown, &message, hint))
            }
            several => {
                let names =
                    quoted_list(several.iter().map(|environment| environment.name.as_str()));
                let message = format!("several environments of the manifest have the id `{id}`");
                let hint = format!("add `--environment` with one of {names}");
                Err(problem(Code::EnvironmentNone, &message, &hint))
            }
        }
    }

    /// Returns what to type instead of a name that is similar to no known name.
    fn hint_for_unknown(&self, wanted: &str) -> String {
        if let Ok(url) = format!("https://{wanted}").parse::<EnvironmentUrl>()
            && url.host().contains('.')
        {
            return format!("add `--environment {url}`: an address begins with `https://`");
        }
        if self.environments.is_empty() {
            let table = show::printable(wanted);
            return format!("write `[environments.{table}]` with a `url` in the manifest");
        }
        format!("use one of {}", quoted_list(self.environment_names()))
    }

    /// Finds the environment at the address.
    fn choose_by_address(&self, address: &str) -> Result<Environment, Problem> {
        let url = address.parse::<EnvironmentUrl>().map_err(|error| {
            let message = format!("the environment's address {error}");
            let hint = "add `--environment https://contoso.crm4.dynamics.com`, with your own host";
            problem(Code::ValueInvalid, &message, hint)
        })?;
        let place = Location::Url(url.clone());
        let known = self.environments.values().filter(|known| known.place == place);
        match known.collect::<Vec<_>>().as_slice() {
            [] => self.unlisted(url),
            [only] => Ok((*only).clone()),
            several => {
                let names =
                    quoted_list(several.iter().map(|environment| environment.name.as_str()));
                let message =
                    format!("several environments of the manifest have the address `{url}`");
                let hint = format!("add `--environment` with one of {names}");
                Err(problem(Code::EnvironmentNone, &message, &hint))
            }
        }
    }

    /// Returns an environment for an address that the manifest does not list.
    fn unlisted(&self, url: EnvironmentUrl) -> Result<Environment, Problem> {
        if self.clouds.for_environment(&url).is_none() {
            let host = quoted(url.host());
            let message = format!("the host {host} does not identify the environment's cloud");
            let hint = format!(
                "check the address, or write `[environments.prod]` with `url` and `cloud` in the manifest; `cloud` is one of {}",
                quoted_list(self.clouds.names())
            );
            return Err(problem(Code::EnvironmentUnknown, &message, &hint));
        }
        Ok(Environment::unlisted(url.to_string(), Location::Url(url)))
    }
}

impl Environment {
    /// Creates an environment of which only the name and location are known.
    pub fn unlisted(name: String, place: Location) -> Self {
        Self {
            name,
            place,
            cloud: None,
            client_id: None,
            tenant: None,
            environment_id: None,
            flow_way: None,
            dataverse_identity: None,
        }
    }
}

/// Returns true if the text is an id that the platform assigned: a GUID, or `Default-` and the GUID
/// of a tenant.
fn is_assigned_id(text: &str) -> bool {
    let start = text.get(.."default-".len()).filter(|start| start.eq_ignore_ascii_case("default-"));
    text[start.map_or(0, str::len)..].parse::<Guid>().is_ok()
}

/// Creates a problem of the choice, which has no place in the manifest.
fn problem(code: Code, message: &str, hint: &str) -> Problem {
    Problem { code, address: None, message: message.to_owned(), hint: hint.to_owned(), site: None }
}
