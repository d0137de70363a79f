//! Any bytes read as a capture file, compressed or not, and again what they hold written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netlab::capture::files::unpack::Unpacked;
use netlab::capture::files::write::{About, Format, Writer};
use netlab::capture::names::Names;
use netlab::capture::{Source, Stored};

/// Frames after which a file that unpacks to very much is long enough.
const ENOUGH: usize = 10_000;

fuzz_target!(|bytes: &[u8]| {
    let (first, rest) = bytes.split_at(bytes.len().min(4));
    let Ok(stored) = Stored::open(Unpacked::new(first.to_vec(), rest)) else { return };
    let mut names = Names::default();
    let mut stored = stored.naming(names.told());
    let mut writer = Writer::create(Vec::new(), Format::Pcapng, About::default()).unwrap();
    let mut frames = 0;
    while let Ok(Some(frame)) = stored.next() {
        writer.frame(&frame).unwrap();
        frames += 1;
        if frames == ENOUGH {
            break;
        }
    }
    names.listen();
    let known = names.learnt();
    let known: Vec<_> = known.iter().filter_map(|address| Some((*address, names.of(*address)?))).collect();
    writer.names(&known);
    writer.finish(&[]).unwrap();
    let copy = writer.into_inner();
    let mut read = Names::default();
    let mut stored = Stored::open(copy.as_slice()).unwrap().naming(read.told());
    for _ in 0..frames {
        assert!(stored.next().unwrap().is_some(), "every frame that was read is read again");
    }
    assert!(stored.next().unwrap().is_none());
    read.listen();
    assert!(known.iter().all(|(address, name)| read.of(*address) == Some(name)), "every name that was read is read again");
});
