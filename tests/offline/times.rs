//! `netlab capture -t`: the times of frames, in every zone.

use std::process::Command;

use netlab::capture::Frame;
use netlab::capture::files::write::{About, Format, Writer};

use crate::capture::Trace;
use crate::cli::netlab;

/// A file with frames at these times.
fn file(format: Format, times: &[i64]) -> Trace {
    let mut writer = Writer::create(Vec::new(), format, About::default()).unwrap();
    for time in times {
        writer.frame(&Frame { time: Some(*time), ..Frame::ethernet(&[0; 60]) }).unwrap();
    }
    writer.finish(&[]).unwrap();
    Trace::named("t", &writer.into_inner())
}

/// What `-t which` shows of each frame with this TZ.
fn times(trace: &Trace, which: &str, zone: Option<&str>) -> Vec<String> {
    let mut command = netlab();
    command.args(["capture", "-q", "-r", trace.path(), "-t", which]).env_remove("TZ");
    zone.map(|zone| command.env("TZ", zone));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
}

const SECOND: i64 = 1_000_000_000;
/// The last second of winter time in New York in 2026, and of summer time: 8 March and 1 November, 01:59:59.
const WINTERS_END: i64 = 1_772_953_199;
const SUMMERS_END: i64 = 1_793_512_799;

#[test]
fn local_time_changes_with_summer_time_and_says_so() {
    let instants = [WINTERS_END, WINTERS_END + 1, SUMMERS_END, SUMMERS_END + 1, WINTERS_END];
    let trace = file(Format::Pcapng, &instants.map(|second| second * SECOND));
    let expected = [
        "2026-03-08T01:59:59.000000-05:00",
        "2026-03-08T03:00:00.000000-04:00",
        "2026-11-01T01:59:59.000000-04:00",
        "2026-11-01T01:00:00.000000-05:00",
        "2026-03-08T01:59:59.000000-05:00",
    ];
    for zone in [":America/New_York", "America/New_York", "EST5EDT,M3.2.0,M11.1.0"] {
        assert_eq!(times(&trace, "local", Some(zone)), expected, "{zone}");
    }
    assert_eq!(times(&trace, "absolute", Some(":America/New_York")), expected);
}

#[test]
fn a_zone_is_told_whatever_it_is() {
    let trace = file(Format::Pcapng, &[0, 1]);
    for (zone, expected) in [
        ("UTC0", ["1970-01-01T00:00:00.000000+00:00", "1970-01-01T00:00:00.000000001+00:00"]),
        ("<+0545>-5:45", ["1970-01-01T05:45:00.000000+05:45", "1970-01-01T05:45:00.000000001+05:45"]),
        ("LMT0:44:30", ["1969-12-31T23:15:30.000000-00:44:30", "1969-12-31T23:15:30.000000001-00:44:30"]),
        // What names no zone is UTC, and that is what is shown.
        ("Nowhere/At all", ["1970-01-01T00:00:00.000000+00:00", "1970-01-01T00:00:00.000000001+00:00"]),
        ("", ["1970-01-01T00:00:00.000000+00:00", "1970-01-01T00:00:00.000000001+00:00"]),
    ] {
        assert_eq!(times(&trace, "local", Some(zone)), expected, "{zone}");
    }
}

/// The machine's own zone may be UTC, where summer and winter are the same: so a zone with both is asked for, too.
#[test]
fn with_tz_and_without_local_time_is_what_date_says() {
    let trace = file(Format::Pcapng, &[WINTERS_END * SECOND, SUMMERS_END * SECOND]);
    let date = |second: i64, zone: Option<&str>| {
        let arguments = ["-d", &format!("@{second}"), "+%Y-%m-%dT%H:%M:%S.000000%:z"];
        let mut command = Command::new("date");
        command.args(arguments).env_remove("TZ");
        zone.map(|zone| command.env("TZ", zone));
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    for zone in [None, Some("Europe/Berlin"), Some("Australia/Lord_Howe")] {
        let expected = [date(WINTERS_END, zone), date(SUMMERS_END, zone)];
        assert_eq!(times(&trace, "local", zone), expected, "{zone:?}");
        let ahead = |time: &str| time[time.len() - 6..].to_owned();
        assert!(zone.is_none() || ahead(&expected[0]) != "+00:00", "{expected:?}");
    }
}

#[test]
fn nanoseconds_are_shown_where_the_file_has_them() {
    let instants = [7 * SECOND + 123_456_789, 7 * SECOND + 123_456_790, 8 * SECOND + 500];
    let nanoseconds = file(Format::Pcapng, &instants);
    assert_eq!(times(&nanoseconds, "epoch", None), ["7.123456789", "7.123456790", "8.000000500"]);
    assert_eq!(times(&nanoseconds, "previous", None), ["+0.000000000", "+0.000000001", "+0.876543710"]);
    assert_eq!(times(&nanoseconds, "delta", None), times(&nanoseconds, "previous", None));
    assert_eq!(times(&nanoseconds, "utc", None)[0], "1970-01-01T00:00:07.123456789Z");
    assert_eq!(times(&nanoseconds, "local", Some("UTC0"))[0], "1970-01-01T00:00:07.123456789+00:00");
    assert_eq!(times(&nanoseconds, "first", None), ["+0.000000", "+0.000000", "+0.876543"]);
    assert_eq!(times(&nanoseconds, "relative", None), times(&nanoseconds, "first", None));
    let microseconds = file(Format::Pcapng, &[7 * SECOND + 123_456_000]);
    assert_eq!(times(&microseconds, "epoch", None), ["7.123456"]);
}
