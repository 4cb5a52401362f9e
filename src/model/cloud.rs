//! The Microsoft clouds: hosts and audiences, read from `config/clouds.toml` and, where somebody
//! names one, from a file that is laid over it.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::callback::is_loopback;
use super::{EnvironmentId, EnvironmentUrl};

/// The hosts of Microsoft's pages where people of any cloud enter the code of a sign-in, such as
/// `https://microsoft.com/devicelogin`
/// (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>).
const CODE_PAGES: [&str; 3] = ["microsoft.com", "www.microsoft.com", "login.microsoft.com"];

/// The most characters of a host's name, and of a label in it.
const MOST_HOST: usize = 253;
const MOST_LABEL: usize = 63;

/// Every cloud by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Clouds(BTreeMap<String, Cloud>);

/// A way to ask the Flow service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEndpoint {
    /// By the cloud's API, and that of a region if the service names one.
    Classic,
    /// By the environment's own host.
    Environment,
}

/// The hosts and audiences of one cloud.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cloud {
    #[serde(default)]
    pub(crate) authorities: Vec<String>,
    pub(crate) flow_api: Option<Url>,
    pub(crate) environment_api: Option<String>,
    #[serde(default = "default_digits")]
    pub(crate) environment_api_digits: usize,
    pub(crate) flow_audience: String,
    pub(crate) federation_audience: String,
    #[serde(default)]
    pub(crate) dataverse: Vec<String>,
    pub(crate) callback: Vec<String>,
    pub(crate) client_id: Option<String>,
}

/// Returns the default number of digits of an environment's id that form a label of their own in
/// its host.
fn default_digits() -> usize {
    1
}

impl Default for Cloud {
    /// Returns a cloud without hosts, with the defaults that hold for every cloud.
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            flow_api: None,
            environment_api: None,
            environment_api_digits: default_digits(),
            flow_audience: String::new(),
            federation_audience: "api://AzureADTokenExchange".to_owned(),
            dataverse: Vec::new(),
            callback: Vec::new(),
            client_id: None,
        }
    }
}

impl Clouds {
    /// The table of clouds that is embedded in the program.
    pub(crate) const TABLE: &str = include_str!("../../config/clouds.toml");

    /// The cloud whose services are on this machine.
    pub(crate) const SANDBOX: &str = "sandbox";

    /// Reads the embedded table.
    ///
    /// # Errors
    /// The table's own error, should the program have been built with a broken one.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        toml::from_str(Self::TABLE)
    }

    /// Adds a cloud, or replaces the one of that name.
    pub(crate) fn insert(&mut self, name: &str, cloud: Cloud) {
        self.0.insert(name.to_owned(), cloud);
    }

    /// Returns every cloud with its name, the sandbox included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Cloud)> {
        self.0.iter().map(|(name, cloud)| (name.as_str(), cloud))
    }

    /// Returns the cloud names that a manifest may use.
    pub fn names(&self) -> Vec<&str> {
        let named = self.0.keys().map(String::as_str);
        named.filter(|name| *name != Self::SANDBOX).collect()
    }

    /// Returns the cloud of that name.
    pub fn get(&self, name: &str) -> Option<&Cloud> {
        self.0.get(name)
    }

    /// Returns the cloud whose services are on this machine.
    pub fn sandbox(&self) -> Option<&Cloud> {
        self.get(Self::SANDBOX)
    }

    /// Finds the cloud of an environment by the end of its host: the longest suffix wins.
    pub fn for_environment(&self, url: &EnvironmentUrl) -> Option<&Cloud> {
        if url.is_loopback() {
            return self.sandbox();
        }
        let suffixes = self
            .0
            .values()
            .flat_map(|cloud| cloud.dataverse.iter().map(move |suffix| (suffix.as_str(), cloud)));
        suffixes
            .filter(|(suffix, _)| url.host().ends_with(suffix))
            .max_by_key(|(suffix, _)| suffix.len())
            .map(|(_, cloud)| cloud)
    }
}

impl Cloud {
    /// Returns the hosts that may ask for a sign-in, each with its port unless that is 443.
    pub fn authorities(&self) -> &[String] {
        &self.authorities
    }

    /// Returns the host to sign in at when only the tenant is known.
    pub fn default_authority(&self) -> Option<&str> {
        self.authorities.first().map(String::as_str)
    }

    /// Returns whether a sign-in may go to that address. An address on this machine is allowed only
    /// for an environment on this machine, on the environment's port or one that the cloud lists.
    pub fn trusts_authority(&self, authority: &Url, environment: &EnvironmentUrl) -> bool {
        let host = authority.host_str().unwrap_or_default();
        let port = authority.port().map_or_else(String::new, |port| format!(":{port}"));
        let is_listed = self.authorities.contains(&format!("{host}{port}"));
        if is_loopback(authority) {
            let is_own = authority.port_or_known_default() == environment.port();
            return environment.is_loopback() && (is_own || is_listed);
        }
        authority.scheme() == "https" && is_listed
    }

    /// Returns the hosts where people enter the code of a sign-in: those that may ask for a sign-in,
    /// and Microsoft's own pages. The sandbox has none but its own address.
    pub fn code_pages(&self) -> Vec<String> {
        if self.authorities.is_empty() {
            return Vec::new();
        }
        let pages = CODE_PAGES.iter().map(ToString::to_string);
        self.authorities.iter().cloned().chain(pages).collect()
    }

    /// Returns the origin of the Flow API, without a slash at the end.
    pub fn flow_api(&self, environment: &EnvironmentUrl) -> String {
        let origin = self.flow_api.as_ref().map(Url::as_str);
        origin.unwrap_or(environment.origin()).trim_end_matches('/').to_owned()
    }

    /// Builds the origin at which the environment itself serves the Flow API: its id without
    /// hyphens, with a dot before the last digits. None if the cloud has no such hosts; the sandbox
    /// serves it at the environment's address.
    pub fn environment_api(&self, url: &EnvironmentUrl, id: &EnvironmentId) -> Option<Url> {
        let Some(suffix) = &self.environment_api else {
            return url.is_loopback().then(|| url.origin().parse().ok()).flatten();
        };
        let id = id.to_string().replace('-', "").to_ascii_lowercase();
        let (first, last) =
            id.split_at_checked(id.len().checked_sub(self.environment_api_digits)?)?;
        Url::parse(&format!("https://{first}.{last}{suffix}")).ok()
    }

    /// Returns the audience of a token for the Flow API, with the slash at the end that it needs.
    pub fn flow_audience(&self) -> &str {
        &self.flow_audience
    }

    /// Returns the audience of a pipeline's own token, with which an application signs in without a
    /// secret.
    pub fn federation_audience(&self) -> &str {
        &self.federation_audience
    }

    /// Returns the application that signs in by default.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Returns whether that host is one of the cloud's hosts for callback URLs.
    pub fn serves_callbacks(&self, host: &str) -> bool {
        is_host_name(host) && self.callback.iter().any(|suffix| host.ends_with(suffix))
    }
}

/// Returns whether a host of that name can exist
/// ([RFC 1123 section 2.1](https://www.rfc-editor.org/rfc/rfc1123#section-2.1)).
fn is_host_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        (1..=MOST_LABEL).contains(&label.len())
            && label.bytes().all(is_plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= MOST_HOST && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud_of(address: &str) -> String {
        let clouds = Clouds::embedded().unwrap();
        let cloud = clouds.for_environment(&address.parse().unwrap());
        cloud.map_or_else(String::new, |cloud| cloud.flow_audience().to_owned())
    }

    #[test]
    fn an_environments_host_names_its_cloud() {
        assert_eq!(
            cloud_of("https://contoso.crm4.dynamics.com"),
            "https://service.flow.microsoft.com/"
        );
        assert_eq!(
            cloud_of("https://contoso.crm9.dynamics.com"),
            "https://gov.service.flow.microsoft.us/"
        );
        assert_eq!(
            cloud_of("https://contoso.crm.dynamics.cn"),
            "https://service.powerautomate.cn/"
        );
        assert_eq!(cloud_of("https://dynamics.com.example.com"), "");
    }

    #[test]
    fn each_cloud_has_the_hosts_and_audiences_that_microsoft_documents() {
        let clouds = Clouds::embedded().unwrap();
        let expected = [
            (
                "china",
                "login.partner.microsoftonline.cn",
                "https://api.powerautomate.cn",
                "https://service.powerautomate.cn/",
                "api://AzureADTokenExchangeChina",
            ),
            (
                "dod",
                "login.microsoftonline.us",
                "https://api.flow.appsplatform.us",
                "https://service.flow.appsplatform.us/",
                "api://AzureADTokenExchangeUSGov",
            ),
            (
                "gcc",
                "login.microsoftonline.com",
                "https://gov.api.flow.microsoft.us",
                "https://gov.service.flow.microsoft.us/",
                "api://AzureADTokenExchange",
            ),
            (
                "gcc-high",
                "login.microsoftonline.us",
                "https://high.api.flow.microsoft.us",
                "https://high.service.flow.microsoft.us/",
                "api://AzureADTokenExchangeUSGov",
            ),
            (
                "public",
                "login.microsoftonline.com",
                "https://api.flow.microsoft.com",
                "https://service.flow.microsoft.com/",
                "api://AzureADTokenExchange",
            ),
        ];
        assert_eq!(clouds.names(), expected.map(|(name, ..)| name));
        let environment = "https://contoso.example".parse().unwrap();
        for (name, authority, flow_api, flow_audience, federation_audience) in expected {
            let cloud = clouds.get(name).unwrap();
            assert_eq!(cloud.default_authority(), Some(authority), "{name}");
            assert_eq!(cloud.flow_api(&environment), flow_api, "{name}");
            assert_eq!(cloud.flow_audience(), flow_audience, "{name}");
            assert_eq!(cloud.federation_audience(), federation_audience, "{name}");
            assert_eq!(cloud.client_id(), None, "{name}");
        }
    }

    #[test]
    fn each_cloud_is_known_by_its_environments_and_serves_their_callbacks() {
        let clouds = Clouds::embedded().unwrap();
        let expected = [
            ("public", "crm.dynamics.com", "api.powerplatform.com"),
            ("public", "crm21.dynamics.com", "api.powerplatform.com"),
            ("gcc", "crm9.dynamics.com", "api.gov.powerplatform.microsoft.us"),
            ("gcc-high", "crm.microsoftdynamics.us", "api.high.powerplatform.microsoft.us"),
            ("dod", "crm.appsplatform.us", "api.appsplatform.us"),
            ("china", "crm.dynamics.cn", "api.powerplatform.partner.microsoftonline.cn"),
        ];
        for (name, environment, platform) in expected {
            let environment = format!("https://contoso.{environment}").parse().unwrap();
            let cloud = clouds.for_environment(&environment).unwrap();
            let named = clouds.get(name).unwrap();
            assert_eq!(cloud.flow_audience(), named.flow_audience(), "{environment}");
            assert!(cloud.serves_callbacks(&format!("0f.0f.environment.{platform}")), "{name}");
            assert!(!cloud.serves_callbacks(&format!("environment.{platform}.example.com")));
        }
    }

    #[test]
    fn a_callback_leads_to_no_host_that_cannot_exist() {
        let clouds = Clouds::embedded().unwrap();
        let serves = |begin: &str| {
            let host = format!("{begin}.environment.api.powerplatform.com");
            clouds.get("public").unwrap().serves_callbacks(&host)
        };
        assert!(serves("3d5b2f8417ce4e099b6ac80d4f7e21.a6") && serves(&"a".repeat(63)));
        let long = "a.".repeat(120);
        for begin in ["", "a.", "a..b", "a;b", "a_b", "-a", "a-", &"a".repeat(64), &long] {
            assert!(!serves(begin), "{begin}");
        }
    }

    #[test]
    fn an_environment_on_this_machine_signs_in_on_its_own_port_or_a_listed_one() {
        let clouds = Clouds::embedded().unwrap();
        let environment = "http://127.0.0.1:8787".parse().unwrap();
        let trusts = |cloud: &Cloud, text: &str| {
            cloud.trusts_authority(&text.parse().unwrap(), &environment)
        };
        let sandbox = clouds.sandbox().unwrap();
        assert!(trusts(sandbox, "http://localhost:8787/contoso"));
        assert!(!trusts(sandbox, "http://127.0.0.1:8788/contoso"));
        let listed = Cloud { authorities: vec!["127.0.0.1:8788".into()], ..sandbox.clone() };
        assert!(trusts(&listed, "http://127.0.0.1:8788/contoso"));
    }

    #[test]
    fn only_a_known_authority_over_https_may_ask_for_a_sign_in() {
        let clouds = Clouds::embedded().unwrap();
        let public = clouds.get("public").unwrap();
        let environment = "https://contoso.crm4.dynamics.com".parse().unwrap();
        let trusts = |text: &str| public.trusts_authority(&text.parse().unwrap(), &environment);
        assert!(trusts("https://login.microsoftonline.com/contoso"));
        assert!(!trusts("http://login.microsoftonline.com/contoso"));
        assert!(!trusts("https://login.microsoftonline.com:8443/contoso"));
        assert!(!trusts("https://login.microsoftonline.com.example.com/contoso"));
        assert!(!trusts("http://127.0.0.1:8787/contoso"));
    }

    #[test]
    fn an_environment_has_a_host_of_its_own_made_of_its_id() {
        let clouds = Clouds::embedded().unwrap();
        let host = |cloud: &str, id: &str| {
            let url = "https://contoso.crm4.dynamics.com".parse().unwrap();
            let origin = clouds.get(cloud).unwrap().environment_api(&url, &id.parse().unwrap());
            origin.map(|origin| origin.to_string()).unwrap_or_default()
        };
        assert_eq!(
            host("public", "3D5B2F84-17ce-4e09-9b6a-c80d4f7e21a6"),
            "https://3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com/"
        );
        assert_eq!(
            host("dod", "Default-3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"),
            "https://default3d5b2f8417ce4e099b6ac80d4f7e21a.6.environment.api.appsplatform.us/"
        );
    }

    #[test]
    fn the_sandbox_has_its_services_where_its_environment_is() {
        let clouds = Clouds::embedded().unwrap();
        let environment = "http://127.0.0.1:8787".parse().unwrap();
        let cloud = clouds.for_environment(&environment).unwrap();
        assert_eq!(cloud.flow_api(&environment), "http://127.0.0.1:8787");
        assert!(
            cloud.trusts_authority(&"http://127.0.0.1:8787/contoso".parse().unwrap(), &environment)
        );
        assert!(!cloud.trusts_authority(
            &"https://login.microsoftonline.com/x".parse().unwrap(),
            &environment
        ));
        assert!(!clouds.names().contains(&"sandbox"));
    }
}
