//! Conditions as a graph of tests, each with a way on for yes and one for no.
//!
//! **Invariant:** a node's ways on lead to nodes made before it, so the graph has no loop and a program no backward jump.

use std::collections::HashMap;

use super::condition::{Condition, Test, Value};

/// The index of a node.
pub(super) type Id = usize;

pub(super) const REJECT: Id = 0;
pub(super) const ACCEPT: Id = 1;

/// A step of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Reject,
    Accept,
    Test { test: Test, yes: Id, no: Id },
    Set { slot: u8, value: Value, next: Id },
}

impl Node {
    /// Where it leads, no before yes.
    pub(super) fn ways(&self) -> Vec<Id> {
        match self {
            Node::Reject | Node::Accept => Vec::new(),
            Node::Test { yes, no, .. } => vec![*no, *yes],
            Node::Set { next, .. } => vec![*next],
        }
    }
}

/// All steps; equal ones are there once.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    known: HashMap<Node, Id>,
    /// Where the program begins.
    pub root: Id,
}

impl Graph {
    /// The graph of a condition.
    pub(super) fn of(condition: &Condition) -> Graph {
        let mut graph = Graph::empty();
        graph.root = graph.build(condition, ACCEPT, REJECT);
        graph.with_slots_set()
    }

    pub(super) fn empty() -> Graph {
        let mut graph = Graph { nodes: Vec::new(), known: HashMap::new(), root: REJECT };
        graph.add(Node::Reject);
        graph.add(Node::Accept);
        graph
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id).unwrap_or(&Node::Reject)
    }

    /// The node with this content, made if it is new. A test that leads to the same place either way is no test; but one
    /// that a short packet does not survive may only be left out before "no", which is what such a packet gets.
    pub(super) fn add(&mut self, node: Node) -> Id {
        if let Node::Test { test, yes, no } = &node
            && yes == no
            && (*yes == REJECT || !test.can_end_the_program())
        {
            return *yes;
        }
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.known.insert(node, id);
        id
    }

    fn build(&mut self, condition: &Condition, yes: Id, no: Id) -> Id {
        match condition {
            Condition::Constant(true) => yes,
            // Tags were resolved before; what is left of them is never there.
            Condition::Constant(false) | Condition::Tagged(_) => no,
            Condition::Test(test) => self.add(Node::Test { test: test.clone(), yes, no }),
            Condition::Set(slot, value) => self.add(Node::Set { slot: *slot, value: value.clone(), next: yes }),
            Condition::Not(inner) => self.build(inner, no, yes),
            Condition::If(parts) => {
                let [asked, then, otherwise] = parts.as_ref();
                let (then, otherwise) = (self.build(then, yes, no), self.build(otherwise, yes, no));
                self.build(asked, then, otherwise)
            }
            Condition::All(parts) => parts.iter().rev().fold(yes, |next, part| self.build(part, next, no)),
            Condition::Any(parts) => parts.iter().rev().fold(no, |next, part| self.build(part, yes, next)),
        }
    }

    /// The nodes that can be reached, each before those it leads to; of two ways on, yes comes first.
    pub(super) fn order(&self) -> Vec<Id> {
        let mut finished = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        let mut stack = vec![(self.root, false)];
        while let Some((id, ways_done)) = stack.pop() {
            let Some(done) = finished.get_mut(id).filter(|done| !**done) else { continue };
            if ways_done {
                *done = true;
                order.push(id);
                continue;
            }
            stack.push((id, true));
            stack.extend(self.node(id).ways().into_iter().rev().map(|way| (way, false)));
        }
        order.reverse();
        order
    }

    /// Sets to zero at the beginning what a path may use before it is set: the kernel insists.
    fn with_slots_set(mut self) -> Graph {
        let order = self.order();
        let mut set: HashMap<Id, u32> = HashMap::from([(self.root, 0)]);
        let mut missing = 0;
        for id in order {
            let before = set.get(&id).copied().unwrap_or(0);
            let (used, after) = match self.node(id) {
                Node::Test { test, .. } => (slots(&test.value) | slots(&test.operand), before),
                Node::Set { slot, value, .. } => (slots(value), before | 1 << slot),
                _ => (0, before),
            };
            missing |= used & !before;
            for way in self.node(id).ways() {
                set.entry(way).and_modify(|known| *known &= after).or_insert(after);
            }
        }
        for slot in (0..16).filter(|slot| missing >> slot & 1 != 0) {
            self.root = self.add(Node::Set { slot, value: Value::Number(0), next: self.root });
        }
        self
    }
}

/// The slots that a value is computed from, one bit each.
pub(super) fn slots(value: &Value) -> u32 {
    (0..16).filter(|slot| value.uses_slot(*slot)).fold(0, |all, slot| all | 1 << slot)
}
