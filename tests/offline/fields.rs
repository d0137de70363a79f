//! The list of fields is what reading tells, no more and no less.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use netlab::dissect::Origin;
use netlab::dissect::catalog::{self, Known};

use crate::golden::{self, Golden};

fn collection() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dissect/catalog.bin")
}

/// Frames that each show something new, as the catalog keeps them.
fn collect() -> Vec<u8> {
    let (mut known, mut bytes) = (Vec::<Known>::new(), Vec::new());
    for Golden { origin, frame, .. } in golden::all() {
        let plain = Origin { link: origin.link, ..Origin::ethernet(&frame) };
        if catalog::learn(&mut known, &plain, &frame) {
            bytes.extend((origin.link.number() as u16).to_be_bytes());
            bytes.extend((frame.len() as u16).to_be_bytes());
            bytes.extend(frame);
        }
    }
    bytes
}

fn names(known: &[Known]) -> BTreeSet<String> {
    known.iter().map(|known| format!("{}.{}", known.layer, known.key)).collect()
}

#[test]
fn every_field_of_the_golden_frames_is_listed_and_every_listed_field_is_in_them() {
    let collected = collect();
    if std::env::var_os("NETLAB_UPDATE_GOLDEN").is_some() {
        fs::write(collection(), &collected).unwrap();
        return;
    }
    assert!(fs::read(collection()).unwrap() == collected, "run scripts/update-golden: src/dissect/catalog.bin is old");
    let mut recorded = BTreeSet::new();
    for Golden { origin, frame, .. } in golden::all() {
        let (layers, fields) = golden::read(&origin, &frame);
        for layer in layers {
            let own = &fields[layer.fields.start as usize..layer.fields.end as usize];
            recorded.extend(own.iter().map(|field| format!("{}.{}", layer.header.key(), field.key())));
        }
    }
    assert_eq!(names(&catalog::fields()), recorded);
}

/// The names that a source file hands to the reader: the first text behind each of its methods.
fn named(source: &str) -> Vec<String> {
    const METHODS: [&str; 33] = [
        "r.u8(",
        "r.u16(",
        "r.u24(",
        "r.u32(",
        "r.u64(",
        "r.i8(",
        "r.hex8(",
        "r.hex16(",
        "r.hex32(",
        "r.hex64(",
        "r.code8(",
        "r.code16(",
        "r.code32(",
        "r.code32_le(",
        "r.hex_code8(",
        "r.hex_code16(",
        "r.units8(",
        "r.mac(",
        "r.ipv4(",
        "r.ipv6(",
        "r.bytes(",
        "r.text(",
        "r.rest(",
        "r.name(",
        "r.piece(",
        "r.digits(",
        "r.worded(",
        "Part::number(",
        "Part::hex(",
        "Part::flag(",
        "Part::units(",
        "Part::code(",
        "padded(r, ",
    ];
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    for method in METHODS {
        for (at, _) in code.match_indices(method) {
            let rest = code[at + method.len()..].trim_start();
            if let Some(text) = rest.strip_prefix('"') {
                found.push(text.split('"').next().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_name_that_a_reader_gives_is_listed() {
    let listed: BTreeSet<&str> = catalog::fields().iter().map(|known| known.name).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut missing, mut seen) = (Vec::new(), 0);
    for folder in ["link", "internet", "transport", "application"] {
        let mut folders = vec![source.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let names = named(&fs::read_to_string(&path).unwrap());
                    seen += names.len();
                    missing.extend(names.into_iter().filter(|name| !listed.contains(name.as_str())));
                }
            }
        }
    }
    assert!(seen > 250, "only {seen} names were found");
    assert!(missing.is_empty(), "no golden frame shows {missing:?}");
}
