//! Messages between programs, such as their clients and servers send.

/// A name as labels.
fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn dns(identifier: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [identifier, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

/// A question about host `number`, with EDNS.
pub fn dns_question(identifier: u16, number: u32) -> Vec<u8> {
    let kind = [1, 28, 15, 65][number as usize % 4];
    let mut bytes = dns(identifier, 0x0120, [1, 0, 0, 1]);
    bytes.extend(name(&format!("host{number}.example.org")));
    bytes.extend([0, kind, 0, 1]);
    bytes.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Its answer: an alias and addresses, or that there is no such name.
pub fn dns_answer(identifier: u16, number: u32) -> Vec<u8> {
    let exists = !number.is_multiple_of(5);
    let flags = if exists { 0x8180 } else { 0x8183 };
    let mut bytes = dns(identifier, flags, [1, if exists { 3 } else { 0 }, 0, 0]);
    bytes.extend(name(&format!("host{number}.example.org")));
    bytes.extend([0, 1, 0, 1]);
    if exists {
        let domain = bytes.len() - 17;
        let alias = bytes.len() + 12;
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 6, 3, b'w', b'e', b'b', 0xc0, domain as u8]);
        for host in 1..3 {
            bytes.extend([0xc0, alias as u8, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, host]);
        }
    }
    bytes
}

/// A question to everybody on the link.
pub fn mdns_question(number: u32) -> Vec<u8> {
    let mut bytes = dns(0, 0, [1, 0, 0, 0]);
    bytes.extend(name(&format!("printer{number}.local")));
    bytes.extend([0, 1, (number as u8 & 1) << 7, 1]);
    bytes
}

/// A client's search for an address, or the offer of one.
pub fn dhcp(transaction: u32, offer: bool) -> Vec<u8> {
    let mut bytes = vec![if offer { 2 } else { 1 }, 1, 6, 0];
    bytes.extend(transaction.to_be_bytes());
    bytes.extend([0, 1, 0x80, 0, 0, 0, 0, 0]);
    bytes.extend(if offer { [192, 0, 2, 77] } else { [0; 4] });
    bytes.extend([0; 8]);
    bytes.extend([2, 0xfc, 0, 0, 0, 1]);
    bytes.resize(236, 0);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    if offer {
        bytes.extend([53, 1, 2, 54, 4, 192, 0, 2, 1, 51, 4, 0, 1, 0x51, 0x80, 1, 4, 255, 255, 255, 0]);
        bytes.extend([3, 4, 192, 0, 2, 1, 6, 8, 192, 0, 2, 53, 192, 0, 2, 54]);
    } else {
        bytes.extend([53, 1, 1, 50, 4, 192, 0, 2, 77, 12, 4, b'h', b'o', b's', b't', 55, 3, 1, 3, 6]);
    }
    bytes.push(255);
    bytes
}

/// The question for the time, or a server's answer.
pub fn ntp(answer: bool, fraction: u32) -> Vec<u8> {
    let mut bytes = vec![if answer { 0x24 } else { 0x23 }, if answer { 2 } else { 0 }, 6, 0xec];
    bytes.extend([0, 0, 5, 30, 0, 0, 10, 61, 192, 0, 2, 123]);
    for second in 0..4 {
        bytes.extend([0xe9, 0x5b, 0x1a, second]);
        bytes.extend(fraction.to_be_bytes());
    }
    bytes
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), &(data.len() as u16).to_be_bytes(), data].concat()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// A handshake message in a record of its own.
fn handshake(kind: u8, record_version: u8, body: &[u8]) -> Vec<u8> {
    let message = [&[kind, 0], with_length(body).as_slice()].concat();
    [&[22, 3, record_version], with_length(&message).as_slice()].concat()
}

/// What a TLS client begins with.
pub fn client_hello(number: u32) -> Vec<u8> {
    let host = format!("host{number}.example.org");
    let mut body = vec![3, 3];
    body.extend((0..32).map(|at| at ^ number as u8));
    body.extend([0, 0, 6, 0x13, 1, 0x13, 2, 0xc0, 0x2f, 1, 0]);
    let extensions = [
        extension(0, &with_length(&[&[0], with_length(host.as_bytes()).as_slice()].concat())),
        extension(16, &with_length(b"\x02h2\x08http/1.1")),
        extension(10, &with_length(&[0, 29, 0, 23])),
        extension(43, &[4, 3, 4, 3, 3]),
    ];
    body.extend(with_length(&extensions.concat()));
    handshake(1, 1, &body)
}

/// The server's answer, and what it encrypts right behind it.
pub fn server_hello(number: u32) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend((0..32).map(|at| at ^ number as u8 ^ 0x55));
    body.extend([0, 0x13, 1, 0]);
    body.extend(with_length(&extension(43, &[3, 4])));
    let mut bytes = handshake(2, 3, &body);
    bytes.extend([20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 64]);
    bytes.extend((0..64).map(|at| at ^ number as u8));
    bytes
}

/// A request.
pub fn http_request(number: u32) -> Vec<u8> {
    let host = format!("Host: host{number}.example.org\r\nUser-Agent: netlab\r\nAccept: */*\r\n");
    if number.is_multiple_of(4) {
        return format!("POST /form HTTP/1.1\r\n{host}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
            .into();
    }
    format!("GET /page{number}?a=b HTTP/1.1\r\n{host}\r\n").into()
}

/// A response with its content.
pub fn http_response(number: u32) -> Vec<u8> {
    let (status, reason) = [(200, "OK"), (304, "Not Modified"), (404, "Not Found")][number as usize % 3];
    let content = if status == 304 { "" } else { "<p>hello</p>\n" };
    let length = content.len();
    format!("HTTP/1.1 {status} {reason}\r\nServer: netlab\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{content}")
        .into()
}

/// The line with which both sides of SSH begin.
pub fn ssh_banner(number: u32) -> Vec<u8> {
    format!("SSH-2.0-OpenSSH_9.{} Debian-1\r\n", number % 10).into()
}
