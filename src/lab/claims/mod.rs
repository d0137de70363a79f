//! The articles' statements, each tried on this kernel: an experiment tells what it measured, and the verdict follows from
//! that alone.
//!
//! A statement is a row ([`Claim`]) in the file of its topic, next to its experiment. What a row expects is only compared
//! with the verdict, so that a kernel which behaves otherwise is noticed.

mod addresses;
mod backlog;
mod blocking;
mod buffers;
mod claim;
mod closing;
mod datagrams;
mod encodings;
mod flood;
mod frames;
mod ground;
mod handshake;
mod kinds;
mod local;
mod messages;
mod nagle;
mod ports;
mod programs;
mod python;
mod restart;
mod run;
mod servers;
mod stream;
mod time_wait;
mod wire;

pub use claim::{Article, Claim, Expected, Found, Verdict};
pub use ground::{Ground, Untried};
pub use run::{Judged, run};

use super::experiment::Floor;

/// Every topic, with its layer.
const TOPICS: &[(Floor, &[Claim])] = &[
    (Floor::Link, frames::CLAIMS),
    (Floor::Internet, addresses::CLAIMS),
    (Floor::Internet, datagrams::CLAIMS),
    (Floor::Transport, ports::CLAIMS),
    (Floor::Transport, kinds::CLAIMS),
    (Floor::Transport, messages::CLAIMS),
    (Floor::Transport, handshake::CLAIMS),
    (Floor::Transport, closing::CLAIMS),
    (Floor::Transport, time_wait::CLAIMS),
    (Floor::Transport, restart::CLAIMS),
    (Floor::Transport, backlog::CLAIMS),
    (Floor::Transport, flood::CLAIMS),
    (Floor::Transport, stream::CLAIMS),
    (Floor::Transport, nagle::CLAIMS),
    (Floor::Transport, buffers::CLAIMS),
    (Floor::Transport, blocking::CLAIMS),
    (Floor::Application, servers::CLAIMS),
    (Floor::Application, programs::CLAIMS),
    (Floor::Application, encodings::CLAIMS),
    (Floor::Application, python::CLAIMS),
];

/// The statements with their layers, from the wire upwards.
pub fn claims() -> impl Iterator<Item = (Floor, &'static Claim)> + Clone {
    TOPICS.iter().flat_map(|(floor, claims)| claims.iter().map(|claim| (*floor, claim)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_words_with_hyphens_and_there_is_one_of_each() {
        let mut ids: Vec<&str> = claims().map(|(_, claim)| claim.id).collect();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit();
        assert!(ids.iter().all(|id| !id.is_empty() && id.bytes().all(plain)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), claims().count());
    }

    #[test]
    fn every_text_is_there_in_both_languages() {
        for (_, claim) in claims() {
            let condition = match claim.expected {
                Expected::HoldsWhen(condition) => Some(condition),
                Expected::Holds | Expected::Refuted => None,
            };
            for words in [claim.statement, claim.why].into_iter().chain(condition) {
                assert!(!words.en.is_empty() && words.en.is_ascii(), "{}: {}", claim.id, words.en);
                assert!(!words.zh.is_ascii(), "{}: {}", claim.id, words.zh);
            }
            assert!(!claim.articles.is_empty(), "{}", claim.id);
        }
    }

    #[test]
    fn topics_stand_in_the_order_of_the_layers() {
        assert!(TOPICS.iter().map(|(floor, _)| floor).is_sorted());
    }
}
