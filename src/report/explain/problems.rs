//! Explains the code of each problem.

use super::code_text::{CodeText, text};
use crate::model::{Code, docs_page};

/// Returns the explanation of the code of a problem.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn problem_text(code: Code) -> CodeText {
    match code {
        // The manifest.
        Code::ManifestUnreadable => text(
            "the manifest does not exist, is a directory, or cannot be read by this user",
            "without `--manifest`, flowbind reads `flowbind.toml` in the current directory",
            "name the file with `--manifest`; `flowbind init` creates a first manifest",
        ),
        Code::ManifestTooLarge => text(
            "the file is larger than 16 MiB",
            "a file of this size is usually not a manifest",
            "split the manifest, and run once for each part",
        ),
        Code::ManifestNotUtf8 => text(
            "the file is not UTF-8; the message says if it is UTF-16",
            "an editor or Windows PowerShell's `>` saved the file in another encoding",
            "save the file as UTF-8",
        ),
        Code::ManifestNotToml => text(
            "the text is not TOML, or a key or table appears twice",
            "a quote, a bracket or an equals sign is missing, or a part was copied and not changed",
            "fix the line; text values need quotes",
        ),
        Code::VersionUnknown => text(
            "`version` is missing or is not 1",
            "with `version = 1`, flowbind knows that it understands every key of the manifest",
            "write `version = 1`",
        ),
        Code::KeyUnknown => text(
            "the table has no such key",
            "flowbind refuses unknown keys, because a setting without effect could go unnoticed",
            "use the key that the help names",
        ),
        Code::KeyMissing => text(
            "a required key is missing; `cloud` is required if the host of `url` does not identify the cloud",
            "nothing else gives this value",
            "add the key",
        ),
        Code::KeyConflict => text(
            "two keys exclude each other, such as `url` and `sandbox`, `federation` and `client-secret-variable`, `id` and `key`, `json-pointer` and `table`, `missing = \"create\"` and `id`",
            "both keys set the same thing, and flowbind does not guess which is right",
            "keep one of them",
        ),
        Code::TypeWrong => text(
            "the value has the wrong type, such as a number instead of a text",
            "in TOML, a text is in quotes, a list in brackets, and a table in braces",
            "use the type that the message names",
        ),
        Code::ValueInvalid => text(
            "the key does not allow this value: not a GUID, not a Dataverse name, not a JSON pointer, not one of the allowed words, not an https address, or a text with invisible characters or a signature",
            "the value was copied with extra characters, or belongs to another key",
            "correct the value as the message says",
        ),
        Code::FlowNone => text(
            "the manifest has no `[[flow]]`",
            "a manifest needs at least one flow; `[flow]` with one bracket is another table",
            "add a `[[flow]]`",
        ),
        Code::TargetNone => text(
            "a flow has no `target`",
            "without a target, flowbind would write the URL nowhere",
            "add `target = \"NAME\"` or a `[[flow.target]]`",
        ),
        Code::FlowDuplicate => text(
            "the same flow and trigger appear twice, or a flow appears both with and without `trigger`",
            "one of the two was copied, or the entry without `trigger` could mean the same trigger as the other",
            "put the targets under one flow, or set `trigger` in both entries",
        ),
        Code::TargetDuplicate => text(
            "two targets have the same address",
            "a target holds one URL; like Dataverse, flowbind ignores case when it compares names",
            "remove one of the two targets",
        ),
        Code::PointerOverlap => text(
            "one target is inside the member that another target replaces",
            "one target would overwrite what the other writes",
            "point to members that do not contain each other",
        ),
        Code::EnvironmentUnknown => text(
            "`--environment` names no environment of the manifest, or an address of no known cloud",
            "the name has a typo, or the manifest comes from another branch",
            "use a name that the help lists",
        ),
        Code::EnvironmentNone => text(
            "`--environment` is missing and the manifest does not have exactly one environment, or several environments have the given address or id",
            "flowbind never guesses the environment to write to",
            "add `--environment` with a name, or with an address if the manifest has no environments",
        ),

        // The flows.
        Code::FlowNotFound => text(
            "no flow has this workflow id in this environment",
            "the solution was not imported here, the id is the one that the Flow service gave the flow in one environment (`resourceid`), or the user's read privilege for processes does not reach the flow: Dataverse leaves out rows beyond the privilege's depth without an error",
            "import the solution first, or correct `workflow-id`; if it is a `resourceid` of this environment, the message names the right id",
        ),
        Code::FlowNotCloud => text(
            "the row is a classic workflow, a business rule, a desktop flow or another process, not a cloud flow",
            "the table `workflow` holds many kinds of processes, and only cloud flows have HTTP triggers",
            "use the `workflowid` of a cloud flow (category 5)",
        ),
        Code::FlowDraft => text(
            "the flow is off, and its URL exists only once it is on",
            "after an import, a flow stays off while one of its connection references has no connection; after an environment is copied, all flows are off",
            "bind its connection references, turn the flow on, then run again; `--wait-ready` waits for another step to do so",
        ),
        Code::FlowSuspended => text(
            "the Flow service stopped the flow",
            "a data policy forbids a connector, the flow's runs kept failing, nothing started the flow for a long time, or no license covers the flow; the message names the cause",
            "do what the message says, then turn the flow on",
        ),
        Code::FlowStateUnknown => text(
            "the flow is neither on nor off",
            "Dataverse returned a state that flowbind does not know",
            "open the flow in Power Automate, and turn it off and on",
        ),
        Code::DefinitionUnreadable => text(
            "the flow's definition is not valid flow JSON",
            "the import was interrupted, or somebody edited the flow's file by hand",
            "save the flow in Power Automate, or correct its file and import the solution again",
        ),
        Code::TriggerNotHttp => text(
            "the flow has no HTTP trigger; the message lists the kinds of its triggers",
            "a flow that a button, an app or a schedule starts has no URL for other callers; for other kinds of `Request` triggers, such as TeamsWebhook, the Flow service decides whether they have one",
            "bind another flow, or give this flow the trigger \"When an HTTP request is received\"",
        ),
        Code::TriggerAmbiguous => text(
            "the flow has several HTTP triggers, and the manifest chooses none",
            "each trigger has a different URL",
            "set `trigger` to one that the message lists",
        ),
        Code::TriggerNotFound => text(
            "the flow has no trigger with this key",
            "somebody renamed the trigger, which changes the key",
            "correct `trigger`, or remove it if the flow has only one HTTP trigger",
        ),
        Code::FlowNotOwned => text(
            "the signed-in user neither owns nor co-owns the flow",
            "the Flow service gives a flow's URL to owners and co-owners only, whatever the security role",
            "have an owner add the user as a co-owner, or sign in as an owner",
        ),
        Code::FlowNotRegistered => text(
            "the Flow service knows neither of the flow's ids",
            "after an import or a copy, Dataverse knows a flow before the Flow service does",
            "wait a few minutes and run again; if the problem persists, turn the flow off and on",
        ),
        Code::TriggerNotRegistered => text(
            "the flow's definition has the trigger, but the Flow service does not know it",
            "when a flow is turned on, the Flow service learns of the trigger a little later than Dataverse",
            "wait a few minutes and run again; if the problem persists, turn the flow off and on",
        ),
        Code::EnvironmentDenied => text(
            "the Flow service denies the user access to this environment",
            "the user has no security role in the environment, has no license, or is not in the environment's security group",
            "give the user a security role, and add the user to the environment's security group",
        ),
        Code::PrivilegeMissing => text(
            "the user may not read or write something in Dataverse; the message names the privilege",
            "none of the user's security roles has the privilege, or a role has it only for the user's own rows",
            concat!(
                "add the privilege to a role of the user; for the required privileges see ",
                docs_page!("sign-in")
            ),
        ),
        Code::PrivilegeUnproven => text(
            "a warning: no role of the user has the privilege for values of environment variables",
            "Dataverse takes the privileges of a value from its variable's definition, so the write may succeed all the same",
            "add the privilege to a role of the user if the write is refused",
        ),

        // The callback URLs.
        Code::CallbackMalformed => text(
            "the Flow service's answer has no usable URL",
            "the service answered in an unknown form, or something between flowbind and the service answered",
            "turn the flow off and on, and run again",
        ),
        Code::CallbackAmbiguous => text(
            "different programs would read different hosts from the URL",
            "no service writes such a URL: something between flowbind and the service answered",
            "find out what answers instead of the Flow service, such as a proxy",
        ),
        Code::CallbackUnconfirmed => text(
            "a warning: the service does not say whether the URL belongs to the flow, which flowbind had to name by its workflow id",
            "Dataverse has no `resourceid` for the flow, as in older environments",
            "call the URL once and check that this flow runs; turning the flow off and on adds the `resourceid`",
        ),
        Code::CallbackNotHttps => text(
            "the URL is not https",
            "no service gives such a URL: something between flowbind and the service answered",
            "find out what answers instead of the Flow service, such as a proxy",
        ),
        Code::CallbackHostUnknown => text(
            "the URL's host is not one of the cloud's Flow services",
            "the manifest names another cloud, or the cloud has a new host",
            concat!("check `cloud`; add a new host with a clouds file; see ", docs_page!("clouds")),
        ),
        Code::CallbackOtherFlow => text(
            "the URL belongs to another flow",
            "the Flow service found another flow by the id that flowbind sent",
            "turn the flow off and on, and run again",
        ),
        Code::SignedUrl => text(
            "the URL is signed, and the policy refuses signed URLs (a warning with `signed-urls = \"warn\"`)",
            "anyone may trigger the flow, so everyone who can read the stored URL can run the flow",
            "let only users of the tenant trigger the flow, or write `signed-urls = \"allow\"` under `[policy]`",
        ),
        Code::OldGenerationUrl => text(
            "a warning: the URL is on `logic.azure.com`, which Microsoft retires",
            "the flow got this URL before the environment had addresses of the new generation, and the Flow service still returns it",
            "leave the flow as it is, and run again once the Flow service returns the new URL, which the trigger card in the designer shows",
        ),

        // The targets.
        Code::DefinitionMissing => text(
            "the environment variable was not found",
            "the solution that defines the variable was not imported, `environment-variable` is the display name, or the user's read privilege does not reach the definition: Dataverse leaves out rows beyond the privilege's depth without an error",
            "import the solution that defines the variable first, or correct `environment-variable`",
        ),
        Code::VariableType => text(
            "a variable of this type cannot hold a URL",
            "numbers, booleans, data sources and secrets are not stored as text",
            "bind a variable of type Text, or of type JSON with `json-pointer`",
        ),
        Code::VariableAmbiguous => text(
            "the variable has more than one value row",
            "two runs or imports created a value at the same time, in an organisation without a key that prevents it",
            "remove all values but one, in the solution that shows the variable",
        ),
        Code::ValueNotJson => text(
            "the value is not the JSON that `json-pointer` needs",
            "the variable holds only a text, or a member on the pointer's path is not an object",
            "correct the value; a variable of type Text can also be bound without `json-pointer`",
        ),
        Code::MemberNotText => text(
            "the member that `json-pointer` names holds an object, an array, a number, true or false",
            "the pointer stops too early, or something else reads this member; a URL would replace what it holds",
            "name a member inside it, such as `/order/url`, or another member; flowbind replaces only text, null and empty members",
        ),
        Code::TextHoldsMore => text(
            "the current text is a JSON object or array, XML, several lines, several URLs, or several settings",
            "something reads more than a URL from this text; writing a URL would remove the rest",
            "if it is JSON, name the member with `json-pointer`; otherwise choose another target, or empty this one",
        ),
        Code::TableMissing => text(
            "the table was not found",
            "the solution that has the table was not imported, or `table` is the display name or the plural",
            "import the solution first, or use the table's logical name",
        ),
        Code::TableNotVersioned => text(
            "the table's rows have no version that can guard a write",
            "virtual, elastic and some other tables have no row versions, so a write could overwrite another user's change",
            "keep the URL in another table or an environment variable",
        ),
        Code::TableElastic => text(
            "the table is elastic",
            "an elastic table does not roll back the writes of a failed change set, so flowbind could not write all targets or none",
            "keep the URL in a standard table or an environment variable",
        ),
        Code::TableVirtual => text(
            "the table is virtual",
            "another system stores the rows: they have no versions, and a write may be answered with success but not stored",
            "keep the URL in a standard table or an environment variable",
        ),
        Code::RowWithoutEtag => text(
            "Dataverse sent a row without its version (`@odata.etag`)",
            "rows that a provider or another system serves may have no version; without a version, a write could overwrite another user's change",
            "keep the URL in a standard table or an environment variable; if it is in one, look for a proxy that changes answers",
        ),
        Code::ColumnMissing => text(
            "the table has no such column",
            "the solution that has the column was not imported, or the manifest has the column's display name",
            "use the column's logical name",
        ),
        Code::KeyType => text(
            "a value in `key` has another type than the column",
            "Dataverse does not compare a text in quotes with a column of numbers, or a number with a column of text",
            "write the value in the type of the column",
        ),
        Code::ColumnNotText => {
            text("the column does not hold text", "a URL is a text", "name a column of type Text")
        }
        Code::ColumnNotReadable => text(
            "the column cannot be read (`IsValidForRead` is false)",
            "Dataverse accepts a value for the column but never returns it, so flowbind could neither compare the value nor verify a write",
            "use another column",
        ),
        Code::ColumnSecured => text(
            "column security is on for the column, and the column reads as empty, or the record does not exist",
            "a user who may not read a secured column always sees it as empty, so a write could not be verified",
            "give the user Read for the column in a column security profile; if it really is empty, put any text into it once",
        ),
        Code::ColumnNotWritable => text(
            "the column cannot be written",
            "the column is calculated, a rollup, or maintained by the system",
            "use another column",
        ),
        Code::KeyNotUnique => text(
            "a warning: without an alternate key, two runs at the same time can create the record twice",
            "`missing = \"create\"` is set, and Dataverse does not know that the columns in `key` identify one record",
            "define an alternate key over the columns in `key`",
        ),
        Code::KeyNotActive => text(
            "a record must be created, but the alternate key over columns of `key` is not active",
            "after an import, Dataverse builds the index of a key, and enforces the key only once the index is built; a second record created before would make the index fail",
            "wait until the key is active; if it failed, remove records with the same values, and reactivate the key",
        ),
        Code::RecordMissing => text(
            "the record was not found, and `missing = \"create\"` is not set",
            "the configuration data was not moved to this environment, `key` has a typo, or the user's read privilege for the table does not reach the record: Dataverse leaves out rows beyond the privilege's depth without an error",
            "create the record, or set `missing = \"create\"`",
        ),
        Code::RecordAmbiguous => text(
            "more than one record matches `key`",
            "the columns in `key` do not identify exactly one record in this environment",
            "add columns to `key`, or remove the extra records",
        ),
        Code::PointsElsewhere => text(
            "a warning: the current URL is on another environment's host, as after a copy",
            "the environment was copied together with variables and records",
            "run `flowbind apply` to write this environment's URL; until then, keep programs from calling the current one",
        ),
        Code::TooManyRows => text(
            "the run would have to write more than 1,000 rows",
            "Dataverse writes at most 1,000 rows in one change set, and a run writes all rows or none",
            "split the manifest, and run once for each part",
        ),
        Code::TargetCollision => text(
            "two targets lead to the same column of the same record",
            "in this environment, two keys, or a key and an id, identify the same record",
            "remove one of the two targets",
        ),
        Code::ValueTooLong => text(
            "the value is longer than the column or the variable (2,000 characters) allows",
            "a signed URL has about 300 characters, and a JSON variable holds all members in one text",
            "make the column longer, or spread the members over several variables",
        ),

        // Writing.
        Code::KeyTaken => text(
            "a row with the key of a new record or value exists already, but flowbind does not find it when reading",
            "the row is beyond the depth of the user's read privilege, and Dataverse leaves it out without an error; the value of that name belongs to another definition; or a plug-in or auto-numbering gives new rows the key of an existing row",
            "have an administrator find the row, and remove it or give the user's role the table's read privilege with the depth Organization",
        ),
        Code::WrittenThoughRefused => text(
            "a warning: the write was refused, but reading back shows that everything was written",
            "a gateway or proxy answered instead of Dataverse after Dataverse had written, or another run wrote the same values",
            "ask the operators of the gateway or proxy about the request that the message names",
        ),

        // Asking the URLs that are there.
        Code::ProbeOff => text(
            "with `check --probe`: the stored URL belongs to a flow that is off",
            "somebody turned the flow off, or the URL belongs to an earlier copy of the flow",
            "turn the flow on, or run `flowbind apply` to write the URL of the flow that is on",
        ),
        Code::ProbeGone => text(
            "with `check --probe`: nothing exists at the stored URL",
            "the flow or its environment was deleted, or the address was retired",
            "run `flowbind apply` to write the flow's current URL",
        ),
        Code::ProbeSignature => text(
            "with `check --probe`: the signature of the stored URL is missing or not accepted",
            "the key was regenerated, or somebody copied the URL without the end",
            "run `flowbind apply` to write the flow's current URL",
        ),
        Code::ProbeOpen => text(
            "with `check --probe`: the stored URL accepted a request that it should have refused, and the flow may have run",
            "anyone may trigger the flow by any method, or something else answers at this address",
            "check the flow's run history, and who may trigger the flow",
        ),
        Code::ProbeUnknown => text(
            "a warning, with `check --probe`: the answer of the stored URL proves nothing",
            "the service was busy, or something between flowbind and the service answered",
            "run the check again later",
        ),

        // Applying a reviewed plan.
        Code::PlanManifest => text(
            "with `--plan`: the manifest differs from the one that the plan was made from",
            "at least one byte differs; a checkout that changes line endings is enough",
            "plan again and have the new plan reviewed, or use the manifest of the same commit",
        ),
        Code::PlanExpired => text(
            "with `--plan`: the plan has expired",
            "a plan is valid for 24 hours, or for the time that `flowbind plan --valid-for DURATION` set",
            "plan again and have the new plan reviewed",
        ),
        Code::PlanEnvironment => text(
            "with `--plan`: the plan was made for another environment",
            "the wrong plan was used, or the environment at this address was replaced",
            "use the plan of this environment, or plan again",
        ),
        Code::PlanUser => text(
            "with `--plan`: the plan was made by another user",
            "the two jobs sign in as different users, or one of the tokens does not name the user",
            "use the same sign-in in both jobs",
        ),
        Code::PlanMoved => text(
            "with `--plan`: the flow's URL, the target's value, or the version of the row differs from the reviewed plan",
            "between the review and the apply, somebody changed the row, or the flow's key was rotated",
            "plan again and have the new plan reviewed",
        ),

        // Rolling back.
        Code::RemovedKept => text(
            "a warning: the target of a `[[removed]]` entry is left as it is, since it is not known to hold the flow's URL",
            "somebody wrote another value, or the flow is off or gone, so that the Flow service gives no URL to compare with",
            "remove the value by hand if nobody needs it, or turn the flow on; then remove the `[[removed]]` entry",
        ),
        Code::LeftOut => text(
            "a warning: `--only` left out targets of the manifest, or the reviewed plan did",
            "the run planned, wrote or checked only the targets that `--only` names; the message lists the others",
            "run without `--only` for all targets",
        ),
        Code::ChangedSince => text(
            "in a rollback: somebody changed the target after the apply (a warning if the target is skipped, or if a row to be deleted was changed since)",
            "restoring the earlier value would undo that change",
            "find out who changed it and why; `--skip-changed` skips it and rolls back the rest",
        ),
        Code::LabelMismatch => text(
            "in a rollback: the journal gives a row the address of another target",
            "somebody changed the journal to hide what is restored where, or renamed the row after the apply",
            "find out who could write to the journal, or who renamed the row; if the value is right, restore it by hand",
        ),
        Code::NotCreatedByApply => text(
            "in a rollback: the journal says that the apply created a row, but Dataverse says that it was created at another time",
            "somebody changed the journal, or deleted the row after the apply and created it again",
            "find out who could write to the journal; delete the row by hand if it should not exist",
        ),
        Code::RestoresElsewhere => text(
            "a warning, in a rollback: a restored value leads outside this environment, or is not encrypted (http)",
            "the target held the value before the apply, or somebody changed the journal",
            "before you confirm the rollback, check whether this host may receive the data",
        ),
    }
}
