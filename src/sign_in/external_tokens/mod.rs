//! Tokens that were made elsewhere: the program that prints them, and the checks of every token's
//! claims.

pub(super) mod token_checks;
mod azure_cli;
mod token_command;

pub(super) use azure_cli::{azure_cli_hints, login_command};
pub use token_checks::UnusableToken;
pub(super) use token_command::AZURE_CLI;
pub use token_command::{TokenCommand, TokenCommandError, TokenCommandFailure, TokenCommandFor};
