//! What to change when a sign-in fails: the settings and commands by name.
//!
//! Entra's numbers are no contract, so they choose a hint and decide nothing. Their meanings are
//! those of <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

use super::AuthError;
use crate::api::entra::Refusal;
use crate::http::{TRUST_REMEDY, TransportError};

/// How to register an application of one's own, step by step.
const REGISTRATION: [&str; 4] = [
    "register an application: Entra admin center > App registrations > New registration, single tenant, no redirect address",
    "in its Authentication: `Allow public client flows` = Yes",
    "in its API permissions, all of them delegated: Dynamics CRM `user_impersonation`; Power Automate (Microsoft Flow Service) `User`, `Flows.Read.All`, `Flows.Manage.All`; then `Grant admin consent`",
    "then name its Application (client) ID by `--client-id`, `FLOWBIND_CLIENT_ID` or `client-id` in the manifest",
];

/// What to change, by the numbers that ask for it.
const BY_CODE: [(&[u64], &str); 21] = [
    (
        &[7_000_218],
        "the application is no public client: in its Authentication set `Allow public client flows` to Yes",
    ),
    (
        &[700_016, 700_011, 7_000_112, 70001],
        "the tenant has no such application, or it is disabled: check `client-id` and `tenant`, and that the application is registered in this cloud",
    ),
    (
        &[65001, 90094, 90095],
        "nobody has consented for this application: in its API permissions choose `Grant admin consent`, for Dynamics CRM and for Power Automate (Microsoft Flow Service)",
    ),
    (
        &[65004],
        "the person declined the consent: sign in again and accept it, or have an administrator choose `Grant admin consent`",
    ),
    (
        &[65005, 650_056, 650_057],
        "the application lacks a permission: add the delegated permissions Dynamics CRM `user_impersonation` and Power Automate (Microsoft Flow Service) `User`, `Flows.Read.All`, `Flows.Manage.All`",
    ),
    (
        &[650_051],
        "permissions were granted that the application does not ask for: remove them, or register an application for flowbind alone",
    ),
    (
        &[65002],
        "this application of Microsoft's may not sign in here: register one of your own and name it by `--client-id`",
    ),
    (
        &[50105],
        "the application is open to assigned people only: assign the person under Enterprise applications > Users and groups, or set `Assignment required` to No",
    ),
    (
        &[53003],
        "a Conditional Access policy blocks this sign-in, often the one that blocks the device code flow: have an administrator read it in the sign-in log and exclude this account or application",
    ),
    (
        &[530_032, 530_034, 530_035],
        "a security policy of the tenant blocks this sign-in: ask its administrator",
    ),
    (
        &[50005, 50097, 50129, 50187, 53000, 53001, 53002, 530_084],
        "a Conditional Access policy wants a managed device, which the device code flow cannot prove: have an administrator exclude this account or application",
    ),
    (
        &[50072, 50074, 50076, 50078, 50079],
        "multifactor authentication is wanted: sign in again and complete it",
    ),
    (
        &[90002, 50059, 50194, 90038, 9_001_023],
        "the tenant is missing, unknown here or of another cloud: set `tenant` in the manifest to its GUID or domain, and check `cloud`",
    ),
    (
        &[500_011, 650_052],
        "the tenant does not know the environment or the service: check the environment's URL and `tenant`, and that the person's tenant is the environment's",
    ),
    (
        &[16000, 16003, 50020, 50034, 51004, 90072],
        "the account is not in the environment's tenant: sign in with one that is, or invite it as a guest",
    ),
    (
        &[50173, 700_082, 70008, 70043, 50089, 50132, 50133, 70000],
        "the earlier sign-in has ended: sign in again",
    ),
    (&[50053, 53004, 53011], "the account is locked or at risk: ask the tenant's administrator"),
    (&[50055, 50144], "the password has expired: change it, then sign in again"),
    (&[50057], "the account is disabled: ask the tenant's administrator"),
    (
        &[70011, 28000, 700_022],
        "the address asked for is no resource of the tenant: check the environment's URL and `cloud`",
    ),
    (
        &[700_025, 9_002_313],
        "Entra did not understand the request: check `client-id`, and sign in again",
    ),
];

/// What to change, by the error's name, where no number tells more.
const BY_NAME: [(&str, &str); 7] = [
    (
        "invalid_client",
        "set `Allow public client flows` to Yes in the application's Authentication",
    ),
    (
        "unauthorized_client",
        "check `client-id` and `tenant`, and that the application allows public client flows",
    ),
    ("invalid_grant", "the earlier sign-in does not serve: sign in again"),
    ("interaction_required", "Entra wants the person: sign in again"),
    ("consent_required", "in the application's API permissions choose `Grant admin consent`"),
    ("invalid_resource", "check the environment's URL, `tenant` and `cloud`"),
    ("invalid_scope", "check the environment's URL and `cloud`"),
];

/// What to do about an error.
pub(super) fn of(error: &AuthError) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match error {
        AuthError::MissingClientId => REGISTRATION.map(str::to_owned).to_vec(),
        AuthError::MalformedClientId { .. } => {
            one("take the Application (client) ID from the application's overview in Entra")
        }
        AuthError::MalformedTenant { .. } => {
            one("set `tenant` to the Directory (tenant) ID or a domain of the tenant")
        }
        AuthError::NoAuthority => one("name the cloud by `cloud` in the manifest"),
        AuthError::NoChallenge { .. } => {
            one("check that the URL is that of an environment, or set `tenant` in the manifest")
        }
        AuthError::UntrustedAuthority { known, .. } => untrusted_authority(known),
        AuthError::UntrustedPage { .. } => one("do not open it: check what answers at `tenant`"),
        AuthError::Declined { .. } | AuthError::Expired | AuthError::UnknownCode { .. } => {
            unapproved()
        }
        AuthError::Refused { refusal, .. } => of_refusal(refusal),
        AuthError::Busy { .. } => one("run again later: nothing was written"),
        AuthError::Transport { source: TransportError::Untrusted { .. } } => one(TRUST_REMEDY),
        AuthError::Unreadable { .. } | AuthError::Transport { .. } => one(
            "check the network between here and the service: name resolution, proxy (`HTTPS_PROXY`), certificates",
        ),
        AuthError::NoRefreshToken { .. } => {
            one("the authority must grant the scope `offline_access` to the application")
        }
        AuthError::AppOnly { .. } => one(
            "the Flow service serves people only: sign in with delegated permissions, and remove any client secret or application permission",
        ),
        AuthError::Principal { source } => source.hints(),
    }
}

/// What to do when the environment names a strange authority.
fn untrusted_authority(known: &[String]) -> Vec<String> {
    let mut hints = vec!["nothing was sent there: check the environment's URL".to_owned()];
    if !known.is_empty() {
        let known = known.join("`, `");
        hints.push(format!(
            "its cloud signs in at `{known}`; if it belongs to another cloud, set `cloud` in the manifest"
        ));
    }
    hints
}

/// What to do when a person did not approve.
fn unapproved() -> Vec<String> {
    [
        "run again and approve the sign-in on the page that is named",
        "if that page says `You don't have access to this` or 53003, the tenant blocks the device code flow: have an administrator exclude this account or application",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What to change after a refusal: by its numbers, else by its name.
fn of_refusal(refusal: &Refusal) -> Vec<String> {
    let asked = |codes: &[u64]| codes.iter().any(|code| refusal.codes.contains(code));
    let by_code = BY_CODE.iter().filter(|(codes, _)| asked(codes));
    let hints: Vec<String> = by_code.map(|(_, hint)| (*hint).to_owned()).collect();
    if !hints.is_empty() {
        return hints;
    }
    let by_name = BY_NAME.iter().filter(|(name, _)| *name == refusal.error);
    by_name.map(|(_, hint)| (*hint).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Step;

    fn hints(error: &str, code: u64) -> Vec<String> {
        let refusal = Refusal { error: error.to_owned(), codes: vec![code], ..Refusal::default() };
        AuthError::refused(Step::SignIn, refusal).hints()
    }

    #[test]
    fn the_codes_that_people_meet_name_the_setting_to_change() {
        let cases = [
            (7_000_218, "Allow public client flows"),
            (700_016, "`client-id` and `tenant`"),
            (65001, "Grant admin consent"),
            (650_057, "Flows.Manage.All"),
            (53003, "Conditional Access"),
            (50059, "`tenant`"),
            (90002, "`tenant`"),
            (500_011, "environment's URL"),
            (50076, "multifactor"),
            (50105, "Assignment required"),
            (50173, "sign in again"),
        ];
        for (code, setting) in cases {
            let hints = hints("invalid_grant", code);
            assert_eq!(hints.len(), 1, "{code}");
            assert!(hints[0].contains(setting), "{code}: {hints:?}");
        }
    }

    #[test]
    fn no_code_is_in_two_rows() {
        let mut codes: Vec<_> = BY_CODE.iter().flat_map(|(codes, _)| *codes).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn an_unknown_code_falls_back_to_the_name() {
        assert!(hints("invalid_client", 1)[0].contains("public client flows"));
        assert!(hints("unheard_of", 1).is_empty());
    }

    #[test]
    fn a_missing_application_is_explained_step_by_step() {
        let text = AuthError::MissingClientId.hints().join("\n");
        for part in [
            "App registrations",
            "single tenant",
            "Allow public client flows",
            "user_impersonation",
            "Flows.Read.All",
            "--client-id",
            "FLOWBIND_CLIENT_ID",
            "`client-id`",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}
