//! Tokens that were made elsewhere: the program that prints them, and the checks of every token's
//! claims.

mod command;
pub(super) mod facts;

pub use command::{CommandFailure, TokenCommand, TokenCommandError, TokenCommandFor};
pub use facts::Unfit;
