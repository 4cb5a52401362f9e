//! Causes of the services' documented errors in plain words: the meaning of a code, whether waiting
//! helps, and the remedy.
//!
//! Dataverse's codes are those of
//! <https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes>;
//! the Flow service's are not documented in one place. `docs/service-errors.md` is generated from
//! these tables.

use super::ServiceError;

use Waiting::{DoesNotHelp, Helps, MayHelp};

/// Errors with the same cause and the same remedy.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorCause {
    /// The service's codes for it.
    pub codes: &'static [&'static str],
    /// Words of the service's sentence, in lower case, if the code does not tell the cause.
    phrases: &'static [&'static str],
    /// The cause, as a fragment of a sentence.
    pub meaning: &'static str,
    /// Whether waiting helps.
    pub waiting: Waiting,
    /// The remedy, with the person who can carry it out.
    pub remedy: &'static str,
}

/// Whether an error passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It passes: the same request is accepted later.
    Helps,
    /// It may pass: the code does not tell.
    MayHelp,
    /// It stays until somebody changes something.
    DoesNotHelp,
}

/// Makes a cause that its codes tell.
const fn cause(
    codes: &'static [&'static str],
    waiting: Waiting,
    meaning: &'static str,
    remedy: &'static str,
) -> ErrorCause {
    ErrorCause { codes, phrases: &[], meaning, waiting, remedy }
}

impl ErrorCause {
    /// Adds words by which the cause is known from the service's sentence.
    const fn or_words(self, phrases: &'static [&'static str]) -> Self {
        Self { phrases, ..self }
    }
}

/// The privilege that the signed-in user lacks.
static PRIVILEGE: ErrorCause = cause(
    &["0x80040220", "0x80040231"],
    DoesNotHelp,
    "the signed-in user, or the application that uses Dataverse, lacks a privilege",
    "an administrator of the environment: give the signed-in user a security role that has the privilege",
);

/// Causes that a code or the service's words tell exactly.
static EXACT: &[ErrorCause] = &[
    // Passing.
    cause(
        &["0x80072321", "0x80072322", "0x80072326", "0x8005F103", "TooManyConcurrentRequests"],
        Helps,
        "the service is throttling this user: it sent more requests than are allowed at once or in five minutes",
        "wait a few minutes and run again, or lower --concurrency",
    ),
    cause(
        &["0x80071151", "0x80071154", "0x80048543"],
        Helps,
        "a solution is being imported, removed or published in this environment, which locks it",
        "wait until that is done (Solutions > See history), and run again",
    )
    .or_words(&["another [import] running", "another [publish] running", "previous [entitycustomization]"]),
    cause(
        &["0x80044151", "0x80073000", "0x80048542", "0x80044339", "0x80040255"],
        Helps,
        "the environment's database timed out or gave way to another request",
        "run again in a few minutes; if it persists, look for heavy jobs in the environment",
    )
    .or_words(&["sql timeout"]),
    cause(
        &["0x80072323", "0x80072324", "0x8004A001"],
        Helps,
        "the environment's database is too busy",
        "run again in a few minutes",
    ),
    cause(
        &["0x8004418D", "0x8004418E", "0x80072031", "0x80081116"],
        Helps,
        "the part of Dataverse that runs plug-ins is not available",
        "run again in a few minutes; if it persists, look for plug-ins of the environment that crash",
    ),
    cause(
        &["0x80044171", "0x80044172", "0x80044173", "0x80081111"],
        MayHelp,
        "a plug-in that runs when the row is read or written took too long",
        "run again; if it persists, ask the plug-in's makers",
    ),
    // Rules of the environment.
    cause(
        &["0x80040265", "0x80040224", "0x80048550"],
        DoesNotHelp,
        "a plug-in, workflow or business rule refuses to read or write the row; the sentence is its own",
        "change what the sentence names, or ask the plug-in's makers, then run again",
    ),
    cause(
        &["0x8004F026", "0x8004F027"],
        DoesNotHelp,
        "the row belongs to a managed solution that does not allow changes (a managed property)",
        "choose another target, or have the solution's maker allow customizations of this component, and import the solution again",
    )
    .or_words(&["managed property evaluation"]),
    cause(
        &["0x80072002"],
        DoesNotHelp,
        "the table requires a column that the write does not fill in",
        "give the column that the sentence names a default value, make it optional, or create the row by hand; then run again",
    )
    .or_words(&[
        "required attribute",
        "required column",
        "required field",
        "missing a required",
        "cannot be set to null",
        "should not be null",
        "value null into column",
        "' is required",
    ]),
    cause(
        &["0x80044331", "0x80073001"],
        DoesNotHelp,
        "the value is longer than the column allows",
        "a maker: raise the column's maximum length, and run again",
    ),
    cause(
        &["0x80040333"],
        DoesNotHelp,
        "a duplicate detection rule finds a row that is too similar",
        "change that row or the rule, and run again",
    ),
    cause(
        &["0x8004F085"],
        DoesNotHelp,
        "the variable is a secret, which accepts only a reference to a key vault",
        "bind a variable of type Text",
    ),
    cause(
        &["0x8006088D"],
        DoesNotHelp,
        "the table does not support optimistic concurrency, so a write could overwrite someone else's change",
        "choose a table that supports it",
    ),
    cause(
        &["0x80072325", "0x8004B057"],
        DoesNotHelp,
        "the environment's storage is full",
        "a Power Platform administrator: free or add capacity, and run again",
    ),
    cause(
        &["0x80060882", "0x80060891", "0x80040217"],
        DoesNotHelp,
        "somebody changed or removed the row after it was read",
        "check with `flowbind plan`, and run again",
    ),
    cause(
        &["0x80060892", "0x80040237", "0x80073002"],
        DoesNotHelp,
        "a row with the same key already exists",
        "check with `flowbind plan`; `flowbind explain key-taken` says more",
    ),
    cause(
        &["0x80041102", "0x80041103", "0x80060888", "0x80048D19", "0x8006088A", "0x80060883"],
        MayHelp,
        "Dataverse does not understand the request",
        "check the names of tables and columns in the manifest; if they are right, a proxy may have changed the request, or flowbind has a bug: `--log debug` shows the requests",
    ),
    // Access.
    cause(
        &["0x80042F09", "0x80042F0A"],
        DoesNotHelp,
        "the signed-in user has no security role in this environment",
        "an administrator of the environment: give the user a security role (Power Platform admin center > Manage > Environments > (the environment) > Settings > Users)",
    ),
    cause(
        &["0x80072560", "0x80040354", "0x80044507"],
        DoesNotHelp,
        "the signed-in user, or the application that uses Dataverse, is not in this environment",
        "a Power Platform administrator: add the user to the environment and its security group, or the application as an application user, with a security role",
    ),
    cause(
        &["0x80040225", "0x8004A112"],
        DoesNotHelp,
        "the signed-in user is disabled in this environment",
        "an administrator: enable the user; Dataverse disables users without a license or outside the environment's security group",
    )
    .or_words(&["disabled users cannot access", "consider enabling this user"]),
    cause(
        &["0x8004D24B", "0x80050300", "0x80050301", "0x80050302"],
        DoesNotHelp,
        "the signed-in user has no license for this environment",
        "an administrator of Microsoft 365: assign the user a license that includes Dataverse",
    ),
    cause(
        &["0x8004A104", "0x8004A107"],
        DoesNotHelp,
        "the environment is disabled",
        "a Power Platform administrator: look at its state in Power Platform admin center > Manage > Environments, and enable it",
    )
    .or_words(&["organization you are attempting to access is currently disabled", "organization is disabled"]),
    cause(
        &["0x8004A113"],
        DoesNotHelp,
        "the environment is in administration mode, which admits only administrators",
        "a Power Platform administrator: turn administration mode off (Power Platform admin center > Manage > Environments > (the environment) > Edit), or wait until the maintenance is over",
    )
    .or_words(&["administration mode", "admin only mode"]),
    cause(
        &["0x80095FFE"],
        DoesNotHelp,
        "the environment's IP firewall blocks this machine's address",
        "run from an allowed network, or a Power Platform administrator: add the address (Power Platform admin center > (the environment) > Settings > Privacy + Security > IP firewall)",
    )
    .or_words(&["access to your ip is blocked", "ip firewall"]),
    cause(
        &["0x8004F502", "0x8004F503", "0x8004F504", "0x8004F507"],
        DoesNotHelp,
        "column security hides the column from the signed-in user or does not let the user write it",
        "an administrator of the environment: add the user to a column security profile that allows reading, creating and updating the column",
    ),
    // The Flow service.
    cause(
        &["ClientScopeAuthorizationFailed"],
        DoesNotHelp,
        "the Flow API accepts only people, and only if the application has its permissions",
        "sign in with a user's account, and give the application the delegated permissions of Power Automate (User, Flows.Read.All, Flows.Manage.All)",
    ),
    cause(
        &["EnvironmentAccessDenied"],
        DoesNotHelp,
        "the Flow service denies the signed-in user access to this environment",
        "give the signed-in user a security role in the environment, or correct `environment-id`",
    ),
    cause(
        &["EnvironmentNotFound", "ServiceToServiceEnvironmentNotFound"],
        DoesNotHelp,
        "the Flow service does not find the environment in the tenant of the signed-in user",
        "check `environment-id`, and that the user signed in to the environment's own tenant",
    ),
    cause(
        &["MissingAdequateQuotaPolicy"],
        DoesNotHelp,
        "a connector of the flow needs a premium license",
        "an administrator of Microsoft 365: assign the flow's owner a Power Automate Premium license",
    ),
    cause(
        &["ConnectionAuthorizationFailed"],
        DoesNotHelp,
        "the signed-in user neither owns nor co-owns the flow",
        "share the flow with the signed-in user as a co-owner, or sign in as one of its owners",
    ),
    cause(
        &["MacroRegionDerivationFailed"],
        MayHelp,
        "the cloud's Flow API cannot find the region of this environment",
        "remove `flow-api` from the manifest, so that flowbind tries every host, and check `environment-id`",
    ),
];

/// Causes of codes that services use for many things: words of the sentence come before them.
static BROAD: &[ErrorCause] = &[
    cause(
        &["0x80048306", "0x80048370"],
        DoesNotHelp,
        "the signed-in user has access to the table, but not to this row: it belongs to someone else",
        "give the user's security role the privilege with the depth Organization, or share the row with the user",
    ),
    cause(
        &["0x80048405", "0x80040277", "0x80040256"],
        DoesNotHelp,
        "the service denies access and does not say why",
        "an administrator of the environment: check that the user is enabled there and has a security role",
    ),
    cause(
        &["0x80040203"],
        MayHelp,
        "Dataverse does not accept a value of the request; its sentence says which",
        "change what the sentence names, and run again",
    ),
    cause(
        &["0x80040216", "0x80044150", "0x8004B000"],
        MayHelp,
        "Dataverse failed internally, and does not say why",
        "run again; if it persists, give the request id to Microsoft's support",
    ),
];

/// Lists every explained cause, in the order of the documentation.
pub fn known_causes() -> impl Iterator<Item = &'static ErrorCause> {
    EXACT.iter().chain([&PRIVILEGE]).chain(BROAD)
}

impl ServiceError {
    /// Returns the cause of the error, if its code or the service's words tell it.
    pub fn cause(&self) -> Option<&'static ErrorCause> {
        let exact = || EXACT.iter().chain([&PRIVILEGE]);
        let by_code = exact().find(|cause| self.has_code(cause.codes));
        by_code
            .or_else(|| EXACT.iter().find(|cause| self.has_words(cause)))
            .or_else(|| BROAD.iter().find(|cause| self.has_code(cause.codes)))
    }

    /// Returns the privilege that the sentence names as missing, such as `prvReadWorkflow`. A user
    /// who is refused for another reason needs no privilege, whatever the sentence names.
    pub fn missing_privilege(&self) -> Option<&str> {
        if self.cause().is_some_and(|cause| *cause != PRIVILEGE && !BROAD.contains(cause)) {
            return None;
        }
        let mut words = self.message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.find(|word| word.len() > 6 && word.starts_with("prv"))
    }

    /// Returns true if the sentence has words that tell this cause. The Flow service quotes the
    /// errors of the services behind it, codes included.
    fn has_words(&self, cause: &ErrorCause) -> bool {
        let message = self.message.to_ascii_lowercase();
        let quoted = |code: &&str| !code.starts_with("0x") && self.message.contains(*code);
        cause.phrases.iter().any(|words| message.contains(words)) || cause.codes.iter().any(quoted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::Service;

    fn error(code: &str, message: &str) -> ServiceError {
        ServiceError::for_tests(Service::Dataverse, 400, code, message)
    }

    fn waiting(code: &str) -> Option<Waiting> {
        error(code, "").cause().map(|cause| cause.waiting)
    }

    #[test]
    fn every_code_is_in_one_row_and_finds_it_in_any_case() {
        let mut seen = BTreeSet::new();
        for cause in known_causes() {
            assert!(!cause.codes.is_empty(), "{}", cause.meaning);
            for code in cause.codes {
                assert!(seen.insert(code.to_ascii_lowercase()), "{code} is there twice");
                assert_eq!(error(&code.to_ascii_lowercase(), "").cause(), Some(cause), "{code}");
            }
            for words in cause.phrases {
                assert_eq!(error("", &words.to_ascii_uppercase()).cause(), Some(cause), "{words}");
            }
        }
    }

    #[test]
    fn every_row_is_plain_text_without_an_end() {
        for ErrorCause { meaning, remedy, .. } in known_causes() {
            for text in [meaning, remedy] {
                assert!(!text.ends_with('.') && !text.contains(['|', '\n']), "{text}");
            }
            assert!(meaning.starts_with(|c: char| c.is_lowercase() || c == 'D'), "{meaning}");
            assert!(!meaning.contains("security role that"), "{meaning}");
        }
    }

    #[test]
    fn waiting_helps_against_locks_time_outs_and_limits_alone() {
        let helps = ["0x80071151", "0x80044151", "0x80073000", "0x80072322", "0x8004a001"];
        for code in helps {
            assert_eq!(waiting(code), Some(Helps), "{code}");
        }
        let does_not = ["0x80040265", "0x80095ffe", "0x8004a104", "0x8004F507", "0x80040220"];
        for code in does_not {
            assert_eq!(waiting(code), Some(DoesNotHelp), "{code}");
        }
        assert_eq!(waiting("0x80040216"), Some(MayHelp));
        assert_eq!(waiting("0x80099999"), None);
        assert_eq!(waiting(""), None);
    }

    #[test]
    fn words_tell_a_cause_before_a_broad_code_and_after_an_exact_one() {
        let firewall =
            "The request you are trying to make is rejected as access to your IP is blocked.";
        let meaning = |code: &str, message: &str| error(code, message).cause().unwrap().meaning;
        assert!(meaning("0x80048405", firewall).contains("IP firewall"));
        assert!(meaning("0x80040203", "Column 'name' is required.").contains("requires a column"));
        assert!(meaning("0x80040265", "A name is required.").contains("plug-in"));
        for other in ["Value cannot be null. (Parameter 'key')", "Authentication is required."] {
            assert!(error("", other).cause().is_none(), "{other}");
        }
        let managed = "failed during managed property evaluation of condition: iscustomizable";
        assert!(meaning("", managed).contains("managed solution"));
        let quoted = r#"failed with error: '{"error":{"code":"MissingAdequateQuotaPolicy"}}'."#;
        assert!(meaning("AzureResourceManagerRequestFailed", quoted).contains("premium license"));
    }

    #[test]
    fn no_privilege_is_missing_where_the_user_is_refused_for_another_reason() {
        let message = "Principal user is missing prvReadworkflow privilege";
        assert_eq!(error("0x80040220", message).missing_privilege(), Some("prvReadworkflow"));
        assert_eq!(error("", message).missing_privilege(), Some("prvReadworkflow"));
        let disabled = "Disabled users cannot access the system: prvReadworkflow was not checked";
        assert_eq!(error("0x80040225", disabled).missing_privilege(), None);
    }
}
