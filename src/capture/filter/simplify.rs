//! Leaves out tests whose answer is known from the tests before them.
//!
//! A test is left out only where its value was read before, and moved only to where its value is read anyway: no packet
//! is judged differently for ending early, except that a row of tests may then be answered by an earlier one.

use std::collections::{HashMap, HashSet};

use super::condition::{Test, Value};
use super::graph::{ACCEPT, Graph, Id, Node, REJECT, slots};
use super::syntax::Comparison;

/// Rounds of simplification; each can bring new ones to light, but seldom more than two.
const ROUNDS: usize = 8;

/// Facts about one value that are remembered on a path; what is older is forgotten, which costs nothing but a chance.
const REMEMBERED: usize = 16;

/// The same program with fewer steps.
pub(super) fn simplified(mut graph: Graph) -> Graph {
    for _ in 0..ROUNDS {
        let (next, threaded) = round(&graph);
        let (tests, moved) = grouped(&next);
        graph = if moved { rebuilt(&next, &HashMap::new(), &tests) } else { next };
        if !threaded && !moved {
            break;
        }
    }
    graph
}

/// Tests that were made, with their answers.
type Facts = Vec<(Id, bool)>;

fn round(graph: &Graph) -> (Graph, bool) {
    let order = graph.order();
    let mut entry: HashMap<Id, Facts> = HashMap::from([(graph.root, Vec::new())]);
    let mut ways: HashMap<Id, (Id, Id)> = HashMap::new();
    let mut changed = false;
    for id in &order {
        // All ways that led here now lead past it.
        let Some(facts) = entry.remove(id) else { continue };
        match graph.node(*id) {
            Node::Test { yes, no, .. } => {
                let kept = remembered(graph, facts, *id);
                let way = |outcome: bool, target: Id| {
                    let mut known = kept.clone();
                    known.push((*id, outcome));
                    (follow(graph, target, &known), known)
                };
                let ((to_yes, after_yes), (to_no, after_no)) = (way(true, *yes), way(false, *no));
                changed |= to_yes != *yes || to_no != *no;
                ways.insert(*id, (to_yes, to_no));
                meet(&mut entry, to_yes, after_yes);
                meet(&mut entry, to_no, after_no);
            }
            Node::Set { slot, next, .. } => {
                let stale =
                    |id: Id| tested(graph, id).is_some_and(|t| (slots(&t.value) | slots(&t.operand)) >> slot & 1 != 0);
                let kept = facts.into_iter().filter(|(id, _)| !stale(*id)).collect();
                meet(&mut entry, *next, kept);
            }
            Node::Accept | Node::Reject => {}
        }
    }
    (rebuilt(graph, &ways, &HashMap::new()), changed)
}

/// The facts without the oldest about the value tested at `id`, if there are many about it.
fn remembered(graph: &Graph, mut facts: Facts, id: Id) -> Facts {
    let value = |id: Id| tested(graph, id).map(|test| &test.value);
    let alike = |fact: &(Id, bool)| value(fact.0) == value(id);
    if facts.iter().filter(|fact| alike(fact)).count() >= REMEMBERED
        && let Some(oldest) = facts.iter().position(alike)
    {
        facts.remove(oldest);
    }
    facts
}

/// What is known at a node is what is known on every way to it.
fn meet(entry: &mut HashMap<Id, Facts>, target: Id, facts: Facts) {
    match entry.get_mut(&target) {
        Some(known) => known.retain(|fact| facts.contains(fact)),
        None => {
            entry.insert(target, facts);
        }
    }
}

fn tested(graph: &Graph, id: Id) -> Option<&Test> {
    match graph.node(id) {
        Node::Test { test, .. } => Some(test),
        _ => None,
    }
}

/// The first node from `target` on that makes a difference: its answer is not known, or it reads what was not read yet.
fn follow(graph: &Graph, target: Id, facts: &Facts) -> Id {
    let mut at = target;
    while let Node::Test { test, yes, no } = graph.node(at) {
        let known = facts.iter().filter_map(|(id, outcome)| tested(graph, *id).map(|fact| (fact, *outcome)));
        match answer(test, known) {
            Some(true) => at = *yes,
            Some(false) => at = *no,
            None if yes == no && facts.iter().any(|(id, _)| same_values(graph, *id, test)) => at = *yes,
            None => break,
        }
    }
    at
}

fn same_values(graph: &Graph, id: Id, test: &Test) -> bool {
    tested(graph, id).is_some_and(|fact| {
        fact.value == test.value && (fact.operand == test.operand || matches!(test.operand, Value::Number(_)))
    })
}

/// The answer to `asked`, if the facts decide it: the same test was made, or the value is known to be another number.
/// Bounds could decide more, but a packet that ends before the value would then be judged without looking at it.
fn answer<'a>(asked: &Test, facts: impl Iterator<Item = (&'a Test, bool)>) -> Option<bool> {
    let mut alike = facts.filter(|(fact, _)| fact.value == asked.value && fact.comparison == asked.comparison);
    alike.find_map(|(fact, outcome)| match (&fact.operand, &asked.operand) {
        (known, wanted) if known == wanted => Some(outcome),
        (Value::Number(_), Value::Number(_)) if outcome && fact.comparison == Comparison::Equal => Some(false),
        _ => None,
    })
}

/// Tests of one value, one after the other, so that it is loaded once.
///
/// In a row of tests that lead to the same place where they hold (or where they do not), the order is free but for
/// loads: each value is first loaded where it was before, and its later tests are moved up to that.
fn grouped(graph: &Graph) -> (HashMap<Id, Test>, bool) {
    let order = graph.order();
    let mut before: HashMap<Id, Vec<Id>> = HashMap::new();
    for id in &order {
        graph.node(*id).ways().into_iter().for_each(|way| before.entry(way).or_default().push(*id));
    }
    let alone = |id: Id| before.get(&id).is_some_and(|all| all.len() == 1);
    let mut placed: HashMap<Id, Test> = HashMap::new();
    let mut changed = false;
    for holding in [true, false] {
        let mut done: HashSet<Id> = HashSet::new();
        for head in &order {
            if !done.insert(*head) {
                continue;
            }
            let row = row(graph, *head, holding, &alone);
            if row.len() < 2 || row.iter().any(|id| placed.contains_key(id)) {
                continue;
            }
            done.extend(&row);
            let first = before.get(head).and_then(|all| common_value(graph, all));
            let tests: Vec<&Test> = row.iter().filter_map(|id| tested(graph, *id)).collect();
            let sorted = by_value(&tests, first);
            changed |= sorted != tests;
            placed.extend(row.into_iter().zip(sorted.into_iter().cloned()));
        }
    }
    (placed, changed)
}

/// Nodes from `head` on, each reached only from the one before it, with the same way out where their test holds (or
/// does not).
fn row(graph: &Graph, head: Id, holding: bool, alone: &impl Fn(Id) -> bool) -> Vec<Id> {
    let split = |id: Id| match graph.node(id) {
        Node::Test { yes, no, .. } => Some(if holding { (*yes, *no) } else { (*no, *yes) }),
        _ => None,
    };
    let Some((out, mut next)) = split(head) else { return Vec::new() };
    let mut row = vec![head];
    while let Some((its_out, after)) = split(next).filter(|_| alone(next)) {
        if its_out != out {
            break;
        }
        row.push(next);
        next = after;
    }
    row
}

/// The value that all these nodes test.
fn common_value<'a>(graph: &'a Graph, nodes: &[Id]) -> Option<&'a Value> {
    let mut values = nodes.iter().map(|id| tested(graph, *id).map(|test| &test.value));
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

/// The tests, those of one value together, values in the order of their first test; `first` leads where it occurs.
fn by_value<'a>(tests: &[&'a Test], first: Option<&Value>) -> Vec<&'a Test> {
    let mut values: Vec<&Value> = Vec::new();
    for value in first.into_iter().chain(tests.iter().map(|test| &test.value)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let of = |value: &&Value| tests.iter().copied().filter(|test| test.value == **value).collect::<Vec<_>>();
    values.iter().flat_map(of).collect()
}

/// The graph with new ways or new tests, made from the end so that steps that became equal are one.
fn rebuilt(graph: &Graph, ways: &HashMap<Id, (Id, Id)>, tests: &HashMap<Id, Test>) -> Graph {
    let mut new = Graph::empty();
    let mut moved: HashMap<Id, Id> = HashMap::from([(REJECT, REJECT), (ACCEPT, ACCEPT)]);
    // A way may now lead past a node, but still to an older one: their own order serves both graphs.
    let mut ascending = graph.order();
    ascending.sort_unstable();
    for id in ascending {
        let to = |old: Id| moved.get(&old).copied().unwrap_or(REJECT);
        let node = match graph.node(id) {
            Node::Reject | Node::Accept => continue,
            Node::Test { test, yes, no } => {
                let (yes, no) = ways.get(&id).copied().unwrap_or((*yes, *no));
                Node::Test { test: tests.get(&id).unwrap_or(test).clone(), yes: to(yes), no: to(no) }
            }
            Node::Set { slot, value, next } => Node::Set { slot: *slot, value: value.clone(), next: to(*next) },
        };
        let at = new.add(node);
        moved.insert(id, at);
    }
    new.root = moved.get(&graph.root).copied().unwrap_or(REJECT);
    new
}
