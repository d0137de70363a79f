//! Addresses and datagrams: IPv4, IPv6 and ICMP, subnets, and the path a datagram takes.
