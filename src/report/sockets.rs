//! The kernel's sockets as a table, with counts and what TIME-WAIT uses of what there is.

use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

use super::Palette;
use super::palette::Ink;
use super::table::{Cell, Column};
use crate::kernel::sock_diag::TcpInfo;
use crate::transport::services::Protocol;
use crate::transport::sockets::{Budget, Busiest, Queues, Running, Socket, Status, Table};
use crate::transport::states::State;

const COLUMNS: [Column; 13] = [
    Column::left("PROTO"),
    Column::left("STATE"),
    Column::left("WAITING"),
    Column::left("LOCAL"),
    Column::left("REMOTE"),
    Column::left("TIMER"),
    Column::left("PROCESS"),
    Column::left("RTT"),
    Column::left("WINDOW"),
    Column::right("SENT"),
    Column::right("RECEIVED"),
    Column::right("RESENT"),
    Column::right("DROPPED"),
];

/// Writes the sockets as a table, then the counts.
///
/// # Errors
/// What the writer refused.
pub fn table(out: &mut (impl Write + ?Sized), table: &Table, palette: Palette, width: Option<u16>) -> io::Result<()> {
    let mut rows = super::table::Table::new(COLUMNS);
    table.sockets.iter().for_each(|socket| rows.row(cells(socket)));
    if !rows.is_empty() {
        rows.write(out, palette, width)?;
        writeln!(out)?;
    }
    counts(out, table, palette)
}

/// Writes the counts alone, and what there is to say about them.
///
/// # Errors
/// What the writer refused.
pub fn counts(out: &mut (impl Write + ?Sized), table: &Table, palette: Palette) -> io::Result<()> {
    for (protocol, label) in [(Protocol::Tcp, "TCP"), (Protocol::Udp, "UDP")] {
        let total: usize = table.counts.of(protocol).map(|(_, count)| count).sum();
        if total > 0 {
            let part = |(status, count): (Status, usize)| format!("{count} {}", status.name());
            let parts: Vec<_> = table.counts.of(protocol).map(part).collect();
            writeln!(out, "{} {total}: {}", palette.paint(Ink::Strong, label), parts.join(", "))?;
        }
    }
    if table.counts.total() == 0 {
        writeln!(out, "no socket matches")?;
    }
    if let Some(budget) = &table.time_wait {
        time_wait(out, budget, palette)?;
    }
    if table.inconsistent {
        let words = "the table changed while the kernel copied it: a socket may be missing or doubled";
        writeln!(out, "{}", palette.paint(Ink::Warn, words))?;
    }
    not_visible(out, table, palette)
}

/// Says why the holder of a socket is not known, where that is so.
fn not_visible(out: &mut (impl Write + ?Sized), table: &Table, palette: Palette) -> io::Result<()> {
    let held = |socket: &&Socket| socket.inode.is_some() && socket.processes.as_ref().is_some_and(Vec::is_empty);
    let unknown = table.sockets.iter().filter(held).count();
    let (Some(hidden), 1..) = (table.hidden_processes, unknown) else { return Ok(()) };
    let reason = match hidden {
        0 => "by the kernel, or by processes of another PID namespace".to_owned(),
        hidden => format!("by some of {hidden} processes of other users; run as root to see which"),
    };
    let sockets = if unknown == 1 { "socket is" } else { "sockets are" };
    writeln!(out, "{}", palette.paint(Ink::Warn, format_args!("{unknown} {sockets} held {reason}")))
}

fn time_wait(out: &mut (impl Write + ?Sized), budget: &Budget, palette: Palette) -> io::Result<()> {
    write!(out, "{} {}", palette.paint(Ink::Strong, "TIME-WAIT"), budget.entries)?;
    if let Some(limit) = budget.limit_entries {
        write!(out, " of at most {limit} entries (tcp_max_tw_buckets)")?;
    }
    writeln!(out)?;
    let (Some(busiest), Some(local_ports)) = (budget.busiest, budget.local_ports) else { return Ok(()) };
    if busiest.ports < 2 {
        return Ok(());
    }
    let Busiest { local_address, remote_address, remote_port, ports } = busiest;
    let percent = ports as f64 * 100.0 / f64::from(local_ports.max(1));
    let to = Endpoint { address: remote_address, port: remote_port, both_families: false, interface: None };
    let words = format!("  {ports} of {local_ports} local ports ({percent:.0} %) from {local_address} to {to}");
    writeln!(out, "{}", palette.paint(if percent < 50.0 { Ink::Faint } else { Ink::Warn }, words))?;
    if percent >= 50.0 {
        let relief = match budget.reuse {
            Some(0) => "; tcp_tw_reuse=0 keeps every port for the whole minute",
            Some(1) => "; tcp_tw_reuse=1 lets connect() take over entries older than a second",
            Some(2) => "; tcp_tw_reuse=2 lets connect() take over entries older than a second, on loopback only",
            _ => "",
        };
        writeln!(out, "  with none left, connect() to that peer fails with EADDRNOTAVAIL{relief}")?;
    }
    Ok(())
}

fn cells(socket: &Socket) -> [Cell; 13] {
    let local = Endpoint {
        address: socket.local_address,
        port: socket.local_port,
        both_families: socket.ipv6_only == Some(false),
        interface: socket.interface.as_deref(),
    };
    let remote = Endpoint { address: socket.remote_address, port: socket.remote_port, interface: None, ..local };
    let info = socket.info.as_deref().filter(|_| socket.state != Status::Tcp(State::Listen));
    let bytes = |count: fn(&TcpInfo) -> Option<u64>| {
        info.and_then(count).map(|bytes| Cell::new(format_args!("{bytes} B"))).unwrap_or_default()
    };
    [
        Cell::new(socket.protocol),
        state(socket.state),
        waiting(socket.protocol, socket.queues),
        Cell::new(local),
        Cell::new(remote),
        socket.timer.map(|timer| remaining(timer, socket.retransmits)).unwrap_or_default(),
        processes(socket),
        info.map(round_trip).unwrap_or_default(),
        info.map(|info| window(info, socket.congestion_control.as_deref())).unwrap_or_default(),
        bytes(|info| info.sent_bytes),
        bytes(|info| info.received_bytes),
        info.map(|info| Cell::new(info.retransmitted_total_segments)).unwrap_or_default(),
        socket.memory.and_then(|memory| memory.dropped_packets).map(Cell::new).unwrap_or_default(),
    ]
}

fn state(status: Status) -> Cell {
    let ink = match status {
        Status::Tcp(State::Listen | State::Established) => Ink::Good,
        Status::Tcp(State::CloseWait | State::SynReceived | State::SynSent) => Ink::Warn,
        Status::Tcp(State::TimeWait | State::Closed | State::Bound) => Ink::Faint,
        _ => return Cell::new(status.name()),
    };
    Cell::ink(ink, status.name())
}

/// `address:port`; `*` where every address of both families is meant, `-` where there is none.
#[derive(Clone, Copy, Debug)]
struct Endpoint<'a> {
    address: IpAddr,
    port: u16,
    both_families: bool,
    interface: Option<&'a str>,
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == 0 && self.address.is_unspecified() {
            return f.write_str("-");
        }
        match self.address {
            IpAddr::V6(v6) if self.both_families && v6.is_unspecified() => f.write_str("*")?,
            IpAddr::V6(v6) => write!(f, "[{v6}]")?,
            IpAddr::V4(v4) => write!(f, "{v4}")?,
        }
        if let Some(interface) = self.interface {
            write!(f, "%{interface}")?;
        }
        write!(f, ":{}", self.port)
    }
}

fn waiting(protocol: Protocol, queues: Queues) -> Cell {
    // Of UDP the kernel tells what the datagrams occupy, its own overhead included.
    let unit = if protocol == Protocol::Udp { "B memory" } else { "B" };
    match queues {
        Queues::Accept { accept_queue, accept_queue_limit } => {
            let full = accept_queue > accept_queue_limit;
            let words = format_args!("{accept_queue} of {accept_queue_limit}");
            if full { Cell::ink(Ink::Bad, words) } else { Cell::new(words) }
        }
        Queues::Data { receive_queue_bytes: 0, send_queue_bytes: 0 } => Cell::new("-"),
        Queues::Data { receive_queue_bytes: input, send_queue_bytes: 0 } => {
            Cell::new(format_args!("in {input} {unit}"))
        }
        Queues::Data { receive_queue_bytes: 0, send_queue_bytes: output } => {
            Cell::new(format_args!("out {output} {unit}"))
        }
        Queues::Data { receive_queue_bytes, send_queue_bytes } => {
            Cell::new(format_args!("in {receive_queue_bytes} {unit}, out {send_queue_bytes} {unit}"))
        }
    }
}

fn remaining(timer: Running, retransmits: u8) -> Cell {
    let (seconds, milliseconds) = (timer.remaining_ms / 1000, timer.remaining_ms % 1000);
    let cell = Cell::new(format_args!("{} {seconds}.{milliseconds:03} s", timer.kind));
    if retransmits == 0 { cell } else { cell.and(Ink::Warn, format_args!(" ({retransmits} so far)")) }
}

fn processes(socket: &Socket) -> Cell {
    let Some(processes) = &socket.processes else { return Cell::default() };
    if processes.is_empty() {
        return Cell::ink(Ink::Faint, if socket.inode.is_none() { "none" } else { "not visible" });
    }
    let one = |process: &crate::kernel::process::Process| format!("{} {}", process.name, process.pid);
    Cell::new(processes.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn round_trip(info: &TcpInfo) -> Cell {
    let ms = |us: u32| f64::from(us) / 1000.0;
    Cell::new(format_args!("{:.3} ms ±{:.3}", ms(info.rtt_us), ms(info.rtt_deviation_us)))
}

fn window(info: &TcpInfo, control: Option<&str>) -> Cell {
    let TcpInfo { congestion_window_segments, mss_bytes, .. } = info;
    Cell::new(format_args!("{} {congestion_window_segments} × {mss_bytes} B", control.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn endpoint(address: IpAddr, port: u16, both_families: bool) -> String {
        Endpoint { address, port, both_families, interface: None }.to_string()
    }

    #[test]
    fn a_star_stands_for_both_families_and_a_dash_for_nobody() {
        assert_eq!(endpoint(Ipv6Addr::UNSPECIFIED.into(), 80, true), "*:80");
        assert_eq!(endpoint(Ipv6Addr::UNSPECIFIED.into(), 80, false), "[::]:80");
        assert_eq!(endpoint(Ipv4Addr::UNSPECIFIED.into(), 80, false), "0.0.0.0:80");
        assert_eq!(endpoint(Ipv4Addr::UNSPECIFIED.into(), 0, false), "-");
        assert_eq!(endpoint(Ipv6Addr::LOCALHOST.into(), 443, false), "[::1]:443");
    }

    #[test]
    fn the_hint_says_how_near_the_last_port_is_and_what_helps() {
        let busiest = Busiest {
            local_address: Ipv4Addr::LOCALHOST.into(),
            remote_address: Ipv4Addr::LOCALHOST.into(),
            remote_port: 9001,
            ports: 20_000,
        };
        let mut budget = Budget {
            entries: 20_000,
            limit_entries: Some(131_072),
            local_ports: Some(28_232),
            reuse: Some(2),
            busiest: Some(busiest),
        };
        let mut out = Vec::new();
        time_wait(&mut out, &budget, Palette::PLAIN).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "TIME-WAIT 20000 of at most 131072 entries (tcp_max_tw_buckets)\n  \
             20000 of 28232 local ports (71 %) from 127.0.0.1 to 127.0.0.1:9001\n  \
             with none left, connect() to that peer fails with EADDRNOTAVAIL; tcp_tw_reuse=2 lets connect() take over \
             entries older than a second, on loopback only\n"
        );
        budget.busiest = None;
        let mut out = Vec::new();
        time_wait(&mut out, &budget, Palette::PLAIN).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1);
    }
}
