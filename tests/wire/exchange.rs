//! The text format of an exchange: see `tests/fixtures/wire/README.md`.

use std::path::{Path, PathBuf};

/// One documented request with its answer.
pub(crate) struct Exchange {
    /// The file, for messages.
    pub(crate) file: String,
    directives: Vec<(String, String)>,
    /// The request; its first line is `METHOD target`.
    pub(crate) request: Message,
    /// The answer; its first line is the status.
    pub(crate) answer: Message,
}

/// A message as it stands in the file.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Exchange {
    /// The values of a line that may stand before the request.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.directives.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn parse(file: String, text: &str) -> Self {
        let broken = || panic!("{file}: no `### request` and `### answer`");
        let (head, rest) = text.split_once("### request\n").unwrap_or_else(broken);
        let (request, answer) = rest.split_once("\n### answer\n").unwrap_or_else(broken);
        let directives = head.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(": "));
        let directives = directives.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let directives: Vec<_> = directives.collect();
        let (request, answer) = (Message::parse(request), Message::parse(answer));
        Self { file, directives, request, answer }
    }
}

impl Message {
    /// Reads a message: a line, headers, and after an empty line the body.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { line, headers, body: body.trim_end().to_owned() }
    }

    /// A header's value, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut same = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_str())
    }

    /// Whether the body has parts.
    pub(crate) fn is_multipart(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("multipart/"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire")
}

/// Every exchange, by the names of the files.
pub(crate) fn all() -> Vec<Exchange> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "http"));
    paths.sort();
    let read = |path: PathBuf| {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        Exchange::parse(file, &std::fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_exchange_names_its_source_and_what_the_client_makes_of_it() {
    let exchanges = all();
    assert!(exchanges.len() >= 25, "{}", exchanges.len());
    for exchange in exchanges {
        let file = &exchange.file;
        assert!(exchange.all("source").next().is_some(), "{file} names no source");
        assert_eq!(exchange.all("client").count(), 1, "{file} names one reader");
    }
}
