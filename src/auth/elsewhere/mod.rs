//! Tokens that were made elsewhere: how a program is asked for one, and what every token says of
//! itself, held against what it is wanted for.

mod command;
pub(super) mod facts;

pub use command::{CommandFailure, TokenCommand, TokenCommandError, TokenCommandFor};
pub use facts::Unfit;
