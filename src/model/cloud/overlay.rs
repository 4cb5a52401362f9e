//! A file of one's own that is laid over the embedded table of clouds, key by key.
//!
//! It decides where tokens are sent, so everything in it is checked before anything is
//! contacted, and all that is wrong is told at once, each with its place.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::value::{
    Reason, authority, client_id, federation_audience, flow_api, flow_audience, suffix,
};
use super::{Cloud, SANDBOX, usual_digits};
use crate::model::printable;

/// The most characters of a name that are shown.
const MOST_SHOWN_CHARACTERS: usize = 60;

/// The most characters of a cloud's name.
const MOST_NAME_CHARACTERS: usize = 40;

/// What a token of a pipeline is made for where a new cloud does not say it.
const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The keys of a cloud, each with what to type.
const KEYS: &[(&str, &str)] = &[
    (
        "authorities",
        "list the hosts that people sign in at, such as `authorities = [\"login.microsoftonline.com\"]`",
    ),
    (
        "flow-api",
        "write the origin of the Flow API, such as `flow-api = \"https://api.flow.microsoft.com\"`",
    ),
    (
        "environment-api",
        "write the end of the hosts at which environments serve the Flow API, such as `environment-api = \".environment.api.powerplatform.com\"`",
    ),
    (
        "environment-api-digits",
        "write how many digits of the environment's id stand by themselves in such a host: `1`, or `2` as in the public cloud",
    ),
    (
        "flow-audience",
        "write what a token for the Flow API is made for, such as `flow-audience = \"https://service.flow.microsoft.com/\"`",
    ),
    (
        "federation-audience",
        "write what a pipeline's own token is made for, such as `federation-audience = \"api://AzureADTokenExchange\"`",
    ),
    (
        "dataverse",
        "list the ends of the environments' hosts, such as `dataverse = [\".crm4.dynamics.com\"]`",
    ),
    (
        "callback",
        "list the ends of the hosts that callback URLs lead to, such as `callback = [\".environment.api.powerplatform.com\"]`",
    ),
    ("client-id", "write the Application (client) ID of an app registration in that cloud"),
];

/// The keys that a cloud must have.
const NEEDED: &[&str] = &["authorities", "flow-api", "flow-audience", "dataverse", "callback"];

/// Something wrong with a file of clouds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudProblem {
    /// What kind of thing is wrong.
    pub kind: CloudProblemKind,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// The kinds of things that can be wrong with a file of clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudProblemKind {
    /// The file is not TOML.
    NotToml,
    /// A key that a cloud does not have.
    KeyUnknown,
    /// A key that must be there is not.
    KeyMissing,
    /// A value of another type than its key has.
    TypeWrong,
    /// A value that its key cannot have.
    ValueInvalid,
}

/// A value as it stands in the file.
type Value<'a> = Spanned<DeValue<'a>>;

/// A file while it is read.
struct Overlay<'t> {
    text: &'t str,
    problems: Vec<CloudProblem>,
}

/// Lays the file over the clouds.
///
/// # Errors
/// Everything that is wrong with the file, sorted by place.
pub(super) fn lay_over(
    known: &BTreeMap<String, Cloud>,
    text: &str,
) -> Result<BTreeMap<String, Cloud>, Vec<CloudProblem>> {
    let mut overlay = Overlay { text, problems: Vec::new() };
    let clouds = overlay.read(known);
    let mut problems = overlay.problems;
    if problems.is_empty() {
        return Ok(clouds);
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(problems)
}

impl Overlay<'_> {
    /// Reads every cloud of the file.
    fn read(&mut self, known: &BTreeMap<String, Cloud>) -> BTreeMap<String, Cloud> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let place = error.span().map_or(0, |span| span.start);
            let message = format!("this is not TOML: {}", error.message());
            let hint = "see https://toml.io/en/v1.0.0 for how TOML is written";
            self.add(place, CloudProblemKind::NotToml, message, hint);
        }
        let mut clouds = known.clone();
        if !errors.is_empty() {
            return clouds;
        }
        for (name, value) in table.get_ref() {
            if let Some(cloud) = self.cloud(name, value, known) {
                clouds.insert(name.get_ref().to_string(), cloud);
            }
        }
        self.check_suffixes(table.get_ref(), &clouds);
        clouds
    }

    /// Reads one cloud: the known one, if any, with the keys of the file replaced.
    fn cloud(
        &mut self,
        name: &Spanned<DeString<'_>>,
        value: &Value<'_>,
        known: &BTreeMap<String, Cloud>,
    ) -> Option<Cloud> {
        let (place, name) = (name.span().start, name.get_ref().as_ref());
        if let Err((message, hint)) = check_name(name) {
            self.add(place, CloudProblemKind::ValueInvalid, message, hint);
            return None;
        }
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("the cloud {} is not a table", quoted(name));
            let hint = format!("write `[{name}]`, and its keys on the lines below");
            self.add(place, CloudProblemKind::TypeWrong, message, hint);
            return None;
        };
        let known_cloud = known.get(name);
        if known_cloud.is_none() {
            self.check_needed(place, name, table, known);
        }
        let mut cloud = known_cloud.cloned().unwrap_or_else(blank);
        for (key, value) in table {
            self.lay(&mut cloud, key, value);
        }
        Some(cloud)
    }

    /// Reads the value of one key into the cloud.
    fn lay(&mut self, cloud: &mut Cloud, key: &Spanned<DeString<'_>>, value: &Value<'_>) {
        match key.get_ref().as_ref() {
            "authorities" => self.list("authorities", value, authority, &mut cloud.authorities),
            "flow-api" => {
                let origin = self.text("flow-api", value, flow_api);
                cloud.flow_api = origin.or_else(|| cloud.flow_api.take());
            }
            "environment-api" => {
                let end = self.text("environment-api", value, suffix);
                cloud.environment_api = end.or_else(|| cloud.environment_api.take());
            }
            "environment-api-digits" => self.digits(value, &mut cloud.environment_api_digits),
            "flow-audience" => {
                self.word("flow-audience", value, flow_audience, &mut cloud.flow_audience);
            }
            "federation-audience" => {
                let place = &mut cloud.federation_audience;
                self.word("federation-audience", value, federation_audience, place);
            }
            "dataverse" => self.list("dataverse", value, suffix, &mut cloud.dataverse),
            "callback" => self.list("callback", value, suffix, &mut cloud.callback),
            "client-id" => {
                let id = self.text("client-id", value, client_id);
                cloud.client_id = id.or_else(|| cloud.client_id.take());
            }
            unknown => self.unknown(key.span().start, unknown),
        }
    }

    /// Reads a text into its place.
    fn word(
        &mut self,
        key: &str,
        value: &Value<'_>,
        read: fn(&str) -> Result<String, Reason>,
        place: &mut String,
    ) {
        if let Some(text) = self.text(key, value, read) {
            *place = text;
        }
    }

    /// Reads a list of texts into its place.
    fn list(
        &mut self,
        key: &str,
        value: &Value<'_>,
        read: fn(&str) -> Result<String, Reason>,
        place: &mut Vec<String>,
    ) {
        match value.get_ref().as_array() {
            None => self.wrong_type(key, value, "a list of texts"),
            Some(list) if list.is_empty() => self.invalid(key, value, "is empty"),
            Some(list) => {
                *place = list.iter().filter_map(|value| self.text(key, value, read)).collect();
            }
        }
    }

    /// Reads `environment-api-digits`, a number from 1 to 8.
    fn digits(&mut self, value: &Value<'_>, place: &mut usize) {
        const KEY: &str = "environment-api-digits";
        match value.get_ref().as_integer().map(|number| number.as_str().parse::<usize>()) {
            None => self.wrong_type(KEY, value, "a whole number"),
            Some(Ok(digits)) if (1..=8).contains(&digits) => *place = digits,
            Some(_) => self.invalid(KEY, value, "is not between 1 and 8"),
        }
    }

    /// Reads a text.
    fn text<T>(
        &mut self,
        key: &str,
        value: &Value<'_>,
        read: impl FnOnce(&str) -> Result<T, Reason>,
    ) -> Option<T> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a text");
            return None;
        };
        read(text).map_err(|reason| self.invalid(key, value, reason)).ok()
    }

    /// Adds a problem for each required key that a new cloud lacks.
    fn check_needed(
        &mut self,
        place: usize,
        name: &str,
        table: &DeTable<'_>,
        known: &BTreeMap<String, Cloud>,
    ) {
        let slip = nearest(name, known.keys().map(String::as_str).filter(|name| *name != SANDBOX));
        for key in NEEDED.iter().filter(|key| !table.contains_key(**key)) {
            let message = format!("the new cloud {} needs the key `{key}`", quoted(name));
            let hint = slip.map_or_else(
                || help(key).to_owned(),
                |slip| format!("{}; or write `[{slip}]` if that cloud is meant", help(key)),
            );
            self.add(place, CloudProblemKind::KeyMissing, message, hint);
        }
    }

    /// Adds a problem for each `dataverse` suffix of the file that another cloud has too: an
    /// environment belongs to one cloud.
    fn check_suffixes(&mut self, table: &DeTable<'_>, clouds: &BTreeMap<String, Cloud>) {
        for (name, value) in table {
            let Some(own) = clouds.get(name.get_ref().as_ref()) else { continue };
            let Some(list) = value.get_ref().get("dataverse") else { continue };
            let others = clouds.iter().filter(|(other, _)| *other != name.get_ref());
            let shared = others.filter_map(|(other, cloud)| {
                let shared = own.dataverse.iter().find(|suffix| cloud.dataverse.contains(suffix));
                shared.map(|suffix| (other, suffix))
            });
            for (other, suffix) in shared {
                let message =
                    format!("`dataverse` has `{suffix}`, which is of the cloud `{other}`");
                let hint = "write a longer end of the hosts, or change the keys of that cloud";
                self.add(list.span().start, CloudProblemKind::ValueInvalid, message, hint);
            }
        }
    }

    /// Adds a problem for a key that a cloud does not have.
    fn unknown(&mut self, place: usize, key: &str) {
        let names = || KEYS.iter().map(|(name, _)| *name);
        let hint = nearest(key, names()).map_or_else(
            || format!("use one of `{}`", names().collect::<Vec<_>>().join("`, `")),
            |near| format!("write `{near}`"),
        );
        let message = format!("{} is not a key of a cloud", quoted(key));
        self.add(place, CloudProblemKind::KeyUnknown, message, hint);
    }

    /// Adds a problem for a value that its key cannot have.
    fn invalid(&mut self, key: &str, value: &Value<'_>, reason: &str) {
        let message = format!("`{key}` {reason}");
        self.add(value.span().start, CloudProblemKind::ValueInvalid, message, help(key));
    }

    /// Adds a problem for a value of the wrong type.
    fn wrong_type(&mut self, key: &str, value: &Value<'_>, wanted: &str) {
        let message = format!("`{key}` needs {wanted}");
        self.add(value.span().start, CloudProblemKind::TypeWrong, message, help(key));
    }

    /// Adds a problem at a byte offset of the text.
    fn add(
        &mut self,
        place: usize,
        kind: CloudProblemKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let before = self.text.get(..place).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let (message, hint) = (message.into(), hint.into());
        self.problems.push(CloudProblem { kind, message, hint, line, column });
    }
}

/// Returns a new cloud with the defaults that hold for every cloud.
fn blank() -> Cloud {
    Cloud {
        authorities: Vec::new(),
        flow_api: None,
        environment_api: None,
        environment_api_digits: usual_digits(),
        flow_audience: String::new(),
        federation_audience: FEDERATION_AUDIENCE.to_owned(),
        dataverse: Vec::new(),
        callback: Vec::new(),
        client_id: None,
    }
}

/// Refuses a name that a manifest could not say, and the sandbox's.
fn check_name(name: &str) -> Result<(), (String, &'static str)> {
    if name == SANDBOX {
        let message = "`sandbox` is the emulated tenant on this machine and has no hosts to change";
        return Err((message.to_owned(), "leave it out"));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > MOST_NAME_CHARACTERS || !name.chars().all(plain) {
        let message = format!("{} cannot be the name of a cloud", quoted(name));
        return Err((
            message,
            "use up to 40 small letters, digits and `-`, such as `[contoso-lab]`",
        ));
    }
    Ok(())
}

/// Returns the hint that says what to write for that key.
fn help(key: &str) -> &'static str {
    KEYS.iter().find(|(name, _)| *name == key).map_or("", |(_, help)| help)
}

/// Quotes a name from the file, shortened and safe to print.
fn quoted(name: &str) -> String {
    format!("`{}`", printable(name, MOST_SHOWN_CHARACTERS))
}

/// Finds the known word that is nearest to a misspelled one, if any is near.
fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > MOST_SHOWN_CHARACTERS {
        return None;
    }
    let word = word.to_lowercase().replace('_', "-");
    let distances = known.map(|known| (strsim::damerau_levenshtein(&word, known), known));
    let near = distances.filter(|(distance, known)| *distance <= (known.len() / 3).max(1));
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::super::{Clouds, TABLE};
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

    fn laid(text: &str) -> Result<Clouds, Vec<CloudProblem>> {
        Clouds::embedded().unwrap().overlaid(text)
    }

    /// Each problem as `line:column message | hint`.
    fn told(text: &str) -> Vec<String> {
        let problems = laid(text).unwrap_err();
        let line = |problem: CloudProblem| {
            let CloudProblem { line, column, message, hint, .. } = problem;
            format!("{line}:{column} {message} | {hint}")
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
        assert_eq!(cloud.federation_audience(), FEDERATION_AUDIENCE);
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
        let (clouds, _) = TABLE.split_once("[sandbox]").unwrap();
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
            ("authorities", "[\"https://login.example.com\"]", "host's name"),
            ("authorities", "[\"login.example.com/tenant\"]", "host's name"),
            ("authorities", "[\"Login.example.com\"]", "small letters"),
            ("authorities", "[\"user@login.example.com\"]", "host's name"),
            ("authorities", "[\"login.example.com:443\"]", "443"),
            ("authorities", "[\"login.example.com:0\"]", "port"),
            ("authorities", "[]", "empty"),
            ("authorities", "\"login.example.com\"", "a list of texts"),
            ("dataverse", "[\"crm.example.com\"]", "begin with a dot"),
            ("dataverse", "[\".com\"]", "trust everybody"),
            ("dataverse", "[\"..com\"]", "end of a host's name"),
            ("callback", "[\".\"]", "end of a host's name"),
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
        let text = "[public]\nflow_api = \"x\"\ncolour = 1\n\n[sandbox]\ncallback = []\n\n[\"Gcc\"]\n\n[goc]\ndataverse = [\".dynamics.com\", 1]\n";
        let told = told(text);
        let starts = [
            "2:1 `flow_api` is not a key of a cloud | write `flow-api`",
            "3:1 `colour` is not a key of a cloud | use one of `authorities`",
            "5:2 `sandbox` is the emulated tenant",
            "8:2 `Gcc` cannot be the name of a cloud | use up to 40",
            "10:2 the new cloud `goc` needs the key `authorities` | list the hosts",
            "10:2 the new cloud `goc` needs the key `flow-api` | ",
            "10:2 the new cloud `goc` needs the key `flow-audience` | ",
            "10:2 the new cloud `goc` needs the key `callback` | ",
            "11:13 `dataverse` has `.dynamics.com`, which is of the cloud `public`",
            "11:31 `dataverse` needs a text",
        ];
        assert_eq!(told.len(), starts.len(), "{told:#?}");
        for (told, start) in told.iter().zip(starts) {
            assert!(told.starts_with(start), "{told}");
        }
        assert!(told[4].ends_with("or write `[gcc]` if that cloud is meant"), "{}", told[4]);
    }

    #[test]
    fn what_is_no_toml_or_no_table_is_told_with_its_place() {
        assert!(told("[public]\nflow-api = x\n")[0].starts_with("2:12 this is not TOML: "));
        assert!(told("public = 1\n")[0].starts_with("1:1 the cloud `public` is not a table"));
        let twice = "[public]\nflow-audience = \"a\"\nflow-audience = \"b\"\n";
        assert!(told(twice)[0].starts_with("3:1 this is not TOML: duplicate key"));
    }

    #[test]
    fn a_suffix_may_be_taken_from_one_cloud_and_given_to_another() {
        let given = AIRGAP.replace(".crm.airgap.example", ".crm9.dynamics.com");
        assert!(told(&given)[0].contains("of the cloud `gcc`"));
        let taken = format!("{given}\n[gcc]\ndataverse = [\".gcc.airgap.example\"]\n");
        assert!(laid(&taken).is_ok());
    }
}
