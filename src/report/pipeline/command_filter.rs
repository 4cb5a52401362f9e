//! Forwards a text while it is written, and makes it safe to print.

use std::borrow::Cow;
use std::io::{self, Write};

/// The minimum number of bytes to forward at once.
const BLOCK_BYTES: usize = 1 << 16;

/// A stream that a runner may read. Forwards whole lines, and the rest when the stream is flushed.
/// Flush it only once, at its end, since a part of a line may be a part of a command.
pub(crate) struct CommandFilter<W> {
    to: W,
    make_safe: fn(&str) -> Cow<'_, str>,
    held: Vec<u8>,
    /// The number of held bytes that are whole lines.
    whole: usize,
}

impl<W: Write> CommandFilter<W> {
    /// Creates a filter that forwards to `to`, with the function that makes whole lines safe.
    pub(crate) fn new(to: W, make_safe: fn(&str) -> Cow<'_, str>) -> Self {
        Self { to, make_safe, held: Vec::with_capacity(2 * BLOCK_BYTES), whole: 0 }
    }

    /// Forwards this number of held bytes.
    fn pass(&mut self, bytes: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.held[..bytes]);
        self.to.write_all((self.make_safe)(&text).as_bytes())?;
        self.held.drain(..bytes);
        self.whole = 0;
        Ok(())
    }
}

impl<W: Write> Write for CommandFilter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.held.len();
        self.held.extend_from_slice(bytes);
        if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
            self.whole = before + last + 1;
        }
        if self.whole >= BLOCK_BYTES {
            self.pass(self.whole)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.held.len())?;
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::runner::without_commands;
    use super::*;

    /// Returns the forwarded text if `text` is written in pieces of `piece` bytes.
    fn passed(text: &str, piece: usize) -> String {
        let mut harmless = CommandFilter::new(Vec::new(), without_commands);
        for piece in text.as_bytes().chunks(piece) {
            harmless.write_all(piece).unwrap();
        }
        harmless.flush().unwrap();
        String::from_utf8(harmless.to).unwrap()
    }

    #[test]
    fn a_command_is_none_wherever_a_text_is_cut() {
        let text = "é ##vso[task.x]\n  ::error::y\u{2028}::z\n".repeat(10_000) + "::end";
        let wanted = without_commands(&text).into_owned();
        for piece in [1, 7, 4_096, text.len()] {
            assert_eq!(passed(&text, piece), wanted, "{piece}");
        }
    }

    #[test]
    fn whole_lines_are_passed_on_before_the_end() {
        let mut harmless = CommandFilter::new(Vec::new(), without_commands);
        harmless.write_all(b"\nline").unwrap();
        harmless.write_all(&vec![b'x'; BLOCK_BYTES - 5]).unwrap();
        assert_eq!(harmless.to.len(), 0, "a line is not cut");
        harmless.write_all(b"\nrest").unwrap();
        assert_eq!(harmless.to.len(), BLOCK_BYTES + 1);
        assert_eq!(harmless.held, b"rest");
    }
}
