//! The Azure CLI as a source of tokens: its own application needs no registration in the tenant.

use std::io::ErrorKind;

use super::{TokenCommand, TokenCommandFailure};

/// The program. On Windows the token command finds its script, `az.cmd`.
const PROGRAM: &str = "az";

/// Where the Azure CLI is installed from.
const INSTALL: &str = "https://learn.microsoft.com/cli/azure/install-azure-cli";

impl TokenCommand {
    /// Returns the command that has the Azure CLI print a token.
    pub fn azure_cli() -> Self {
        let arguments =
            ["account", "get-access-token", "--output", "json", "--resource", "{resource}"];
        Self {
            program: PROGRAM.to_owned(),
            arguments: arguments.map(str::to_owned).into(),
            variables: Vec::new(),
            is_azure_cli: true,
        }
    }

    /// Names the tenant to the Azure CLI, which may be signed in to several. Another command is left
    /// as it is.
    pub fn set_tenant(&mut self, tenant: &str) {
        if self.is_azure_cli {
            self.arguments.extend(["--tenant", tenant].map(str::to_owned));
        }
    }

    /// Returns true if the command is the Azure CLI that `--sign-in az` chose.
    pub(in crate::sign_in) fn is_azure_cli(&self) -> bool {
        self.is_azure_cli
    }

    /// Returns the tenant that was named to the Azure CLI.
    pub(in crate::sign_in) fn azure_tenant(&self) -> Option<&str> {
        let tenant = || self.arguments.iter().skip_while(|word| *word != "--tenant").nth(1);
        self.is_azure_cli.then(tenant).flatten().map(String::as_str)
    }
}

/// Returns the command that signs a person in to the Azure CLI.
pub(in crate::sign_in) fn login_command(tenant: &str) -> String {
    format!("az login --tenant {tenant} --allow-no-subscriptions")
}

/// Returns what to do if the Azure CLI gave no token.
pub(in crate::sign_in) fn azure_cli_hints(
    tenant: &str,
    failure: &TokenCommandFailure,
) -> Vec<String> {
    let login = login_command(tenant);
    let sign_in = format!("sign in to this tenant as a person who owns the flows: `{login}`");
    match failure {
        TokenCommandFailure::Start(error) if error.kind() == ErrorKind::NotFound => {
            vec![format!(
                "install the Azure CLI ({INSTALL}), then `{login}`; or leave out `--sign-in az`"
            )]
        }
        TokenCommandFailure::Start(_) => vec!["make sure that `az version` runs here".to_owned()],
        TokenCommandFailure::TimedOut
        | TokenCommandFailure::Failed { .. }
        | TokenCommandFailure::NoToken => vec![sign_in],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_is_named_to_the_azure_cli_and_to_no_other_command() {
        let mut azure = TokenCommand::azure_cli();
        assert_eq!(azure.azure_tenant(), None);
        azure.set_tenant("contoso.onmicrosoft.com");
        assert_eq!(azure.azure_tenant(), Some("contoso.onmicrosoft.com"));
        let mut other: TokenCommand = "az account get-access-token --tenant x".parse().unwrap();
        let before = other.clone();
        other.set_tenant("contoso.onmicrosoft.com");
        assert_eq!((&other, other.azure_tenant()), (&before, None));
    }
}
