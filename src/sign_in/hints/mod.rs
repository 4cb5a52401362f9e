//! Meanings of a failed sign-in, and what to do: settings and commands by name.

pub(super) mod codes;
#[cfg(test)]
mod docs_page;

use super::{Audience, AuthError, RefreshTokenOrigin, SignInStep, UnusableToken};
use crate::http::{HTTP1_REMEDY, TIME_REMEDY, TRUST_REMEDY, TransportError};
use crate::model::docs_page;
use crate::services::entra::Refusal;
use crate::sign_in::external_tokens::{AZURE_CLI, azure_cli_hints, login_command};

/// The ways to name an application, and the steps to register one.
const REGISTRATION_STEPS: [&str; 4] = [
    concat!(
        "name it with `--client-id`, `FLOWBIND_CLIENT_ID` or `client-id` in the manifest; if you have none yet, register one; see ",
        docs_page!("sign-in")
    ),
    "Entra admin center > App registrations > New registration, single tenant; for `--browser` also Authentication > Add a platform > Mobile and desktop applications, with the redirect address `http://localhost`",
    "in its Authentication: `Allow public client flows` = Yes",
    "in its API permissions, all of them delegated: Dynamics CRM `user_impersonation`; Power Automate (Microsoft Flow Service) `User`, `Flows.Read.All`, `Flows.Manage.All`; then `Grant admin consent`",
];

/// The hint after the person declined.
const DECLINED_HINT: &str =
    "you: run the same command again and accept the permissions on the page";

/// The hint for an application that is signed in to the Azure CLI.
const AZURE_APPLICATION_HINT: &str = "a service principal, which `azure/login` and `AzureCLI@2` sign in, serves Dataverse only: sign a person in with `az login`, or leave out `--sign-in az` and hand a person's sign-in to the pipeline in FLOWBIND_REFRESH_TOKEN";

/// The hint for a run that must not ask, after an earlier sign-in has ended.
const SIGN_IN_AGAIN: &str = "you: sign in again with `flowbind auth login` where a person can be asked, and keep it for later runs with --token-store, or hand it to a pipeline in FLOWBIND_REFRESH_TOKEN";

/// The hint for a run that must not ask, without an earlier sign-in.
const SIGN_IN_ONCE: &str = "you: sign in once with `flowbind auth login` where a person can be asked, and keep it for later runs with --token-store, or hand it to a pipeline in FLOWBIND_REFRESH_TOKEN";

/// One of Entra's numbers, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCode {
    /// The number that follows `AADSTS`.
    pub code: u64,
    /// The meaning.
    pub meaning: &'static str,
    /// The remedies, most likely first.
    pub remedies: Vec<String>,
}

/// Lists every explained number of Entra, in the order of the documentation.
pub fn known_codes() -> impl Iterator<Item = KnownCode> {
    codes::KNOWN_CODES.iter().flat_map(|row| {
        row.codes.iter().map(|code| KnownCode {
            code: *code,
            meaning: row.meaning,
            remedies: row.remedies(None).map(ToString::to_string).collect(),
        })
    })
}

impl AuthError {
    /// Returns what to do about the error, most likely first.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = hints_for(self);
        if let Some(id) = self.correlation_id() {
            hints.push(format!(
                "an administrator finds this attempt in Entra's sign-in log by the correlation id `{id}`"
            ));
        }
        hints
    }
}

/// Returns what to do about an error, without the place where its attempt is logged.
fn hints_for(error: &AuthError) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match error {
        AuthError::MissingClientId => REGISTRATION_STEPS.map(str::to_owned).to_vec(),
        AuthError::MalformedClientId { .. } => {
            one("take the Application (client) ID from the application's overview in Entra")
        }
        AuthError::MalformedTenant { .. } => {
            one("set `tenant` to the Directory (tenant) ID or a domain of the tenant")
        }
        AuthError::NoAuthority => one("set `cloud` in the manifest"),
        AuthError::NoChallenge { .. } => {
            one("check that the URL is that of an environment, or set `tenant` in the manifest")
        }
        AuthError::EnvironmentRefused { error } => error
            .cause()
            .map_or_else(Vec::new, |cause| [cause.meaning, cause.remedy].map(str::to_owned).into()),
        AuthError::UntrustedAuthority { known, .. } => untrusted_authority(known),
        AuthError::UntrustedPage { .. } => one(
            "do not open it: check what answers at `tenant`; of a cloud of your own, list the host under `authorities` in the file of --clouds",
        ),
        AuthError::Declined { refusal } if !codes::is_explained(refusal) => one(DECLINED_HINT),
        AuthError::CodeExpired { refusal } | AuthError::UnknownCode { refusal }
            if !codes::is_explained(refusal) =>
        {
            code_not_approved()
        }
        AuthError::Declined { refusal }
        | AuthError::CodeExpired { refusal }
        | AuthError::UnknownCode { refusal } => hints_for_refusal(SignInStep::SignIn, refusal),
        AuthError::Expired => code_not_approved(),
        AuthError::NoPort { .. } => {
            one("let the program listen on 127.0.0.1, or sign in with a device code")
        }
        AuthError::BrowserTimeout => browser_not_answered(),
        AuthError::UnprovenTokens { .. } => one(
            "sign in again; if that does not help, check that the authority grants `openid`, and check the proxies between this machine and the authority",
        ),
        AuthError::Refused { step, refusal } => hints_for_refusal(*step, refusal),
        AuthError::Busy { cut_short: Some(cut_short), .. } => {
            one(&cut_short.next_run().unwrap_or_else(|| TIME_REMEDY.to_owned()))
        }
        AuthError::Busy { wait: Some(wait), .. } => {
            one(&format!("run again in {} s", wait.as_secs_f32().ceil()))
        }
        AuthError::Busy { .. } => one("run again later"),
        AuthError::Transport { source } if source.time_remedy().is_some() => {
            source.time_remedy().into_iter().collect()
        }
        AuthError::Transport { source: TransportError::Untrusted { .. } } => one(TRUST_REMEDY),
        AuthError::Transport { source } if source.is_of_http2() => {
            vec!["run again".to_owned(), HTTP1_REMEDY.to_owned()]
        }
        AuthError::Unreadable { .. } | AuthError::Transport { .. } => one(
            "check the network between here and the service: name resolution, proxy (`HTTPS_PROXY`), certificates",
        ),
        AuthError::NoRefreshToken { .. } => {
            one("the authority must grant the scope `offline_access` to the application")
        }
        AuthError::UnusableToken { origin: Some(origin), reason, .. }
            if origin == AZURE_CLI && *reason == UnusableToken::Application =>
        {
            one(AZURE_APPLICATION_HINT)
        }
        AuthError::UnusableToken { audience, reason, .. } => {
            one(&hint_for_unusable_token(*audience, reason))
        }
        AuthError::ExpiresTooSoon { .. } => one(
            "make the token just before the run, or name a command that makes one with --token-command",
        ),
        AuthError::Command { azure_tenant: Some(tenant), source, .. } => {
            azure_cli_hints(tenant, source)
        }
        AuthError::Command { .. } => one(
            "run the command by hand, with the resource in place of `{resource}`: it must print a token, or JSON with `accessToken`",
        ),
        AuthError::Store(error) => error.hints(),
        AuthError::KeptForAnother { .. } => one(
            "somebody changed the store: remove it with `flowbind auth logout` and the same `--token-store`, and sign in again",
        ),
        AuthError::OtherPerson { .. } => one(
            "run again, and approve every sign-in with the same account; somebody else may have entered the code",
        ),
        AuthError::PersonNeeded { why } => person_needed(why.as_deref()),
        AuthError::SignInEnded { origin, why } => sign_in_ended(origin, why),
        AuthError::Challenged { .. } => challenged(),
        AuthError::Principal { source } => source.hints(),
    }
}

/// Returns what to do about a token that an audience would not accept.
fn hint_for_unusable_token(audience: Audience, reason: &UnusableToken) -> String {
    match reason {
        UnusableToken::Application => "the Flow service serves people only: sign in with delegated permissions, and remove any client secret or application permission".to_owned(),
        UnusableToken::Expired => "make a new token: an access token lasts about an hour".to_owned(),
        UnusableToken::Malformed => "give the token alone, without quotes and without the word `Bearer`".to_owned(),
        UnusableToken::Resource { wanted, .. } => format!(
            "make the token for {audience}, such as with `az account get-access-token --resource {wanted}`"
        ),
        UnusableToken::Tenant { wanted, .. } => {
            format!("make the token in the environment's tenant, such as after `{}`", login_command(wanted))
        }
    }
}

/// Returns what to do if a person has to sign in and the run must not ask: the same command would
/// fail again, so the hint is to sign in elsewhere first.
fn person_needed(why: Option<&AuthError>) -> Vec<String> {
    let Some(refusal) = why.and_then(AuthError::refusal) else {
        return vec![if why.is_some() { SIGN_IN_AGAIN } else { SIGN_IN_ONCE }.to_owned()];
    };
    let mut hints: Vec<String> = entras_own_words(refusal).into_iter().collect();
    hints.push(SIGN_IN_AGAIN.to_owned());
    if let Some((_, row)) = codes::first_known(refusal) {
        let others = row.remedies.iter().filter(|remedy| !remedy.is_yours());
        hints.extend(others.map(ToString::to_string));
    }
    hints
}

/// Returns what to do if a sign-in that was handed in or kept is no longer valid: how to renew it
/// comes first.
fn sign_in_ended(origin: &RefreshTokenOrigin, why: &AuthError) -> Vec<String> {
    let rest = person_needed(Some(why)).into_iter().filter(|hint| hint != SIGN_IN_AGAIN);
    std::iter::once(format!("you: {}", origin.renewal)).chain(rest).collect()
}

/// Returns what to do if a service asks for a new sign-in, and the token was made elsewhere.
fn challenged() -> Vec<String> {
    [
        "you: sign in again where the token was made (such as `az logout`, then `az login`), make a new token, and run the same command again",
        "an Entra administrator: the account was disabled, its sessions were revoked, its password changed, or a policy allows other networks only: Entra admin center > Monitoring & health > Sign-in logs tells which",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Returns what to do if the environment names an unlisted authority.
fn untrusted_authority(known: &[String]) -> Vec<String> {
    let mut hints = vec!["nothing was sent there: check the environment's URL".to_owned()];
    if !known.is_empty() {
        let known = known.join("`, `");
        hints.push(format!(
            "its cloud signs in at `{known}`; if the environment belongs to another cloud, set `cloud` in the manifest"
        ));
    }
    hints
}

/// Returns what to do if a code was not approved.
fn code_not_approved() -> Vec<String> {
    [
        "you: run the same command again and approve the sign-in on the page that is named",
        "you: if that page says `You don't have access to this` or 53003, your organisation blocks sign-ins by a code: run the same command again with `--browser`",
        "an Entra administrator: or exclude this account or application from the policy that blocks it",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Returns what to do if no browser brought an answer.
fn browser_not_answered() -> Vec<String> {
    [
        "run again and finish the sign-in in a browser on this machine: over SSH, `localhost` in your own browser is another machine",
        "if the page showed AADSTS50011 or AADSTS500113, add the redirect address `http://localhost` in the application's Authentication, under `Mobile and desktop applications`",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Returns what to do after a refusal: by its number, else by its name. Entra's own words come
/// first if they name an account, an id or an address.
fn hints_for_refusal(step: SignInStep, refusal: &Refusal) -> Vec<String> {
    let Some((_, row)) = codes::first_known(refusal) else {
        let by_name = codes::KNOWN_NAMES.iter().filter(|(name, _)| *name == refusal.error);
        return by_name.map(|(_, remedy)| remedy.to_string()).collect();
    };
    let remedies = row.remedies(Some(step)).map(ToString::to_string);
    entras_own_words(refusal).into_iter().chain(remedies).collect()
}

/// Returns Entra's own words if they name an account, an id or an address.
fn entras_own_words(refusal: &Refusal) -> Option<String> {
    let (_, row) = codes::first_known(refusal)?;
    if !row.entra_names_more {
        return None;
    }
    Some(format!("Entra's own words: {}", refusal.words()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: &str, code: u64, description: Option<&str>) -> AuthError {
        let description = description.map(|words| format!("AADSTS{code}: {words}"));
        let (error, codes) = (error.to_owned(), vec![code]);
        let correlation_id = Some("c-1".to_owned());
        let refusal = Refusal { error, description, codes, correlation_id, ..Refusal::default() };
        AuthError::from_refusal(SignInStep::Token(Audience::Flow), refusal)
    }

    #[test]
    fn the_codes_that_people_meet_name_the_setting_to_change() {
        let cases = [
            (
                7_000_218,
                "an Entra administrator: Entra admin center > App registrations > (the application) > Authentication > Allow public client flows: Yes",
            ),
            (700_016, "compare `client-id` and `tenant`"),
            (65001, "API permissions > Grant admin consent"),
            (650_057, "Flows.Manage.All"),
            (53003, "flowbind auth login --browser"),
            (50059, "`tenant`"),
            (90002, "`tenant`"),
            (500_011, "environment's URL"),
            (50076, "complete the second proof"),
            (50105, "Assignment required: No"),
            (50173, "you: run the same command again and sign in again"),
            (9_002_327, "`Mobile and desktop applications`"),
            (500_212, "an Entra administrator of the account's own organisation: "),
            (500_213, "Inbound access"),
            (500_014, "Enterprise applications"),
            (90099, "adminconsent"),
            (50158, "you: run the same command again, sign in"),
            (500_121, "complete the second proof"),
            (7_000_215, "the variable that `client-secret-variable` names"),
            (700_213, "Federated credentials"),
        ];
        for (code, setting) in cases {
            let hints = refused("invalid_grant", code, None).hints();
            assert!(hints[0].contains(setting), "{code}: {hints:?}");
        }
    }

    #[test]
    fn a_known_code_is_told_in_plain_words_and_then_what_to_do() {
        let error = refused("invalid_grant", 53003, Some("Access has been blocked."));
        let text = error.to_string();
        let start = "Entra refused a token for the Flow service (AADSTS53003): a rule of your";
        assert!(text.starts_with(start), "{text}");
        let hints = error.hints();
        assert_eq!(hints.len(), 3, "{hints:?}");
        assert!(hints[0].starts_with("you: "), "{hints:?}");
        assert!(hints[1].starts_with("an Entra administrator: "), "{hints:?}");
        assert!(hints[1].contains("Conditional Access > Policies"), "{hints:?}");
        assert!(hints[2].contains("`c-1`"), "{hints:?}");
    }

    #[test]
    fn entras_own_words_are_told_where_they_name_more() {
        let words = "Application with identifier 'app-1' was not found in the directory 'Contoso'.";
        let error = refused("unauthorized_client", 700_016, Some(words));
        assert!(!error.to_string().contains("app-1"));
        let hints = error.hints();
        assert_eq!(hints[0], format!("Entra's own words: {words}"));
        assert!(hints[1].starts_with("you: ask an Entra administrator"), "{hints:?}");
        assert!(hints[1].contains("compare `client-id`"), "{hints:?}");
        assert!(hints[1].contains("[environments.NAME.dataverse-identity]"), "{hints:?}");
        assert!(hints[2].contains("`c-1`"), "{hints:?}");
    }

    #[test]
    fn a_disabled_service_is_named_in_entras_words() {
        let words = "The service principal for resource 'https://contoso.example/' is disabled.";
        let hints = refused("invalid_resource", 500_014, Some(words)).hints();
        assert_eq!(hints[0], format!("Entra's own words: {words}"));
    }

    #[test]
    fn a_redirect_that_is_registered_for_the_web_is_told_after_the_missing_switch() {
        let hints = refused("invalid_client", 7_000_218, None).hints();
        assert!(hints[1].contains("from `Web` to `Mobile and desktop"), "{hints:?}");
    }

    #[test]
    fn of_several_codes_the_first_that_is_known_is_told() {
        let codes = vec![1, 50076, 53003];
        let refusal = Refusal { codes, ..Refusal::default() };
        assert!(codes::refusal_meaning(&refusal).starts_with(" (AADSTS50076): a second proof"));
    }

    #[test]
    fn an_unknown_code_is_told_in_entras_words_and_falls_back_to_the_name() {
        let error = refused("invalid_client", 1, Some("Something new."));
        assert_eq!(
            error.to_string(),
            "Entra refused a token for the Flow service: AADSTS1: Something new."
        );
        assert!(error.hints()[0].contains("Allow public client flows: Yes"));
        assert_eq!(refused("unheard_of", 1, None).hints().len(), 1);
    }

    #[test]
    fn a_browser_is_offered_after_a_code_and_after_an_earlier_sign_in_that_is_blocked() {
        for code in [50005, 50097, 50129, 50187, 53000, 53001, 53002, 53003] {
            let refusal = Refusal { codes: vec![code], ..Refusal::default() };
            let after_code = AuthError::from_refusal(SignInStep::SignIn, refusal).hints();
            let wanted = "you: if you signed in with a device code, run the same command again with `--browser`";
            assert_eq!(after_code[0], wanted, "{code}");
            assert!(after_code[1].starts_with("an Entra administrator: "), "{code}");
            let renewed = refused("invalid_grant", code, None).hints();
            assert!(renewed[0].contains("sign in once with `flowbind auth login --browser`"));
        }
        assert!(code_not_approved()[1].contains("--browser"));
    }

    #[test]
    fn nobody_is_told_to_run_again_what_asks_nobody() {
        let needed = |why: Option<AuthError>| {
            AuthError::PersonNeeded { why: why.map(Box::new) }.hints().join("\n")
        };
        assert!(needed(None).starts_with("you: sign in once with `flowbind auth login`"));
        for code in [50173, 50076, 70043, 700_084, 1] {
            let hints = needed(Some(refused("invalid_grant", code, None)));
            assert!(hints.contains("you: sign in again with `flowbind auth login`"), "{hints}");
            assert!(!hints.contains("run the same command again"), "{hints}");
        }
        let frequency = needed(Some(refused("invalid_grant", 70043, None)));
        assert!(frequency.contains("Sign-in frequency"), "{frequency}");
    }

    #[test]
    fn a_sign_in_that_ended_is_told_by_its_secret_and_how_to_renew_it() {
        let origin = RefreshTokenOrigin {
            name: "FLOWBIND_REFRESH_TOKEN".to_owned(),
            renewal: "run `flowbind auth login --export`".to_owned(),
        };
        let needed = |code| {
            let why = Some(Box::new(refused("invalid_grant", code, None)));
            AuthError::PersonNeeded { why }.with_origin(Some(&origin))
        };
        let error = needed(700_082);
        let start = "the sign-in in FLOWBIND_REFRESH_TOKEN is no longer valid, and";
        assert!(error.to_string().starts_with(start), "{error}");
        let hints = error.hints();
        assert_eq!(hints[0], "you: run `flowbind auth login --export`");
        assert!(!hints.contains(&SIGN_IN_AGAIN.to_owned()), "{hints:?}");
        assert!(hints.last().unwrap().contains("`c-1`"), "{hints:?}");
        assert!(needed(70043).hints().join(" ").contains("Sign-in frequency"));
        let without = AuthError::PersonNeeded { why: None }.with_origin(Some(&origin));
        assert!(matches!(without, AuthError::PersonNeeded { why: None }));
    }

    #[test]
    fn a_missing_application_is_explained_step_by_step() {
        let hints = AuthError::MissingClientId.hints();
        assert!(hints[0].starts_with("name it with `--client-id`, `FLOWBIND_CLIENT_ID`"));
        let text = hints.join("\n");
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
