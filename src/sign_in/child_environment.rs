//! The variables that programs inherit which this program starts. They are listed: no list of
//! secrets is complete, since a manifest and a pipeline name some of their own.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// The variables that other programs inherit, compared without case: where programs, settings and
/// temporary files are, the language, the proxy and its certificates, and the person's screen.
const INHERITED: &[&str] = &[
    // Programs, folders, language and time.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    // Proxies and the certificates to trust.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    // Settings of `az`, `azd`, `pac` and `pwsh`; none of them is a secret.
    "AZURE_CONFIG_DIR",
    "AZURE_EXTENSION_DIR",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZD_CONFIG_DIR",
    "IDENTITY_ENDPOINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "DOTNET_ROOT",
    "DOTNET_CLI_HOME",
    "DOTNET_BUNDLE_EXTRACT_BASE_DIR",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT",
    "PSModulePath",
    // The keyring, the screen and the browser.
    "DBUS_SESSION_BUS_ADDRESS",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
    "DESKTOP_SESSION",
    "KDE_FULL_SESSION",
    "KDE_SESSION_VERSION",
    "GNOME_DESKTOP_SESSION_ID",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    // Windows.
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "ALLUSERSPROFILE",
    "ProgramData",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "CommonProgramW6432",
    "PUBLIC",
    "USERNAME",
    "USERDOMAIN",
    "COMPUTERNAME",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
    "OS",
];

/// Lets a program inherit what it needs of this process's variables, and no other.
pub(in crate::sign_in) fn inherit_listed(command: &mut Command) {
    command.env_clear().envs(env::vars_os().filter(|(name, _)| is_inherited(name)));
}

/// Checks whether other programs inherit the variable.
fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|listed| name.eq_ignore_ascii_case(listed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OWN_SECRETS;

    #[test]
    fn a_program_inherits_where_things_are_and_no_secret() {
        for name in ["PATH", "Path", "https_proxy", "AZURE_CONFIG_DIR", "SYSTEMROOT"] {
            assert!(is_inherited(name.as_ref()), "{name}");
        }
        let secrets = [
            "CONTOSO_CLIENT_SECRET",
            "AZURE_CLIENT_SECRET",
            "SYSTEM_ACCESSTOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "GITHUB_TOKEN",
            "MSI_SECRET",
            "IDENTITY_HEADER",
        ];
        for name in OWN_SECRETS.into_iter().chain(secrets) {
            assert!(!is_inherited(name.as_ref()), "{name}");
        }
    }
}
