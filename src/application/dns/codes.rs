//! Numbers of the DNS (IANA "Domain Name System parameters").

use crate::bytes::Codes;

/// The pseudo-record of EDNS.
pub const OPT: u16 = 41;

/// Kinds of operations.
pub const OPERATIONS: Codes =
    Codes(&[(0, "query"), (1, "inverse query"), (2, "status"), (4, "notify"), (5, "update"), (6, "stateful")]);

/// Response codes.
pub const RESPONSE_CODES: Codes = Codes(&[
    (0, "no error"),
    (1, "format error"),
    (2, "server failure"),
    (3, "no such name"),
    (4, "not implemented"),
    (5, "refused"),
    (6, "name exists"),
    (7, "record set exists"),
    (8, "no such record set"),
    (9, "not authoritative"),
    (10, "not in zone"),
    (11, "type not implemented"),
    (16, "bad version"),
    (17, "bad key"),
    (18, "bad time"),
    (19, "bad mode"),
    (20, "bad name"),
    (21, "bad algorithm"),
    (22, "bad truncation"),
    (23, "bad cookie"),
]);

/// Classes.
pub const CLASSES: Codes = Codes(&[(1, "IN"), (3, "CH"), (4, "HS"), (254, "NONE"), (255, "ANY")]);

/// Types of records and questions.
pub const TYPES: Codes = Codes(&[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
]);

/// Options of EDNS.
pub const OPTIONS: Codes = Codes(&[
    (1, "long-lived query"),
    (2, "update lease"),
    (3, "name server identifier"),
    (5, "DNSSEC algorithms"),
    (6, "DS hashes"),
    (7, "NSEC3 hashes"),
    (8, "client subnet"),
    (9, "expire"),
    (10, "cookie"),
    (11, "TCP keepalive"),
    (12, "padding"),
    (13, "chain"),
    (14, "key tag"),
    (15, "extended error"),
    (16, "client tag"),
    (17, "server tag"),
    (18, "report channel"),
    (19, "zone version"),
]);

/// Extended errors, RFC 8914.
pub const EXTENDED_ERRORS: Codes = Codes(&[
    (0, "other"),
    (1, "unsupported DNSKEY algorithm"),
    (2, "unsupported DS digest"),
    (3, "stale answer"),
    (4, "forged answer"),
    (5, "DNSSEC indeterminate"),
    (6, "DNSSEC bogus"),
    (7, "signature expired"),
    (8, "signature not yet valid"),
    (9, "DNSKEY missing"),
    (10, "RRSIGs missing"),
    (11, "no zone key bit"),
    (12, "NSEC missing"),
    (13, "cached error"),
    (14, "not ready"),
    (15, "blocked"),
    (16, "censored"),
    (17, "filtered"),
    (18, "prohibited"),
    (19, "stale negative answer"),
    (20, "not authoritative"),
    (21, "not supported"),
    (22, "no reachable authority"),
    (23, "network error"),
    (24, "invalid data"),
]);

/// Security algorithms.
pub const ALGORITHMS: Codes = Codes(&[
    (5, "RSA/SHA-1"),
    (7, "RSASHA1-NSEC3-SHA1"),
    (8, "RSA/SHA-256"),
    (10, "RSA/SHA-512"),
    (13, "ECDSA P-256"),
    (14, "ECDSA P-384"),
    (15, "Ed25519"),
    (16, "Ed448"),
]);

/// Keys of service parameters, RFC 9460 section 14.3.2.
pub const PARAMETERS: Codes = Codes(&[
    (0, "mandatory"),
    (1, "alpn"),
    (2, "no-default-alpn"),
    (3, "port"),
    (4, "ipv4hint"),
    (5, "ech"),
    (6, "ipv6hint"),
    (7, "dohpath"),
    (8, "ohttp"),
]);
