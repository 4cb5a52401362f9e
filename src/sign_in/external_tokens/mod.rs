//! Tokens that were made elsewhere: the program that prints them, and the checks of every token's
//! claims.

pub(super) mod token_checks;
mod azure_cli;
mod token_command;

pub(super) use azure_cli::{AZURE_CLI, azure_cli_hints, login_command};
pub use token_checks::UnusableToken;
pub use token_command::{TokenCommand, TokenCommandError, TokenCommandFailure, TokenCommandFor};
