//! A table of what an interface brings.

use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::process::Stdio;

use netlab::kernel::namespace::Host;
use netlab::kernel::netlink::Netlink;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::captures::rows_in;
use crate::netlab;

crate::tests![a_table_is_whole_when_ctrl_c_ends_a_confined_capture];

fn a_table_is_whole_when_ctrl_c_ends_a_confined_capture() {
    const SENT: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new("live").unwrap();
    host.run(|| Netlink::open().unwrap().set_up("lo", true).unwrap());
    let mut command = netlab();
    command.args(["capture", "lo", "--stats", "--parquet"]).arg(folder.path().join("live.parquet")).arg("udp");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = host.run(move || command.spawn().unwrap());
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.contains("capturing on"), "{line}");
    host.run(|| {
        let (from, to) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:4000").unwrap());
        for number in 0..SENT {
            from.send_to(&number.to_be_bytes(), to.local_addr().unwrap()).unwrap();
        }
    });
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert!(rest.contains("300 frames seen: 300 written") && rest.contains("(seccomp)"), "{rest}");
    let query = "SELECT count(*) AS rows, any_value(interface) AS interface, any_value(direction) AS direction, \
                 any_value(transport_checksum) AS checksum, sum(payload_bytes)::INT AS bytes, \
                 count(DISTINCT flow) AS flows, any_value(destination_port) AS port FROM 'live.parquet'";
    let expected = json!({
        "rows": SENT, "interface": "lo", "direction": "in", "checksum": "not_filled_in", "bytes": 8 * SENT, "flows": 1,
        "port": 4000,
    });
    assert_eq!(rows_in(folder.path(), query), [expected]);
}
