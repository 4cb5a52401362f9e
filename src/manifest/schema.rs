//! The tables of a manifest and their keys, each with what to type.

/// A table and the keys that it may have.
pub(super) struct Schema {
    /// The table as a sentence names it.
    pub(super) header: &'static str,
    /// Its keys, in the order of the documentation.
    pub(super) keys: &'static [Key],
}

/// A key of a table.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// What to type, as a sentence.
    pub(super) help: &'static str,
}

/// Shortens the tables below.
const fn key(name: &'static str, help: &'static str) -> Key {
    Key { name, help }
}

/// The top of the file.
pub(super) static ROOT: Schema = Schema {
    header: "the manifest",
    keys: &[
        key("version", "write `version = 1` at the top"),
        key("environments", "write a table for each environment, such as `[environments.prod]`"),
        key("policy", "write the table `[policy]`"),
        key(
            "flow",
            "write `[[flow]]`, with two brackets on each side, above the keys of each flow",
        ),
    ],
};

/// An environment.
pub(super) static ENVIRONMENT: Schema = Schema {
    header: "`[environments.NAME]`",
    keys: &[
        key(
            "url",
            "write the Environment URL that the Power Platform admin center shows, such as `url = \"https://contoso.crm4.dynamics.com\"`",
        ),
        key(
            "sandbox",
            "write `sandbox = true` for the tenant that ships with the program, or else a `url`",
        ),
        key("cloud", "write the cloud's name, such as `cloud = \"public\"`"),
        key(
            "client-id",
            "write the application (client) id of your app registration, such as `client-id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
        key(
            "tenant",
            "write the tenant's id or one of its domains, such as `tenant = \"contoso.onmicrosoft.com\"`",
        ),
        key(
            "environment-id",
            "write the Environment ID that the Power Platform admin center shows, or leave the key out to have it discovered",
        ),
        key(
            "flow-api",
            "write `flow-api = \"classic\"` for the cloud's API or `\"environment\"` for the environment's own host, or leave the key out to have both tried",
        ),
        key(
            "dataverse-identity",
            "write the table `[environments.NAME.dataverse-identity]`, with the environment's own name",
        ),
    ],
};

/// The application that is used for Dataverse.
pub(super) static DATAVERSE_IDENTITY: Schema = Schema {
    header: "`[environments.NAME.dataverse-identity]`",
    keys: &[
        key(
            "client-id",
            "write the application (client) id of the application that the environment has as a user, such as `client-id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
        key(
            "tenant",
            "write the tenant's id or one of its domains, such as `tenant = \"contoso.onmicrosoft.com\"`, or leave the key out if it is the environment's",
        ),
        key(
            "client-secret-variable",
            "put the secret into a variable of the pipeline and write that variable's name, such as `client-secret-variable = \"FLOWBIND_DATAVERSE_CLIENT_SECRET\"`; a secret that stood in this file has to be replaced in Entra",
        ),
        key(
            "certificate-variable",
            "put the certificate and its private key, or the path of their PEM file, into a variable of the pipeline and write that variable's name, such as `certificate-variable = \"FLOWBIND_DATAVERSE_CERTIFICATE\"`; a key that stood in this file has to be replaced",
        ),
        key(
            "federation",
            "write `federation = \"github\"`, `\"azure-devops\"` or `\"kubernetes\"`: whoever runs the pipeline then tells Entra who it is, without a secret",
        ),
        key(
            "service-connection",
            "write the service connection's id, the `resourceId` in the address of its page, such as `service-connection = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`",
        ),
    ],
};

/// What is allowed.
pub(super) static POLICY: Schema = Schema {
    header: "`[policy]`",
    keys: &[key("signed-urls", "write `signed-urls = \"refuse\"`, `\"warn\"` or `\"allow\"`")],
};

/// A flow.
pub(super) static FLOW: Schema = Schema {
    header: "`[[flow]]`",
    keys: &[
        key(
            "name",
            "write a short name for reports, such as `name = \"Order intake\"`, or leave the key out",
        ),
        key(
            "workflow-id",
            "write the flow's `workflowid`, which ends the name of its file in the solution's folder `Workflows`, such as `workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"`",
        ),
        key(
            "trigger",
            "write the trigger's key in the flow's definition, such as `trigger = \"manual\"`, or leave it out if the flow has one HTTP trigger",
        ),
        key(
            "target",
            "write `[[flow.target]]` under the flow, and below it `environment-variable = \"contoso_OrderIntakeUrl\"`, or `table`, `key` and `column`",
        ),
    ],
};

/// A target.
pub(super) static TARGET: Schema = Schema {
    header: "`[[flow.target]]`",
    keys: &[
        key(
            "environment-variable",
            "write the variable's schema name, not its display name, such as `environment-variable = \"contoso_OrderIntakeUrl\"`",
        ),
        key(
            "json-pointer",
            "write the member's place in the JSON value (RFC 6901), such as `json-pointer = \"/orders/intake\"`",
        ),
        key("table", "write the table's logical name, such as `table = \"contoso_endpoint\"`"),
        key(
            "key",
            "write the columns that name exactly one record, such as `key = { contoso_name = \"orders\" }`",
        ),
        key(
            "id",
            "write the record's primary key, such as `id = \"5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9\"`, or find it by `key`",
        ),
        key(
            "column",
            "write the logical name of the column that holds the URL, such as `column = \"contoso_url\"`",
        ),
        key("missing", "write `missing = \"fail\"` or `missing = \"create\"`"),
    ],
};

/// Every table.
pub(super) static ALL: &[&Schema] =
    &[&ROOT, &ENVIRONMENT, &DATAVERSE_IDENTITY, &POLICY, &FLOW, &TARGET];

impl Schema {
    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// What to type for that key.
    pub(super) fn help(&self, name: &str) -> &'static str {
        self.key(name).map_or("", |key| key.help)
    }

    /// The names of the keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

/// The first table that has such a key.
pub(super) fn owner(name: &str) -> Option<&'static Schema> {
    ALL.iter().copied().find(|schema| schema.key(name).is_some())
}
