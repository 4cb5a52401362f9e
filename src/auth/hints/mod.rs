//! What a failed sign-in means and what to change: the settings and commands by name.

mod codes;

use self::codes::NewSignIn;
use super::{Audience, AuthError, Step, Unfit};
use crate::api::entra::Refusal;
use crate::http::{HTTP1_REMEDY, TIME_REMEDY, TRUST_REMEDY, TransportError};

/// The name of a refusal for want of consent.
const CONSENT_REQUIRED: &str = "consent_required";

/// How an application is named, and how to register one, step by step.
const REGISTRATION: [&str; 4] = [
    "name it by `--client-id`, `FLOWBIND_CLIENT_ID` or `client-id` in the manifest; if there is none yet, register one: docs/sign-in.md tells how",
    "Entra admin center > App registrations > New registration, single tenant; for `--browser` also Authentication > Add a platform > Mobile and desktop applications, with the redirect address `http://localhost`",
    "in its Authentication: `Allow public client flows` = Yes",
    "in its API permissions, all of them delegated: Dynamics CRM `user_impersonation`; Power Automate (Microsoft Flow Service) `User`, `Flows.Read.All`, `Flows.Manage.All`; then `Grant admin consent`",
];

/// What to do when the person said no.
const DECLINED: &str = "you: run the same command again and accept what the page asks";

/// What to type when a person is needed and an earlier sign-in has ended.
const SIGN_IN_AGAIN: &str = "you: sign in again with `flowbind auth login` where a person is, and keep it for the runs by --token-store, or hand it to a pipeline by FLOWBIND_REFRESH_TOKEN";

/// What to type when a person is needed and there is no earlier sign-in.
const SIGN_IN_ONCE: &str = "you: sign in once with `flowbind auth login` where a person is, and keep it for the runs by --token-store, or hand it to a pipeline by FLOWBIND_REFRESH_TOKEN";

/// What one of Entra's numbers means, for whoever asks without having met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCode {
    /// The number that follows `AADSTS`.
    pub code: u64,
    /// What it means.
    pub meaning: &'static str,
    /// What to do, most likely first.
    pub remedies: Vec<String>,
}

/// Every number of Entra that is known, in the order of the documentation.
pub fn known_codes() -> impl Iterator<Item = KnownCode> {
    codes::ROWS.iter().flat_map(|row| {
        row.codes.iter().map(|code| KnownCode {
            code: *code,
            meaning: row.meaning,
            remedies: row.remedies().map(ToString::to_string).collect(),
        })
    })
}

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
        AuthError::Declined { refusal } => of_known(refusal).unwrap_or_else(|| one(DECLINED)),
        AuthError::CodeExpired { refusal } | AuthError::UnknownCode { refusal } => {
            of_known(refusal).unwrap_or_else(unapproved)
        }
        AuthError::Expired => unapproved(),
        AuthError::NoPort { .. } => {
            one("let the program listen on 127.0.0.1, or sign in with a device code")
        }
        AuthError::Unanswered => unanswered(),
        AuthError::Unproven { .. } => one(
            "sign in again; if it stays, check that the authority grants `openid` and what stands between here and it",
        ),
        AuthError::Refused { step, refusal } => of_refusal(*step, refusal),
        cut_short if cut_short.is_cut_short() => one(TIME_REMEDY),
        AuthError::Busy { .. } => one("run again later"),
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
        AuthError::Unfit { audience, unfit, .. } => one(&of_unfit(*audience, unfit)),
        AuthError::EndsTooSoon { .. } => one(
            "make the token shortly before the run, or name a command that makes one by --token-command",
        ),
        AuthError::Command { .. } => one(
            "run the command by hand, with the resource in the place of `{resource}`: it has to print a token, or JSON with `accessToken`",
        ),
        AuthError::Store(error) => error.hints(),
        AuthError::KeptForAnother { .. } => one(
            "somebody changed the store: remove it with `flowbind auth logout` and the same `--token-store`, and sign in again",
        ),
        AuthError::OtherPerson { .. } => one(
            "run again, and approve every sign-in with the same account; somebody else may have entered the code",
        ),
        AuthError::PersonNeeded { why } => person_needed(why.as_deref()),
        AuthError::Principal { source } => source.hints(),
    }
}

/// What to do about a token that an audience would not take.
fn of_unfit(audience: Audience, unfit: &Unfit) -> String {
    match unfit {
        Unfit::Application => "the Flow service serves people only: sign in with delegated permissions, and remove any client secret or application permission".to_owned(),
        Unfit::Expired => "make a new one: an access token lasts about an hour".to_owned(),
        Unfit::Malformed => "give the token alone, without quotes and without the word `Bearer`".to_owned(),
        Unfit::Resource { wanted, .. } => format!(
            "make it for {audience}, such as by `az account get-access-token --resource {wanted}`"
        ),
        Unfit::Tenant { wanted, .. } => {
            format!("make it in the environment's tenant, such as by `az login --tenant {wanted}`")
        }
    }
}

/// What to do when a person would have to sign in and nobody is asked: the same command would
/// only fail again, so the sign-in comes in the place of what they could do there.
fn person_needed(why: Option<&AuthError>) -> Vec<String> {
    let Some(refusal) = why.and_then(AuthError::refusal) else {
        return vec![if why.is_some() { SIGN_IN_AGAIN } else { SIGN_IN_ONCE }.to_owned()];
    };
    let mut hints = own_words(refusal);
    hints.push(SIGN_IN_AGAIN.to_owned());
    if let Some((_, row)) = codes::first(refusal) {
        let others = row.remedies.iter().filter(|remedy| !remedy.is_yours());
        hints.extend(others.map(ToString::to_string));
    }
    hints
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

/// What to do when a code was not approved.
fn unapproved() -> Vec<String> {
    [
        "you: run the same command again and approve the sign-in on the page that is named",
        "you: if that page says `You don't have access to this` or 53003, your organisation blocks sign-ins by a code: run the same command again with `--browser`",
        "an Entra administrator: or exclude this account or application from the policy that blocks it",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What to do when no browser brought an answer.
fn unanswered() -> Vec<String> {
    [
        "run again and finish the sign-in in a browser of this machine: it brings the answer to `localhost`, which is another machine for a browser at the other end of SSH",
        "if the page showed AADSTS50011 or AADSTS500113, add the redirect address `http://localhost` in the application's Authentication, under `Mobile and desktop applications`",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What a refusal means: in our words after its number if it is known, else in Entra's own.
pub(super) fn meaning(refusal: &Refusal) -> String {
    match codes::first(refusal) {
        Some((code, row)) => format!(" (AADSTS{code}): {}", row.meaning),
        None => format!(": {}", refusal.description.as_deref().unwrap_or(&refusal.error)),
    }
}

/// The number of a refusal, after a sentence that says what it means.
pub(super) fn number(refusal: &Refusal) -> String {
    refusal.codes.first().map_or_else(String::new, |code| format!(" (AADSTS{code})"))
}

/// Whether one of its numbers is known.
pub(super) fn is_known(refusal: &Refusal) -> bool {
    codes::first(refusal).is_some()
}

/// Whether a new sign-in of the person mends what a renewal was refused for.
pub(super) fn is_mended_by_sign_in(refusal: &Refusal) -> bool {
    match codes::first(refusal) {
        Some((_, row)) => row.new_sign_in == NewSignIn::Mends,
        None => refusal.error != CONSENT_REQUIRED,
    }
}

/// What to do after a refusal: by its number, else by its name. Entra's own words come first
/// where they name what ours cannot.
fn of_refusal(step: Step, refusal: &Refusal) -> Vec<String> {
    let Some((_, row)) = codes::first(refusal) else {
        let by_name = codes::NAMES.iter().filter(|(name, _)| *name == refusal.error);
        return by_name.map(|(_, remedy)| remedy.to_string()).collect();
    };
    let remedies = row.remedies_after(step).map(ToString::to_string);
    own_words(refusal).into_iter().chain(remedies).collect()
}

/// What to do after a refusal at a sign-in whose number is known.
fn of_known(refusal: &Refusal) -> Option<Vec<String>> {
    codes::first(refusal).map(|_| of_refusal(Step::SignIn, refusal))
}

/// Entra's own words, where they name what ours cannot.
fn own_words(refusal: &Refusal) -> Vec<String> {
    let names_more = codes::first(refusal).is_some_and(|(_, row)| row.entra_names_more);
    let words = refusal.words().filter(|_| names_more);
    words.map(|words| format!("Entra's own words: {words}")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: &str, code: u64, description: Option<&str>) -> AuthError {
        let description = description.map(|words| format!("AADSTS{code}: {words}"));
        let (error, codes) = (error.to_owned(), vec![code]);
        let correlation_id = Some("c-1".to_owned());
        let refusal = Refusal { error, description, codes, correlation_id, ..Refusal::default() };
        AuthError::refused(Step::Token(Audience::Flow), refusal)
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
    fn of_several_codes_the_first_that_is_known_is_told() {
        let codes = vec![1, 50076, 53003];
        let refusal = Refusal { codes, ..Refusal::default() };
        assert!(meaning(&refusal).starts_with(" (AADSTS50076): a second proof"));
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
            let after_code = AuthError::refused(Step::SignIn, refusal).hints();
            let wanted =
                "you: if you signed in by a code, run the same command again with `--browser`";
            assert_eq!(after_code[0], wanted, "{code}");
            assert!(after_code[1].starts_with("an Entra administrator: "), "{code}");
            let renewed = refused("invalid_grant", code, None).hints();
            assert!(renewed[0].contains("sign in once by `flowbind auth login --browser`"));
        }
        assert!(unapproved()[1].contains("--browser"));
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
    fn a_missing_application_is_explained_step_by_step() {
        let hints = AuthError::MissingClientId.hints();
        assert!(hints[0].starts_with("name it by `--client-id`, `FLOWBIND_CLIENT_ID`"));
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
