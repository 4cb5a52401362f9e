//! The codes of the sign-in service that a tenant file can name: what each usually comes with
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>). The sentences are the sandbox's own.

/// What a code usually comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    /// The number after `AADSTS`.
    pub(crate) number: u32,
    /// The `error`.
    pub(crate) error: &'static str,
    /// The `suberror`.
    pub(crate) suberror: Option<&'static str>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The sentence.
    pub(crate) text: &'static str,
}

/// Finds a code.
pub(crate) fn find(number: u32) -> Option<&'static Code> {
    CODES.iter().find(|code| code.number == number)
}

const fn code(
    number: u32,
    error: &'static str,
    suberror: &'static str,
    text: &'static str,
) -> Code {
    let suberror = if suberror.is_empty() { None } else { Some(suberror) };
    Code { number, error, suberror, status: 400, text }
}

/// A code that the person, or an administrator, has to do something about.
const fn grant(number: u32, suberror: &'static str, text: &'static str) -> Code {
    code(number, "invalid_grant", suberror, text)
}

/// A code about the application's own proof, which comes with 401.
const fn client(number: u32, text: &'static str) -> Code {
    Code { status: 401, ..code(number, "invalid_client", "", text) }
}

/// A code of a passing trouble, which comes with 503.
const fn passing(number: u32, text: &'static str) -> Code {
    Code { status: 503, ..code(number, "temporarily_unavailable", "", text) }
}

const CODES: &[Code] = &[
    // Tenants, and what is disabled in them.
    code(
        500_014,
        "invalid_resource",
        "",
        "The service principal for resource 'https://service.flow.microsoft.com/' is disabled. This indicates that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it.",
    ),
    code(
        500_212,
        "invalid_grant",
        "message_only",
        "The user's administrator has set an outbound access policy that does not allow access to the resource tenant.",
    ),
    code(
        500_213,
        "invalid_grant",
        "message_only",
        "The resource tenant's cross-tenant access policy does not allow this user to access this tenant.",
    ),
    code(
        90099,
        "unauthorized_client",
        "",
        "The application has not been authorized in the tenant. Applications must be authorized to access the customer tenant before partner delegated administrators can use them.",
    ),
    grant(50158, "basic_action", "External security challenge was not satisfied."),
    grant(500_121, "basic_action", "Authentication failed during strong authentication request."),
    grant(53009, "message_only", "Application needs to enforce Intune protection policies."),
    code(
        9_002_327,
        "invalid_request",
        "",
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ),
    // The device code.
    code(
        70016,
        "authorization_pending",
        "",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    code(
        70017,
        "authorization_declined",
        "",
        "OAuth 2.0 device flow error. The user declined the authorization request.",
    ),
    code(
        70018,
        "bad_verification_code",
        "",
        "The verification code is not valid: the user typed a wrong user code.",
    ),
    code(
        70019,
        "expired_token",
        "",
        "The verification code has expired. Have the user sign in again.",
    ),
    code(
        70020,
        "expired_token",
        "",
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    ),
    code(
        50134,
        "invalid_grant",
        "",
        "The device flow was approved in another datacenter. Begin the sign-in again.",
    ),
    code(90119, "invalid_request", "", "The user code is null or empty."),
    code(
        90120,
        "invalid_request",
        "",
        "The device flow request was already authorized or declined.",
    ),
    code(
        50199,
        "interaction_required",
        "basic_action",
        "For security reasons, the user has to confirm that they are signing in to this application.",
    ),
    grant(
        50196,
        "",
        "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.",
    ),
    grant(
        54005,
        "",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
    // The application.
    client(
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    client(
        700_025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    client(
        7_000_215,
        "Invalid client secret provided. Ensure the secret being sent is the client secret value, not the client secret ID.",
    ),
    client(
        7_000_222,
        "The provided client secret keys for the application are expired. Create new keys for it.",
    ),
    client(
        700_021,
        "The client assertion names another application than the 'client_id' parameter.",
    ),
    client(
        700_023,
        "The client assertion's audience claim is not the address of this token endpoint.",
    ),
    client(700_024, "The client assertion is not within its valid time range."),
    client(
        700_027,
        "The certificate that the client assertion names is not registered on the application, or its signature is not valid.",
    ),
    client(
        700_211,
        "No matching federated identity record found for the presented assertion's issuer.",
    ),
    client(
        700_212,
        "No matching federated identity record found for the presented assertion's audience.",
    ),
    client(
        700_213,
        "No matching federated identity record found for the presented assertion's subject.",
    ),
    client(7_000_112, "The application is disabled."),
    code(
        700_016,
        "unauthorized_client",
        "",
        "The application was not found in the directory. It may not have been installed by an administrator, or the request went to the wrong tenant.",
    ),
    code(700_011, "unauthorized_client", "", "The application was not found in the directory."),
    code(
        70001,
        "unauthorized_client",
        "",
        "The application is disabled, or it does not exist in the tenant.",
    ),
    code(
        50194,
        "unauthorized_client",
        "",
        "The application is not configured as a multi-tenant application, so the /common endpoint is not supported for it.",
    ),
    // The tenant.
    code(
        90002,
        "invalid_tenant",
        "",
        "The tenant was not found. Check the tenant ID, and that you sign in to the right cloud.",
    ),
    code(
        90038,
        "invalid_request",
        "",
        "The tenant belongs to another national cloud than the one that was asked.",
    ),
    code(
        50059,
        "invalid_request",
        "",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    code(
        9_001_023,
        "invalid_request",
        "",
        "The grant type is not supported over the /common or /consumers endpoints. Use a tenant-specific one.",
    ),
    // Consent.
    grant(
        65001,
        "consent_required",
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    code(65004, "access_denied", "cancel", "User declined to consent to access the app."),
    code(
        90094,
        "access_denied",
        "",
        "An administrator has to consent to what the application asks for.",
    ),
    code(
        90095,
        "access_denied",
        "",
        "An administrator has to consent, and can be asked to by a request.",
    ),
    code(
        65002,
        "invalid_request",
        "",
        "The first-party application is not pre-authorized for this first-party API. Use an application that you registered.",
    ),
    code(
        65005,
        "invalid_resource",
        "",
        "The application asked for a resource that its required permissions do not list.",
    ),
    code(
        650_051,
        "invalid_client",
        "",
        "The application has granted permissions that its manifest does not list.",
    ),
    code(
        650_052,
        "invalid_resource",
        "",
        "The organization lacks a service principal or a subscription for the service.",
    ),
    code(
        650_056,
        "invalid_request",
        "",
        "The application is misconfigured: it requires no permissions, or its tenant gave no consent.",
    ),
    code(
        650_057,
        "invalid_resource",
        "",
        "The client has requested access to a resource which is not listed in the requested permissions of its registration.",
    ),
    code(
        500_011,
        "invalid_resource",
        "",
        "The resource principal was not found in the tenant. It may not have been installed, or the request went to the wrong tenant.",
    ),
    // The scope.
    code(
        70011,
        "invalid_scope",
        "",
        "The provided value for the input parameter 'scope' is not valid.",
    ),
    code(
        28000,
        "invalid_scope",
        "",
        "The input parameter 'scope' contains more than one resource.",
    ),
    code(
        700_022,
        "invalid_scope",
        "",
        "The input parameter 'scope' contains more than one resource.",
    ),
    // The second factor.
    grant(50072, "basic_action", "The user must enroll in multi-factor authentication."),
    grant(
        50074,
        "basic_action",
        "Strong authentication is required, and the user did not pass it.",
    ),
    grant(
        50076,
        "basic_action",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    grant(
        50078,
        "basic_action",
        "The multi-factor authentication has expired. The user must do it again.",
    ),
    grant(
        50079,
        "basic_action",
        "Due to a configuration change made by your administrator, the user must enroll in multi-factor authentication.",
    ),
    // The device and the policies.
    grant(
        50005,
        "message_only",
        "The user tried to sign in from a platform that Conditional Access does not support.",
    ),
    grant(50097, "", "Device authentication is required."),
    grant(50129, "", "The device is not workplace joined, which it has to be."),
    grant(50187, "", "Device authentication failed."),
    grant(
        53000,
        "message_only",
        "The device is not in the required state: Conditional Access asks for a compliant device.",
    ),
    grant(
        53001,
        "message_only",
        "The device is not in the required state: Conditional Access asks for a domain joined device.",
    ),
    grant(53002, "message_only", "The application is not one that Conditional Access approves."),
    grant(
        53003,
        "message_only",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    grant(
        53004,
        "message_only",
        "The user has to finish the multi-factor registration first, which is blocked because of suspicious activity.",
    ),
    grant(53011, "message_only", "The user is blocked due to risk on the home tenant."),
    grant(530_032, "message_only", "Blocked by a security policy of the tenant."),
    grant(
        530_034,
        "message_only",
        "A delegated administrator was blocked because of risk in the partner's tenant.",
    ),
    grant(530_035, "message_only", "Access has been blocked by security defaults."),
    grant(530_084, "message_only", "Access has been blocked by a token protection policy."),
    // The person.
    code(
        16000,
        "interaction_required",
        "",
        "The account does not exist in the tenant and cannot access the application there. Choose another account.",
    ),
    code(16003, "interaction_required", "", "The account has not been added to the tenant."),
    grant(
        50020,
        "",
        "The account comes from an identity provider that the tenant does not know, and has to be added as a guest first.",
    ),
    grant(50034, "", "The account does not exist in the directory."),
    grant(
        50053,
        "",
        "The account is locked because of too many sign-ins with a wrong user or password.",
    ),
    grant(50055, "user_password_expired", "The password is expired."),
    grant(50057, "", "The account is disabled."),
    grant(
        50105,
        "",
        "The signed in user is not assigned to a role for the application. Have an administrator assign the user.",
    ),
    grant(50126, "", "The user name or password is not valid."),
    grant(50144, "user_password_expired", "The password of the directory is expired."),
    grant(
        51004,
        "",
        "The account does not exist in the tenant's directory and must be added to it.",
    ),
    code(
        90072,
        "interaction_required",
        "",
        "The account does not exist in the tenant and cannot access the application there. It has to be added as an external user first.",
    ),
    // What was issued before.
    grant(50089, "token_expired", "The flow token has expired. Have the user sign in again."),
    grant(
        50132,
        "bad_token",
        "The session is not valid: the user's password has expired or was changed.",
    ),
    grant(
        50133,
        "bad_token",
        "The session is not valid due to expiration or a recent password change.",
    ),
    grant(
        50173,
        "bad_token",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    ),
    grant(
        500_133,
        "",
        "The assertion is not within its valid time range. Ensure that the access token is not expired before it is used for a user assertion.",
    ),
    grant(70000, "", "The provided grant is not valid."),
    grant(
        70008,
        "token_expired",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
    grant(
        70043,
        "token_expired",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The maximum allowed lifetime for this request is 36000.",
    ),
    grant(700_082, "token_expired", "The refresh token has expired due to inactivity."),
    grant(
        700_084,
        "token_expired",
        "The refresh token was issued to a single page app and has a fixed lifetime, which cannot be extended. It is now expired.",
    ),
    grant(9_002_313, "", "Invalid request. Request is malformed or invalid."),
    // Passing trouble.
    passing(50033, "A transient error occurred. Try again."),
    passing(90006, "An external server answered with an error that may pass. Try again."),
    passing(90012, "The request has timed out. Try again."),
    passing(90024, "The request budget was exceeded. Try again."),
    passing(90033, "A transient error occurred. Please try again."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_stands_once_and_ends_its_sentence() {
        let mut seen = BTreeSet::new();
        for code in CODES {
            assert!(seen.insert(code.number), "{} stands twice", code.number);
            assert!(code.text.ends_with('.'), "{}", code.number);
        }
    }

    #[test]
    fn what_a_client_reacts_to_is_told_by_the_code_alone() {
        let told = |number| {
            let code = find(number).unwrap();
            (code.error, code.suberror.unwrap_or_default(), code.status)
        };
        assert_eq!(told(53003), ("invalid_grant", "message_only", 400));
        assert_eq!(told(50076), ("invalid_grant", "basic_action", 400));
        assert_eq!(told(65001), ("invalid_grant", "consent_required", 400));
        assert_eq!(told(7_000_215), ("invalid_client", "", 401));
        assert_eq!(told(90033), ("temporarily_unavailable", "", 503));
        assert_eq!(find(1), None);
    }
}
