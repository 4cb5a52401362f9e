//! Tokens that a pipeline hands in by environment variables, standard input or a command.
//!
//! The names of the variables are documented in `docs/sign-in.md`. Their values are secrets, so
//! they are no options: arguments can be read by whoever lists the processes.

use std::io::{self, BufRead, Read};

use crate::cli::{SignInArgs, SignInProgram};
use crate::model::{Exit, Failure, RefreshToken};
use crate::run::secret_variable::{is_empty, not_set, read_secret_variable};
use crate::run::token_store::{STORE_KEY, store_key};
use crate::sign_in::{
    Audience, AuthError, HandedInToken, RefreshTokenOrigin, SignInName, TokenCommand, TokenSource,
    TokenSources, UnusableToken, is_encrypted_line, read_token,
};

/// Holds a refresh token.
const REFRESH_TOKEN: &str = "FLOWBIND_REFRESH_TOKEN";

/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// The longest line that is read from standard input, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// The tokens that were handed in.
pub(crate) struct HandedInCredentials {
    /// The source of the tokens of each audience.
    pub(crate) sources: TokenSources,
    /// The refresh token.
    pub(crate) refresh_token: Option<RefreshToken>,
    /// The name of the sign-in that the refresh token belongs to, if known.
    pub(crate) name: Option<SignInName>,
    /// The place of the refresh token.
    pub(crate) origin: Option<RefreshTokenOrigin>,
}

impl HandedInCredentials {
    /// Reads the input of a sign-in that is to be kept: the refresh token from standard input if
    /// `--refresh-token-stdin` is given, else nothing, and a person signs in.
    pub(crate) fn for_kept_sign_in(args: &SignInArgs) -> Result<Self, Failure> {
        let sources = TokenSources { dataverse: TokenSource::Person, flow: TokenSource::Person };
        let mut given = Self { sources, refresh_token: None, name: None, origin: None };
        if args.sign_in.is_some() {
            let message = "`--sign-in az` leaves nothing to store: the Azure CLI keeps the sign-in";
            return Err(Failure::new(Exit::Usage, message)
                .hint("use `--sign-in az` with the run itself, or leave it out here"));
        }
        if args.refresh_token_stdin {
            let (refresh_token, name) = parse_refresh_token(first_line()?.trim(), STANDARD_INPUT)?;
            (given.refresh_token, given.name) = (Some(refresh_token), name);
            given.origin = Some(origin_of(STANDARD_INPUT));
        }
        Ok(given)
    }

    /// Returns true if a token, or a command that prints one, was handed in. These may be sent to
    /// trusted hosts only.
    pub(crate) fn has_credentials(&self) -> bool {
        let person = |source: &TokenSource| matches!(source, TokenSource::Person);
        let persons = person(&self.sources.dataverse) && person(&self.sources.flow);
        self.refresh_token.is_some() || !persons
    }

    /// Reads the tokens that were handed in.
    pub(crate) fn read(args: &SignInArgs) -> Result<Self, Failure> {
        let sources = TokenSources {
            dataverse: source(args, Audience::Dataverse)?,
            flow: source(args, Audience::Flow)?,
        };
        let Some((text, origin)) = refresh_token(args)? else {
            return Ok(Self { sources, refresh_token: None, name: None, origin: None });
        };
        let (refresh_token, name) = parse_refresh_token(text.trim(), origin)?;
        let origin = Some(origin_of(origin));
        Ok(Self { sources, refresh_token: Some(refresh_token), name, origin })
    }

    /// Returns true if an access token was made elsewhere, or a command makes one.
    pub(crate) fn has_foreign_tokens(&self) -> bool {
        let foreign = |source: &TokenSource| {
            matches!(source, TokenSource::HandedIn(_) | TokenSource::Command(_))
        };
        foreign(&self.sources.dataverse) || foreign(&self.sources.flow)
    }

    /// Names the tenant to the Azure CLI: without it, the Azure CLI gives tokens of the tenant that
    /// was used last.
    pub(crate) fn name_tenant(&mut self, tenant: Option<String>) -> Result<(), Failure> {
        let TokenSources { dataverse, flow } = &mut self.sources;
        let sources = [dataverse, flow];
        let is_azure = |source: &&mut TokenSource| source.is_azure_cli();
        match tenant {
            Some(tenant) => {
                for source in sources {
                    source.set_tenant(&tenant);
                }
                Ok(())
            }
            None if sources.iter().any(is_azure) => Err(Failure::new(
                Exit::SignIn,
                "the tenant of the environment is not known, and the Azure CLI needs it",
            )
            .hint("name it with `--tenant`, FLOWBIND_TENANT or `tenant` in the manifest")),
            None => Ok(()),
        }
    }

    /// Lists the variables for the tokens of a person that are there, and empty.
    pub(crate) fn empty_variables(&self) -> Vec<&'static str> {
        let audiences = Audience::ALL.into_iter();
        let persons = audiences.filter(|audience| {
            let source = match audience {
                Audience::Dataverse => &self.sources.dataverse,
                Audience::Flow => &self.sources.flow,
            };
            matches!(source, TokenSource::Person)
        });
        let refresh_token = self.refresh_token.is_none().then_some(REFRESH_TOKEN);
        let names = refresh_token.into_iter().chain(persons.map(token_variable));
        names.filter(|name| is_empty(name)).collect()
    }
}

/// Describes the place of a refresh token that was handed in, and how to renew it there.
fn origin_of(place: &str) -> RefreshTokenOrigin {
    let renewal = format!(
        "run `flowbind auth login --export` where a person can be asked, and replace what {place} takes its value from (the pipeline's secret) by the line that it prints; FLOWBIND_STORE_KEY may stay"
    );
    RefreshTokenOrigin { name: place.to_owned(), renewal }
}

/// Lists the variables that are set and that a run uses before a kept sign-in.
pub(crate) fn set_token_variables() -> impl Iterator<Item = &'static str> {
    let names =
        [REFRESH_TOKEN, token_variable(Audience::Dataverse), token_variable(Audience::Flow)];
    names.into_iter().filter(|name| matches!(read_secret_variable(name), Ok(Some(_))))
}

/// Returns the name of the variable that holds an access token for an audience.
fn token_variable(audience: Audience) -> &'static str {
    match audience {
        Audience::Dataverse => "FLOWBIND_DATAVERSE_TOKEN",
        Audience::Flow => "FLOWBIND_FLOW_TOKEN",
    }
}

/// Returns the source of tokens for an audience: the token in a variable, else a command, else the
/// Azure CLI if `--sign-in az` is given, else a person.
fn source(args: &SignInArgs, audience: Audience) -> Result<TokenSource, Failure> {
    let variable = token_variable(audience);
    if let Some(text) = read_secret_variable(variable)? {
        let malformed = AuthError::UnusableToken {
            audience,
            origin: Some(variable.to_owned()),
            reason: UnusableToken::Malformed,
        };
        let token = read_token(&text).ok_or(malformed)?;
        return Ok(TokenSource::HandedIn(HandedInToken { token, origin: variable.to_owned() }));
    }
    let azure = || args.sign_in.map(|SignInProgram::Az| TokenCommand::azure_cli());
    let command = command(args, audience).or_else(azure);
    Ok(command.map_or(TokenSource::Person, TokenSource::Command))
}

/// Finds the token command for an audience: one that names the audience, else one for both.
fn command(args: &SignInArgs, audience: Audience) -> Option<TokenCommand> {
    let find = |wanted| args.token_command.iter().find(|command| command.audience == wanted);
    let found = find(Some(audience)).or_else(|| find(None))?;
    Some(found.command.clone().with_variables(&args.token_command_variable))
}

/// Reads the refresh token from standard input if `--refresh-token-stdin` is given, else from its
/// variable. Returns the text and its origin.
fn refresh_token(args: &SignInArgs) -> Result<Option<(String, &'static str)>, Failure> {
    if args.refresh_token_stdin {
        return Ok(Some((first_line()?, STANDARD_INPUT)));
    }
    Ok(read_secret_variable(REFRESH_TOKEN)?.map(|text| (text, REFRESH_TOKEN)))
}

/// Parses a refresh token: either the token itself, or the line that `flowbind auth login --export`
/// prints. Such a line also holds the name of the sign-in.
fn parse_refresh_token(
    text: &str,
    origin: &str,
) -> Result<(RefreshToken, Option<SignInName>), Failure> {
    let malformed = || {
        Failure::new(Exit::Usage, format!("{origin} holds no refresh token"))
            .hint("pass only the token, on one line; `flowbind auth login --export` prints one")
    };
    if is_encrypted_line(text) {
        let key = store_key()?.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{origin} is encrypted, but {}", not_set(STORE_KEY)))
                .hint("set FLOWBIND_STORE_KEY to the key that `flowbind auth login --export` used")
        })?;
        let sign_ins = key.decrypt_line(text)?;
        let (name, sign_in) = sign_ins.iter().next().ok_or_else(malformed)?;
        return Ok((sign_in.refresh_token.clone(), Some(name.clone())));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed());
    }
    Ok((RefreshToken::new(text), None))
}

/// Reads the first line of standard input.
fn first_line() -> Result<String, Failure> {
    let mut line = String::new();
    let refused = |why: &str| Failure::new(Exit::Usage, format!("{STANDARD_INPUT} {why}"));
    let read = io::stdin().lock().take(MOST_BYTES).read_line(&mut line);
    match read {
        Err(error) => Err(refused(&format!("cannot be read: {error}"))),
        Ok(length) if !line.ends_with('\n') && length as u64 >= MOST_BYTES => {
            Err(refused("holds no refresh token: its first line is too long"))
        }
        // PowerShell may put a byte order mark before what it passes on.
        Ok(_) => Ok(line.trim_start_matches('\u{feff}').to_owned()),
    }
}
