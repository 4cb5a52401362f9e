//! What holds for every manifest.

use proptest::prelude::*;

use super::{EXAMPLE, parse, problems};
use crate::manifest::render_problems;

/// Flows, right and wrong, of which some do not fit together.
const FLOWS: &[&str] = &[
    "workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\nenvironment-variable = \"contoso_A\"\n",
    "workflow-id = \"A09E4A0D-3A1C-F011-998A-7C1E5275CFE9\"\n[[flow.target]]\nenvironment-variable = \"CONTOSO_A\"\n",
    "workflow-id = \"a09e4a0d-3a1c-f011-998a-7c1e5275cfe9\"\ntrigger = \"x\"\n[[flow.target]]\nenvironment-variable = \"contoso_A\"\njson-pointer = \"/a\"\n",
    "workflow-id = \"b1c7f0d2-5b2e-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\nenvironment-variable = \"contoso_A\"\njson-pointer = \"/a/b\"\n",
    "workflow-id = \"x\"\n[[flow.target]]\nenvironment-variable = \"contoso_A\"\njson-pointer = \"/a/b\"\n",
    "workflow_id = \"c2d8a1e3-6c3f-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\ntable = \"t\"\nkey = { a = \"X\" }\ncolumn = \"c\"\n",
    "workflow-id = \"d3e9b2f4-7d40-f011-998a-7c1e5275cfe9\"\n[[flow.target]]\ntable = \"T\"\nkey = { A = \"x\" }\ncolumn = \"C\"\n",
    "name = \"\"\n",
];

/// The texts that a mutation may put in.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'",
    "[",
    "]]",
    "{",
    "=",
    "\n",
    "\r",
    "\\",
    "\u{0}",
    "\u{1b}[2J",
    "é",
    "\u{202e}",
    "1",
    "true",
    "[[flow]]\n",
    "[flow]\n",
    "~",
    "/",
];

fn manifest_of<'a>(flows: impl IntoIterator<Item = &'a &'static str>) -> String {
    let flows: Vec<String> = flows.into_iter().map(|flow| format!("[[flow]]\n{flow}")).collect();
    format!("version = 1\n{}", flows.concat())
}

fn codes(text: &str) -> Vec<&'static str> {
    let mut codes: Vec<&str> = problems(text).iter().map(|problem| problem.code.as_str()).collect();
    codes.sort_unstable();
    codes
}

/// Reads and renders, which has to end without a panic and with nothing that is not printable.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let told = problems(bytes);
    prop_assert_eq!(told.is_empty(), parse(bytes).is_ok());
    prop_assert!(told.is_sorted_by_key(|problem| problem.site));
    let shown = render_problems("flowbind.toml", bytes, &told);
    prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes)?;
    }

    #[test]
    fn any_text_is_read_or_told(text in "\\PC*|[\\[\\]{}=\"'#a-z\n\r.0-9 -]*") {
        survives(text.as_bytes())?;
    }

    #[test]
    fn a_mutated_manifest_is_read_or_told(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(PIECES)), 1..6),
    ) {
        let mut characters: Vec<char> = EXAMPLE.chars().collect();
        for (start, length, piece) in cuts {
            let start = start.index(characters.len());
            let end = characters.len().min(start + length);
            characters.splice(start..end, piece.chars());
        }
        survives(characters.into_iter().collect::<String>().as_bytes())?;
    }

    #[test]
    fn the_order_of_flows_changes_no_problem(
        flows in prop::sample::subsequence(FLOWS, 1..=FLOWS.len()),
        seed in prop::collection::vec(any::<prop::sample::Index>(), FLOWS.len()),
    ) {
        let mut shuffled = flows.clone();
        for (place, other) in (0..flows.len()).zip(&seed) {
            shuffled.swap(place, other.index(flows.len()));
        }
        prop_assert_eq!(codes(&manifest_of(&flows)), codes(&manifest_of(&shuffled)));
    }
}
