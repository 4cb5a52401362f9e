//! Multipart bodies to operations.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::super::super::tenant::switches::LineBreaks;
use super::super::fault::Fault;

/// One part of a batch.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// An operation by itself.
    Single(Operation),
    /// Operations that succeed or fail together.
    ChangeSet(Vec<Operation>),
}

/// One operation of a batch.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// The `Content-ID`, which answers repeat and references name.
    pub(super) content_id: Option<String>,
    /// The method.
    pub(super) method: Method,
    /// The address as written.
    pub(super) address: String,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Bytes,
}

/// Reads the body of a batch.
pub(super) fn parts(
    content_type: &str,
    body: &[u8],
    breaks: LineBreaks,
) -> Result<Vec<Part>, Fault> {
    sections(&boundary(content_type)?, body, breaks)?
        .into_iter()
        .map(|section| part(section, breaks))
        .collect()
}

fn part(section: &[u8], breaks: LineBreaks) -> Result<Part, Fault> {
    let (headers, rest) = headers(section, breaks)?;
    let content_type = text(&headers, "content-type").unwrap_or_default().to_owned();
    if !content_type.to_ascii_lowercase().starts_with("multipart/mixed") {
        return operation(&headers, rest, breaks).map(Part::Single);
    }
    let operations =
        sections(&boundary(&content_type)?, rest, breaks)?.into_iter().map(|section| {
            let (headers, rest) = self::headers(section, breaks)?;
            operation(&headers, rest, breaks)
        });
    operations.collect::<Result<Vec<_>, _>>().map(Part::ChangeSet)
}

fn operation(outer: &HeaderMap, rest: &[u8], breaks: LineBreaks) -> Result<Operation, Fault> {
    if !text(outer, "content-type")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/http"))
    {
        return Err(unreadable("a part is not of the type 'application/http'"));
    }
    let (line, rest) = line(rest, breaks)?;
    let (method, address) = request_line(&line)?;
    let (headers, body) = headers(rest, breaks)?;
    let length = text(&headers, "content-length").and_then(|value| value.parse::<usize>().ok());
    let body = &body[..length.unwrap_or(body.len()).min(body.len())];
    let content_id =
        text(outer, "content-id").or_else(|| text(&headers, "content-id")).map(str::to_owned);
    Ok(Operation { content_id, method, address, headers, body: Bytes::copy_from_slice(body) })
}

fn request_line(line: &str) -> Result<(Method, String), Fault> {
    let wrong = || unreadable("a request line is not a method, an address and a version");
    let (method, rest) = line.trim().split_once(' ').ok_or_else(wrong)?;
    let (address, version) = rest.rsplit_once(' ').ok_or_else(wrong)?;
    if !version.starts_with("HTTP/") {
        return Err(wrong());
    }
    Ok((Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?, address.trim().to_owned()))
}

/// Reads header lines up to an empty one, and gives back what follows.
fn headers(mut rest: &[u8], breaks: LineBreaks) -> Result<(HeaderMap, &[u8]), Fault> {
    let mut found = HeaderMap::new();
    while !rest.is_empty() {
        let (line, after) = line(rest, breaks)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        let pair = line.split_once(':').and_then(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.trim().as_bytes()).ok()?,
                HeaderValue::from_str(value.trim()).ok()?,
            ))
        });
        let (name, value) =
            pair.ok_or_else(|| unreadable(&format!("the header line '{line}' is not valid")))?;
        found.append(name, value);
    }
    Ok((found, rest))
}

/// Reads one line without its end.
fn line(rest: &[u8], breaks: LineBreaks) -> Result<(String, &[u8]), Fault> {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) =
        end.map_or((rest, &rest[rest.len()..]), |end| (&rest[..end], &rest[end + 1..]));
    let stripped = line.strip_suffix(b"\r");
    if stripped.is_none() && end.is_some() && breaks == LineBreaks::Crlf {
        return Err(unreadable("a line does not end with CR LF"));
    }
    let line = stripped.unwrap_or(line);
    Ok((String::from_utf8_lossy(line).into_owned(), after))
}

/// Reads the boundary of a content type, quoted or not.
fn boundary(content_type: &str) -> Result<String, Fault> {
    let mut parameters =
        content_type.split(';').skip(1).filter_map(|part| part.trim().split_once('='));
    let found = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    let boundary = found
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .filter(|value| !value.is_empty());
    boundary.ok_or_else(|| unreadable("the content type has no boundary"))
}

/// Splits at the delimiter lines; what stands before the first one and after the last one means nothing.
fn sections<'b>(
    boundary: &str,
    body: &'b [u8],
    breaks: LineBreaks,
) -> Result<Vec<&'b [u8]>, Fault> {
    let delimiter = format!("--{boundary}");
    let end = format!("--{boundary}--");
    let (mut found, mut open, mut at) = (Vec::new(), None, 0);
    while at < body.len() {
        let length = body[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(body.len() - at, |index| index + 1);
        let line = body[at..at + length].trim_ascii_end();
        if line == delimiter.as_bytes() || line == end.as_bytes() {
            if breaks == LineBreaks::Crlf
                && length > line.len()
                && !body[..at + length].ends_with(b"\r\n")
            {
                return Err(unreadable("a line does not end with CR LF"));
            }
            if let Some(start) = open {
                found.push(without_break(&body[start..at]));
            }
            if line == end.as_bytes() {
                return Ok(found);
            }
            open = Some(at + length);
        }
        at += length;
    }
    Err(unreadable(&format!("the delimiter '{end}' is missing")))
}

/// Drops the line break that belongs to the delimiter after a section.
fn without_break(section: &[u8]) -> &[u8] {
    let section = section.strip_suffix(b"\n").unwrap_or(section);
    section.strip_suffix(b"\r").unwrap_or(section)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unreadable(why: &str) -> Fault {
    Fault::payload(format!("An error occurred while reading the batch: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET /x?$filter=a eq 1 HTTP/1.1\r\nAccept: a/b\r\n\r\n\r\n--b--";

    fn read(text: &str) -> Result<Vec<Part>, Fault> {
        parts("multipart/mixed; boundary=\"b\"", text.as_bytes(), LineBreaks::Crlf)
    }

    #[test]
    fn a_preamble_and_a_missing_last_break_mean_nothing() {
        let found = read(&format!("\r\npreamble\r\n{PLAIN}")).unwrap();
        let [Part::Single(operation)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(operation.address, "/x?$filter=a eq 1");
        assert_eq!(operation.headers.len(), 1);
    }

    #[test]
    fn bare_line_feeds_are_refused_unless_the_switch_admits_them() {
        let text = PLAIN.replace("\r\n", "\n");
        assert_eq!(read(&text).unwrap_err().code, "0x80048d19");
        assert!(parts("multipart/mixed;boundary=b", text.as_bytes(), LineBreaks::Any).is_ok());
    }

    #[test]
    fn a_body_without_an_end_is_refused() {
        assert!(read(PLAIN.strip_suffix("--").unwrap()).is_err());
    }

    #[test]
    fn an_inner_length_cuts_the_body() {
        let text = "--b\r\nContent-Type: application/http\r\n\r\nPOST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}junk\r\n--b--\r\n";
        let found = read(text).unwrap();
        let [Part::Single(operation)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(&operation.body[..], b"{}");
    }
}
