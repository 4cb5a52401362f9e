//! Opens a page in the person's browser, without a shell and without waiting for it.

use std::process::{Command, Stdio};

use url::Url;

use crate::sign_in::child_environment::inherit_listed;

/// Programs that open an address, with their first arguments; the first one that exists is used.
#[cfg(target_os = "macos")]
const LAUNCHERS: &[(&str, &[&str])] = &[("/usr/bin/open", &[])];

/// Programs that open an address, with their first arguments; the first one that exists is used.
#[cfg(windows)]
const LAUNCHERS: &[(&str, &[&str])] = &[("rundll32.exe", &["url.dll,FileProtocolHandler"])];

/// Programs that open an address, with their first arguments; the first one that exists is used.
/// `xdg-open` honours `BROWSER`; `wslview` is for the Windows Subsystem for Linux.
#[cfg(not(any(target_os = "macos", windows)))]
const LAUNCHERS: &[(&str, &[&str])] = &[("xdg-open", &[]), ("wslview", &[])];

/// Variables of which at least one is set where a browser can be shown.
#[cfg(not(any(target_os = "macos", windows)))]
const DISPLAY_VARIABLES: [&str; 4] = ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"];

/// Opens the address in the person's browser. Returns true if a program was started, which may
/// still fail later.
pub(super) fn open_browser(url: &Url) -> bool {
    let is_page = matches!(url.scheme(), "https" | "http");
    is_page
        && can_show_browser()
        && LAUNCHERS.iter().any(|launcher| start_program(launch_command(launcher, url)))
}

/// Returns true if a browser can be shown.
#[cfg(not(any(target_os = "macos", windows)))]
fn can_show_browser() -> bool {
    DISPLAY_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Returns true if a browser can be shown.
#[cfg(any(target_os = "macos", windows))]
fn can_show_browser() -> bool {
    true
}

/// Makes the command that opens the address: without this program's streams and secrets and, on
/// Unix, in a process group of its own, so that Ctrl-C does not reach it.
fn launch_command((program, arguments): &(&str, &[&str]), url: &Url) -> Command {
    let mut command = Command::new(program);
    command.args(*arguments).arg(url.as_str());
    inherit_listed(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Starts the program, and waits for its end in a thread so that no zombie process stays.
fn start_program(mut command: Command) -> bool {
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let waiting = std::thread::Builder::new().spawn(move || child.wait());
    drop(waiting);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_argument_and_the_last() {
        let url = "https://login.example.com/a?b=c%20d&e=$(f)".parse().unwrap();
        for launcher in LAUNCHERS {
            let command = launch_command(launcher, &url);
            let arguments: Vec<_> = command.get_args().collect();
            assert_eq!(arguments.len(), launcher.1.len() + 1);
            assert_eq!(arguments.last().unwrap().to_str(), Some(url.as_str()));
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_browser_inherits_no_variable_that_is_not_listed() {
        // Cargo sets this one for tests.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let url = "https://login.example.com/".parse().unwrap();
        let mut command = launch_command(&("env", &["sh", "-c", "env"]), &url);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("PATH=") && !text.contains("CARGO_MANIFEST_DIR="), "{text}");
    }

    #[test]
    fn what_is_not_there_is_not_started_and_what_is_no_page_is_not_opened() {
        let url = "https://login.example.com/".parse().unwrap();
        assert!(!start_program(launch_command(&("no-such-program-anywhere", &[]), &url)));
        for text in ["file:///etc/hostname", "mailto:a@example.com", "calculator:"] {
            assert!(!open_browser(&text.parse().unwrap()), "{text}");
        }
    }
}
