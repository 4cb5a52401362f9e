//! A problem: what is wrong, where, and what to do about it.

use std::fmt;

use crate::model::ManifestPosition;

/// Something that keeps a run from writing, or that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable name of the kind of problem.
    pub code: Code,
    /// The target or flow that it is about.
    pub address: Option<String>,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: String,
    /// The place in the manifest.
    pub site: Option<ManifestPosition>,
}

/// Defines [`Code`] with the stable text of each of its members.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kinds of problems. Their texts are stable: pipelines may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    // The manifest.
    /// The file cannot be read.
    ManifestUnreadable = "manifest-unreadable",
    /// The file is longer than a manifest can be.
    ManifestTooLarge = "manifest-too-large",
    /// The file is not UTF-8.
    ManifestNotUtf8 = "manifest-not-utf8",
    /// The file is not TOML.
    ManifestNotToml = "manifest-not-toml",
    /// The manifest is of a version that this program does not read.
    VersionUnknown = "version-unknown",
    /// A key that the manifest does not have.
    KeyUnknown = "key-unknown",
    /// A key that must be there is not.
    KeyMissing = "key-missing",
    /// Two keys that cannot stand together.
    KeyConflict = "key-conflict",
    /// A value of another type than its key has.
    TypeWrong = "type-wrong",
    /// A value that its key cannot have.
    ValueInvalid = "value-invalid",
    /// The manifest has no flow.
    FlowNone = "flow-none",
    /// A flow without a target.
    TargetNone = "target-none",
    /// The same flow and trigger twice.
    FlowDuplicate = "flow-duplicate",
    /// Two bindings that write to the same place.
    TargetDuplicate = "target-duplicate",
    /// A JSON pointer into what another pointer replaces.
    PointerOverlap = "pointer-overlap",
    /// An environment that the manifest does not have.
    EnvironmentUnknown = "environment-unknown",
    /// No environment was chosen where there are several, or none.
    EnvironmentNone = "environment-none",

    // The flows.
    /// No row has that workflow id.
    FlowNotFound = "flow-not-found",
    /// The row is another kind of process.
    FlowNotCloud = "flow-not-cloud",
    /// The flow is off.
    FlowDraft = "flow-draft",
    /// The flow was stopped by a policy.
    FlowSuspended = "flow-suspended",
    /// The flow is in a state that this program does not know.
    FlowStateUnknown = "flow-state-unknown",
    /// The flow's definition cannot be read.
    DefinitionUnreadable = "definition-unreadable",
    /// No trigger of the flow is an HTTP trigger.
    TriggerNotHttp = "trigger-not-http",
    /// The flow has several HTTP triggers and the manifest chose none.
    TriggerAmbiguous = "trigger-ambiguous",
    /// The flow has no trigger of that key.
    TriggerNotFound = "trigger-not-found",
    /// The signed-in user neither owns nor co-owns the flow.
    FlowNotOwned = "flow-not-owned",
    /// The Flow service does not know the flow.
    FlowNotRegistered = "flow-not-registered",
    /// The Flow service does not know the trigger that the flow has.
    TriggerNotRegistered = "trigger-not-registered",
    /// The signed-in user may not use the environment.
    EnvironmentDenied = "environment-denied",
    /// The signed-in user lacks a privilege.
    PrivilegeMissing = "privilege-missing",
    /// A warning: no role of the user has a privilege that a value of a variable may need.
    PrivilegeUnproven = "privilege-unproven",

    // The callback URLs.
    /// The answer has no usable URL.
    CallbackMalformed = "callback-malformed",
    /// The URL is written so that programs read different hosts out of it.
    CallbackAmbiguous = "callback-ambiguous",
    /// A warning: the service does not say whether the URL belongs to the flow.
    CallbackUnconfirmed = "callback-unconfirmed",
    /// The URL is not https.
    CallbackNotHttps = "callback-not-https",
    /// The URL leads to a host that is none of the cloud's flow services.
    CallbackHostUnknown = "callback-host-unknown",
    /// The URL is that of another flow.
    CallbackOtherFlow = "callback-other-flow",
    /// The URL is signed and the policy does not want that.
    SignedUrl = "signed-url",
    /// A warning: the URL is of the old generation, which is being retired.
    OldGenerationUrl = "old-generation-url",

    // The targets.
    /// There is no such environment variable.
    DefinitionMissing = "definition-missing",
    /// The environment variable is of a type that cannot hold a URL.
    VariableType = "variable-type",
    /// The environment variable has more than one value.
    VariableAmbiguous = "variable-ambiguous",
    /// The value is not the JSON that a pointer needs.
    ValueNotJson = "value-not-json",
    /// The member that a pointer leads to holds something else than text, which a URL would replace.
    MemberNotText = "member-not-text",
    /// The text that is there holds more than a URL could replace without a loss.
    TextHoldsMore = "text-holds-more",
    /// There is no such table.
    TableMissing = "table-missing",
    /// The table's rows carry no version to guard a write with.
    TableNotVersioned = "table-not-versioned",
    /// The table is elastic, so that writes do not succeed or fail together.
    TableElastic = "table-elastic",
    /// The table is virtual, so that another system keeps its rows.
    TableVirtual = "table-virtual",
    /// A row came without a version.
    RowWithoutEtag = "row-without-etag",
    /// There is no such column.
    ColumnMissing = "column-missing",
    /// A key's value is of another type than its column.
    KeyType = "key-type",
    /// The column does not hold text.
    ColumnNotText = "column-not-text",
    /// The column cannot be read.
    ColumnNotReadable = "column-not-readable",
    /// Column security may keep the column from the signed-in user.
    ColumnSecured = "column-secured",
    /// The column cannot be written.
    ColumnNotWritable = "column-not-writable",
    /// A warning: nothing keeps two runs from creating the same record.
    KeyNotUnique = "key-not-unique",
    /// An alternate key over the columns of a key is not in force.
    KeyNotActive = "key-not-active",
    /// There is no such record.
    RecordMissing = "record-missing",
    /// More than one record fits.
    RecordAmbiguous = "record-ambiguous",
    /// A warning: the URL that is there is that of another environment.
    PointsElsewhere = "points-elsewhere",
    /// There are more rows to write than Dataverse writes together.
    TooManyRows = "too-many-rows",
    /// Two bindings turned out to write to the same column of the same record.
    TargetCollision = "target-collision",
    /// The value is longer than its place.
    ValueTooLong = "value-too-long",

    // Writing.
    /// A row with the key of a new one is there, and the signed-in user does not see it.
    KeyTaken = "key-taken",
    /// A warning: the service refused the write, and reading back shows that it is in.
    WrittenThoughRefused = "written-though-refused",

    // Asking the URLs that are there.
    /// The URL that is there belongs to a flow that is off.
    ProbeOff = "probe-off",
    /// Nothing is at the URL that is there.
    ProbeGone = "probe-gone",
    /// The signature of the URL that is there is not accepted, or missing.
    ProbeSignature = "probe-signature",
    /// The URL that is there took a request that it should have turned away.
    ProbeOpen = "probe-open",
    /// A warning: what the URL that is there answers proves nothing.
    ProbeUnknown = "probe-unknown",

    // Applying a reviewed plan.
    /// The manifest changed since the plan was made.
    PlanManifest = "plan-manifest-changed",
    /// The plan is too old.
    PlanExpired = "plan-expired",
    /// The plan was made for another environment.
    PlanEnvironment = "plan-other-environment",
    /// The plan was made by another user.
    PlanUser = "plan-other-user",
    /// A change is not what was reviewed.
    PlanMoved = "plan-moved",
    /// A warning: the target of a `[[removed]]` entry holds something else than the flow's URL.
    RemovedKept = "removed-kept",
    /// A warning: `--only` left out targets of the manifest.
    LeftOut = "left-out",

    // Rolling back.
    /// Somebody changed a target after the apply that is rolled back.
    ChangedSince = "changed-since",
    /// The journal gives a row the address of another.
    LabelMismatch = "label-mismatch",
    /// The row that a rollback would delete was not created by the apply.
    NotCreatedByApply = "not-created-by-apply",
    /// A warning: an earlier value that is restored leads out of the environment.
    RestoresElsewhere = "restores-elsewhere",
}

impl Code {
    /// Returns whether the problem is only a warning, which never keeps a run from writing.
    pub fn is_warning(self) -> bool {
        matches!(
            self,
            Self::CallbackUnconfirmed
                | Self::OldGenerationUrl
                | Self::KeyNotUnique
                | Self::PointsElsewhere
                | Self::PrivilegeUnproven
                | Self::WrittenThoughRefused
                | Self::ProbeUnknown
                | Self::LeftOut
                | Self::RemovedKept
                | Self::RestoresElsewhere
        )
    }

    /// Returns whether waiting may fix the problem: a later step of a release turns the flow on, or
    /// the Flow service registers a flow that is on. Problems that a person must decide or correct
    /// are not among these.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::FlowDraft | Self::FlowNotRegistered | Self::TriggerNotRegistered)
    }

    /// Returns whether the problem describes the state of the environment. The others say that it
    /// could not be read, or that an answer cannot be relied on.
    pub fn is_finding(self) -> bool {
        !matches!(
            self,
            Self::PrivilegeMissing
                | Self::EnvironmentDenied
                | Self::FlowNotOwned
                | Self::TableElastic
                | Self::TableVirtual
                | Self::RowWithoutEtag
                | Self::ColumnNotReadable
                | Self::ColumnSecured
                | Self::DefinitionUnreadable
                | Self::CallbackMalformed
                | Self::CallbackAmbiguous
                | Self::CallbackNotHttps
                | Self::CallbackHostUnknown
                | Self::CallbackOtherFlow
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_exactly_the_codes_that_say_nothing_of_the_environment() {
        let page = include_str!("../../docs/check.md");
        let (_, list) = page.split_once("These problems mean `refused`:").unwrap();
        let (list, _) = list.split_once("The other").unwrap();
        for code in Code::ALL {
            assert_eq!(list.contains(&format!("`{code}`")), !code.is_finding(), "{code}");
        }
    }
}
