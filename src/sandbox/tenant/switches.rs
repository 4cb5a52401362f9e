//! Switches for what public sources disagree on, or what organisations of different age do.

use serde::Deserialize;

/// All switches; the defaults are what a current organisation does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Switches {
    /// The sign-in service.
    pub(crate) entra: EntraSwitches,
    /// The Dataverse Web API.
    pub(crate) dataverse: DataverseSwitches,
    /// The Flow API.
    pub(crate) flow: FlowSwitches,
}

/// How the sign-in service behaves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct EntraSwitches {
    /// The status of an error from the device-code endpoint.
    pub(crate) device_code_errors: ErrorStatus,
    /// How `expires_in` and `interval` are written.
    pub(crate) numbers: Numbers,
    /// The name of the field that holds the address of the sign-in page.
    pub(crate) verification_address: VerificationAddress,
    /// What stands between the parts of an error description.
    pub(crate) error_separator: Separator,
    /// What happens to a client that polls sooner than the interval.
    pub(crate) slow_polling: SlowPolling,
    /// Whether a policy blocks the device-code flow.
    pub(crate) conditional_access: ConditionalAccess,
    /// Whether applications may sign in without a secret.
    pub(crate) public_client_flows: PublicClientFlows,
    /// Whether a refresh answers with a new refresh token.
    pub(crate) refresh_rotation: Rotation,
    /// Whether access tokens can be read.
    pub(crate) access_tokens: AccessTokens,
    /// Whether a policy remembers that a sign-in was begun with a device code.
    pub(crate) protocol_tracking: ProtocolTracking,
    /// What the `nonce` of an id token is.
    pub(crate) id_tokens: IdTokens,
    /// Which `state` the browser is sent back with.
    pub(crate) authorize_state: ReturnedState,
}

/// How the Web API behaves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct DataverseSwitches {
    /// Where a failed change set's error stands in the batch answer.
    pub(crate) failed_change_set: FailedChangeSet,
    /// Which historic unique key environment variable values have.
    pub(crate) environment_variable_key: ValueKey,
    /// The code of a duplicate environment variable value.
    pub(crate) environment_variable_duplicate: DuplicateCode,
    /// Which line breaks a batch may have.
    pub(crate) batch_line_breaks: LineBreaks,
    /// Whether a token has to be asked for with claims.
    pub(crate) claims_challenge: ClaimsChallenge,
    /// How many requests at a time its answers advise.
    pub(crate) dop_hint: DopHint,
}

/// How the Flow API behaves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct FlowSwitches {
    /// The shape of a callback answer.
    pub(crate) callback_answer: CallbackAnswer,
    /// What a flow that is off answers.
    pub(crate) stopped_flow: StoppedFlow,
    /// The status for a caller who does not own the flow.
    pub(crate) not_owner_status: NotOwnerStatus,
    /// How a trigger that does not exist is reported.
    pub(crate) missing_trigger: MissingTrigger,
    /// What an invocation with a wrong signature answers.
    pub(crate) wrong_signature: WrongSignature,
    /// Whether the cloud's API finds the environment's region.
    pub(crate) classic_api: ClassicApi,
    /// The kinds of triggers without an address, besides those that are gated anyway.
    pub(crate) blocked_kinds: Vec<String>,
}

/// Whether the cloud's API finds an environment's region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClassicApi {
    /// It does.
    #[default]
    Serves,
    /// It does not, and only the environment's own host serves.
    UnknownRegion,
}

/// The status of an error from the device-code endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ErrorStatus {
    /// 400, as RFC 8628 says.
    #[default]
    BadRequest,
    /// 200, as was seen in 2019.
    Ok,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Numbers {
    /// As JSON numbers.
    #[default]
    Integers,
    /// As JSON strings, as the v1 endpoint and AD FS do.
    Strings,
}

/// The field of the sign-in page's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VerificationAddress {
    /// `verification_uri`.
    #[default]
    Uri,
    /// `verification_url`, the v1 name.
    Url,
    /// Both.
    Both,
}

/// What stands between the parts of an error description.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Separator {
    /// One space, since the end of 2023.
    #[default]
    Space,
    /// CR LF, before.
    LineBreak,
}

/// What happens to a client that polls sooner than the interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SlowPolling {
    /// Nothing.
    #[default]
    Ignored,
    /// `slow_down` (RFC 8628 section 3.5).
    SlowDown,
    /// `invalid_grant` with AADSTS50196.
    LoopDetected,
}

/// Whether a policy blocks the device-code flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConditionalAccess {
    /// No policy.
    #[default]
    Allow,
    /// The page shows 53003; the client is told nothing until the code expires.
    BlockDeviceCode,
}

/// Whether applications may sign in without a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PublicClientFlows {
    /// They may.
    #[default]
    On,
    /// A code is issued, and the poll is refused.
    RefusedAtPoll,
    /// No code is issued.
    RefusedAtDeviceCode,
}

/// Whether a refresh answers with a new refresh token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rotation {
    /// Each use gives a new one; the old one stays valid.
    #[default]
    EachUse,
    /// The answer carries none.
    Never,
    /// Each use gives a new one and uses the old one up; a second use revokes all that came of the same sign-in.
    Once,
}

/// Whether access tokens can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AccessTokens {
    /// They are JWTs.
    #[default]
    Jwt,
    /// They are text without a meaning.
    Opaque,
}

/// Whether a policy remembers that a sign-in was begun with a device code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProtocolTracking {
    /// It does not.
    #[default]
    Off,
    /// Refresh tokens that came of a device code are refused with 53003.
    BlockRefresh,
}

/// What the `nonce` of an id token is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum IdTokens {
    /// The one that the application sent.
    #[default]
    #[serde(rename = "with-nonce")]
    Right,
    /// Absent.
    #[serde(rename = "without-nonce")]
    Missing,
    /// Another than the application sent.
    #[serde(rename = "wrong-nonce")]
    Wrong,
}

/// Which `state` the browser is sent back with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReturnedState {
    /// The one that the application sent.
    #[default]
    Same,
    /// Another.
    Wrong,
}

/// Where a failed change set's error stands in the batch answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FailedChangeSet {
    /// In a part of a `changesetresponse`.
    #[default]
    Nested,
    /// In a part of the batch itself, as `OData` says.
    Flat,
}

/// Which historic unique key environment variable values have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ValueKey {
    /// One value for each definition.
    #[default]
    Definition,
    /// The schema name of the value: a definition can have several values.
    SchemaName,
}

/// The code of a duplicate environment variable value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DuplicateCode {
    /// 0x80060892.
    #[default]
    EntityKey,
    /// 0x80040237.
    Record,
}

/// Which line breaks the lines of a batch may have; bodies inside it may have any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LineBreaks {
    /// CR LF only, as MIME and Microsoft's article say.
    #[default]
    Crlf,
    /// LF too.
    Any,
}

/// Whether a token has to be asked for with claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClaimsChallenge {
    /// It has not.
    #[default]
    Off,
    /// A token is refused, with the claims to ask for; one that was asked for with them is good.
    Once,
}

/// The degree of parallelism that answers advise; none where it is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct DopHint(pub(crate) u32);

impl Default for DopHint {
    fn default() -> Self {
        Self(4)
    }
}

/// The shape of a callback answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallbackAnswer {
    /// `{"response": {"value": ...}, "httpStatusCode": "OK"}`.
    #[default]
    Wrapped,
    /// `{"value": ...}`, as Logic Apps answers.
    Bare,
}

/// What a flow that is off answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoppedFlow {
    /// 404 with `WorkflowTriggerNotFound`, wrapped.
    #[default]
    TriggerNotFound,
    /// 404 with `ResourceNotFound`, wrapped.
    ResourceNotFound,
    /// 400 with `ListCallbackUrlOperationBlocked`.
    OperationBlocked,
    /// 200 with the URL, except for a flow that was never on.
    Answered,
}

/// The status for a caller who does not own the flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NotOwnerStatus {
    /// 403.
    #[default]
    Forbidden,
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
}

/// How a trigger that does not exist is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MissingTrigger {
    /// As text inside `AzureResourceManagerRequestFailed`.
    #[default]
    Wrapped,
    /// As `WorkflowTriggerNotFound` itself.
    Plain,
}

/// What an invocation with a wrong signature answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WrongSignature {
    /// `DirectApiInvalidAuthorizationSignature`.
    #[default]
    InvalidSignature,
    /// `AuthorizationFailed`.
    AuthorizationFailed,
}
