//! Feeds the kept corpus of the fuzz targets to what holds for every input, so that `cargo test`
//! guards what fuzzing found. `tests/fuzz/README.md` tells how the fuzzer itself is run.

#![expect(clippy::expect_used, clippy::panic, reason = "a property fails by panicking")]
#![expect(clippy::print_stdout, reason = "where it does, the last file that was named is at fault")]
#![expect(unreachable_pub, reason = "to the fuzz targets the same files are a library")]

#[path = "fuzz/src/lib.rs"]
mod properties;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the corpus is there");
    entries.map(|entry| entry.expect("its entries can be read").path()).collect()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

fn names(paths: &[PathBuf]) -> BTreeSet<String> {
    let name = |path: &PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    paths.iter().filter_map(name).collect()
}

#[test]
fn what_holds_for_every_input_holds_for_the_kept_corpus() {
    for (name, holds) in properties::TARGETS {
        for file in inside(&corpus().join(name)) {
            println!("{}", file.display());
            holds(&fs::read(file).expect("a seed can be read"));
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<String> =
        properties::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&inside(&corpus())), targets);
    assert_eq!(names(&inside(&corpus().join("../fuzz_targets"))), targets);
    for target in &targets {
        assert!(inside(&corpus().join(target)).len() > 4, "{target}");
    }
}
