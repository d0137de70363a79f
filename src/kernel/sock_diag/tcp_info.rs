//! `struct tcp_info` (`include/uapi/linux/tcp.h`), which grew with every few kernels and may end early.

use super::entry::{u32_at, u64_at};

/// TCP's own figures about a connection. Those of later kernels are none where the running one does not tell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TcpInfo {
    /// Smoothed round-trip time, µs.
    pub rtt_us: u32,
    /// Mean deviation of the round-trip time, µs.
    pub rtt_deviation_us: u32,
    /// Smallest round-trip time in the kernel's window, µs.
    pub rtt_min_us: Option<u32>,
    /// Retransmission timeout, µs.
    pub rto_us: u32,
    /// Largest segment sent, bytes of data.
    pub mss_bytes: u32,
    /// Largest packet that the path takes, bytes.
    pub path_mtu_bytes: u32,
    /// Congestion window, segments.
    pub congestion_window_segments: u32,
    /// Slow start threshold, segments.
    pub slow_start_threshold_segments: u32,
    /// Window that the peer announced, bytes.
    pub peer_window_bytes: Option<u32>,
    /// Segments in flight; of a listener: connections waiting to be accepted.
    pub unacknowledged_segments: u32,
    /// Segments counted as lost.
    pub lost_segments: u32,
    /// Segments retransmitted and still in flight.
    pub retransmitted_segments: u32,
    /// Segments retransmitted so far.
    pub retransmitted_total_segments: u32,
    /// Segments sent so far, those without data included.
    pub sent_segments: Option<u32>,
    /// Segments received so far, those without data included.
    pub received_segments: Option<u32>,
    /// Segments with data sent so far.
    pub sent_data_segments: Option<u32>,
    /// Segments with data received so far.
    pub received_data_segments: Option<u32>,
    /// Bytes sent so far, retransmissions included.
    pub sent_bytes: Option<u64>,
    /// Bytes that the peer acknowledged so far.
    pub acknowledged_bytes: Option<u64>,
    /// Bytes received in order so far.
    pub received_bytes: Option<u64>,
    /// Bytes retransmitted so far.
    pub retransmitted_bytes: Option<u64>,
    /// Bytes written and not yet sent for the first time.
    pub unsent_bytes: Option<u32>,
    /// Segments received out of order.
    pub out_of_order_segments: Option<u32>,
    /// Rate at which data is delivered lately, bytes per second.
    pub delivery_rate_bytes_per_second: Option<u64>,
    /// Rate to which sending is paced, bytes per second; none when it is not.
    pub pacing_rate_bytes_per_second: Option<u64>,
    /// Since data was last sent, ms.
    pub last_sent_ms: u32,
    /// Since data was last received, ms.
    pub last_received_ms: u32,
}

impl TcpInfo {
    /// Reads the attribute; none when even the oldest kernel's part is cut.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let u32 = |offset| u32_at(value, offset);
        let u64 = |offset| u64_at(value, offset);
        Some(TcpInfo {
            rtt_us: u32(68)?,
            rtt_deviation_us: u32(72)?,
            rtt_min_us: u32(148).filter(|rtt| *rtt != u32::MAX),
            rto_us: u32(8)?,
            mss_bytes: u32(16)?,
            path_mtu_bytes: u32(60)?,
            congestion_window_segments: u32(80)?,
            slow_start_threshold_segments: u32(76)?,
            peer_window_bytes: u32(228),
            unacknowledged_segments: u32(24)?,
            lost_segments: u32(32)?,
            retransmitted_segments: u32(36)?,
            retransmitted_total_segments: u32(100)?,
            sent_segments: u32(136),
            received_segments: u32(140),
            sent_data_segments: u32(156),
            received_data_segments: u32(152),
            sent_bytes: u64(200),
            acknowledged_bytes: u64(120),
            received_bytes: u64(128),
            retransmitted_bytes: u64(208),
            unsent_bytes: u32(144),
            out_of_order_segments: u32(224),
            delivery_rate_bytes_per_second: u64(160),
            pacing_rate_bytes_per_second: u64(104).filter(|rate| *rate != u64::MAX),
            last_sent_ms: u32(44)?,
            last_received_ms: u32(52)?,
        })
    }
}
