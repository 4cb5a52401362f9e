//! Client assertions (RFC 7523 section 2.2): a client proves itself with a JWT instead of a secret, signed with the
//! key of its certificate or issued to it by the platform that it runs on.

use http::Uri;
use serde_json::Value;

use super::super::clock::Moment;
use super::super::message::{Call, is_loopback};
use super::super::seal::{Key, decoded};
use super::super::site::Site;
use super::super::tenant::file::Application;
use super::refusal::Refusal;
use super::{Request, federation};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How much a client's clock may be ahead, in seconds.
const SKEW_SECONDS: u64 = 300;
/// The public cloud's authority, which an assertion may name under any address of the sandbox.
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

/// An assertion that was taken apart, and not believed yet.
pub(super) struct Assertion {
    /// The whole token.
    pub(super) token: String,
    header: Value,
    body: Value,
    signed: String,
    signature: Vec<u8>,
}

/// What an assertion is checked against.
pub(super) struct Checked<'a> {
    /// The fixed side of the sandbox.
    pub(super) site: &'a Site,
    /// The request.
    pub(super) call: &'a Call,
    /// The application.
    pub(super) application: &'a Application,
    /// The authority that was asked.
    pub(super) authority: &'a str,
}

impl Checked<'_> {
    /// Refuses an assertion that does not prove that the client is the application.
    pub(super) fn check(&self, request: &Request, key: &Key) -> Result<(), Refusal> {
        let kind = request.needed("client_assertion_type")?;
        if kind != TYPE {
            return Err(Refusal::assertion_type(kind));
        }
        let sent = request.needed("client_assertion")?;
        let assertion = Assertion::read(sent).ok_or_else(Refusal::malformed_assertion)?;
        if assertion.names("iss", self.application) {
            self.check_own(&assertion)
        } else {
            federation::check(self.application, &assertion, key)
        }
    }

    /// Refuses an assertion that the application's certificate does not vouch for.
    fn check_own(&self, assertion: &Assertion) -> Result<(), Refusal> {
        let client = self.application.client_id;
        let certificate = self.site.tenant.certificate(client);
        let certificate = certificate.filter(|known| known.is_named(&assertion.header));
        let algorithm = assertion.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if !certificate
            .is_some_and(|known| known.signed(algorithm, &assertion.signed, &assertion.signature))
        {
            return Err(Refusal::coded(700_027));
        }
        if !assertion.names("sub", self.application) {
            return Err(Refusal::coded(700_021));
        }
        if !assertion.texts("aud").iter().any(|audience| self.is_here(audience)) {
            return Err(Refusal::coded(700_023));
        }
        if assertion.text("jti").is_none_or(str::is_empty) {
            return Err(Refusal::malformed_assertion());
        }
        assertion.check_time(Moment::now())
    }

    /// Tells whether an audience is this token endpoint, or the authority itself, under any of its names.
    fn is_here(&self, audience: &str) -> bool {
        let Ok(uri) = audience.parse::<Uri>() else { return false };
        let parts: Vec<&str> = uri.path().split('/').skip(1).collect();
        let ([tenant, "oauth2", "v2.0", "token"] | [tenant, "v2.0"]) = parts.as_slice() else {
            return false;
        };
        let directory = &self.site.tenant.file.directory;
        let tenants = [self.authority, &directory.domain, &directory.id.to_string()];
        tenants.iter().any(|name| name.eq_ignore_ascii_case(tenant)) && self.is_host(&uri)
    }

    fn is_host(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return false;
        };
        let (origin, address) = (&self.call.origin, format!("{scheme}://{authority}"));
        let named = [origin.address(), self.site.names.authority(origin).address()];
        let port = |host: &str| host.rsplit_once(':').map(|(_, port)| port.to_owned());
        let loopback = is_loopback(authority.host())
            && origin.is_loopback()
            && scheme == origin.scheme
            && port(authority.as_str()) == port(&origin.host);
        named.contains(&address) || address == PUBLIC_AUTHORITY || loopback
    }
}

impl Assertion {
    /// Takes a JWT apart.
    fn read(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, body) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&decoded(part)?).ok();
        Some(Self {
            token: token.to_owned(),
            header: json(header)?,
            body: json(body)?,
            signed: signed.to_owned(),
            signature: decoded(signature)?,
        })
    }

    /// Returns a claim that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// Returns the texts of a claim that is one or a list.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        match self.body.get(name) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => Vec::new(),
        }
    }

    /// Refuses an assertion that has ended or has not begun.
    pub(super) fn check_time(&self, now: Moment) -> Result<(), Refusal> {
        let seconds = |name: &str| self.body.get(name).and_then(Value::as_u64);
        let ended = seconds("exp").is_none_or(|end| end <= now.seconds());
        let early = seconds("nbf").is_some_and(|begin| begin > now.seconds() + SKEW_SECONDS);
        if ended || early { Err(Refusal::coded(700_024)) } else { Ok(()) }
    }

    fn names(&self, claim: &str, application: &Application) -> bool {
        self.text(claim).is_some_and(|text| text.parse() == Ok(application.client_id))
    }
}
