//! tshark as the oracle for what programs say to each other.

use serde_json::Value;

use crate::tshark::{Row, assert_same, field, layers, plain};

/// The values of a field in all layers of a kind.
fn all(packet: &Value, layer: &str, name: &str) -> String {
    let values = layers(packet, layer).into_iter().map(|layer| plain(&layer["fields"][name]));
    values.filter(|value| !value.is_empty()).collect::<Vec<_>>().join(",")
}

/// DNS and its relative, which tshark gives the same names.
fn dns(packet: &Value, name: &str) -> String {
    all(packet, "dns", name) + &all(packet, "mdns", name)
}

/// The values of a DNS field that questions and records share: those of questions, or of records.
fn section(packet: &Value, name: &str, questions: bool) -> String {
    let count = dns(packet, "questions").parse().unwrap_or(0);
    let values = dns(packet, name);
    let values = values.split(',').map(|value| if value == "." { "<Root>" } else { value });
    if questions {
        values.take(count).collect::<Vec<_>>().join(",")
    } else {
        values.skip(count).collect::<Vec<_>>().join(",")
    }
}

const ROWS: &[Row] = &[
    ("dns.id", |p| dns(p, "identifier")),
    ("dns.flags.response", |p| dns(p, "response")),
    ("dns.flags.opcode", |p| dns(p, "operation")),
    ("dns.flags.truncated", |p| dns(p, "truncated")),
    ("dns.flags.recdesired", |p| dns(p, "recursion_desired")),
    ("dns.flags.authenticated", |p| all(p, "dns", "authentic_data")),
    ("dns.count.queries", |p| dns(p, "questions")),
    ("dns.count.answers", |p| dns(p, "answers")),
    ("dns.count.add_rr", |p| dns(p, "additionals")),
    ("dns.qry.name", |p| section(p, "name", true)),
    ("dns.qry.type", |p| section(p, "type", true)),
    ("dns.resp.name", |p| section(p, "name", false)),
    ("dns.resp.type", |p| section(p, "type", false)),
    ("dns.resp.ttl", |p| dns(p, "ttl")),
    ("dns.resp.len", |p| dns(p, "data_length")),
    ("dns.cname", |p| dns(p, "canonical_name")),
    ("dns.a", |p| dns(p, "address")),
    ("dns.rr.udp_payload_size", |p| dns(p, "udp_payload_size")),
    ("dhcp.type", |p| field(p, "dhcp", "operation")),
    ("dhcp.id", |p| field(p, "dhcp", "transaction")),
    ("dhcp.ip.your", |p| field(p, "dhcp", "your_address")),
    ("dhcp.hw.mac_addr", |p| field(p, "dhcp", "hardware_address")),
    // tshark gives the end of the options the number 0.
    ("dhcp.option.type", |p| field(p, "dhcp", "option").replace(",255", ",0")),
    ("dhcp.option.dhcp", |p| field(p, "dhcp", "message_type")),
    ("dhcp.option.hostname", |p| field(p, "dhcp", "host_name")),
    ("dhcp.option.ip_address_lease_time", |p| field(p, "dhcp", "lease_time")),
    ("dhcp.option.dhcp_server_id", |p| field(p, "dhcp", "server_identifier")),
    ("dhcp.option.subnet_mask", |p| field(p, "dhcp", "subnet_mask")),
    ("dhcp.option.router", |p| field(p, "dhcp", "router")),
    ("dhcp.option.domain_name_server", |p| field(p, "dhcp", "domain_name_server")),
    ("dhcp.option.request_list_item", |p| field(p, "dhcp", "parameter_request")),
    ("ntp.flags.vn", |p| field(p, "ntp", "version")),
    ("ntp.flags.mode", |p| field(p, "ntp", "mode")),
    ("ntp.stratum", |p| field(p, "ntp", "stratum")),
    // tshark prints the byte without its sign.
    ("ntp.precision", |p| field(p, "ntp", "precision").replace("-20", "236")),
    // Of TLS 1.3 tshark calls the type of what is encrypted opaque.
    ("tls.record.content_type", |p| all(p, "tls", "content_type").replace(",23", "")),
    ("tls.record.length", |p| all(p, "tls", "record_length")),
    ("tls.handshake.type", |p| all(p, "tls", "handshake_type")),
    ("tls.handshake.extension.type", |p| all(p, "tls", "extension")),
    ("tls.handshake.extensions_server_name", |p| all(p, "tls", "server_name")),
    ("tls.handshake.extensions_alpn_str", |p| all(p, "tls", "alpn")),
    ("tls.handshake.ciphersuite", |p| all(p, "tls", "cipher_suite")),
    ("tls.handshake.extensions.supported_version", |p| all(p, "tls", "supported_version")),
    ("tls.handshake.extensions_supported_group", |p| all(p, "tls", "group")),
    ("http.request.method", |p| all(p, "http", "method")),
    ("http.request.uri", |p| all(p, "http", "target")),
    ("http.host", |p| all(p, "http", "host")),
    ("http.user_agent", |p| all(p, "http", "user_agent")),
    ("http.response.code", |p| all(p, "http", "status_code")),
    ("http.response.phrase", |p| all(p, "http", "reason")),
    ("http.content_type", |p| all(p, "http", "content_type")),
    ("http.content_length", |p| all(p, "http", "content_length")),
    ("http.server", |p| all(p, "http", "server")),
    ("ssh.protocol", |p| {
        let software = field(p, "ssh", "software_version");
        if software.is_empty() {
            return software;
        }
        format!("SSH-{}-{software} {}", field(p, "ssh", "protocol_version"), field(p, "ssh", "comments"))
    }),
];

#[test]
fn tshark_reads_the_same_messages() {
    assert_same(ROWS);
}
