//! Packets made by hand from a seed: what networks carry, what they seldom carry, and all of it cut and damaged.

/// A seeded generator of numbers (xorshift64*): the same seed gives the same packets everywhere.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Yes once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

const STATIONS: [[u8; 6]; 6] = [
    [0x02, 0xfc, 0, 0, 0, 1],
    [0x02, 0xfc, 0, 0, 0, 2],
    [0xff; 6],
    [0x01, 0, 0x5e, 0, 0, 0xfb],
    [0x33, 0x33, 0, 0, 0, 1],
    [0x00, 0x11, 0x22, 0x33, 0x44, 0x55],
];

const HOSTS: [[u8; 4]; 9] = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
    [10, 1, 2, 3],
    [192, 168, 1, 1],
    [192, 168, 1, 255],
    [172, 16, 10, 1],
    [224, 0, 0, 251],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
];

const HOSTS6: [[u8; 16]; 5] = [
    [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
];

const PORTS: [u16; 14] = [20, 22, 25, 53, 80, 81, 123, 443, 1024, 6000, 6005, 6081, 8080, 40000];

/// An Ethernet frame, damaged once in four times.
pub fn ethernet(dice: &mut Dice) -> Vec<u8> {
    let mut frame = dice.pick(&STATIONS).to_vec();
    frame.extend(dice.pick(&STATIONS));
    while dice.once_in(4) && frame.len() < 30 {
        frame.extend(dice.pick(&[0x8100u16, 0x8100, 0x88a8, 0x9100]).to_be_bytes());
        frame.extend((dice.pick(&[0u16, 5, 10, 100, 200, 0xfff]) | dice.pick(&[0u16, 0x2000])).to_be_bytes());
    }
    let (kind, payload) = carried(dice);
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    damaged(frame, dice)
}

/// A packet behind no link header.
pub fn raw(dice: &mut Dice) -> Vec<u8> {
    let packet = if dice.once_in(3) { ipv6(dice) } else { ipv4(dice) };
    damaged(packet, dice)
}

/// A cooked header, version 2, and what it says.
pub fn cooked2(dice: &mut Dice) -> Vec<u8> {
    let (kind, payload) = carried(dice);
    let kind = if kind <= 1500 { dice.pick(&[1, 4]) } else { kind };
    let mut frame = kind.to_be_bytes().to_vec();
    frame.extend([0, 0, 0, 0, 0, dice.pick(&[1, 2, 7]), 0, 1, dice.pick(&[0, 1, 2, 3, 4]), 6]);
    frame.extend(dice.pick(&STATIONS));
    frame.extend([0, 0]);
    frame.extend(payload);
    damaged(frame, dice)
}

/// A cooked header, version 1.
pub fn cooked(dice: &mut Dice) -> Vec<u8> {
    let (kind, payload) = carried(dice);
    let kind = if kind <= 1500 { dice.pick(&[1, 4]) } else { kind };
    let mut frame = vec![0, dice.pick(&[0, 1, 2, 3, 4]), 0, 1, 0, 6];
    frame.extend(dice.pick(&STATIONS));
    frame.extend([0, 0]);
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    damaged(frame, dice)
}

/// An address family in the order of this machine (`null`) or of the network.
pub fn family(dice: &mut Dice, null: bool) -> Vec<u8> {
    let (family, packet) = match dice.below(5) {
        0 => (dice.pick(&[10u32, 24, 28, 30]), ipv6(dice)),
        1 => (dice.pick(&[1u32, 7, 0x0200_0000]), ipv4(dice)),
        _ => (2, ipv4(dice)),
    };
    let mut frame = if null { family.to_ne_bytes() } else { family.to_be_bytes() }.to_vec();
    frame.extend(packet);
    damaged(frame, dice)
}

/// A PPP frame with its HDLC-like header.
pub fn ppp(dice: &mut Dice) -> Vec<u8> {
    let mut frame = vec![0xff, 0x03];
    frame.extend(pppoe(dice).split_off(6));
    damaged(frame, dice)
}

fn damaged(mut frame: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    if dice.once_in(5) {
        for _ in 0..=dice.below(5) {
            let at = dice.below(frame.len());
            frame[at] = dice.next() as u8;
        }
    }
    if dice.once_in(6) {
        frame.truncate(dice.below(frame.len() + 1));
    }
    frame
}

/// What a link carries: ether type (or length) and bytes.
fn carried(dice: &mut Dice) -> (u16, Vec<u8>) {
    match dice.below(24) {
        0..=9 => (0x0800, ipv4(dice)),
        10..=14 => (0x86dd, ipv6(dice)),
        15 => (0x0806, arp(dice)),
        16 => (0x8035, arp(dice)),
        17 => (0x8847, mpls(dice)),
        18 => (0x8864, pppoe(dice)),
        19 => (0x8863, dice.bytes(24)),
        20 | 21 => {
            let llc = llc(dice);
            (llc.len() as u16, llc)
        }
        22 => (dice.pick(&[0x8137, 0x809b, 0x80f3, 0x6004, 0x6002, 0x6007, 0x9000, 0x88cc]), dice.bytes(40)),
        _ => (0x6003, decnet(dice)),
    }
}

fn arp(dice: &mut Dice) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, dice.pick(&[1, 2, 3, 4])];
    for _ in 0..2 {
        packet.extend(dice.pick(&STATIONS));
        packet.extend(dice.pick(&HOSTS));
    }
    packet
}

fn mpls(dice: &mut Dice) -> Vec<u8> {
    let depth = 1 + dice.below(3);
    let mut packet = Vec::new();
    for level in 0..depth {
        let bottom = u32::from(level + 1 == depth);
        packet.extend((dice.pick(&[3u32, 16, 1024, 100_000]) << 12 | bottom << 8 | 64).to_be_bytes());
    }
    packet.extend(if dice.once_in(3) { ipv6(dice) } else { ipv4(dice) });
    packet
}

fn pppoe(dice: &mut Dice) -> Vec<u8> {
    let mut packet = vec![0x11, 0, 0, dice.pick(&[1, 0x27, 0x28]), 0, 60];
    let (protocol, payload) = match dice.below(4) {
        0 => (0x0057u16, ipv6(dice)),
        1 => (0xc021, dice.bytes(20)),
        2 if dice.once_in(3) => (0x0281, mpls(dice)),
        _ => (0x0021, ipv4(dice)),
    };
    packet.extend(protocol.to_be_bytes());
    packet.extend(payload);
    packet
}

fn llc(dice: &mut Dice) -> Vec<u8> {
    let control = dice.pick(&[0x00, 0x01, 0x03, 0x05, 0x09, 0x0f, 0x13, 0x63, 0x43, 0x6f, 0xe3, 0xaf, 0x87, 0x10]);
    let mut packet = match dice.below(8) {
        0 => vec![0x42, 0x42, 0x03],
        1 => vec![0xf0, 0xf0, control],
        2 => vec![0xff, 0xff, 0, 0],
        3 => vec![0xe0, 0xe0, 0x03],
        4 => vec![0xaa, 0xaa, 0x03, 0x08, 0, 0x07, 0x80, 0x9b],
        5 => vec![0xaa, 0xaa, 0x03, 0, 0, 0, dice.pick(&[0x80, 0x81]), dice.pick(&[0xf3, 0x37])],
        6 => {
            let pdu = dice.pick(&[15, 16, 17, 18, 20, 24, 25, 26, 27]);
            vec![0xfe, 0xfe, 0x03, dice.pick(&[0x81, 0x82, 0x83, 0x83, 0x83]), 27, 1, 0, pdu]
        }
        _ => vec![dice.pick(&[0x06, 0x42, 0xaa]), dice.pick(&[0x06, 0x42]), control],
    };
    let rest = dice.below(40);
    packet.extend(dice.bytes(rest));
    packet
}

fn decnet(dice: &mut Dice) -> Vec<u8> {
    let node = |dice: &mut Dice| (dice.pick(&[1u16, 10]) << 10 | dice.pick(&[1, 123])).to_le_bytes();
    let mut packet = vec![40, 0];
    if dice.once_in(2) {
        packet.push(0x81);
    }
    if dice.once_in(2) {
        packet.push(0x06);
        packet.extend([0, 0, 0xaa, 0, 4, 0]);
        packet.extend(node(dice));
        packet.extend([0, 0, 0xaa, 0, 4, 0]);
    } else {
        packet.push(0x02);
        packet.extend(node(dice));
    }
    packet.extend(node(dice));
    packet.extend(dice.bytes(8));
    packet
}

fn ipv4(dice: &mut Dice) -> Vec<u8> {
    let words = if dice.once_in(4) { 5 + dice.below(11) } else { 5 };
    let (protocol, payload) = transport(dice, false);
    let fragment = match dice.below(12) {
        0 => 0x2000u16,
        1 => 0x2000 | (1 + dice.below(100) as u16),
        2 => 1 + dice.below(0x1fff) as u16,
        3 | 4 => 0x4000,
        _ => 0,
    };
    let total = (words * 4 + payload.len()) as u16;
    let mut packet = vec![0x40 | words as u8, dice.pick(&[0, 0, 0x10, 0xb8])];
    packet.extend(total.to_be_bytes());
    packet.extend([0x3a, 0x5f]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([dice.pick(&[1, 2, 64, 255]), protocol, 0, 0]);
    packet.extend(dice.pick(&HOSTS));
    packet.extend(dice.pick(&HOSTS));
    packet.extend(vec![1; (words - 5) * 4]);
    packet.extend(payload);
    packet
}

fn ipv6(dice: &mut Dice) -> Vec<u8> {
    let (last, payload) = transport(dice, true);
    let mut chain = Vec::new();
    while chain.len() < 4 && dice.once_in(4) {
        chain.push(dice.pick(&[0u8, 60, 43, 44]));
    }
    let next = |at: usize| chain.get(at).copied().unwrap_or(last);
    let mut headers = Vec::new();
    for (at, kind) in chain.iter().enumerate() {
        let units = if *kind == 44 { 0 } else { dice.below(3) };
        headers.extend([next(at + 1), units as u8, 0, 0]);
        headers.extend(vec![0; 4 + 8 * units]);
    }
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((headers.len() + payload.len()) as u16).to_be_bytes());
    packet.extend([next(0), 64]);
    packet.extend(dice.pick(&HOSTS6));
    packet.extend(dice.pick(&HOSTS6));
    packet.extend(headers);
    packet.extend(payload);
    packet
}

/// A protocol number and a packet of that protocol.
fn transport(dice: &mut Dice, over_ipv6: bool) -> (u8, Vec<u8>) {
    let ports = |dice: &mut Dice| [dice.pick(&PORTS), dice.pick(&PORTS)].map(u16::to_be_bytes).concat();
    let rest = dice.below(30);
    match dice.below(12) {
        0..=3 => {
            let mut segment = ports(dice);
            segment.extend(dice.bytes(8));
            segment.extend([dice.pick(&[0x50, 0x80]), dice.pick(&[2, 0x12, 0x10, 0x18, 0x11, 4, 0x14, 0xc2, 0x29])]);
            segment.extend(dice.bytes(6 + rest));
            (6, segment)
        }
        4 | 5 => {
            let mut datagram = ports(dice);
            datagram.extend([0, 40, 0, 0]);
            if dice.once_in(2) {
                return (17, geneve(dice));
            }
            datagram.extend(dice.bytes(rest));
            (17, datagram)
        }
        6 => (132, [ports(dice), dice.bytes(rest)].concat()),
        7 | 8 if over_ipv6 => (58, [vec![dice.pick(&[1, 2, 128, 129, 133, 135, 136]), 0], dice.bytes(rest)].concat()),
        7 | 8 => (1, [vec![dice.pick(&[0, 3, 5, 8, 11]), dice.pick(&[0, 1, 3])], dice.bytes(rest)].concat()),
        9 => (2, dice.bytes(8)),
        10 => (dice.pick(&[47, 50, 59, 88, 103, 112, 9]), dice.bytes(rest)),
        _ => (dice.next() as u8, dice.bytes(rest)),
    }
}

fn geneve(dice: &mut Dice) -> Vec<u8> {
    let options = dice.pick(&[0, 0, 1, 3]);
    let mut datagram = [dice.pick(&PORTS), 6081].map(u16::to_be_bytes).concat();
    datagram.extend([0, 80, 0, 0, dice.pick(&[0, 0, 0, 0x40]) | options, 0]);
    let inner = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0x9c, 0x40, 0, 0, 0, 0];
    let ethernet = dice.once_in(2);
    datagram.extend(if ethernet { 0x6558u16 } else { 0x0800 }.to_be_bytes());
    datagram.extend([0, 0, dice.pick(&[11, 12]), 0]);
    datagram.extend(vec![0; usize::from(options) * 4]);
    if ethernet {
        datagram.extend(dice.pick(&STATIONS));
        datagram.extend(dice.pick(&STATIONS));
        if dice.once_in(3) {
            datagram.extend([0x81, 0, 0, 5]);
        }
        datagram.extend([8, 0]);
    }
    datagram.extend(inner);
    datagram
}
