//! A list of the requests that arrived, so that others can check their grammar.
//!
//! It holds methods and addresses of Dataverse and the Flow API. Sign-in and trigger addresses stay out of it, which
//! carry codes and signatures, and so do headers and bodies.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use http::Method;

use super::message::Call;
use super::tenant::file::ServiceName;

/// The first failure to note a request, as a sentence.
static LOST: OnceLock<String> = OnceLock::new();

/// Returns why a record of this process is not complete, if one is not.
pub fn lost_record() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// The file that requests are noted in.
#[derive(Debug)]
pub(crate) struct Record {
    path: PathBuf,
    file: File,
}

impl Record {
    /// Opens a file, at whose end the requests are put.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Notes a request, if it is one of the services that are noted.
    pub(crate) fn note(&self, service: Option<ServiceName>, call: &Call) {
        let noted = [ServiceName::Dataverse, ServiceName::Flow];
        let Some(service) = service.filter(|service| noted.contains(service)) else { return };
        let query = if call.query.is_empty() { "" } else { "?" };
        self.line(service.word(), &call.method, &format!("{}{query}{}", call.path, call.query));
    }

    /// Notes a request that came inside a batch.
    pub(crate) fn note_inner(&self, method: &Method, address: &str) {
        self.line("batch", method, address);
    }

    /// Adds a line in one write, so that sandboxes can share a file.
    fn line(&self, word: &str, method: &Method, address: &str) {
        let line = format!("{word} {method} {address}\n");
        if let Err(error) = (&self.file).write_all(line.as_bytes()) {
            tracing::warn!(%error, "sandbox record");
            let path = self.path.display();
            LOST.get_or_init(|| format!("the sandbox's record `{path}` is not complete: {error}"));
        }
    }
}
