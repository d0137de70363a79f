//! The queries of docs/parquet.md: each answer beside what netlab itself says of the same frames.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::captures::{columns, document, rows, shown};

/// What a query answered is right.
type Check = fn(&[Value]);

/// Each query by its heading.
pub const CHECKS: &[(&str, Check)] = &[
    ("Who sends most", senders),
    ("Largest conversations", conversations),
    ("Sent again by the hour", sent_again),
    ("Time to open a connection", handshakes),
    ("Round trips", round_trips),
    ("SYNs that nobody answered", unanswered),
    ("Names that were asked for", names),
    ("Hosts that TLS clients wanted", tls_hosts),
    ("HTTP requests", requests),
    ("Wrong checksums", checksums),
    ("Bytes in every second", seconds),
    ("One network", network),
    ("Which file holds a conversation", files),
];

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64)).unwrap_or_else(|| panic!("{value}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// How often each of the things came.
fn counted<K: Ord>(things: impl IntoIterator<Item = K>) -> BTreeMap<K, i64> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

fn senders(rows: &[Value]) {
    let document = document(&["--endpoints"]);
    let mut ends: Vec<_> = document["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|end| (-number(&end["sent"]["bytes"]), text(&end["address"]), number(&end["sent"]["frames"])))
        .collect();
    ends.sort();
    let answered: Vec<_> =
        rows.iter().map(|row| (-number(&row["bytes"]), text(&row["source_address"]), number(&row["frames"]))).collect();
    assert_eq!(answered, ends[..10]);
}

/// Both ends of a conversation in a fixed order.
fn ends(a: (&Value, &Value), b: (&Value, &Value)) -> BTreeSet<String> {
    let end = |(address, port): (&Value, &Value)| format!("{} {}", text(address), port.as_i64().unwrap_or(0));
    [end(a), end(b)].into()
}

fn flow_ends(flow: &Value) -> BTreeSet<String> {
    let [a, b] = [&flow["ends"][0], &flow["ends"][1]];
    ends((&a["address"], &a["port"]), (&b["address"], &b["port"]))
}

fn conversations(rows: &[Value]) {
    // Frames, bytes, first and last time of all connections between the same ports together.
    let mut flows: BTreeMap<(String, BTreeSet<String>), [i64; 4]> = BTreeMap::new();
    for flow in document(&["--flows"])["flows"].as_array().unwrap() {
        let sum = |key: &str| flow["ends"].as_array().unwrap().iter().map(|end| number(&end[key])).sum::<i64>();
        let entry = flows.entry((text(&flow["protocol"]), flow_ends(flow))).or_insert([0, 0, i64::MAX, 0]);
        let [frames, bytes, first, last] = *entry;
        let (began, ended) = (number(&flow["first_ns"]), number(&flow["last_ns"]));
        *entry = [frames + sum("frames"), bytes + sum("bytes"), first.min(began), last.max(ended)];
    }
    let mut largest: Vec<i64> = flows.values().map(|[_, bytes, ..]| *bytes).collect();
    largest.sort_by_key(|bytes| -bytes);
    assert_eq!(rows.iter().map(|row| number(&row["bytes"])).collect::<Vec<_>>(), largest[..10]);
    for row in rows {
        let protocol = text(&row["protocol_name"]).to_lowercase();
        let (a, b) = ((&row["first_address"], &row["first_port"]), (&row["other_address"], &row["other_port"]));
        let [frames, bytes, first, last] = flows[&(protocol, ends(a, b))];
        let answered = ["frames", "bytes", "duration_ns"].map(|key| number(&row[key]));
        assert_eq!(answered, [frames, bytes, last - first], "{row}");
    }
}

fn sent_again(rows: &[Value]) {
    let lines = shown(&["--analyze", "--json", "--where", "tcp"]);
    let mut hours: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    for line in lines.lines() {
        let packet: Value = serde_json::from_str(line).unwrap();
        let mut tcp = packet["layers"].as_array().unwrap().iter();
        let tcp = tcp.find(|layer| layer["layer"] == "tcp" && layer["quoted"] != true).unwrap();
        let again = tcp["analysis"].to_string().contains("retransmission");
        let hour = hours.entry(number(&packet["time_ns"]) / 3_600_000_000_000).or_default();
        let [segments, sent_again, duplicates] = *hour;
        let duplicate = !tcp["duplicate_ack"].is_null();
        *hour = [segments + 1, sent_again + i64::from(again), duplicates + i64::from(duplicate)];
    }
    let keys = ["segments", "sent_again", "duplicate_acks"];
    let answered: Vec<[i64; 3]> = rows.iter().map(|row| keys.map(|key| number(&row[key]))).collect();
    assert_eq!(answered, hours.into_values().collect::<Vec<_>>());
    let flows = document(&["--flows"]);
    let ends = flows["flows"].as_array().unwrap().iter().flat_map(|flow| flow["ends"].as_array().unwrap());
    let sum: i64 = ends.filter_map(|end| end["sent_again"].as_i64()).sum();
    assert_eq!(answered.iter().map(|[_, sent_again, _]| sent_again).sum::<i64>(), sum);
    assert!(rows.len() > 1 && sum > 100);
}

fn handshakes(rows: &[Value]) {
    let flows = document(&["--flows"]);
    let flows = flows["flows"].as_array().unwrap();
    let mut opened: BTreeMap<(String, i64), Vec<i64>> = BTreeMap::new();
    for flow in flows {
        if let Some(ns) = flow["handshake_ns"].as_i64() {
            let server = &flow["ends"][1];
            opened.entry((text(&server["address"]), number(&server["port"]))).or_default().push(ns);
        }
    }
    let answered: BTreeMap<_, _> = rows
        .iter()
        .map(|row| {
            let key = (text(&row["server"]), number(&row["port"]));
            (key, ["connections", "fastest_ns", "slowest_ns"].map(|key| number(&row[key])))
        })
        .collect();
    let measured: BTreeMap<_, _> = opened
        .into_iter()
        .map(|(server, times)| {
            (server, [times.len() as i64, *times.iter().min().unwrap(), *times.iter().max().unwrap()])
        })
        .collect();
    assert_eq!(answered, measured);
}

/// Now and then an acknowledgement is not timed because two segments met in one place of a table, other ones in each run.
fn round_trips(answered: &[Value]) {
    let segment = "frame.time_ns,tcp.source_port,tcp.destination_port,tcp.acknowledgment_number";
    let timed = columns(&format!("{segment},tcp.rtt_ns"), &["--analyze", "--where", "tcp.rtt_ns"]);
    let timed: BTreeMap<String, i64> = timed.iter().map(|row| (row[..4].join(" "), row[4].parse().unwrap())).collect();
    let query = "SELECT concat_ws(' ', epoch_ns(time), source_port, destination_port, tcp_acknowledgment_number) AS key, \
                 tcp_rtt_ns FROM 'captures/*.parquet' WHERE tcp_rtt_ns IS NOT NULL";
    let table = rows(query);
    let keys = table.iter().map(|row| (text(&row["key"]), number(&row["tcp_rtt_ns"])));
    let both = keys.filter_map(|(key, ns)| Some((ns, *timed.get(&key)?))).collect::<Vec<_>>();
    assert!(both.iter().all(|(ours, theirs)| ours == theirs));
    let most = table.len().max(timed.len());
    assert!(most > 1000 && both.len() > most * 98 / 100, "{} of {} and {}", both.len(), table.len(), timed.len());
    assert_eq!(answered.iter().map(|row| number(&row["measured"])).sum::<i64>(), table.len() as i64);
    assert!(answered.is_sorted_by_key(|row| -number(&row["slowest_ns"])));
}

fn unanswered(rows: &[Value]) {
    let flows = document(&["--flows"]);
    let silent = flows["flows"].as_array().unwrap().iter().filter(|flow| flow["state"] == "syn_sent");
    let silent = silent.map(|flow| {
        let [from, to] = [&flow["ends"][0], &flow["ends"][1]];
        (text(&from["address"]), text(&to["address"]), number(&to["port"]))
    });
    let answered = rows
        .iter()
        .map(|row| (text(&row["source_address"]), text(&row["destination_address"]), number(&row["destination_port"])));
    assert_eq!(answered.collect::<BTreeSet<_>>(), silent.collect::<BTreeSet<_>>());
}

fn names(rows: &[Value]) {
    let asked = columns("dns.name,dns.type_name", &["--where", "dns.response == 0"]);
    // Of several names the question's stands first.
    let first = |values: &str| values.split(',').next().unwrap().to_owned();
    let counts = counted(asked.iter().map(|row| (first(&row[0]), first(&row[1]))));
    let mut sorted: Vec<_> = counts.into_iter().map(|(name, count)| (-count, name)).collect();
    sorted.sort();
    let answered: Vec<_> =
        rows.iter().map(|row| (-number(&row["questions"]), (text(&row["dns_name"]), text(&row["dns_type"])))).collect();
    assert_eq!(answered, sorted[..20]);
}

fn tls_hosts(rows: &[Value]) {
    let seen = columns("tls.server_name,ipv4.source,ipv6.source", &["--where", "tls.server_name"]);
    let hellos = counted(seen.iter().map(|row| row[0].clone()));
    let clients: BTreeSet<_> = seen.iter().map(|row| (row[0].clone(), format!("{}{}", row[1], row[2]))).collect();
    let clients = counted(clients.into_iter().map(|(host, _)| host));
    let answered: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (text(&row["tls_server_name"]), (number(&row["hellos"]), number(&row["clients"]))))
        .collect();
    let expected: BTreeMap<_, _> =
        hellos.into_iter().map(|(host, count)| (host.clone(), (count, clients[&host]))).collect();
    assert_eq!(answered, expected);
}

fn requests(rows: &[Value]) {
    let seen = columns("http.host,http.method,http.target", &["--where", "http.method"]);
    let keys = ["http_host", "http_method", "http_target"];
    let answered: BTreeMap<_, _> =
        rows.iter().map(|row| (keys.map(|key| text(&row[key])).to_vec(), number(&row["requests"]))).collect();
    assert_eq!(answered, counted(seen));
}

fn checksums(rows: &[Value]) {
    let verdicts = "ipv4,tcp,udp,icmp,icmpv6".split(',').map(|layer| format!("{layer}.checksum_verdict"));
    let fields = format!("ethernet.source,{}", verdicts.collect::<Vec<_>>().join(","));
    let mut senders: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for row in columns(&fields, &[]) {
        let [ip, transport, frames] = senders.entry(row[0].clone()).or_default();
        *ip += i64::from(row[1] == "bad");
        *transport += i64::from(row[2..].iter().any(|verdict| verdict == "bad"));
        *frames += 1;
    }
    let answered: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (text(&row["source_mac"]), ["ip", "transport", "frames"].map(|key| number(&row[key]))))
        .collect();
    assert_eq!(answered, senders);
    assert!(answered.values().any(|[ip, transport, _]| *ip + *transport > 0), "none is wrong: {answered:?}");
}

fn seconds(rows: &[Value]) {
    let mut seconds: BTreeMap<i64, [i64; 2]> = BTreeMap::new();
    for row in columns("frame.time_ns,frame.original_bytes", &[]) {
        let [frames, bytes] = seconds.entry(row[0].parse::<i64>().unwrap() / 1_000_000_000).or_default();
        (*frames, *bytes) = (*frames + 1, *bytes + row[1].parse::<i64>().unwrap());
    }
    let answered: Vec<_> = rows.iter().map(|row| ["frames", "bytes"].map(|key| number(&row[key]))).collect();
    assert_eq!(answered, seconds.into_values().collect::<Vec<_>>());
    assert_eq!(rows[0]["second"], "2023-11-14 22:13:20", "1 700 000 000 s after 1970, UTC");
}

fn network(rows: &[Value]) {
    let seen = columns("frame.number", &["ip src net 192.0.2.0/24", "or", "vlan and ip src net 192.0.2.0/24"]);
    let tagged_twice = columns("frame.number", &["--any-vlan", "ip src net 192.0.2.0/24"]);
    assert!(tagged_twice.len() > seen.len());
    assert_eq!(rows, [json!({ "frames": tagged_twice.len() })]);
}

fn files(rows: &[Value]) {
    let frames = columns("frame.number", &["--any-vlan", "port 40003"]).len() as i64;
    assert_eq!(rows.iter().map(|row| number(&row["frames"])).sum::<i64>(), frames);
    assert!(rows.iter().any(|row| row["filename"] == "captures/connections.parquet"));
}
