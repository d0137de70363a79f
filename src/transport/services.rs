//! Names of well-known ports: a table of our own, and after it what this machine's `/etc/services` adds.
//!
//! A service name is a hint at what usually listens there (RFC 6335 §3), never a statement about what does.

use std::fs::File;
use std::io::Read;
use std::sync::OnceLock;

use serde::Serialize;

use Over::{Both, Tcp, Udp};

/// A transport protocol with port numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol, RFC 9293.
    Tcp,
    /// User Datagram Protocol, RFC 768.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`, as `/etc/services` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The name of the service that usually has this port, such as `ssh` for 22/tcp. `/etc/services` is read once, and only
/// when the table here does not know the port.
pub fn name(port: u16, protocol: Protocol) -> Option<&'static str> {
    let own = TABLE.partition_point(|row| row.0 < port);
    let rows = TABLE.get(own..).unwrap_or_default().iter().take_while(|row| row.0 == port);
    rows.filter(|row| row.1.serves(protocol)).map(|row| row.2).next().or_else(|| {
        let found = machine().iter().find(|line| line.port == port && line.protocol == protocol);
        found.and_then(|line| line.names.first()).map(String::as_str)
    })
}

/// The port of the service called `name` under `protocol`, letter case ignored; aliases of `/etc/services` count.
pub fn port(name: &str, protocol: Protocol) -> Option<u16> {
    let own = TABLE.iter().find(|row| row.1.serves(protocol) && row.2.eq_ignore_ascii_case(name));
    own.map(|row| row.0).or_else(|| {
        let called = |line: &&Line| line.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        machine().iter().filter(|line| line.protocol == protocol).find(called).map(|line| line.port)
    })
}

/// The ports of the table here that have a name under `protocol`, ascending.
pub fn known(protocol: Protocol) -> impl Iterator<Item = u16> {
    TABLE.iter().filter(move |row| row.1.serves(protocol)).map(|row| row.0)
}

/// One line of `/etc/services`; the official name comes first, then the aliases.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    port: u16,
    protocol: Protocol,
    names: Vec<String>,
}

/// What is read of `/etc/services` at most, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// This machine's own list; empty where there is none, which is no fault.
fn machine() -> &'static [Line] {
    static LINES: OnceLock<Vec<Line>> = OnceLock::new();
    LINES.get_or_init(|| {
        let mut text = Vec::new();
        let read = File::open("/etc/services").and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut text));
        read.map_or_else(|_| Vec::new(), |_| String::from_utf8_lossy(&text).lines().filter_map(line).collect())
    })
}

/// Reads `name port/protocol alias… # comment`; none for blank lines, other protocols and names that a terminal
/// should not see.
fn line(text: &str) -> Option<Line> {
    let mut words = text.split('#').next()?.split_whitespace();
    let official = words.next()?;
    let (port, protocol) = words.next()?.split_once('/')?;
    let protocol = [Protocol::Tcp, Protocol::Udp].into_iter().find(|p| p.name() == protocol)?;
    let names: Vec<String> = std::iter::once(official).chain(words).map(str::to_owned).collect();
    let printable = names.iter().all(|name| name.bytes().all(|b| b.is_ascii_graphic()));
    Some(Line { port: port.parse().ok()?, protocol, names }).filter(|_| printable)
}

/// Which protocols a row of the table speaks of.
#[derive(Clone, Copy, Debug)]
enum Over {
    Tcp,
    Udp,
    Both,
}

impl Over {
    fn serves(self, protocol: Protocol) -> bool {
        match self {
            Both => true,
            Tcp => protocol == Protocol::Tcp,
            Udp => protocol == Protocol::Udp,
        }
    }
}

/// Port, protocols and name, sorted by port: names as registered (RFC 6335), or where nobody uses the registered one, the
/// name of the program that made the port known.
const TABLE: &[(u16, Over, &str)] = &[
    (1, Tcp, "tcpmux"),
    (7, Both, "echo"),
    (9, Both, "discard"),
    (11, Tcp, "systat"),
    (13, Both, "daytime"),
    (17, Both, "qotd"),
    (19, Both, "chargen"),
    (20, Tcp, "ftp-data"),
    (21, Tcp, "ftp"),
    (22, Tcp, "ssh"),
    (23, Tcp, "telnet"),
    (25, Tcp, "smtp"),
    (37, Both, "time"),
    (43, Tcp, "whois"),
    (49, Both, "tacacs"),
    (53, Both, "domain"),
    (67, Udp, "bootps"),
    (68, Udp, "bootpc"),
    (69, Udp, "tftp"),
    (70, Tcp, "gopher"),
    (79, Tcp, "finger"),
    (80, Both, "http"),
    (88, Both, "kerberos"),
    (102, Tcp, "iso-tsap"),
    (106, Tcp, "poppassd"),
    (109, Tcp, "pop2"),
    (110, Tcp, "pop3"),
    (111, Both, "sunrpc"),
    (113, Tcp, "ident"),
    (119, Tcp, "nntp"),
    (123, Udp, "ntp"),
    (135, Both, "epmap"),
    (137, Udp, "netbios-ns"),
    (138, Udp, "netbios-dgm"),
    (139, Tcp, "netbios-ssn"),
    (143, Tcp, "imap"),
    (161, Udp, "snmp"),
    (162, Udp, "snmptrap"),
    (177, Udp, "xdmcp"),
    (179, Tcp, "bgp"),
    (194, Tcp, "irc"),
    (199, Tcp, "smux"),
    (264, Tcp, "bgmp"),
    (318, Tcp, "pkix-timestamp"),
    (319, Udp, "ptp-event"),
    (320, Udp, "ptp-general"),
    (389, Both, "ldap"),
    (427, Both, "svrloc"),
    (443, Both, "https"),
    (444, Tcp, "snpp"),
    (445, Tcp, "microsoft-ds"),
    (464, Both, "kpasswd"),
    (465, Tcp, "submissions"),
    (497, Tcp, "retrospect"),
    (500, Udp, "isakmp"),
    (502, Tcp, "modbus"),
    (512, Tcp, "exec"),
    (513, Tcp, "login"),
    (514, Tcp, "shell"),
    (514, Udp, "syslog"),
    (515, Tcp, "printer"),
    (520, Udp, "route"),
    (521, Udp, "ripng"),
    (540, Tcp, "uucp"),
    (543, Tcp, "klogin"),
    (544, Tcp, "kshell"),
    (546, Udp, "dhcpv6-client"),
    (547, Udp, "dhcpv6-server"),
    (548, Tcp, "afpovertcp"),
    (554, Tcp, "rtsp"),
    (563, Tcp, "nntps"),
    (587, Tcp, "submission"),
    (593, Tcp, "http-rpc-epmap"),
    (623, Udp, "asf-rmcp"),
    (631, Both, "ipp"),
    (636, Tcp, "ldaps"),
    (646, Both, "ldp"),
    (666, Tcp, "doom"),
    (749, Tcp, "kerberos-adm"),
    (830, Tcp, "netconf-ssh"),
    (853, Both, "domain-s"),
    (860, Tcp, "iscsi"),
    (873, Tcp, "rsync"),
    (902, Tcp, "vmware-auth"),
    (989, Tcp, "ftps-data"),
    (990, Tcp, "ftps"),
    (992, Tcp, "telnets"),
    (993, Tcp, "imaps"),
    (995, Tcp, "pop3s"),
    (1080, Tcp, "socks"),
    (1194, Both, "openvpn"),
    (1433, Tcp, "ms-sql-s"),
    (1434, Udp, "ms-sql-m"),
    (1494, Tcp, "ica"),
    (1521, Tcp, "oracle"),
    (1645, Udp, "old-radius"),
    (1646, Udp, "old-radacct"),
    (1701, Udp, "l2tp"),
    (1720, Tcp, "h323hostcall"),
    (1723, Tcp, "pptp"),
    (1812, Udp, "radius"),
    (1813, Udp, "radius-acct"),
    (1883, Tcp, "mqtt"),
    (1900, Udp, "ssdp"),
    (1935, Tcp, "rtmp"),
    (1985, Udp, "hsrp"),
    (2000, Tcp, "cisco-sccp"),
    (2049, Both, "nfs"),
    (2082, Tcp, "cpanel"),
    (2083, Tcp, "cpanels"),
    (2152, Udp, "gtp-user"),
    (2181, Tcp, "zookeeper"),
    (2222, Tcp, "ssh-alt"),
    (2375, Tcp, "docker"),
    (2376, Tcp, "docker-s"),
    (2379, Tcp, "etcd-client"),
    (2380, Tcp, "etcd-server"),
    (2483, Tcp, "oracle-listener"),
    (3000, Tcp, "http-dev"),
    (3128, Tcp, "squid"),
    (3260, Tcp, "iscsi-target"),
    (3268, Tcp, "globalcat"),
    (3269, Tcp, "globalcat-ssl"),
    (3306, Tcp, "mysql"),
    (3389, Both, "ms-wbt-server"),
    (3478, Both, "stun"),
    (3689, Tcp, "daap"),
    (3690, Tcp, "svn"),
    (3702, Udp, "ws-discovery"),
    (4222, Tcp, "nats"),
    (4369, Tcp, "epmd"),
    (4500, Udp, "ipsec-nat-t"),
    (4789, Udp, "vxlan"),
    (5000, Tcp, "commplex-main"),
    (5004, Udp, "rtp"),
    (5005, Udp, "rtcp"),
    (5060, Both, "sip"),
    (5061, Tcp, "sips"),
    (5222, Tcp, "xmpp-client"),
    (5223, Tcp, "xmpp-client-tls"),
    (5269, Tcp, "xmpp-server"),
    (5351, Udp, "nat-pmp"),
    (5353, Udp, "mdns"),
    (5355, Both, "llmnr"),
    (5357, Tcp, "wsdapi"),
    (5432, Tcp, "postgresql"),
    (5555, Tcp, "adb"),
    (5601, Tcp, "kibana"),
    (5671, Tcp, "amqps"),
    (5672, Tcp, "amqp"),
    (5683, Both, "coap"),
    (5684, Both, "coaps"),
    (5900, Tcp, "vnc"),
    (5901, Tcp, "vnc-1"),
    (5984, Tcp, "couchdb"),
    (5985, Tcp, "winrm"),
    (5986, Tcp, "winrm-https"),
    (6000, Tcp, "x11"),
    (6081, Udp, "geneve"),
    (6379, Tcp, "redis"),
    (6443, Tcp, "kubernetes"),
    (6514, Both, "syslog-tls"),
    (6566, Tcp, "sane"),
    (6667, Tcp, "ircd"),
    (6697, Tcp, "ircs"),
    (6881, Both, "bittorrent"),
    (7000, Tcp, "cassandra"),
    (7777, Tcp, "cbt"),
    (8000, Tcp, "http-alt-8000"),
    (8008, Tcp, "http-alt-8008"),
    (8009, Tcp, "ajp13"),
    (8080, Tcp, "http-alt"),
    (8081, Tcp, "http-alt-8081"),
    (8086, Tcp, "influxdb"),
    (8123, Tcp, "home-assistant"),
    (8200, Tcp, "vault"),
    (8333, Tcp, "bitcoin"),
    (8443, Tcp, "https-alt"),
    (8500, Tcp, "consul"),
    (8883, Tcp, "mqtts"),
    (8888, Tcp, "http-alt-8888"),
    (9000, Tcp, "cslistener"),
    (9042, Tcp, "cassandra-cql"),
    (9090, Tcp, "prometheus"),
    (9092, Tcp, "kafka"),
    (9100, Tcp, "jetdirect"),
    (9200, Tcp, "elasticsearch"),
    (9300, Tcp, "elasticsearch-node"),
    (9418, Tcp, "git"),
    (9999, Tcp, "abyss"),
    (10000, Tcp, "webmin"),
    (10050, Tcp, "zabbix-agent"),
    (10051, Tcp, "zabbix-trapper"),
    (10250, Tcp, "kubelet"),
    (11211, Both, "memcached"),
    (15672, Tcp, "rabbitmq"),
    (17500, Both, "dropbox-lan"),
    (25565, Tcp, "minecraft"),
    (27015, Udp, "source-engine"),
    (27017, Tcp, "mongodb"),
    (32400, Tcp, "plex"),
    (33434, Udp, "traceroute"),
    (50000, Tcp, "ibm-db2"),
    (51820, Udp, "wireguard"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_port_has_a_name_under_its_protocol_alone() {
        assert_eq!(name(22, Protocol::Tcp), Some("ssh"));
        assert_eq!(name(514, Protocol::Tcp), Some("shell"));
        assert_eq!(name(514, Protocol::Udp), Some("syslog"));
        assert_eq!(name(0, Protocol::Tcp), None);
    }

    #[test]
    fn a_name_finds_its_port_in_any_letter_case() {
        assert_eq!(port("http", Protocol::Tcp), Some(80));
        assert_eq!(port("HTTP", Protocol::Tcp), Some(80));
        assert_eq!(port("snmp", Protocol::Udp), Some(161));
        assert_eq!(port("snmp-of-nobody", Protocol::Udp), None);
    }

    #[test]
    fn the_table_is_sorted_and_every_row_is_found_by_number_and_by_name() {
        assert!(TABLE.is_sorted_by_key(|row| row.0));
        for &(number, over, service) in TABLE {
            for protocol in [Protocol::Tcp, Protocol::Udp].into_iter().filter(|p| over.serves(*p)) {
                assert_eq!(name(number, protocol), Some(service));
                assert_eq!(port(service, protocol), Some(number), "{service} stands twice");
            }
        }
    }

    #[test]
    fn a_line_of_the_file_gives_its_name_aliases_port_and_protocol() {
        let read = line("domain  53/udp  nameserver dns # name server").unwrap();
        assert_eq!((read.port, read.protocol), (53, Protocol::Udp));
        assert_eq!(read.names, ["domain", "nameserver", "dns"]);
    }

    #[test]
    fn lines_that_are_no_service_of_ours_are_left_out() {
        for text in ["", "# comment", "x", "x 99999/tcp", "x 9/sctp", "x 9", "\x1b[2J 9/tcp", "x /tcp"] {
            assert_eq!(line(text), None, "{text:?}");
        }
    }
}
