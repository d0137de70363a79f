//! Fragments as RFCs, kernels and attackers make them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::bytes::dice::Dice;

fn key(identification: u32) -> Key {
    let (source, destination) = (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::new(192, 0, 2, 2).into());
    Key { source, destination, identification, protocol: 17, place: 0 }
}

fn key6() -> Key {
    Key { source: Ipv6Addr::LOCALHOST.into(), destination: Ipv6Addr::LOCALHOST.into(), protocol: 0, ..key(7) }
}

fn piece(key: Key, offset: u32, more: bool, bytes: &[u8]) -> Piece<'_> {
    Piece { key, protocol: 17, before: 20, offset, more, bytes }
}

/// Takes pieces in, frame by frame, and tells the states and what became whole.
fn take(pieces: &[Piece<'_>]) -> (Vec<State>, Vec<u8>, Assembler) {
    let (mut assembler, mut whole) = (Assembler::default(), Vec::new());
    let number = |at: usize| at as u64 + 1;
    let states = pieces.iter().enumerate().map(|(at, piece)| assembler.take(piece, number(at), None, &mut whole).state);
    let states = states.collect();
    (states, whole, assembler)
}

const A: &[u8] = b"aaaaaaaa";
const B: &[u8] = b"bbbbbbbb";
const C: &[u8] = b"ccc";

#[test]
fn fragments_in_any_order_make_the_datagram_whole() {
    let all = [piece(key(1), 0, true, A), piece(key(1), 8, true, B), piece(key(1), 16, false, C)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (states, whole, assembler) = take(&order.map(|at| all[at]));
        assert_eq!((states[2], whole.as_slice()), (State::Whole, b"aaaaaaaabbbbbbbbccc".as_slice()), "{order:?}");
        assert!(states[..2].iter().all(|state| matches!(state, State::Waiting { .. })));
        assert_eq!((assembler.waiting(), assembler.bytes()), (0, 0));
    }
}

#[test]
fn what_is_here_is_told_and_so_is_what_is_known_of_the_end() {
    let (states, ..) = take(&[piece(key(1), 0, true, A), piece(key(1), 16, false, C)]);
    assert_eq!(states, [State::Waiting { held: 8, of: None }, State::Waiting { held: 11, of: Some(19) }]);
}

#[test]
fn datagrams_of_other_numbers_protocols_and_places_are_others() {
    let others = [key(2), Key { protocol: 6, ..key(1) }, Key { place: 1, ..key(1) }];
    for other in others {
        let (states, ..) = take(&[piece(key(1), 0, true, A), piece(other, 8, false, B)]);
        assert_ne!(states[1], State::Whole);
    }
}

#[test]
fn a_whole_datagram_names_the_frames_and_the_ports_of_its_first_fragment() {
    let (mut assembler, mut whole) = (Assembler::default(), Vec::new());
    let first = [0x9c, 0x40, 0, 53, 0, 0, 0, 0];
    assert_eq!(assembler.take(&piece(key(1), 8, false, C), 4, None, &mut whole).ports, None);
    let taken = assembler.take(&piece(key(1), 0, true, &first), 9, None, &mut whole);
    assert_eq!((taken.frames, taken.ports, taken.protocol), (vec![4, 9], Some((40_000, 53)), 17));
}

#[test]
fn ipv4_keeps_the_bytes_that_came_first() {
    let pieces = [piece(key(1), 8, true, A), piece(key(1), 0, true, &[b'x'; 24]), piece(key(1), 24, false, C)];
    let (states, whole, _) = take(&pieces);
    assert_eq!(states[2], State::Whole);
    assert_eq!(whole, b"xxxxxxxxaaaaaaaaxxxxxxxxccc");
    let mut assembler = Assembler::default();
    let overlaps = pieces.map(|piece| assembler.take(&piece, 1, None, &mut Vec::new()).overlap);
    assert_eq!(overlaps, [false, true, true], "said where it happens and of the whole");
}

#[test]
fn ipv6_gives_the_datagram_up_and_what_comes_of_it_later() {
    let (states, whole, assembler) =
        take(&[piece(key6(), 0, true, &[1; 16]), piece(key6(), 8, true, &[1; 16]), piece(key6(), 16, false, C)]);
    assert_eq!(states[1..], [State::Refused(Refusal::Overlap), State::Refused(Refusal::GivenUp)]);
    assert!(whole.is_empty());
    assert_eq!((assembler.counts().overlapped, assembler.waiting()), (1, 0));
}

#[test]
fn the_same_fragment_once_more_changes_nothing() {
    for key in [key(1), key6()] {
        let (states, whole, _) =
            take(&[piece(key, 0, true, A), piece(key, 0, true, A), piece(key, 8, false, C), piece(key, 8, false, C)]);
        assert_eq!((states[1], states[2]), (State::Repeated(1), State::Whole));
        assert_eq!(whole, b"aaaaaaaaccc");
    }
}

#[test]
fn last_fragments_that_contradict_each_other_or_the_rest_are_refused() {
    let last = piece(key(1), 8, false, B);
    let (states, ..) = take(&[last, piece(key(1), 8, false, C), piece(key(1), 16, true, A), piece(key(1), 0, true, A)]);
    let refused = |state, refusal| assert_eq!(state, State::Refused(refusal));
    refused(states[1], Refusal::OtherEnd);
    refused(states[2], Refusal::BehindTheEnd);
    assert_eq!(states[3], State::Whole);
    let (states, ..) = take(&[piece(key(1), 16, true, A), last]);
    refused(states[1], Refusal::OtherEnd);
}

#[test]
fn fragments_that_cannot_be_are_refused() {
    for (piece, refusal) in [
        (piece(key(1), 0, true, b""), Refusal::Empty),
        (piece(key(1), 0, true, C), Refusal::Uneven),
        (piece(key(1), 65_512, false, b"cccc"), Refusal::TooLong),
    ] {
        assert_eq!(take(&[piece]).0, [State::Refused(refusal)]);
    }
    assert_eq!(take(&[piece(key(1), 65_512, false, C)]).0, [State::Waiting { held: 3, of: Some(65_515) }]);
}

#[test]
fn what_waits_too_long_by_the_frames_own_clock_is_given_up() {
    for (key, patience) in [(key(1), PATIENCE_V4), (key6(), PATIENCE_V6)] {
        for (wait, state) in [(patience, State::Whole), (patience + 1, State::Waiting { held: 3, of: Some(11) })] {
            let mut assembler = Assembler::default();
            assembler.take(&piece(key, 0, true, A), 1, Some(5), &mut Vec::new());
            let taken = assembler.take(&piece(key, 8, false, C), 2, Some(5 + wait), &mut Vec::new());
            assert_eq!(taken.state, state);
            assert_eq!(assembler.counts().timed_out, u64::from(state != State::Whole));
        }
    }
}

#[test]
fn a_flood_of_first_fragments_fills_no_memory_and_the_oldest_make_room() {
    let mut assembler = Assembler::default();
    for number in 0..20_000 {
        assembler.take(&piece(key(number), 0, true, &[1; 1480]), 1, Some(0), &mut Vec::new());
        assert!(assembler.bytes() <= MOST_BYTES && assembler.datagrams.len() <= MOST_DATAGRAMS);
        assert_eq!(assembler.order.len(), assembler.datagrams.len());
    }
    assert_eq!(assembler.counts().made_room + assembler.waiting(), 20_000);
    let newest = assembler.take(&piece(key(19_999), 1480, false, C), 2, Some(0), &mut Vec::new());
    assert_eq!(newest.state, State::Whole);
}

#[test]
fn tiny_fragments_are_counted_with_what_it_takes_to_keep_them() {
    let mut assembler = Assembler::default();
    for number in 0..8 {
        for at in 0..8_000 {
            assembler.take(&piece(key(number), at * 8, true, A), 1, None, &mut Vec::new());
            assert!(assembler.bytes() <= MOST_BYTES);
        }
    }
    assert!(assembler.counts().made_room > 3, "{:?}", assembler.counts());
}

#[test]
fn whatever_comes_the_bytes_are_those_that_came_first_and_memory_adds_up() {
    let mut dice = Dice::new(7);
    let mut roll = |below| dice.roll(below);
    for _ in 0..300 {
        let (mut assembler, mut model, mut end) = (Assembler::default(), vec![None; 400], None);
        for number in 1..60 {
            let (offset, more) = (8 * roll(30), roll(8) > 0);
            let length = if more { 8 * (1 + roll(6)) } else { 1 + roll(40) };
            let bytes = vec![number as u8; length as usize];
            let mut whole = Vec::new();
            let taken = assembler.take(&piece(key(1), offset as u32, more, &bytes), number, None, &mut whole);
            if !matches!(taken.state, State::Refused(_)) {
                end = if more { end } else { Some((offset + length) as usize) };
                for place in &mut model[offset as usize..(offset + length) as usize] {
                    place.get_or_insert(number as u8);
                }
            }
            let expected: Option<Vec<u8>> = end.and_then(|end| model[..end].iter().copied().collect());
            assert_eq!(expected.is_some(), taken.state == State::Whole);
            if let Some(expected) = expected {
                assert_eq!(whole, expected);
                assert_eq!((assembler.bytes(), assembler.waiting()), (0, 0));
                (model, end) = (vec![None; 400], None);
            }
        }
    }
}
