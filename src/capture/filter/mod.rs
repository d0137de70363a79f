//! Filter expressions, compiled to the kernel's classic BPF.
//!
//! The language is that of pcap-filter(7); the verdict on a packet is that of the reference compiler, which a test
//! compares on thousands of packets. docs/filters.md tells the language and where the two differ on purpose.
//!
//! Text becomes tokens (`lexer`), a tree (`parse`), a condition on packets (`generate`, with the places of headers
//! in `layout`), a graph of tests (`graph`, `simplify`) and instructions (`assemble`), which the kernel runs on
//! a socket and `interpret` on stored packets.

mod addresses;
mod assemble;
mod carries;
mod condition;
mod encapsulation;
mod error;
mod ether;
mod generate;
mod graph;
mod interpret;
mod keyword;
mod layout;
mod lexer;
mod matcher;
mod names;
mod parse;
mod parse_arithmetic;
mod parse_id;
mod program;
mod protocols;
mod simplify;
mod syntax;
mod tags;
mod words;

pub use error::{Error, Rendered};
pub use interpret::{Metadata, run};
pub use matcher::Matcher;
pub use program::{LIMIT, Program};

use assemble::TooLarge;
use condition::Condition;
use graph::{ACCEPT, Graph};
use layout::Layout;

use crate::link::LinkType;

/// Where packets come from. It decides what is known besides their bytes, and whether the kernel has taken the outer
/// VLAN tag out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file, or anything else that holds packets as they were on the wire.
    Stored,
    /// A packet socket: the outer VLAN tag is beside the packet, and so are direction and interface.
    Live,
}

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the packets come from.
    pub source: Source,
    /// Every expression sees through up to two VLAN tags; `vlan N` then asks for a tag with this identifier and moves
    /// nothing.
    pub any_vlan: bool,
    /// Bytes to keep of a packet that matches.
    pub snaplen: u32,
    /// The mask of the network that `ip broadcast` is about.
    pub netmask: Option<std::net::Ipv4Addr>,
    /// The file was written by a machine of the other byte order, which matters for [`LinkType::Null`].
    pub swapped: bool,
    /// Names of hosts may be looked up, which asks the network.
    pub look_up: bool,
}

impl Options {
    /// Bytes kept unless something else is said: more than any packet has.
    pub const SNAPLEN: u32 = 262_144;

    /// The usual options for packets from there.
    pub fn new(source: Source) -> Self {
        Options { source, any_vlan: false, snaplen: Self::SNAPLEN, netmask: None, swapped: false, look_up: true }
    }
}

/// Longer expressions are refused, in bytes.
pub const LONGEST: usize = 1 << 16;

/// Compiles `expression` for packets of this link type; an empty one accepts every packet.
///
/// # Errors
/// What is wrong and where: [`Error::render`] shows it. Also a filter that no packet can pass, and one that needs more
/// instructions than the kernel takes.
pub fn compile(expression: &str, link: LinkType, options: Options) -> Result<Program, Error> {
    let whole = 0..expression.len();
    if expression.len() > LONGEST {
        return Err(Error::new(0..0, format!("a filter is at most {LONGEST} bytes long")));
    }
    let at_all = |message| Error::new(whole.clone(), message);
    let condition = match parse::parse(expression)? {
        Some(tree) => {
            let mut layout = Layout::new(link, options).map_err(at_all)?;
            let condition = generate::condition(&tree, &mut layout)?;
            tags::resolved(&condition, link, options).map_err(at_all)?
        }
        None => Condition::Constant(true),
    };
    let graph = simplify::simplified(Graph::of(&condition));
    if !graph.order().contains(&ACCEPT) {
        return Err(Error::new(whole, "no packet can match this"));
    }
    assemble::assembled(&graph, options.snaplen).map_err(|fault| {
        let message = match fault {
            TooLarge::Instructions(count) => {
                format!("the filter needs {count} instructions; the kernel takes at most {LIMIT}")
            }
            TooLarge::Memory => "the computation needs more of the machine's memory than there is".to_owned(),
        };
        Error::new(whole, message)
    })
}
