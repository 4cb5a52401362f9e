//! Tokens that were made elsewhere: the program that prints them, and the checks of every token's
//! claims.

pub(super) mod token_checks;
mod token_command;

pub use token_checks::UnusableToken;
pub use token_command::{TokenCommand, TokenCommandError, TokenCommandFailure, TokenCommandFor};
