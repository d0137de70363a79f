//! The fuzz targets: each is built, has its rows in the ledger, and keeps a corpus that is no burden.

use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes that are kept for one target: `scripts/fuzz` keeps to it.
const ROOM: u64 = 30_720;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(name)
}

fn targets() -> Vec<String> {
    let files = fs::read_dir(folder("targets")).unwrap().map(|file| file.unwrap().path());
    let targets: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(targets.len() > 10, "the targets were not found");
    targets
}

#[test]
fn every_target_is_built_and_told_of() {
    let [build, ledger] = [include_str!("../fuzz/Cargo.toml"), include_str!("../../docs/fuzzing.md")];
    for target in targets() {
        assert!(build.contains(&format!("path = \"targets/{target}.rs\"")), "{target} is not built");
        let rows = ledger.lines().filter(|line| line.starts_with(&format!("| `{target}` |")));
        assert_eq!(rows.count(), 2, "docs/fuzzing.md has one row of numbers and one of words for {target}");
    }
}

#[test]
fn what_is_kept_is_small() {
    for target in targets() {
        let inputs = fs::read_dir(folder("corpus").join(&target)).expect("each target has a corpus");
        let bytes: u64 = inputs.map(|input| input.unwrap().metadata().unwrap().len()).sum();
        assert!((1..=ROOM).contains(&bytes), "{target}: {bytes} bytes");
    }
}
