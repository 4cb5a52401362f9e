//! Reads a file of clouds, which is laid over the embedded table key by key.
//!
//! The file decides where tokens are sent, so everything in it is checked before anything is
//! contacted.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::application::client_id;
use super::cloud_values::{authority, federation_audience, flow_api, flow_audience, suffix};
use super::fields::{FieldResult, Fields, whole_number};
use super::findings::Findings;
use super::nearest::nearest;
use super::schema::{Form, Schema, key};
use super::show::quoted;
use super::syntax;
use crate::model::{Cloud, Clouds, Code, Problem};

/// The most characters of a cloud's name.
const MOST_NAME_CHARACTERS: usize = 40;

/// The key of the number of digits that stand by themselves in an environment's host.
const DIGITS: &str = "environment-api-digits";

/// The keys that a new cloud must have.
const NEEDED: &[&str] = &["authorities", "flow-api", "flow-audience", "dataverse", "callback"];

/// A cloud.
static CLOUD: Schema = Schema {
    header: "a cloud",
    needs: NEEDED,
    cases: &[],
    keys: &[
        key(
            "authorities",
            Form::Text,
            "list the hosts for sign-in, such as `authorities = [\"login.microsoftonline.com\"]`",
        ),
        key(
            "flow-api",
            Form::Text,
            "write the origin of the Flow API, such as `flow-api = \"https://api.flow.microsoft.com\"`",
        ),
        key(
            "environment-api",
            Form::Text,
            "write the suffix of the environments' Flow API hosts, such as `environment-api = \".environment.api.powerplatform.com\"`",
        ),
        key(
            DIGITS,
            Form::Text,
            "write how many digits of the environment's id stand alone before this suffix: `1`, or `2` as in the public cloud",
        ),
        key(
            "flow-audience",
            Form::Text,
            "write the audience of a Flow API token, such as `flow-audience = \"https://service.flow.microsoft.com/\"`",
        ),
        key(
            "federation-audience",
            Form::Text,
            "write the audience of a pipeline's own token, such as `federation-audience = \"api://AzureADTokenExchange\"`",
        ),
        key(
            "dataverse",
            Form::Text,
            "list the suffixes of the environments' hosts, such as `dataverse = [\".crm4.dynamics.com\"]`",
        ),
        key(
            "callback",
            Form::Text,
            "list the suffixes of the hosts of callback URLs, such as `callback = [\".environment.api.powerplatform.com\"]`",
        ),
        key(
            "client-id",
            Form::Text,
            "write the Application (client) ID of an app registration in that cloud",
        ),
    ],
};

/// The table of one cloud in the file.
struct CloudTable<'a> {
    name: &'a str,
    /// The offset of the name.
    place: usize,
    fields: Fields<'a>,
}

/// Lays a file of clouds over the known clouds. A cloud that is not known is added if it has all
/// required keys; the sandbox cannot be changed.
///
/// # Errors
/// Every problem of the file, sorted by place.
pub fn overlay_clouds(known: &Clouds, text: &str) -> Result<Clouds, Vec<Problem>> {
    let findings = Findings::new(text);
    let clouds = syntax::parse(text, &findings).map(|table| read(&table, known, &findings));
    let problems = findings.into_problems();
    match clouds {
        Some(clouds) if problems.is_empty() => Ok(clouds),
        _ => Err(problems),
    }
}

/// Reads every cloud of the file.
fn read(table: &DeTable<'_>, known: &Clouds, findings: &Findings<'_>) -> Clouds {
    let tables = table.iter().filter_map(|(name, value)| cloud_table(name, value, findings));
    let tables: Vec<CloudTable<'_>> = tables.collect();
    let mut clouds = known.clone();
    for table in &tables {
        clouds.insert(table.name, table.cloud(known));
    }
    for table in &tables {
        table.check_suffixes(&clouds);
    }
    clouds
}

/// Reads the name and the keys of one cloud.
fn cloud_table<'a>(
    name: &'a Spanned<DeString<'a>>,
    value: &'a Spanned<DeValue<'a>>,
    findings: &'a Findings<'a>,
) -> Option<CloudTable<'a>> {
    let (place, name) = (name.span().start, name.get_ref().as_ref());
    if let Err((message, hint)) = check_name(name) {
        findings.add(place, Code::ValueInvalid, message, hint);
        return None;
    }
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("the cloud {} is not a table", quoted(name));
        let hint = format!("write `[{name}]`, and its keys on the lines below");
        findings.add(place, Code::TypeWrong, message, hint);
        return None;
    };
    let fields = Fields::new(table, value.span().start, &CLOUD, findings);
    Some(CloudTable { name, place, fields })
}

impl CloudTable<'_> {
    /// Returns the known cloud of this name, or a new one, with the keys of the file replaced.
    fn cloud(&self, known: &Clouds) -> Cloud {
        let known_cloud = known.get(self.name);
        if known_cloud.is_none() {
            self.check_needed(known);
        }
        let old = known_cloud.cloned().unwrap_or_default();
        let fields = &self.fields;
        let text = |name, read: fn(&str) -> Result<String, &'static str>| {
            value(fields.optional(name, |text| read(text).map_err(str::to_owned)))
        };
        let list = |name, read: fn(&str) -> Result<String, &'static str>, old| {
            let list = fields.texts(name, |text| read(text).map_err(str::to_owned));
            if list.is_empty() { old } else { list }
        };
        let flow_api = fields.optional("flow-api", |text| flow_api(text).map_err(str::to_owned));
        Cloud {
            authorities: list("authorities", authority, old.authorities),
            flow_api: value(flow_api).or(old.flow_api),
            environment_api: text("environment-api", suffix).or(old.environment_api),
            environment_api_digits: self.digits().unwrap_or(old.environment_api_digits),
            flow_audience: text("flow-audience", flow_audience).unwrap_or(old.flow_audience),
            federation_audience: text("federation-audience", federation_audience)
                .unwrap_or(old.federation_audience),
            dataverse: list("dataverse", suffix, old.dataverse),
            callback: list("callback", suffix, old.callback),
            client_id: value(fields.optional("client-id", client_id)).or(old.client_id),
        }
    }

    /// Reads the number of digits, from 1 to 8.
    fn digits(&self) -> Option<usize> {
        let value = self.fields.value(DIGITS)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.fields.wrong_type(DIGITS, value, "a whole number");
            return None;
        };
        let digits = whole_number(number).and_then(|digits| usize::try_from(digits).ok());
        let digits = digits.filter(|digits| (1..=8).contains(digits));
        if digits.is_none() {
            self.fields.report_invalid(DIGITS, "is not between 1 and 8");
        }
        digits
    }

    /// Adds a problem for each required key that a new cloud lacks.
    fn check_needed(&self, known: &Clouds) {
        let near = nearest(self.name, known.names());
        for key in NEEDED.iter().filter(|key| !self.fields.has(key)) {
            let message = format!("the new cloud {} needs the key `{key}`", quoted(self.name));
            let help = CLOUD.help(key);
            let hint = near.map_or_else(
                || help.to_owned(),
                |near| format!("{help}; or write `[{near}]` if you mean that cloud"),
            );
            self.fields.add(self.place, Code::KeyMissing, message, hint);
        }
    }

    /// Adds a problem for each `dataverse` suffix that another cloud has too: an environment
    /// belongs to one cloud.
    fn check_suffixes(&self, clouds: &Clouds) {
        let Some(own) = clouds.get(self.name).filter(|_| self.fields.has("dataverse")) else {
            return;
        };
        for (other, cloud) in clouds.iter().filter(|(other, _)| *other != self.name) {
            let shared = own.dataverse.iter().find(|suffix| cloud.dataverse.contains(suffix));
            if let Some(suffix) = shared {
                let message =
                    format!("`dataverse` has `{suffix}`, which belongs to the cloud `{other}`");
                let hint = "write a longer suffix, or change the keys of that cloud";
                let place = self.fields.value_offset("dataverse");
                self.fields.add(place, Code::ValueInvalid, message, hint);
            }
        }
    }
}

/// Returns a value that is present and not wrong.
fn value<T>(read: FieldResult<Option<T>>) -> Option<T> {
    read.ok().flatten()
}

/// Refuses a name that a manifest could not say, and the sandbox's.
fn check_name(name: &str) -> Result<(), (String, &'static str)> {
    if name == Clouds::SANDBOX {
        let message = "`sandbox` is the emulated tenant on this machine and has no hosts to change";
        return Err((message.to_owned(), "leave it out"));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > MOST_NAME_CHARACTERS || !name.chars().all(plain) {
        let message = format!("{} cannot be the name of a cloud", quoted(name));
        return Err((
            message,
            "use up to 40 lowercase letters, digits and `-`, such as `[contoso-lab]`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new cloud that has all it needs.
    const AIRGAP: &str = r#"
[airgap]
authorities = ["login.airgap.example", "login.airgap.example:8443"]
flow-api = "https://flow.airgap.example"
flow-audience = "https://service.flow.airgap.example/"
dataverse = [".crm.airgap.example"]
callback = [".flows.airgap.example"]
client-id = "{A09E4A0D-3A1C-F011-998A-7C1E5275CFE9}"
"#;

    fn laid(text: &str) -> Result<Clouds, Vec<Problem>> {
        overlay_clouds(&Clouds::embedded().unwrap(), text)
    }

    /// Each problem as `line:column message | hint`.
    fn told(text: &str) -> Vec<String> {
        let problems = laid(text).unwrap_err();
        let line = |problem: Problem| {
            let Problem { site, message, hint, .. } = problem;
            let site = site.unwrap();
            format!("{}:{} {message} | {hint}", site.line, site.column)
        };
        problems.into_iter().map(line).collect()
    }

    #[test]
    fn a_key_of_the_file_takes_the_place_of_the_embedded_one_and_the_others_stay() {
        let clouds =
            laid("[gcc-high]\nflow-api = \"https://flow.contoso.example:8443\"\n").unwrap();
        let cloud = clouds.get("gcc-high").unwrap();
        let environment = "https://contoso.crm.microsoftdynamics.us".parse().unwrap();
        assert_eq!(cloud.flow_api(&environment), "https://flow.contoso.example:8443");
        assert_eq!(cloud.flow_audience(), "https://high.service.flow.microsoft.us/");
        assert_eq!(cloud.default_authority(), Some("login.microsoftonline.us"));
    }

    #[test]
    fn a_new_cloud_is_added_with_all_it_needs() {
        let clouds = laid(AIRGAP).unwrap();
        assert!(clouds.names().contains(&"airgap"));
        let environment = "https://contoso.crm.airgap.example".parse().unwrap();
        let cloud = clouds.for_environment(&environment).unwrap();
        assert_eq!(cloud.flow_api(&environment), "https://flow.airgap.example");
        assert_eq!(cloud.client_id(), Some("a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"));
        assert_eq!(cloud.federation_audience(), "api://AzureADTokenExchange");
        let trusts = |text: &str| cloud.trusts_authority(&text.parse().unwrap(), &environment);
        assert!(trusts("https://login.airgap.example/t-1"));
        assert!(trusts("https://login.airgap.example:8443/t-1"));
        assert!(!trusts("https://login.airgap.example:9443/t-1"));
        assert!(!trusts("https://login.microsoftonline.com/t-1"));
    }

    #[test]
    fn an_empty_file_changes_nothing_and_the_embedded_table_passes_its_own_checks() {
        let embedded = format!("{:?}", Clouds::embedded().unwrap());
        assert_eq!(format!("{:?}", laid("# nothing\n").unwrap()), embedded);
        let (clouds, _) = Clouds::TABLE.split_once("[sandbox]").unwrap();
        assert_eq!(format!("{:?}", laid(clouds).unwrap()), embedded);
    }

    #[test]
    fn a_plain_http_flow_api_is_for_this_machine_alone() {
        assert!(laid("[public]\nflow-api = \"http://127.0.0.1:8787\"").is_ok());
        let told = told("[public]\nflow-api = \"http://127.0.0.1.example.com\"");
        assert!(told[0].starts_with("2:12 `flow-api` is not https"), "{told:?}");
    }

    #[test]
    fn values_that_would_send_tokens_anywhere_are_refused() {
        let cases = [
            ("flow-api", "\"https://user:word@x.example\"", "credentials"),
            ("flow-api", "\"https://x.example/api\"", "path"),
            ("flow-api", "\"https://x.example?a=1\"", "query"),
            ("flow-api", "\"ftp://x.example\"", "address"),
            ("flow-api", "\" https://x.example\"", "address"),
            ("flow-audience", "\"http://127.0.0.1/\"", "https"),
            ("flow-audience", "\"https://x.example/ https://y.example\"", "https"),
            ("flow-audience", "\"https://x.example/?a\"", "query"),
            ("federation-audience", "\"\"", "empty"),
            ("authorities", "[\"https://login.example.com\"]", "lowercase host name"),
            ("authorities", "[\"login.example.com/tenant\"]", "lowercase host name"),
            ("authorities", "[\"Login.example.com\"]", "lowercase"),
            ("authorities", "[\"user@login.example.com\"]", "lowercase host name"),
            ("authorities", "[\"login.example.com:443\"]", "443"),
            ("authorities", "[\"login.example.com:0\"]", "port"),
            ("authorities", "[]", "empty"),
            ("authorities", "\"login.example.com\"", "a list of texts"),
            ("dataverse", "[\"crm.example.com\"]", "begin with a dot"),
            ("dataverse", "[\".com\"]", "trust every host"),
            ("dataverse", "[\"..com\"]", "not a lowercase host name"),
            ("callback", "[\".\"]", "not a lowercase host name"),
            ("callback", "[1]", "a text"),
            ("client-id", "\"contoso\"", "GUID"),
            ("client-id", "true", "a text"),
        ];
        for (key, value, words) in cases {
            let told = told(&format!("[public]\n{key} = {value}\n"));
            assert_eq!(told.len(), 1, "{key} = {value}: {told:?}");
            assert!(told[0].starts_with("2:") && told[0].contains(words), "{value}: {told:?}");
            assert!(told[0].contains(" | write ") || told[0].contains(" | list "), "{told:?}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once_by_its_place() {
        let text = "[public]\nflow_api = \"https://x.example\"\ncolour = 1\n\n[sandbox]\ncallback = []\n\n[\"Gcc\"]\n\n[goc]\ndataverse = [\".dynamics.com\", 1]\n";
        let told = told(text);
        let starts = [
            "2:1 `flow_api` is not a key of a cloud | write `flow-api`",
            "3:1 `colour` is not a key of a cloud | use one of `authorities`",
            "5:2 `sandbox` is the emulated tenant",
            "8:2 `Gcc` cannot be the name of a cloud | use up to 40",
            "10:2 the new cloud `goc` needs the key `authorities` | list the hosts",
            "10:2 the new cloud `goc` needs the key `callback` | ",
            "10:2 the new cloud `goc` needs the key `flow-api` | ",
            "10:2 the new cloud `goc` needs the key `flow-audience` | ",
            "11:13 `dataverse` has `.dynamics.com`, which belongs to the cloud `public`",
            "11:31 `dataverse` is a whole number, but a text is needed",
        ];
        assert_eq!(told.len(), starts.len(), "{told:#?}");
        for (told, start) in told.iter().zip(starts) {
            assert!(told.starts_with(start), "{told}");
        }
        assert!(told[4].ends_with("or write `[gcc]` if you mean that cloud"), "{}", told[4]);
    }

    #[test]
    fn what_is_no_toml_or_no_table_is_told_with_its_place() {
        assert!(told("[public]\nflow-api = x\n")[0].starts_with("2:12 this is not TOML: "));
        assert!(told("public = 1\n")[0].starts_with("1:1 the cloud `public` is not a table"));
        let twice = "[public]\nflow-audience = \"https://a.example/\"\nflow-audience = \"https://b.example/\"\n";
        assert!(told(twice)[0].starts_with("3:1 the key `flow-audience` appears twice"));
    }

    #[test]
    fn a_suffix_may_be_taken_from_one_cloud_and_given_to_another() {
        let given = AIRGAP.replace(".crm.airgap.example", ".crm9.dynamics.com");
        assert!(told(&given)[0].contains("to the cloud `gcc`"));
        let taken = format!("{given}\n[gcc]\ndataverse = [\".gcc.airgap.example\"]\n");
        assert!(laid(&taken).is_ok());
    }
}
