//! Explains the code of each problem.

use super::{CodeText, text};
use crate::model::Code;

/// Returns the explanation of the code of a problem.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn problem_text(code: Code) -> CodeText {
    match code {
        // The manifest.
        Code::ManifestUnreadable => text(
            "there is no such file, it is a directory, or this user may not read it",
            "without `--manifest`, the file is `flowbind.toml` in the folder in which the program runs",
            "name the file with `--manifest`; `flowbind init` writes one to begin with",
        ),
        Code::ManifestTooLarge => text(
            "the file has more than 16 MiB",
            "a manifest of that size is most often another file",
            "split it, and run once for each part",
        ),
        Code::ManifestNotUtf8 => text(
            "a byte is not UTF-8; UTF-16 is called by its name",
            "an editor or Windows PowerShell's `>` wrote the file in another encoding",
            "save the file as UTF-8",
        ),
        Code::ManifestNotToml => text(
            "the text is not TOML, or a key or table is there twice",
            "a quote, a bracket or an equals sign is missing, or a part was copied and not changed",
            "mend the line; values that are texts need quotes",
        ),
        Code::VersionUnknown => text(
            "`version` is missing or is not the number 1",
            "the version tells this program that it understands every key that follows",
            "write `version = 1`",
        ),
        Code::KeyUnknown => text(
            "the table has no such key",
            "a key that is overlooked would be a setting that is not heeded, so none is",
            "use the key that the help names",
        ),
        Code::KeyMissing => text(
            "a key that has to be there is not; also a `url` whose host tells no cloud, without `cloud`",
            "nothing else tells what the key would say",
            "add it",
        ),
        Code::KeyConflict => text(
            "two keys that cannot stand together, such as `url` and `sandbox`, `federation` and `client-secret-variable`, `id` and `key`, `json-pointer` and `table`, `missing = \"create\"` and `id`",
            "they say two things of the same, and choosing one of them would be a guess",
            "keep one",
        ),
        Code::TypeWrong => text(
            "a value of another type, such as a number for a text",
            "in TOML, quotes make a text, brackets a list, and braces a table",
            "write the type that the message names",
        ),
        Code::ValueInvalid => text(
            "a value that its key cannot have: no GUID, no name of Dataverse, no JSON pointer, none of the words, an address that is not https, a text with invisible characters or with a signature in it",
            "the value was copied with something before or after it, or is that of another key",
            "see the message",
        ),
        Code::FlowNone => text(
            "there is no `[[flow]]`",
            "a manifest without a flow asks for nothing; `[flow]` with one bracket is another table",
            "add one",
        ),
        Code::TargetNone => text(
            "a flow has no `[[flow.target]]`",
            "its URL would be asked for and go nowhere",
            "add one",
        ),
        Code::FlowDuplicate => text(
            "the same flow and trigger twice, or a flow once with and once without `trigger`",
            "one of the two was copied, or an entry without `trigger` could mean the other's trigger",
            "put the targets under one flow, or name the trigger in both",
        ),
        Code::TargetDuplicate => text(
            "two targets with one address",
            "a place holds one URL, and names are compared as Dataverse does, without case",
            "remove one",
        ),
        Code::PointerOverlap => text(
            "a target inside of what another target replaces",
            "what one of them writes, the other would overwrite",
            "point at members side by side",
        ),
        Code::EnvironmentUnknown => text(
            "`--environment` names none of the manifest's, or an address of no known cloud",
            "the name has a slip, or the manifest of another branch is read",
            "use a name that the help lists",
        ),
        Code::EnvironmentNone => text(
            "no `--environment` and not exactly one to choose, or an address that several entries have",
            "which environment is written to is never guessed",
            "add `--environment`",
        ),

        // The flows.
        Code::FlowNotFound => text(
            "no flow has that workflow id in this environment",
            "the solution was not imported here, the id is the one that the Flow service gave the flow in one environment (`resourceid`), or the user's read privilege for processes does not reach the flow: Dataverse leaves out rows below its depth, without an error",
            "import the solution first, or take `workflow-id` from the file's name in the solution; if the id is a `resourceid` of this environment, the message names the right one",
        ),
        Code::FlowNotCloud => text(
            "the row is a classic workflow, a business rule, a desktop flow, or another kind of process",
            "the table `workflow` holds processes of many kinds, and only cloud flows have HTTP triggers",
            "take the `workflowid` of a cloud flow (category 5)",
        ),
        Code::FlowDraft => text(
            "the flow is off, and its URL exists only once it is on",
            "after an import a flow stays off while a connection reference has no connection, and after a copy of an environment all are",
            "turn the flow on, which needs its connection references to be bound, and run again; `--wait-ready` waits for a step that does",
        ),
        Code::FlowSuspended => text(
            "the Flow service stopped the flow",
            "a data policy forbids a connector of the flow, its runs kept failing, nothing started it for long, or no license covers it: the message says which",
            "do what the message says, then turn the flow on",
        ),
        Code::FlowStateUnknown => text(
            "the flow is neither on nor off",
            "Dataverse told a state that this program does not know",
            "open the flow in Power Automate, and turn it off and on",
        ),
        Code::DefinitionUnreadable => text(
            "the flow's definition is not the JSON of a flow",
            "the import was broken off, or somebody edited the flow's file by hand",
            "open the flow in Power Automate and save it, or correct the flow's file and import the solution again",
        ),
        Code::TriggerNotHttp => text(
            "the flow has no HTTP trigger; the kinds it has are named",
            "a flow that is started by a button, an app or a schedule has no URL for others; for other kinds of `Request` triggers, such as TeamsWebhook, the Flow service decides",
            "bind another flow, or give this one the trigger \"When an HTTP request is received\"",
        ),
        Code::TriggerAmbiguous => text(
            "the flow has several HTTP triggers and the manifest chooses none",
            "each trigger has a URL of its own",
            "name one by `trigger`; the message lists them",
        ),
        Code::TriggerNotFound => text(
            "the flow has no trigger of that key",
            "somebody renamed the trigger, which changes its key",
            "correct `trigger`, or leave it out if the flow has one HTTP trigger",
        ),
        Code::FlowNotOwned => text(
            "the signed-in user neither owns nor co-owns the flow",
            "the Flow service gives a flow's URL to its owners alone, whatever the security role",
            "let an owner of the flow add the user as a co-owner, or sign in as an owner",
        ),
        Code::FlowNotRegistered => text(
            "the Flow service knows the flow by neither of its ids",
            "right after an import or a copy, Dataverse knows a flow before the Flow service does",
            "wait a few minutes and run again; if it stays, turn the flow off and on",
        ),
        Code::TriggerNotRegistered => text(
            "the Flow service does not know the trigger, which the flow's definition has",
            "the service learns of a trigger when its flow is turned on, a little later than Dataverse",
            "wait a few minutes and run again; if it stays, turn the flow off and on",
        ),
        Code::EnvironmentDenied => text(
            "the Flow service does not let the user use this environment",
            "the user has no security role in it, or no licence, or is not in the environment's security group",
            "give the user a security role, and add them to the environment's security group",
        ),
        Code::PrivilegeMissing => text(
            "Dataverse does not show something to the user; the privilege is named",
            "none of the user's security roles has it, or only for rows of their own",
            "add the privilege to a role of the user; docs/sign-in.md lists what is needed",
        ),

        // The callback URLs.
        Code::CallbackMalformed => text(
            "the answer has no usable URL",
            "the service answered in a form that is not known, or something stands between",
            "turn the flow off and on, and run again",
        ),
        Code::CallbackAmbiguous => text(
            "the URL is written so that programs read different hosts out of it",
            "no service writes a URL like that, so something stands between here and it",
            "look at what answers in the place of the Flow service, such as a proxy",
        ),
        Code::CallbackUnconfirmed => text(
            "a warning: the URL had to be asked for by the workflow id, and the service does not say whether it belongs to the flow",
            "Dataverse has no `resourceid` for the flow, as in older environments",
            "call the flow once by its URL; turning it off and on brings the id",
        ),
        Code::CallbackNotHttps => text(
            "the URL is not https",
            "no service gives such a URL, so something stands between here and it",
            "look at what answers in the place of the Flow service, such as a proxy",
        ),
        Code::CallbackHostUnknown => text(
            "the URL leads to a host that is none of the cloud's flow services",
            "the cloud is another than the manifest says, or has a host that is new",
            "check `cloud`; a new host is added by a file of clouds (docs/clouds.md)",
        ),
        Code::CallbackOtherFlow => text(
            "the URL belongs to another flow",
            "the service knew the id that it was asked by as that of another flow",
            "turn the flow off and on, and run again",
        ),
        Code::SignedUrl => text(
            "the URL is signed and the policy refuses that (a warning with `signed-urls = \"warn\"`)",
            "anyone may trigger the flow, so that whoever reads the URL where it is stored can run it",
            "let only users of the tenant trigger the flow, or write `signed-urls = \"allow\"` under `[policy]`",
        ),
        Code::OldGenerationUrl => text(
            "a warning: the URL is on `logic.azure.com`, which Microsoft retires",
            "the flow had its URL before its environment had addresses of the new generation, and the Flow service still gives it",
            "nothing has to be done to the flow: its new URL stands on the trigger card in the designer; run again once the Flow service gives it",
        ),

        // The targets.
        Code::DefinitionMissing => text(
            "there is no such environment variable",
            "the solution that defines it was not imported, `environment-variable` is its display name, or the user's read privilege does not reach the definition: Dataverse leaves out rows below its depth, without an error",
            "import the solution that defines it first, or correct `environment-variable`",
        ),
        Code::VariableType => text(
            "the variable is of a type that cannot hold a URL",
            "numbers, booleans, data sources and secrets are kept in other ways than a text",
            "bind a variable of type Text, or JSON with `json-pointer`",
        ),
        Code::VariableAmbiguous => text(
            "the variable has more than one value row",
            "two runs or imports once made a value at the same time, in an organisation without a key against that",
            "remove all values but one in the solution that shows the variable",
        ),
        Code::ValueNotJson => text(
            "the value is not the JSON that a pointer needs",
            "the variable holds nothing but a text, or one of the members on the way is no object",
            "correct the value that the message names; a variable of type Text can also be bound without `json-pointer`",
        ),
        Code::MemberNotText => text(
            "the member that `json-pointer` names holds an object, an array, a number, or true or false",
            "the pointer stops too early, or other things read this member; a URL in its place would remove what it holds",
            "name a member inside it, such as `/order/url`, or another one; only text, null, an empty object, an empty array or nothing is replaced",
        ),
        Code::TextHoldsMore => text(
            "the text that is there is a JSON object or array, XML, several lines, several URLs, or several settings",
            "something reads more than a URL there; a URL in the place of the whole text would remove the rest",
            "name the member with `json-pointer` if a variable holds JSON, or name another place; if nobody needs the text, empty the place first",
        ),
        Code::TableMissing => text(
            "there is no such table",
            "the solution that has it was not imported, or `table` is its display name or plural",
            "import the solution first, or write the table's logical name",
        ),
        Code::TableNotVersioned => text(
            "the table's rows carry no version to guard a write with",
            "virtual and elastic tables, among others, have none, and a change of somebody else's could be overwritten",
            "keep the URL in another table, or in an environment variable",
        ),
        Code::TableElastic => text(
            "the table is elastic",
            "in an elastic table, writes of a change set that fails are not rolled back, so all targets or none could not be kept",
            "keep the URL in a standard table, or in an environment variable",
        ),
        Code::TableVirtual => text(
            "the table is virtual",
            "another system keeps its rows: they have no versions, and a write can be answered with success and not kept",
            "keep the URL in a standard table, or in an environment variable",
        ),
        Code::RowWithoutEtag => text(
            "Dataverse sent a row without its version (`@odata.etag`)",
            "rows of tables that a provider or another system serves may have none; without it, a write could overwrite a change of somebody else",
            "keep the URL in a standard table, or in an environment variable; if it is one, look at what stands between here and Dataverse",
        ),
        Code::ColumnMissing => text(
            "the table has no such column",
            "the solution that has it was not imported, or it is the column's display name",
            "write the column's logical name",
        ),
        Code::KeyType => text(
            "a key's value is of another type than its column",
            "a text in quotes is not compared with a column of numbers, nor the other way round",
            "write the value as the column holds it",
        ),
        Code::ColumnNotText => {
            text("the column does not hold text", "a URL is a text", "name a column of type Text")
        }
        Code::ColumnNotReadable => text(
            "the column cannot be read (`IsValidForRead` is false)",
            "Dataverse takes a value for it and never shows it, so what is there could not be compared, and a write could not be verified",
            "name another column",
        ),
        Code::ColumnSecured => text(
            "column security is on for the column, and it reads as empty, or no record is there",
            "to a user without permission to read a secured column it looks empty, whatever it holds, and a write could not be verified",
            "give the user Read in a column security profile for the column; if it really is empty, put any text into it once, then run again",
        ),
        Code::ColumnNotWritable => text(
            "the column cannot be written",
            "it is calculated, a rollup, or kept by the system",
            "name another column",
        ),
        Code::KeyNotUnique => text(
            "a warning: no alternate key keeps two runs at once from creating the record twice",
            "`missing = \"create\"` is set, and Dataverse does not know that these columns name one record",
            "define an alternate key over the columns in `key`",
        ),
        Code::KeyNotActive => text(
            "a record is to be created, and the alternate key over columns of `key` is not active",
            "Dataverse builds the index of a key after an import, and enforces the key only once it is built; a second record made before would make the index fail",
            "wait until the key is active and run again; if it failed, remove the records that have the same values, and reactivate it",
        ),
        Code::RecordMissing => text(
            "there is no such record, and `missing = \"create\"` is not set",
            "configuration data was not moved to this environment, `key` has a slip, or the user's read privilege for the table does not reach the record: Dataverse leaves out rows below its depth, without an error",
            "make the record, or write `missing = \"create\"`",
        ),
        Code::RecordAmbiguous => text(
            "more than one record fits the key",
            "the columns in `key` do not name exactly one record here",
            "add columns to `key`, or remove the records that are too many",
        ),
        Code::PointsElsewhere => text(
            "a warning: the URL that is there is on the host of another environment, as in a copy",
            "the environment was copied, and its variables and records came along",
            "keep what reads it from calling until `flowbind apply` has written this environment's URL",
        ),
        Code::TooManyRows => text(
            "more than 1,000 rows would have to be written",
            "Dataverse writes at most 1,000 rows in one change set, and a run writes all of its rows or none",
            "split the manifest, and run once for each part",
        ),
        Code::TargetCollision => text(
            "two bindings turned out to write to the same column of the same record",
            "two keys, or a key and an id, lead to one record in this environment",
            "remove one of the two targets",
        ),
        Code::ValueTooLong => text(
            "the value is longer than its column, or than the 2,000 characters of a variable",
            "a signed URL has about 300 characters, and a JSON variable holds all its members in one text",
            "make the column longer, or spread the members over several variables",
        ),

        // Writing.
        Code::KeyTaken => text(
            "a row with the key of a new record or value exists already, and reading does not show it",
            "Dataverse leaves out rows below the depth of the user's read privilege, without an error; the value of that name belongs to another definition; or a plug-in or auto-numbering gives new rows the key of a row that exists",
            "have an administrator look for the row, and give the user's role the read privilege of its table with the depth Organization, or have the row removed",
        ),
        Code::WrittenThoughRefused => text(
            "a warning: the write was refused, and reading back shows that all of it is in",
            "a gateway or proxy answered in the place of Dataverse after it had written, or another run wrote the same",
            "have the operators of what stands between look at the request that the message names",
        ),

        // Asking the URLs that are there.
        Code::ProbeOff => text(
            "with `check --probe`: the URL that is there is of a flow that is off",
            "somebody turned the flow off, or the URL is that of an earlier copy of it",
            "turn the flow on, or let `flowbind apply` write the URL of the one that is",
        ),
        Code::ProbeGone => text(
            "with `check --probe`: nothing is at the URL that is there",
            "the flow or its environment was deleted, or the address was retired",
            "let `flowbind apply` write the flow's URL of today",
        ),
        Code::ProbeSignature => text(
            "with `check --probe`: the signature of the URL that is there is missing or not accepted",
            "the key was regenerated, or somebody copied the URL without its end",
            "let `flowbind apply` write the flow's URL of today",
        ),
        Code::ProbeOpen => text(
            "with `check --probe`: the URL that is there took a request that it should have turned away, and its flow may have run",
            "the flow lets anyone trigger it by any method, or something else answers at that address",
            "look at the flow's run history, and at who may trigger it",
        ),
        Code::ProbeUnknown => text(
            "a warning, with `check --probe`: what the URL that is there answered proves nothing",
            "the service was busy, or something stands between here and it",
            "run the check again later",
        ),

        // Applying a reviewed plan.
        Code::PlanManifest => text(
            "with `--plan`: the manifest is another than when the plan was made",
            "a byte of it differs; a checkout that changes line ends is enough",
            "plan again and have the new plan reviewed, or take the manifest of the same commit",
        ),
        Code::PlanExpired => text(
            "with `--plan`: the plan is too old",
            "a plan lasts 24 hours unless `flowbind plan --valid-for HOURS` said otherwise",
            "plan again and have the new plan reviewed",
        ),
        Code::PlanEnvironment => text(
            "with `--plan`: the plan was made for another environment",
            "the wrong plan was taken, or the environment behind the address was replaced",
            "take the plan of this environment, or plan again",
        ),
        Code::PlanUser => text(
            "with `--plan`: the plan was made by another user",
            "the two jobs sign in as different people, or one of the tokens does not tell whose it is",
            "let both jobs use the same sign-in",
        ),
        Code::PlanMoved => text(
            "with `--plan`: the flow's URL, what the target holds, or the version of its row is not what was reviewed",
            "somebody changed the row, or the flow's key was rotated, between the review and the apply",
            "plan again and have the new plan reviewed",
        ),

        // Rolling back.
        Code::ChangedSince => text(
            "in a rollback: somebody changed the target after the apply (a warning where it is left alone, and where a row that is deleted was written to since)",
            "restoring the earlier value would undo what they did",
            "look at the target; `--skip-changed` leaves it alone and undoes the rest",
        ),
        Code::LabelMismatch => text(
            "in a rollback: the journal calls a row by the address of another target, so that nobody could see what is restored where",
            "somebody changed the journal, or renamed the row after the apply",
            "find out who could write to the journal, or who renamed the row; restore the value by hand if it is right",
        ),
        Code::NotCreatedByApply => text(
            "in a rollback: the journal says that the apply created a row, and the row was created at another time",
            "somebody changed the journal, or deleted the row after the apply and created it again",
            "find out who could write to the journal; delete the row by hand if it is to go",
        ),
        Code::RestoresElsewhere => text(
            "a warning, in a rollback: an earlier value that is restored leads to a host that is not this environment's, or leads there without encryption",
            "the value was there before the apply, or somebody changed the journal",
            "look whether that host may get the data that is sent to it, before the rollback is agreed to",
        ),
    }
}
