//! Kernel settings of the network that people turn, and what each really does.

/// What is known about one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The whole name, as sysctl takes it.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What is often believed of it and is not so, where something is.
    pub myth: Option<&'static str>,
    /// Whether Linux has dropped it, and since when.
    pub removed: Option<&'static str>,
}

impl Setting {
    /// The last part of the name.
    pub fn short(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// The setting of this name; the part in front may be left out.
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.name.eq_ignore_ascii_case(name) || setting.short().eq_ignore_ascii_case(name))
}

/// Every setting that is explained.
pub fn all() -> &'static [Setting] {
    TABLE
}

const fn setting(name: &'static str, does: &'static str) -> Setting {
    Setting { name, does, myth: None, removed: None }
}

const fn myth(setting: Setting, myth: &'static str) -> Setting {
    Setting { myth: Some(myth), ..setting }
}

const TABLE: &[Setting] = &[
    setting(
        "net.core.somaxconn",
        "Longest accept queue of a listening socket: listen(N) is cut to this without a word. Connections beyond it wait \
         as unanswered SYNs of the client.",
    ),
    setting(
        "net.core.rmem_max",
        "Largest receive buffer that SO_RCVBUF may ask for. TCP's own growth is bound by tcp_rmem instead.",
    ),
    setting(
        "net.core.wmem_max",
        "Largest send buffer that SO_SNDBUF may ask for. TCP's own growth is bound by tcp_wmem instead.",
    ),
    setting(
        "net.ipv4.ip_forward",
        "Whether datagrams for others are passed on: 1 makes the machine a router. Changing it resets other settings of the interfaces.",
    ),
    setting(
        "net.ipv4.ip_local_port_range",
        "First and last port that connect and bind(0) choose from. One destination address and port can have at most as \
         many connections from one local address; connect then gives EADDRNOTAVAIL.",
    ),
    setting(
        "net.ipv4.ip_unprivileged_port_start",
        "First port that a program without CAP_NET_BIND_SERVICE may bind; 1024 unless changed, 0 opens all.",
    ),
    setting(
        "net.ipv4.tcp_abort_on_overflow",
        "0: when the accept queue is full the last ACK of the handshake is ignored, and the client tries again. 1: it is \
         answered with RST.",
    ),
    myth(
        setting(
            "net.ipv4.tcp_fin_timeout",
            "Seconds that a connection without a process (closed, not shut down) stays in FIN-WAIT-2, waiting for the \
             peer's FIN.",
        ),
        "It does not shorten TIME-WAIT: that lasts 60 s on Linux, fixed when the kernel is compiled. It cures no \
         \"Address already in use\".",
    ),
    setting("net.ipv4.tcp_keepalive_intvl", "Seconds between two keepalive probes that went unanswered."),
    setting(
        "net.ipv4.tcp_keepalive_probes",
        "Unanswered keepalive probes after which the connection is given up with ETIMEDOUT.",
    ),
    setting(
        "net.ipv4.tcp_keepalive_time",
        "Seconds of silence before the first keepalive probe, on sockets that asked for SO_KEEPALIVE; others send none.",
    ),
    setting(
        "net.ipv4.tcp_max_syn_backlog",
        "About how many half-open connections (SYN-RECEIVED) a listener without SYN cookies keeps; the accept queue's length \
         bounds it too.",
    ),
    myth(
        setting(
            "net.ipv4.tcp_max_tw_buckets",
            "Most sockets in TIME-WAIT; beyond it a closing connection goes to CLOSED at once, and the counter \
             TCPTimeWaitOverflow grows.",
        ),
        "Lowering it saves little memory and takes away what TIME-WAIT protects: a lost last ACK is then answered with RST.",
    ),
    setting(
        "net.ipv4.tcp_retries2",
        "How often unacknowledged data is sent again before the connection is given up with ETIMEDOUT: 15 is some 15 \
         minutes.",
    ),
    setting("net.ipv4.tcp_rfc1337", "1: a RST does not end TIME-WAIT early (RFC 1337)."),
    setting(
        "net.ipv4.tcp_rmem",
        "Least, first and largest receive buffer of a TCP socket in bytes; the kernel grows it while data flows.",
    ),
    setting(
        "net.ipv4.tcp_syn_retries",
        "How often an unanswered SYN is sent again; 6 makes connect give up after about two minutes.",
    ),
    setting(
        "net.ipv4.tcp_synack_retries",
        "How often an unanswered SYN-ACK is sent again before the half-open connection is dropped.",
    ),
    myth(
        setting(
            "net.ipv4.tcp_syncookies",
            "1: when a listener's SYN queue overflows, SYNs are answered with the state coded into the sequence number \
             instead of being kept. 2: always. 0: never, the SYNs are dropped.",
        ),
        "It has nothing to do with TIME-WAIT. It is on (1) by default.",
    ),
    setting(
        "net.ipv4.tcp_timestamps",
        "Whether segments carry timestamps (RFC 7323): they tell old segments from new ones, which tcp_tw_reuse needs.",
    ),
    Setting {
        removed: Some("Linux 4.12 (2017)"),
        ..myth(
            setting(
                "net.ipv4.tcp_tw_recycle",
                "Dropped connections from TIME-WAIT after a few hundred milliseconds, judging peers by their timestamps.",
            ),
            "Advice to set it is out of date: the setting is gone. While it existed it refused clients behind one address \
             translator at random.",
        )
    },
    myth(
        setting(
            "net.ipv4.tcp_tw_reuse",
            "Whether connect may take over a local port that is in TIME-WAIT towards the same destination, after one second \
             and with timestamps: 0 never, 1 always, 2 on loopback only.",
        ),
        "It helps outgoing connections only. A server that cannot bind (\"Address already in use\") needs SO_REUSEADDR.",
    ),
    setting(
        "net.ipv4.tcp_tw_reuse_delay",
        "Milliseconds that a connection must have been in TIME-WAIT before tcp_tw_reuse takes it over.",
    ),
    setting("net.ipv4.tcp_window_scaling", "Whether windows beyond 65,535 bytes are offered (RFC 7323)."),
    setting(
        "net.ipv4.tcp_wmem",
        "Least, first and largest send buffer of a TCP socket in bytes; the kernel grows it while data flows.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_with_and_without_the_part_in_front() {
        assert_eq!(find("tcp_tw_reuse").unwrap().name, "net.ipv4.tcp_tw_reuse");
        assert_eq!(find("net.core.somaxconn").unwrap().short(), "somaxconn");
        assert_eq!(find("tcp_tw"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn no_two_settings_share_a_short_name() {
        let mut names: Vec<_> = TABLE.iter().map(Setting::short).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
