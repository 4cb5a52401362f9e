//! Entra's numbers in plain words: the meaning of each, who can fix the cause, and where.
//!
//! Entra may change the numbers, so they choose words and decide nothing. Their meanings are those
//! of <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.
//! `docs/sign-in-errors.md` is generated from these tables.

use std::fmt;

use crate::services::entra::Refusal;
use crate::sign_in::SignInStep;

use Actor::{EntraAdministrator, HomeAdministrator, PowerPlatformAdministrator, You};

/// The name of a refusal for missing consent.
const CONSENT_REQUIRED: &str = "consent_required";

/// Numbers with the same meaning and the same remedies.
pub(super) struct CodeRow {
    /// The numbers that follow `AADSTS`.
    pub(super) codes: &'static [u64],
    /// The meaning, for a reader who does not know Entra.
    pub(super) meaning: &'static str,
    /// The remedies, most likely first.
    pub(super) remedies: &'static [Remedy],
    /// True if Entra's own words name an account, an id or an address.
    pub(super) entra_names_more: bool,
    /// The effect of a new sign-in of the person.
    pub(super) new_sign_in: NewSignInEffect,
}

/// The effect of a new sign-in of the person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NewSignInEffect {
    /// It would be refused too.
    Refused,
    /// It fixes the cause.
    Fixes,
    /// It may help if it is made in a browser, and not with a device code.
    MayFixInBrowser,
}

/// An instruction for the person who can carry it out.
pub(super) struct Remedy(Actor, &'static str);

/// A person who can carry out a remedy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Actor {
    /// The person who runs the program.
    You,
    /// An administrator of the tenant in Entra.
    EntraAdministrator,
    /// An administrator of the tenant that the account belongs to, if that is another.
    HomeAdministrator,
    /// An administrator of the environments.
    PowerPlatformAdministrator,
}

/// Makes a row to which Entra's own words add nothing.
const fn row(codes: &'static [u64], meaning: &'static str, remedies: &'static [Remedy]) -> CodeRow {
    let new_sign_in = NewSignInEffect::Refused;
    CodeRow { codes, meaning, remedies, entra_names_more: false, new_sign_in }
}

/// Makes a row to which Entra's own words add an account, an id or an address.
const fn row_quoting_entra(
    codes: &'static [u64],
    meaning: &'static str,
    remedies: &'static [Remedy],
) -> CodeRow {
    CodeRow { entra_names_more: true, ..row(codes, meaning, remedies) }
}

/// The remedies where a sign-in in a browser may work: after a device code, and after an earlier
/// sign-in.
static BROWSER_REMEDIES: [Remedy; 2] = [
    Remedy(You, "if you signed in with a device code, run the same command again with `--browser`"),
    Remedy(
        You,
        "if an earlier sign-in was used, sign in once with `flowbind auth login --browser`; a sign-in with a device code may stay blocked",
    ),
];

/// Every explained number, in the order of the documentation.
pub(super) static KNOWN_CODES: &[CodeRow] = &[
    // The application.
    row(
        &[7_000_218],
        "Entra expects a client secret because the application is registered as a web application, but a command-line program has none",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Authentication > Allow public client flows: Yes; then run the same command again",
        ), Remedy(
            EntraAdministrator,
            "and for a sign-in in a browser, in the same place: move the redirect address `http://localhost` from `Web` to `Mobile and desktop applications`",
        )],
    ),
    row(
        &[9_002_327],
        "the redirect address is registered for a single-page application, whose codes only a page in a browser may redeem",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Authentication: move the redirect address `http://localhost` from `Single-page application` to `Mobile and desktop applications`; then run the same command again",
        )],
    ),
    row(
        &[700_025],
        "a client secret or certificate was sent, but the application is registered as a public client, which has none",
        &[Remedy(
            You,
            "remove the secret or certificate, or name another application with `--client-id`; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[700_016, 700_011],
        "the tenant (the directory of your organisation in Entra) has no application with this id",
        &[Remedy(
            You,
            "ask an Entra administrator for the application's `Application (client) ID` and `Directory (tenant) ID`, compare `client-id` and `tenant` with them (for an application that signs in by itself, those of `[environments.NAME.dataverse-identity]`), and `cloud` with the cloud it is registered in; then run the same command again",
        )],
    ),
    row(
        &[70001, 7_000_112],
        "the application is disabled in this tenant (the directory of your organisation in Entra)",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > Enterprise applications > (the application) > Properties > Enabled for users to sign-in: Yes; then run the same command again",
        )],
    ),
    row(
        &[65002],
        "this application belongs to Microsoft and may not ask for this service on your behalf",
        &[
            Remedy(
                EntraAdministrator,
                "register an application of your own: Entra admin center > App registrations > New registration",
            ),
            Remedy(You, "run again with `--client-id` and its Application (client) ID"),
        ],
    ),
    row_quoting_entra(
        &[500_014],
        "the service that a token was asked for is disabled in this tenant (the directory of your organisation in Entra), or its subscription has ended",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > Enterprise applications > (the service that Entra names: Dataverse or Microsoft Flow Service; clear the filter `Application type`) > Properties > Enabled for users to sign-in: Yes; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[90099],
        "this customer's tenant has not allowed the application yet, so a partner's administrator cannot use it there",
        &[Remedy(
            EntraAdministrator,
            "as an administrator of the customer's own tenant: Entra admin center > Enterprise applications > (the application) > Permissions > Grant admin consent; if it is not in the list, open https://login.microsoftonline.com/TENANT/adminconsent?client_id=APPLICATION; then run the same command again",
        )],
    ),
    // What the application may do.
    row_quoting_entra(
        &[65001, 90094, 90095],
        "nobody has allowed the application to act for people in this tenant",
        &[
            Remedy(
                EntraAdministrator,
                "Entra admin center > App registrations > (the application) > API permissions > Grant admin consent, for Dynamics CRM and for Power Automate (Microsoft Flow Service); then run the same command again",
            ),
            Remedy(
                You,
                "or run `flowbind auth login` and accept the permissions on the page, if the page offers that",
            ),
        ],
    ),
    row(
        &[65004, 70017],
        "the person who signed in did not allow the application to act for them",
        &[
            Remedy(You, "run the same command again and accept the permissions on the page"),
            Remedy(
                EntraAdministrator,
                "or allow it for everybody: Entra admin center > App registrations > (the application) > API permissions > Grant admin consent",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row_quoting_entra(
        &[65005, 650_056, 650_057],
        "the application's registration does not list the permission for the service it asked for",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > API permissions > Add a permission > Delegated permissions: Dynamics CRM `user_impersonation`; Power Automate (Microsoft Flow Service) `User`, `Flows.Read.All`, `Flows.Manage.All`; then Grant admin consent, then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[650_051],
        "the application has permissions that its registration does not list",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > API permissions > Other permissions granted: remove them, add them to the list above, or register an application only for flowbind; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[50105],
        "only people who are assigned to the application may use it, and this account is not",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > Enterprise applications > (the application) > Users and groups > Add user, or there > Properties > Assignment required: No; then run the same command again",
        )],
    ),
    // The rules of the tenant.
    row(
        &[53003],
        "a rule of your organisation (a Conditional Access policy) blocks this sign-in",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > Monitoring & health > Sign-in logs > (this attempt) > Conditional Access names the policy (it may be Microsoft's own `Block device code flow`, which turns itself on unless an administrator sets it to Off); exclude this account or application from it in Entra admin center > Conditional Access > Policies > (the policy) > Users > Exclude; then run the same command again",
        )],
    )
    .may_be_fixed_in_browser(),
    row(
        &[50005],
        "a rule of your organisation (a Conditional Access policy) allows only certain operating systems, and a device code sign-in does not name one",
        &[Remedy(
            EntraAdministrator,
            "exclude this account or application from the policy: Entra admin center > Conditional Access > Policies > (the policy) > Conditions > Device platforms; then run the same command again",
        )],
    )
    .may_be_fixed_in_browser(),
    row(
        &[50097, 50129, 50187, 53000, 53001],
        "a rule of your organisation (a Conditional Access policy) allows only devices that it manages, and this sign-in did not prove that it comes from one",
        &[Remedy(
            EntraAdministrator,
            "exclude this account or application from the policy that asks for a device: Entra admin center > Conditional Access > Policies > (the policy) > Grant; then run the same command again",
        )],
    )
    .may_be_fixed_in_browser(),
    row(
        &[53009],
        "a rule of your organisation (a Conditional Access policy) allows only apps that Intune protects, which a command-line program is not",
        &[Remedy(
            EntraAdministrator,
            "exclude this account or application from the policy: Entra admin center > Conditional Access > Policies > (the policy) > Grant > Require app protection policy; then run the same command again",
        )],
    ),
    row(
        &[53002],
        "a rule of your organisation (a Conditional Access policy) allows only the apps on its list",
        &[Remedy(
            EntraAdministrator,
            "exclude this account or application from the policy: Entra admin center > Conditional Access > Policies > (the policy) > Grant; then run the same command again",
        )],
    )
    .may_be_fixed_in_browser(),
    row(
        &[530_084],
        "a rule of your organisation (a Conditional Access policy) allows only sign-ins that are bound to one device (token protection), which flowbind does not support",
        &[Remedy(
            EntraAdministrator,
            "exclude this account or application from the policy: Entra admin center > Conditional Access > Policies > (the policy) > Session > Require token protection; then run the same command again",
        )],
    ),
    row(
        &[530_035],
        "the basic protection of your organisation (security defaults) rates this sign-in as unsafe",
        &[Remedy(
            EntraAdministrator,
            "look at this attempt in Entra admin center > Monitoring & health > Sign-in logs; the switch is Entra admin center > Overview > Properties > Manage security defaults; then run the same command again",
        )],
    ),
    row(
        &[530_032],
        "a security rule of the organisation blocks this sign-in",
        &[Remedy(
            EntraAdministrator,
            "look at this attempt in Entra admin center > Monitoring & health > Sign-in logs, which names the reason; then run the same command again",
        )],
    ),
    row(
        &[530_034],
        "the account belongs to a partner that administers this organisation, and is blocked after suspicious activity",
        &[Remedy(
            HomeAdministrator,
            "Entra admin center > ID Protection > Risky users > (the account): look into it, then dismiss the risk or have the password changed; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[50074, 50076, 50078],
        "a second proof of who you are is required (multifactor authentication), such as a number in an app on your phone",
        &[Remedy(You, "run the same command again, sign in, and complete the second proof")],
    )
    .fixed_by_sign_in(),
    row(
        &[500_121],
        "the second proof of who you are (multifactor authentication) was declined, or was not given in time",
        &[
            Remedy(You, "run the same command again, sign in, and complete the second proof"),
            Remedy(
                EntraAdministrator,
                "if it fails again, the reason is in Entra admin center > Monitoring & health > Sign-in logs > (this attempt) > Authentication details",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row(
        &[50158],
        "your organisation asks for one more step outside of Entra, such as another provider's second proof or terms of use to accept",
        &[Remedy(
            You,
            "run the same command again, sign in, and complete every page that follows; with a device code, those pages are in the browser too",
        )],
    )
    .fixed_by_sign_in(),
    row(
        &[50072, 50079],
        "you have to set up a second proof of who you are first (multifactor authentication)",
        &[Remedy(
            You,
            "add a sign-in method on the page Security info of your account, such as https://mysignins.microsoft.com/security-info; then run the same command again",
        )],
    )
    .fixed_by_sign_in(),
    row(
        &[53004],
        "the account is rated as at risk, so no second proof of who you are (multifactor authentication) can be set up",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > ID Protection > Risky users > (the account): look into it, then dismiss the risk or have the password changed; then run the same command again",
        )],
    ),
    row(
        &[53011],
        "the account's own organisation rates it as at risk, so this sign-in is blocked",
        &[Remedy(
            HomeAdministrator,
            "Entra admin center > ID Protection > Risky users > (the account): look into it, then dismiss the risk or have the password changed; then run the same command again",
        )],
    ),
    // The account.
    row_quoting_entra(
        &[16000, 16003, 50020, 50034, 51004, 90072],
        "the account that signed in is not in the environment's tenant (its organisation's directory in Entra)",
        &[
            Remedy(
                You,
                "run the same command again and choose an account of that tenant, in a private window if the browser does not ask",
            ),
            Remedy(
                EntraAdministrator,
                "or invite the account: Entra admin center > Users > New user > Invite external user",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row_quoting_entra(
        &[500_212],
        "the account's own organisation does not let its people into the environment's tenant (cross-tenant access, outbound)",
        &[Remedy(
            HomeAdministrator,
            "Entra admin center > External Identities > Cross-tenant access settings > Organizational settings > (the environment's tenant) > Outbound access: allow this account and application; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[500_213],
        "the environment's tenant does not let people of the account's organisation in (cross-tenant access, inbound)",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > External Identities > Cross-tenant access settings > Organizational settings > (the account's organisation) > Inbound access: allow this account and application; then run the same command again",
        )],
    ),
    row(
        &[50053],
        "the account is locked after too many attempts, or the network that the sign-in comes from is known for attacks",
        &[
            Remedy(You, "wait half an hour, then run the same command again"),
            Remedy(
                EntraAdministrator,
                "the reason is in Entra admin center > Monitoring & health > Sign-in logs",
            ),
        ],
    ),
    row(
        &[50126],
        "the user name or the password was wrong",
        &[Remedy(You, "run the same command again and sign in with the right ones")],
    )
    .fixed_by_sign_in(),
    row(
        &[50055, 50144],
        "the password has expired",
        &[
            Remedy(
                You,
                "change the password where your organisation manages it, such as on the page Security info of your account; then run the same command again",
            ),
            Remedy(
                EntraAdministrator,
                "or reset it: Entra admin center > Users > (the account) > Reset password",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row(
        &[50057],
        "the account is disabled",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > Users > (the account) > Edit properties > Settings > Account enabled, or in the organisation's own Active Directory if it comes from there; then run the same command again",
        )],
    ),
    // The tenant, the environment and the cloud.
    row_quoting_entra(
        &[90002],
        "no tenant (an organisation's directory in Entra) in this cloud has this name or id",
        &[Remedy(
            You,
            "ask an Entra administrator for the Tenant ID, set `tenant` in the manifest or `--tenant` to it, and check `cloud`; then run the same command again",
        )],
    ),
    row(
        &[50059, 50194, 9_001_023],
        "no tenant (an organisation's directory in Entra) is named, and this application needs one",
        &[Remedy(
            You,
            "ask an Entra administrator for the Tenant ID, and set `tenant` in the manifest, or `--tenant`, to it; then run the same command again",
        )],
    ),
    row(
        &[90038, 50049],
        "the tenant (an organisation's directory in Entra) is in a different Microsoft cloud from the one that was asked",
        &[Remedy(
            You,
            "check the environment's URL, and `cloud` in the manifest; with `--clouds`, the `authorities` in that file; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[500_011],
        "the tenant (an organisation's directory in Entra) does not know the environment or service that a token was asked for",
        &[
            Remedy(
                You,
                "check the environment's URL, `tenant` and `cloud`, and that you signed in with an account of the environment's own tenant; then run the same command again",
            ),
            Remedy(
                PowerPlatformAdministrator,
                "the right address is in Power Platform admin center > Manage > Environments > (the environment) > Environment URL",
            ),
        ],
    ),
    row_quoting_entra(
        &[650_052],
        "the organisation has no subscription for the service that a token was asked for, or has switched it off",
        &[
            Remedy(
                PowerPlatformAdministrator,
                "Power Platform admin center > Manage > Environments: check that the environment is there and is of the organisation you signed in to",
            ),
            Remedy(
                EntraAdministrator,
                "Entra admin center > Enterprise applications > (the service) > Properties > Enabled for users to sign-in: Yes; then run the same command again",
            ),
        ],
    ),
    row_quoting_entra(
        &[70011],
        "a token was requested for an address that Entra does not know as a single service",
        &[Remedy(
            You,
            "check the environment's URL and `cloud`; with `--clouds`, the `flow-audience` in that file; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[28000, 700_022],
        "tokens for two services were requested at once: a bug in flowbind, or a mistake in the file of `--clouds`",
        &[Remedy(
            You,
            "with `--clouds`, check the `flow-audience` in that file, then run the same command again; without it, report the bug",
        )],
    ),
    // A sign-in that was kept.
    row(
        &[50089, 50132, 50133, 50173, 70000, 70008, 700_082],
        "the earlier sign-in is no longer valid: it is too old, was revoked, or the password has changed since",
        &[Remedy(You, "run the same command again and sign in again")],
    )
    .fixed_by_sign_in(),
    row(
        &[70043],
        "a rule of your organisation (a Conditional Access policy) requires people to sign in again after a set time, which has passed",
        &[
            Remedy(You, "run the same command again and sign in again"),
            Remedy(
                EntraAdministrator,
                "the time is in Entra admin center > Conditional Access > Policies > (the policy) > Session > Sign-in frequency",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row(
        &[700_084],
        "the earlier sign-in has expired: the application is registered as a single-page application, whose sign-ins last one day",
        &[
            Remedy(You, "run the same command again and sign in again"),
            Remedy(
                EntraAdministrator,
                "Entra admin center > App registrations > (the application) > Authentication: move the redirect address from `Single-page application` to `Mobile and desktop applications`",
            ),
        ],
    )
    .fixed_by_sign_in(),
    row(
        &[9_002_313],
        "Entra could not read the request: the refresh token that was handed in is damaged or incomplete",
        &[Remedy(
            You,
            "run the same command again and sign in again, or copy the whole refresh token; if that does not help, check `client-id` and `tenant`",
        )],
    )
    .fixed_by_sign_in(),
    // The sign-in itself, on the page or while it is waited for.
    row(
        &[70016],
        "nobody has approved the sign-in yet",
        &[Remedy(
            You,
            "open the page that is named, enter the code and approve; the program waits",
        )],
    ),
    row(
        &[70018],
        "the code that was entered on the page is not the one that was shown",
        &[Remedy(You, "enter the code as shown while the program waits, or run the same command again and enter the new code")],
    )
    .fixed_by_sign_in(),
    row(
        &[70019, 70020],
        "the code expired before the sign-in was approved",
        &[Remedy(You, "run the same command again and approve within 15 minutes; if the page said `You don't have access to this` or 53003, your organisation blocks sign-ins by a code: run it with `--browser`, or ask an Entra administrator to exclude this account or application")],
    )
    .fixed_by_sign_in(),
    row(
        &[90119, 90120],
        "the page got no code, or a code that was already approved or declined",
        &[Remedy(You, "run the same command again and enter the new code once")],
    )
    .fixed_by_sign_in(),
    row(
        &[50199],
        "the page asks whether you mean to sign in to this application",
        &[Remedy(You, "if you started this sign-in, press Continue on the page, then run the same command again")],
    )
    .fixed_by_sign_in(),
    row(
        &[50134],
        "the page was opened in a different Entra region from the one that issued the code",
        &[Remedy(
            You,
            "run the same command again and open the page without a VPN, near the machine that shows the code",
        )],
    ),
    row(
        &[50196],
        "the same request was sent to Entra too often in a short time",
        &[Remedy(
            You,
            "wait a few minutes, make sure that no other run signs in at the same time, and run the same command again",
        )],
    ),
    row(
        &[54005, 501_481],
        "the answer that came back from the browser was used before, or belongs to another attempt",
        &[Remedy(
            You,
            "close the older sign-in pages, run the same command again, and complete the page that it opens",
        )],
    ),
    // An application that proves itself.
    row(
        &[7_000_215],
        "the secret of the application is wrong; often its id was copied in place of its value",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Certificates & secrets > New client secret: copy `Value`, not `Secret ID`; put it into the variable that `client-secret-variable` names, then run the same command again",
        )],
    ),
    row(
        &[7_000_222],
        "the secret of the application has expired",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Certificates & secrets > New client secret: copy `Value`; put it into the variable that `client-secret-variable` names, then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[700_023],
        "the application's proof (signed with its certificate, or the pipeline's token) names a different tenant or cloud",
        &[Remedy(You, "check `tenant` of `[environments.NAME.dataverse-identity]`, else of the environment, and `cloud`; then run the same command again")],
    ),
    row_quoting_entra(
        &[700_024, 500_133],
        "the application's proof (signed with its certificate, or the pipeline's token) has expired, or is not valid yet because a clock is wrong",
        &[Remedy(
            You,
            "check this machine's clock, make the pipeline's token just before the run, and run the same command again",
        )],
    ),
    row_quoting_entra(
        &[700_027],
        "the application signs in with a certificate that its registration does not have",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Certificates & secrets > Certificates > Upload certificate: certificate.pem, the one without the private key; then run the same command again",
        )],
    ),
    row_quoting_entra(
        &[70021, 700_211, 700_212, 700_213],
        "the application does not trust this pipeline: the issuer (700211), the audience (700212) or the subject (700213) of the pipeline's token differs",
        &[Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Certificates & secrets > Federated credentials > (the credential): make Issuer, Subject identifier and Audience equal, to the letter, to what Entra names; then run the same command again",
        )],
    ),
    // It passes.
    row(
        &[50033, 90006, 90012, 90024, 90033],
        "Entra has a temporary fault",
        &[Remedy(You, "run the same command again in a few minutes")],
    ),
];

/// Remedies by the error's name, if no number says more.
pub(super) static KNOWN_NAMES: &[(&str, Remedy)] = &[
    (
        "invalid_client",
        Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > Authentication > Allow public client flows: Yes; where the application signs in by itself, check under Certificates & secrets that its secret or certificate has not expired; then run the same command again",
        ),
    ),
    (
        "unauthorized_client",
        Remedy(
            You,
            "check `client-id` and `tenant` (for an application that signs in by itself, those of `[environments.NAME.dataverse-identity]`), and for a person's sign-in ask an Entra administrator whether the application's Allow public client flows is Yes; then run the same command again",
        ),
    ),
    ("invalid_grant", Remedy(You, "run the same command again and sign in again")),
    ("interaction_required", Remedy(You, "run the same command again and sign in again")),
    (
        "consent_required",
        Remedy(
            EntraAdministrator,
            "Entra admin center > App registrations > (the application) > API permissions > Grant admin consent; then run the same command again",
        ),
    ),
    (
        "invalid_resource",
        Remedy(
            You,
            "check the environment's URL, `tenant` and `cloud`; then run the same command again",
        ),
    ),
    (
        "invalid_scope",
        Remedy(You, "check the environment's URL and `cloud`; then run the same command again"),
    ),
    (
        "invalid_tenant",
        Remedy(
            You,
            "ask an Entra administrator for the Tenant ID, and set `tenant` in the manifest, or `--tenant`, to it; then run the same command again",
        ),
    ),
];

/// Finds the first explained number of a refusal, with its row.
pub(super) fn first_known(refusal: &Refusal) -> Option<(u64, &'static CodeRow)> {
    let known = |code: &u64| KNOWN_CODES.iter().find(|row| row.codes.contains(code));
    refusal.codes.iter().find_map(|code| Some((*code, known(code)?)))
}

/// Formats the meaning of a refusal for the end of a sentence: its number and our words if we
/// explain the number, else Entra's own words.
pub(in crate::sign_in) fn refusal_meaning(refusal: &Refusal) -> String {
    match first_known(refusal) {
        Some((code, row)) => format!(" (AADSTS{code}): {}", row.meaning),
        None => format!(": {}", refusal.description.as_deref().unwrap_or(&refusal.error)),
    }
}

/// Formats the number of a refusal for the end of a sentence.
pub(in crate::sign_in) fn refusal_number(refusal: &Refusal) -> String {
    refusal.codes.first().map_or_else(String::new, |code| format!(" (AADSTS{code})"))
}

/// Returns true if one of its numbers is explained.
pub(in crate::sign_in) fn is_explained(refusal: &Refusal) -> bool {
    first_known(refusal).is_some()
}

/// Returns true if a new sign-in fixes the cause of a refused renewal.
pub(in crate::sign_in) fn is_fixed_by_sign_in(refusal: &Refusal) -> bool {
    match first_known(refusal) {
        Some((_, row)) => row.new_sign_in == NewSignInEffect::Fixes,
        None => refusal.error != CONSENT_REQUIRED,
    }
}

impl CodeRow {
    /// Lists the remedies after a refused step, or after any step, most likely first.
    pub(super) fn remedies(&self, step: Option<SignInStep>) -> impl Iterator<Item = &Remedy> {
        let in_browser: &[Remedy] = match (self.new_sign_in, step) {
            (NewSignInEffect::Refused | NewSignInEffect::Fixes, _) => &[],
            (NewSignInEffect::MayFixInBrowser, None) => &BROWSER_REMEDIES,
            (NewSignInEffect::MayFixInBrowser, Some(SignInStep::SignIn)) => &BROWSER_REMEDIES[..1],
            (NewSignInEffect::MayFixInBrowser, Some(SignInStep::Token(_))) => {
                &BROWSER_REMEDIES[1..]
            }
        };
        in_browser.iter().chain(self.remedies)
    }

    /// Marks the row as fixed by a new sign-in.
    const fn fixed_by_sign_in(self) -> Self {
        Self { new_sign_in: NewSignInEffect::Fixes, ..self }
    }

    /// Marks the row as possibly fixed by a new sign-in in a browser.
    const fn may_be_fixed_in_browser(self) -> Self {
        Self { new_sign_in: NewSignInEffect::MayFixInBrowser, ..self }
    }
}

impl Remedy {
    /// Returns true if the person who runs the program can carry it out.
    pub(super) fn is_yours(&self) -> bool {
        self.0 == You
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(who, what) = self;
        write!(formatter, "{who}: {what}")
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            You => "you",
            EntraAdministrator => "an Entra administrator",
            HomeAdministrator => "an Entra administrator of the account's own organisation",
            PowerPlatformAdministrator => "a Power Platform administrator",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that a person may meet.
    const MET: &[u64] = &[
        16000, 16003, 28000, 50005, 50020, 50033, 50034, 50049, 50053, 50055, 50057, 50059, 50072,
        50074, 50076, 50078, 50079, 50089, 50097, 50105, 50126, 50129, 50132, 50133, 50134, 50144,
        50158, 50173, 50187, 50194, 50196, 50199, 51004, 53000, 53001, 53002, 53003, 53004, 53009,
        53011, 54005, 65001, 65002, 65004, 65005, 70000, 70001, 70008, 70011, 70016, 70017, 70018,
        70019, 70020, 70021, 70043, 90002, 90006, 90012, 90024, 90033, 90038, 90072, 90094, 90095,
        90099, 90119, 90120, 500_011, 500_014, 500_121, 500_133, 500_212, 500_213, 501_481,
        530_032, 530_034, 530_035, 530_084, 650_051, 650_052, 650_056, 650_057, 700_011, 700_016,
        700_022, 700_023, 700_024, 700_025, 700_027, 700_082, 700_084, 700_211, 700_212, 700_213,
        7_000_112, 7_000_215, 7_000_218, 7_000_222, 9_001_023, 9_002_313, 9_002_327,
    ];

    fn all_codes() -> Vec<u64> {
        let mut codes: Vec<u64> = KNOWN_CODES.iter().flat_map(|row| row.codes).copied().collect();
        codes.sort_unstable();
        codes
    }

    #[test]
    fn every_code_that_people_meet_is_in_one_row() {
        assert_eq!(all_codes(), MET);
    }

    #[test]
    fn every_row_says_what_it_means_and_what_to_type_afterwards() {
        for row in KNOWN_CODES {
            let remedies: Vec<String> = row.remedies(None).map(ToString::to_string).collect();
            let all = remedies.join("; ");
            let goes_on = ["command again", "run again with", "the program waits"];
            assert!(goes_on.iter().any(|words| all.contains(words)), "{:?}: {all}", row.codes);
            for text in [row.meaning, &all] {
                assert!(!text.ends_with('.') && !text.contains('|'), "{text}");
            }
            assert!(row.meaning.starts_with(|c: char| c.is_lowercase() || c == 'E'));
        }
    }
}
