//! The address of an environment.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::callback::is_loopback;

/// The origin of a Dataverse organisation: https, or plain http on this machine alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentUrl(Url);

/// Why a text is not the address of an environment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvironmentUrlError {
    /// The text is no absolute URL with a host.
    #[error("is not an address such as `https://contoso.crm4.dynamics.com`")]
    Malformed,
    /// The scheme is not https and the host is not this machine.
    #[error(
        "is not https: plain http is accepted only for this machine (127.0.0.1, [::1], localhost)"
    )]
    NotHttps,
    /// A user name or password stands before the host.
    #[error("contains credentials: remove them")]
    Credentials,
    /// A path follows the host.
    #[error(
        "has a path: give the address up to the host, such as `https://contoso.crm4.dynamics.com`"
    )]
    Path,
    /// A query or a fragment follows the host.
    #[error(
        "has a query or a fragment: give the address up to the host, such as `https://contoso.crm4.dynamics.com`"
    )]
    Query,
}

impl EnvironmentUrl {
    /// Returns the host, in lower case.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Returns whether the environment is on this machine, as the sandbox is.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns the port, which the scheme tells where it is not written.
    pub fn port(&self) -> Option<u16> {
        self.0.port_or_known_default()
    }

    /// Returns scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl FromStr for EnvironmentUrl {
    type Err = EnvironmentUrlError;

    fn from_str(text: &str) -> Result<Self, EnvironmentUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| EnvironmentUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(EnvironmentUrlError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EnvironmentUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EnvironmentUrlError::Query);
        }
        if url.path() != "/" {
            return Err(EnvironmentUrlError::Path);
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(EnvironmentUrlError::NotHttps);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for EnvironmentUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_an_origin() {
        let url: EnvironmentUrl = "https://Contoso.crm4.dynamics.com/".parse().unwrap();
        assert_eq!(url.to_string(), "https://contoso.crm4.dynamics.com");
    }

    #[test]
    fn what_is_more_or_less_than_an_https_origin_is_refused() {
        let refused = [
            ("contoso.crm4.dynamics.com", EnvironmentUrlError::Malformed),
            ("http://contoso.crm4.dynamics.com", EnvironmentUrlError::NotHttps),
            ("https://contoso.crm4.dynamics.com/main.aspx", EnvironmentUrlError::Path),
            ("https://contoso.crm4.dynamics.com?x=1", EnvironmentUrlError::Query),
            ("https://user:word@contoso.crm4.dynamics.com", EnvironmentUrlError::Credentials),
            ("ftp://contoso.crm4.dynamics.com", EnvironmentUrlError::Malformed),
        ];
        for (text, error) in refused {
            assert_eq!(text.parse::<EnvironmentUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        assert!("http://127.0.0.1:8787".parse::<EnvironmentUrl>().is_ok());
        assert!("http://[::1]:8787".parse::<EnvironmentUrl>().is_ok());
        assert!("http://localhost:8787".parse::<EnvironmentUrl>().is_ok());
        assert!("http://127.0.0.1.example.com".parse::<EnvironmentUrl>().is_err());
    }
}
