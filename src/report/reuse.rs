//! "Address already in use", told in the order in which it happened.

use std::io::{self, Write};

use super::palette::Ink;
use super::table::{Cell, Column, Table};
use super::{Palette, Paragraph};
use crate::lab::transport::reuse::{
    Act, Attempt, Choice, HEART, Left, Observation, Remains, Row, Seen, Setting, Timers, Trials,
};

/// Writes everything that was seen and the lessons.
///
/// # Errors
/// What the writer refused.
pub fn observation(
    out: &mut (impl Write + ?Sized),
    seen: &Observation,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let title = format!("Address already in use, tried on Linux {}", seen.loopback.kernel);
    writeln!(out, "{}\n", palette.paint(Ink::Strong, title))?;
    for (number, act) in seen.loopback.story.iter().enumerate() {
        self::act(out, number + 1, act, palette, width)?;
    }
    matrix(out, &seen.loopback.matrix, palette, width)?;
    settings(out, seen, palette, width)?;
    lessons(out, seen, palette, width)
}

fn heading(out: &mut (impl Write + ?Sized), number: usize, text: &str, palette: Palette) -> io::Result<()> {
    writeln!(out, "{} {}", palette.paint(Ink::Strong, format_args!("{number}.")), palette.paint(Ink::Strong, text))
}

/// A step: who, and what.
fn step(out: &mut (impl Write + ?Sized), who: &str, what: &str, palette: Palette) -> io::Result<()> {
    writeln!(out, "   {}  {what}", palette.paint(Ink::Faint, format_args!("{who:<7}")))
}

fn act(
    out: &mut (impl Write + ?Sized),
    number: usize,
    act: &Act,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    let Act { old_set, server, client, left, restarts } = act;
    let title = match old_set {
        false => "A server that does not set SO_REUSEADDR",
        true => "The same server, with SO_REUSEADDR set before bind()",
    };
    heading(out, number, title, palette)?;
    step(out, "server", &format!("bind {server}, listen"), palette)?;
    step(out, "client", &format!("connect from {client}; the server accepts"), palette)?;
    step(out, "server", "close: it closes first", palette)?;
    step(out, "client", "reads the end of the stream, closes too", palette)?;
    step(out, "server", "closes its listening socket; the program is gone", palette)?;
    step(out, "kernel", &format!("holds {}", entry(left)), palette)?;
    for restart in restarts {
        let with = if restart.new_set { "with SO_REUSEADDR:   " } else { "without SO_REUSEADDR:" };
        let still = match &restart.still_left {
            Some(left) if restart.attempt.succeeded() => format!("; {} is still there", left.state),
            _ => String::new(),
        };
        step(out, "restart", &format!("{with} {}{still}", outcome(&restart.attempt, palette)), palette)?;
    }
    // What explains the usual outcome would be a lie about another one; the lessons then tell.
    if restarts.iter().all(|restart| restart.attempt.succeeded() == (*old_set && restart.new_set)) {
        let words = match old_set {
            false => format!(
                "It is bind() that fails, before listen(): errno 98 means that {server} still belongs to a socket. Here \
                 that is the TIME-WAIT entry, which answers for the closed connection for a minute. To set the option \
                 now is too late: the entry remembers that the old socket did not have it."
            ),
            true => "Both sockets agreed to share the address; the entry keeps what the old socket had set. So it is \
                     what the running server set that decides whether its next restart works."
                .to_owned(),
        };
        Paragraph::remark(&words).write(out, palette, width)?;
    }
    writeln!(out)
}

/// `TIME-WAIT 127.0.0.1:20000 → 127.0.0.1:40000, 59.998 s left`.
fn entry(left: &Left) -> String {
    let rest = left.remaining_ms.map(|ms| format!(", {} left", seconds(ms))).unwrap_or_default();
    format!("{} {} → {}{rest}", left.state, left.local, left.remote)
}

fn seconds(ms: u32) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// `bind: EADDRINUSE (98), address already in use`, or that it worked.
fn outcome(attempt: &Attempt, palette: Palette) -> String {
    match (attempt.failed_call, attempt.errno, &attempt.error) {
        (Some(call), Some(errno), Some(error)) => {
            let meaning = if attempt.address_in_use() { ", address already in use" } else { "" };
            format!("{call}: {}", palette.paint(Ink::Bad, format_args!("{error} ({errno}){meaning}")))
        }
        _ => palette.paint(Ink::Good, "bind and listen work").to_string(),
    }
}

fn matrix(out: &mut (impl Write + ?Sized), rows: &[Row], palette: Palette, width: Option<u16>) -> io::Result<()> {
    let restarts: usize = rows.iter().map(|row| row.cells.len()).sum();
    heading(out, 3, &format!("Every case: {restarts} restarts, each on a port of its own"), palette)?;
    let words = "Columns: who had set the option before bind(). works: bind() and listen() did; in use: bind() failed \
                 with EADDRINUSE.";
    Paragraph::remark(words).write(out, palette, width)?;
    writeln!(out)?;
    let (heart, others) = rows.split_at(HEART.min(rows.len()));
    let columns = ["NEITHER", "NEW", "OLD", "BOTH"].map(Column::left);
    let mut table =
        Table::new([Column::left("THE OLD SERVER"), Column::left("KERNEL SHOWS")].into_iter().chain(columns));
    for row in heart {
        let first = [Cell::new(story(row.case.remains)), shown(row)];
        table.row(first.into_iter().chain(row.cells.iter().map(result)));
    }
    table.write(out, palette, width)?;
    writeln!(out)?;
    let mut table =
        Table::new([Column::left("OTHER ADDRESSES AND OPTIONS"), Column::left("OPTION")].into_iter().chain(columns));
    for row in others {
        let option = match row.case.option {
            Choice::ReuseAddress => "SO_REUSEADDR",
            Choice::ReusePort => "SO_REUSEPORT",
        };
        let first = [Cell::new(situation(row)), Cell::new(option)];
        table.row(first.into_iter().chain(row.cells.iter().map(result)));
    }
    table.write(out, palette, width)?;
    writeln!(out)
}

/// What the old server did, in the words of the table.
fn story(remains: Remains) -> &'static str {
    match remains {
        Remains::Nothing => "closed before anybody connected",
        Remains::ServerClosedFirst => "closed the connection first",
        Remains::ClientClosedFirst => "closed after the client did",
        Remains::Established => "gone, its connection still open",
        Remains::CloseWait => "gone, never closed its end",
        Remains::FinWait2 => "closed, the client has not",
        Remains::Reset => "reset it (SO_LINGER 0)",
        Remains::Bound => "has bound, does not listen",
        Remains::Listening => "listens",
        Remains::UdpOpen => "has a UDP socket open",
    }
}

/// The states that the kernel showed before the restarts: the same in each cell, for that was waited for.
fn shown(row: &Row) -> Cell {
    let left = row.cells.first().map(|cell| cell.left.as_slice()).unwrap_or_default();
    match left {
        [] => Cell::ink(Ink::Faint, "-"),
        some => Cell::new(some.iter().map(|left| left.state.name()).collect::<Vec<_>>().join(", ")),
    }
}

fn situation(row: &Row) -> String {
    let what = match row.case.remains {
        Remains::ServerClosedFirst => "TIME-WAIT",
        Remains::Bound => "BOUND",
        Remains::UdpOpen => "UDP",
        _ => "LISTEN",
    };
    let (old, new) = (row.case.old_address, row.case.new_address);
    if old == new { format!("{what} {old}, then again") } else { format!("{what} {old}, then {new}") }
}

fn result(cell: &crate::lab::transport::reuse::Cell) -> Cell {
    match &cell.attempt.error {
        None => Cell::ink(Ink::Good, "works"),
        Some(_) if cell.attempt.address_in_use() => Cell::ink(Ink::Bad, "in use"),
        Some(error) => Cell::ink(Ink::Warn, format_args!("{} {error}", cell.attempt.failed_call.unwrap_or_default())),
    }
}

fn settings(
    out: &mut (impl Write + ?Sized),
    seen: &Observation,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    heading(out, 4, "The kernel settings that are often recommended instead", palette)?;
    let mut table = Table::new([Column::left("net.ipv4."), Column::left("HERE"), Column::left("WHAT IT DOES")]);
    for Setting { name, value } in &seen.loopback.settings {
        let here = value.as_deref().map_or(Cell::ink(Ink::Faint, "absent"), Cell::new);
        table.row([Cell::new(name), here, Cell::new(effect(name))]);
    }
    table.write(out, palette, width)?;
    writeln!(out)?;
    match (&seen.trials, &seen.not_tried) {
        (Some(trials), _) => self::trials(out, trials, palette, width)?,
        (None, Some(why)) => {
            let words = format!("Not changed and tried: {why}");
            Paragraph { ink: Some(Ink::Warn), ..Paragraph::remark(&words) }.write(out, palette, width)?;
        }
        (None, None) => {}
    }
    writeln!(out)
}

fn effect(name: &str) -> &'static str {
    match name {
        "tcp_syncookies" => "answers a flood of connection requests without remembering them; TIME-WAIT is not touched",
        "tcp_tw_reuse" => {
            "lets connect() take over a local port in TIME-WAIT after a second (1 everywhere, 2 on loopback); \
             bind() never"
        }
        "tcp_tw_recycle" => "removed in Linux 4.12: it dropped clients that share one address behind a NAT",
        "tcp_fin_timeout" => "seconds that FIN-WAIT-2 lasts when no process holds the socket; TIME-WAIT is always 60 s",
        _ => "",
    }
}

fn trials(out: &mut (impl Write + ?Sized), trials: &Trials, palette: Palette, width: Option<u16>) -> io::Result<()> {
    let words = "Changed and tried in a private network namespace; the machine's own settings stay as they are:";
    Paragraph::remark(words).write(out, palette, width)?;
    writeln!(out)?;
    let mut table = Table::new(["SET TO", "TRIED", "CAME OUT"].map(Column::left));
    for trial in &trials.restarts {
        let value = |setting: &Setting| format!("{}={}", setting.name, setting.value.as_deref().unwrap_or_default());
        let settings: Vec<_> = trial.settings.iter().map(value).collect();
        let left = trial.left.and_then(|left| left.remaining_ms).map(seconds).unwrap_or_default();
        let tried = format!("restart without SO_REUSEADDR, TIME-WAIT has {left} left");
        table.row([Cell::new(settings.join(" ")), Cell::new(tried), came_out(&trial.attempt, "bind and listen work")]);
    }
    let left = |ms: Option<u32>| ms.map_or("none".to_owned(), seconds);
    let (fin_wait_2, time_wait) = (left(trials.timers.fin_wait_2_ms), left(trials.timers.time_wait_ms));
    table.row([
        Cell::new(format_args!("tcp_fin_timeout={}", Timers::FIN_TIMEOUT_S)),
        Cell::new("time left right after close()"),
        Cell::new(format_args!("FIN-WAIT-2 {fin_wait_2}, TIME-WAIT {time_wait}")),
    ]);
    for trial in &trials.connects {
        let tried = format!("connect() with one local port, in TIME-WAIT for {} ms", trial.age_ms);
        let setting = format!("tcp_tw_reuse={}", trial.tcp_tw_reuse);
        table.row([Cell::new(setting), Cell::new(tried), came_out(&trial.attempt, "connect works")]);
    }
    table.write(out, palette, width)
}

fn came_out(attempt: &Attempt, success: &str) -> Cell {
    match (attempt.failed_call, &attempt.error) {
        (Some(call), Some(error)) => Cell::ink(Ink::Bad, format_args!("{call}: {error}")),
        _ => Cell::ink(Ink::Good, success),
    }
}

fn lessons(
    out: &mut (impl Write + ?Sized),
    seen: &Observation,
    palette: Palette,
    width: Option<u16>,
) -> io::Result<()> {
    heading(out, 5, "What follows, as seen on this kernel", palette)?;
    for lesson in &seen.lessons {
        let (lead, lead_ink) = match lesson.seen {
            Seen::Yes => ("   ✔ seen: ", Ink::Good),
            Seen::No => ("   ✘ NOT SEEN on this kernel: ", Ink::Bad),
            Seen::NotTried => ("   – not tried: ", Ink::Warn),
        };
        Paragraph { lead, lead_ink, text: lesson.statement.en, ink: None }.write(out, palette, width)?;
    }
    let left = seen.loopback.time_wait_left_behind;
    let words = format!(
        "Nothing runs on. {left} TIME-WAIT entries are the kernel's now and end within a minute; watch them with: \
         netlab sockets --state time-wait"
    );
    writeln!(out)?;
    Paragraph::remark(&words).write(out, palette, width)
}
