//! The manifest as text: decoded, with the line and column of every byte.

use crate::model::{Code, ManifestPosition, Problem};

/// The maximum size of a manifest in bytes.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The maximum number of bytes between two marks.
const STRIDE_BYTES: usize = 1024;

/// The hint for another encoding.
const SAVE_AS_UTF8: &str =
    "save the file as UTF-8; in PowerShell, `Set-Content -Encoding utf8` does so";

/// The first line and column.
pub(super) const START: ManifestPosition = ManifestPosition { line: 1, column: 1 };

/// The lines and columns of a text, found in short steps however long its lines are.
pub(super) struct LineIndex<'t> {
    text: &'t str,
    marks: Vec<(usize, ManifestPosition)>,
}

impl<'t> LineIndex<'t> {
    /// Scans the text once, and stores the position of each line and of points along each long
    /// line.
    pub(super) fn new(text: &'t str) -> Self {
        let mut marks = vec![(0, START)];
        let (mut site, mut marked) = (START, 0);
        for (offset, character) in text.char_indices() {
            if offset - marked >= STRIDE_BYTES {
                marks.push((offset, site));
                marked = offset;
            }
            site.column += 1;
            if character == '\n' {
                site = ManifestPosition { line: site.line + 1, column: 1 };
                marked = offset + 1;
                marks.push((marked, site));
            }
        }
        Self { text, marks }
    }

    /// Returns the line and column of a byte.
    pub(super) fn site(&self, offset: usize) -> ManifestPosition {
        let next = self.marks.partition_point(|(mark, _)| *mark <= offset);
        let (mark, site) = self.marks[next.saturating_sub(1)];
        let between = self.text.get(mark..offset).unwrap_or_default();
        ManifestPosition { line: site.line, column: site.column + between.chars().count() }
    }
}

/// Decodes the text of a manifest, and drops a byte order mark.
///
/// # Errors
/// [`Code::ManifestTooLarge`] or [`Code::ManifestNotUtf8`].
pub(super) fn decode(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MOST_BYTES {
        return Err(too_large());
    }
    match str::from_utf8(without_mark(bytes)) {
        // UTF-16 without a mark is UTF-8 with a NUL in every other place.
        Ok(text) if text.contains('\0') => Err(utf16()),
        Ok(text) => Ok(text),
        Err(error) => Err(not_utf8(without_mark(bytes), error.valid_up_to())),
    }
}

/// Strips a UTF-8 byte order mark, which editors on Windows write.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Builds the problem of a file that is too large for a manifest.
fn too_large() -> Problem {
    Problem {
        code: Code::ManifestTooLarge,
        address: None,
        message: format!("the manifest is longer than {MOST_BYTES} bytes"),
        hint: "check that this is the manifest; if it is, split it and run once for each part"
            .into(),
        site: None,
    }
}

/// Builds the problem of a file that looks like UTF-16.
fn utf16() -> Problem {
    Problem {
        code: Code::ManifestNotUtf8,
        address: None,
        message: "the manifest has NUL characters, as UTF-16 has, but UTF-8 is needed".into(),
        hint: SAVE_AS_UTF8.into(),
        site: None,
    }
}

/// Builds the problem of the first byte that is not UTF-8.
fn not_utf8(bytes: &[u8], offset: usize) -> Problem {
    let valid = str::from_utf8(&bytes[..offset]).unwrap_or_default();
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let message = if utf16 {
        "the manifest is UTF-16, but UTF-8 is needed".into()
    } else {
        format!("the byte 0x{:02x} here is not UTF-8", bytes[offset])
    };
    Problem {
        code: Code::ManifestNotUtf8,
        address: None,
        message,
        hint: SAVE_AS_UTF8.into(),
        site: Some(LineIndex::new(valid).site(offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(line: usize, column: usize) -> ManifestPosition {
        ManifestPosition { line, column }
    }

    #[test]
    fn columns_count_characters_from_one() {
        let places = LineIndex::new("é漢=1\r\nb = 2\n");
        assert_eq!(places.site(0), site(1, 1));
        assert_eq!(places.site("é漢".len()), site(1, 3));
        assert_eq!(places.site("é漢=1\r\n".len()), site(2, 1));
        assert_eq!(places.site("é漢=1\r\nb = 2\n".len()), site(3, 1));
    }

    #[test]
    fn a_long_line_has_its_columns_too() {
        let text = format!("a\n{}", "é".repeat(5000));
        assert_eq!(LineIndex::new(&text).site(2 + 2 * 4321), site(2, 4322));
    }

    #[test]
    fn a_byte_order_mark_moves_no_column() {
        assert_eq!(decode(b"\xef\xbb\xbfversion"), Ok("version"));
        let problem = decode(b"\xef\xbb\xbfab\xff").unwrap_err();
        assert_eq!(problem.site, Some(site(1, 3)));
    }

    #[test]
    fn the_first_byte_that_is_not_utf8_is_named() {
        let problem = decode("a = 1\né = \"\u{e9}".as_bytes()).map(str::len);
        assert!(problem.is_ok());
        let problem = decode(b"a = 1\n\xc3\xa9 = \"\xe9\"").unwrap_err();
        assert_eq!(problem.site, Some(site(2, 6)));
        assert_eq!(problem.message, "the byte 0xe9 here is not UTF-8");
    }

    #[test]
    fn utf16_is_called_by_its_name() {
        let problem = decode(b"\xff\xfev\0").unwrap_err();
        assert_eq!(problem.message, "the manifest is UTF-16, but UTF-8 is needed");
    }

    #[test]
    fn a_manifest_may_have_a_mebibyte_and_no_byte_more() {
        assert!(decode(&vec![b'#'; MOST_BYTES]).is_ok());
        let problem = decode(&vec![b'#'; MOST_BYTES + 1]).unwrap_err();
        assert_eq!(problem.code, Code::ManifestTooLarge);
    }
}
