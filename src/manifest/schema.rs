//! The tables of a manifest and their keys, each with what to type.
//!
//! `json_schema` tells editors the same, so that there is one list of keys.

use super::choices::{FEDERATIONS, FLOW_APIS, MISSING, SIGNED_URLS};

/// A table and the keys that it may have.
pub(super) struct Schema {
    /// The table as a sentence names it.
    pub(super) header: &'static str,
    /// The keys that it has to have.
    pub(super) needs: &'static [&'static str],
    /// The alternatives of the table, of which exactly one applies; empty if there is no choice.
    pub(super) cases: &'static [TableCase],
    /// Its keys, in the order of the documentation.
    pub(super) keys: &'static [Key],
}

/// One alternative of a table.
pub(super) struct TableCase {
    /// The keys that it then has to have.
    pub(super) needs: &'static [&'static str],
    /// The keys that it then cannot have.
    pub(super) excludes: &'static [&'static str],
}

/// A key of a table.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// The form of its value.
    pub(super) form: Form,
    /// The help on what to type, as a sentence.
    pub(super) help: &'static str,
}

/// The form of a value; the parsers check it more exactly.
pub(super) enum Form {
    /// A text.
    Text,
    /// A text in which this regular expression is found.
    Pattern(&'static str),
    /// One of a few words.
    Choice(fn() -> Vec<&'static str>),
    /// The version of the manifest.
    Version,
    /// `true` and nothing else.
    True,
    /// A table.
    Table(&'static Schema),
    /// Such tables by names that the operator chose.
    Tables(&'static Schema),
    /// A list of such tables, at least one.
    List(&'static Schema),
    /// A name in Dataverse, or a list of such tables, at least one.
    NameOrList(&'static Schema),
    /// Columns, each with a text, a whole number, `true` or `false`.
    Columns,
}

/// A GUID, with or without braces.
const GUID: Form = Form::Pattern(
    r"^\s*(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\s*$",
);

/// The name of a variable of the process.
const VARIABLE: Form = Form::Pattern("^[A-Z_][A-Z0-9_]*$");

/// A name in Dataverse.
const NAME: Form = Form::Pattern(NAME_PATTERN);

/// What a name in Dataverse looks like.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9_]+$";

/// Builds a key; shortens the tables below.
pub(super) const fn key(name: &'static str, form: Form, help: &'static str) -> Key {
    Key { name, form, help }
}

/// Builds a case; shortens the tables below.
const fn case(needs: &'static [&'static str], excludes: &'static [&'static str]) -> TableCase {
    TableCase { needs, excludes }
}

/// Returns the words of a choice.
fn words<T>(choices: &'static [(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}

/// The top of the file.
pub(super) static ROOT: Schema = Schema {
    header: "the manifest",
    needs: &["version", "flow"],
    cases: &[],
    keys: &[
        key("version", Form::Version, "write `version = 1` at the top"),
        key(
            "environments",
            Form::Tables(&ENVIRONMENT),
            "write a table for each environment, such as `[environments.prod]`",
        ),
        key("policy", Form::Table(&POLICY), "write the table `[policy]`"),
        key(
            "flow",
            Form::List(&FLOW),
            "write `[[flow]]`, with two brackets on each side, above the keys of each flow",
        ),
        key(
            "removed",
            Form::List(&REMOVED),
            "write `[[removed]]` with the keys of the earlier `[[flow]]`, to have its URL removed from its targets",
        ),
    ],
};

/// An environment.
pub(super) static ENVIRONMENT: Schema = Schema {
    header: "`[environments.NAME]`",
    needs: &[],
    cases: &[case(&["url"], &["sandbox"]), case(&["sandbox"], &["url", "cloud"])],
    keys: &[
        key(
            "url",
            Form::Pattern("^[Hh][Tt][Tt][Pp][Ss]?://"),
            "write the Environment URL that the Power Platform admin center shows, such as `url = \"https://contoso.crm4.dynamics.com\"`",
        ),
        key(
            "sandbox",
            Form::True,
            "write `sandbox = true` for the tenant that ships with the program, or else a `url`",
        ),
        key("cloud", Form::Text, "write the cloud's name, such as `cloud = \"public\"`"),
        key(
            "client-id",
            GUID,
            "write the application (client) id of your app registration, such as `client-id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
        key(
            "tenant",
            Form::Text,
            "write the tenant's id or one of its domains, such as `tenant = \"contoso.onmicrosoft.com\"`",
        ),
        key(
            "environment-id",
            Form::Pattern("^[A-Za-z0-9-]{1,128}$"),
            "write the Environment ID that the Power Platform admin center shows, or leave the key out to have it discovered",
        ),
        key(
            "flow-api",
            Form::Choice(|| words(FLOW_APIS)),
            "write `flow-api = \"classic\"` for the cloud's API or `\"environment\"` for the environment's own host, or leave the key out to have both tried",
        ),
        key(
            "dataverse-identity",
            Form::Table(&DATAVERSE_IDENTITY),
            "write the table `[environments.NAME.dataverse-identity]`, with the environment's own name",
        ),
    ],
};

/// The application that is used for Dataverse.
pub(super) static DATAVERSE_IDENTITY: Schema = Schema {
    header: "`[environments.NAME.dataverse-identity]`",
    needs: &["client-id"],
    cases: &[
        case(
            &["client-secret-variable"],
            &["certificate-variable", "federation", "service-connection"],
        ),
        case(
            &["certificate-variable"],
            &["client-secret-variable", "federation", "service-connection"],
        ),
        case(&["federation"], &["client-secret-variable", "certificate-variable"]),
    ],
    keys: &[
        key(
            "client-id",
            GUID,
            "write the client id of the environment's application user, such as `client-id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
        key(
            "tenant",
            Form::Text,
            "write the tenant's id or one of its domains, such as `tenant = \"contoso.onmicrosoft.com\"`, or leave the key out if it is the environment's",
        ),
        key(
            "client-secret-variable",
            VARIABLE,
            "put the secret into a variable of the pipeline and write that variable's name, such as `client-secret-variable = \"FLOWBIND_DATAVERSE_CLIENT_SECRET\"`; if the secret itself was in this file, replace it in Entra",
        ),
        key(
            "certificate-variable",
            VARIABLE,
            "put the certificate and its private key, or the path of their PEM file, into a variable of the pipeline and write that variable's name, such as `certificate-variable = \"FLOWBIND_DATAVERSE_CERTIFICATE\"`; if the key itself was in this file, replace it",
        ),
        key(
            "federation",
            Form::Choice(|| words(FEDERATIONS)),
            "write `federation = \"github\"`, `\"azure-devops\"` or `\"kubernetes\"`: the pipeline's platform then identifies the pipeline to Entra, without a secret",
        ),
        key(
            "service-connection",
            GUID,
            "write the service connection's id, the `resourceId` in the address of its page, such as `service-connection = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
    ],
};

/// The table `[policy]`: what is allowed.
pub(super) static POLICY: Schema = Schema {
    header: "`[policy]`",
    needs: &[],
    cases: &[],
    keys: &[key(
        "signed-urls",
        Form::Choice(|| words(SIGNED_URLS)),
        "write `signed-urls = \"refuse\"`, `\"warn\"` or `\"allow\"`",
    )],
};

/// A flow.
pub(super) static FLOW: Schema =
    Schema { header: "`[[flow]]`", needs: FLOW_NEEDS, cases: &[], keys: &FLOW_KEYS };

/// A flow whose URL is to be removed from its targets.
pub(super) static REMOVED: Schema =
    Schema { header: "`[[removed]]`", needs: FLOW_NEEDS, cases: &[], keys: &FLOW_KEYS };

/// The keys that a flow has to have.
const FLOW_NEEDS: &[&str] = &["workflow-id", "target"];

/// The keys of a flow.
static FLOW_KEYS: [Key; 4] = [
    key(
        "name",
        Form::Text,
        "write a short name for reports, such as `name = \"Order intake\"`, or leave the key out",
    ),
    key(
        "workflow-id",
        GUID,
        "write the flow's `workflowid`, which ends the name of its file in the solution's folder `Workflows`, such as `workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"`",
    ),
    key(
        "trigger",
        Form::Text,
        "write the trigger's key in the flow's definition, such as `trigger = \"manual\"`, or leave it out if the flow has one HTTP trigger",
    ),
    key(
        "target",
        Form::NameOrList(&TARGET),
        "write `target = \"contoso_OrderIntakeUrl\"` for one environment variable, or else `[[flow.target]]` under the flow, and below it `environment-variable`, or `table`, `key` and `column`",
    ),
];

/// A target.
pub(super) static TARGET: Schema = Schema {
    header: "`[[flow.target]]`",
    needs: &[],
    cases: &[
        case(&["environment-variable"], &["table", "key", "id", "column", "missing"]),
        case(&["table", "key", "column"], &["id", "environment-variable", "json-pointer"]),
        case(&["table", "id", "column"], &["key", "environment-variable", "json-pointer"]),
    ],
    keys: &[
        key(
            "environment-variable",
            NAME,
            "write the variable's schema name, not its display name, such as `environment-variable = \"contoso_OrderIntakeUrl\"`",
        ),
        key(
            "json-pointer",
            Form::Pattern("^/([^~]|~[01])*$"),
            "write the member's place in the JSON value (RFC 6901), such as `json-pointer = \"/orders/intake\"`",
        ),
        key(
            "table",
            NAME,
            "write the table's logical name, such as `table = \"contoso_endpoint\"`",
        ),
        key(
            "key",
            Form::Columns,
            "write the columns that name exactly one record, such as `key = { contoso_name = \"orders\" }`",
        ),
        key(
            "id",
            GUID,
            "write the record's primary key, such as `id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`, or find it by `key`",
        ),
        key(
            "column",
            NAME,
            "write the logical name of the column that holds the URL, such as `column = \"contoso_url\"`",
        ),
        key(
            "missing",
            Form::Choice(|| words(MISSING)),
            "write `missing = \"fail\"` or `missing = \"create\"`",
        ),
    ],
};

/// Every table.
pub(super) static ALL: &[&Schema] =
    &[&ROOT, &ENVIRONMENT, &DATAVERSE_IDENTITY, &POLICY, &FLOW, &REMOVED, &TARGET];

impl Schema {
    /// Finds the key with the name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Returns what to type for the key.
    pub(super) fn help(&self, name: &str) -> &'static str {
        self.key(name).map_or("", |key| key.help)
    }

    /// Returns the names of the keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

/// Finds the first table that has the key.
pub(super) fn owner(name: &str) -> Option<&'static Schema> {
    ALL.iter().copied().find(|schema| schema.key(name).is_some())
}
