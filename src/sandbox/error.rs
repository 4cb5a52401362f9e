//! What can go wrong around the sandbox; what goes wrong inside it is an HTTP answer.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A sandbox that could not be started or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address is reachable from other machines.
    #[error(
        "refused to listen on `{0}`: the sandbox has made-up secrets and serves loopback addresses only"
    )]
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A name that no certificate can be for.
    #[error("`{0}` is no host name: give a name, a name that begins with `*.`, or an address")]
    HostName(String),
    /// The certificates could not be made.
    #[error("failed to make the certificates")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The authority's certificate could not be written.
    #[error("failed to write `{path}`")]
    AuthorityFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file for the requests could not be opened.
    #[error("failed to open `{path}` for the requests")]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a tenant needs could not be read.
    #[error("failed to read `{path}`")]
    TenantUnreadable {
        /// The tenant file, or a definition it names.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that a tenant needs is written in another encoding.
    #[error("`{0}` is UTF-16, but UTF-8 is needed: save it as UTF-8")]
    TenantUtf16(PathBuf),
    /// The tenant file is not the TOML that a tenant is written in.
    #[error("failed to understand tenant file `{path}`")]
    TenantSyntax {
        /// The tenant file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The tenant file contradicts itself.
    #[error("tenant file `{path}` cannot be used:\n{}", problems.join("\n"))]
    TenantInvalid {
        /// The tenant file.
        path: PathBuf,
        /// Every problem, each naming its place.
        problems: Vec<String>,
    },
    /// The state file could not be read or written.
    #[error("failed to {operation} sandbox state `{path}`")]
    State {
        /// What was tried.
        operation: &'static str,
        /// The state file, or the one beside it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state file does not hold a state of this program.
    #[error("sandbox state `{path}` is damaged")]
    StateCorrupt {
        /// The state file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Another sandbox began the state anew for its own tenant.
    #[error(
        "sandbox state `{path}` now belongs to a sandbox of another tenant; give each its own state"
    )]
    StateTaken {
        /// The state file.
        path: PathBuf,
    },
    /// The state could not be turned into text.
    #[error("failed to encode the sandbox state")]
    StateEncoding(#[source] serde_json::Error),
}
