//! Labs side by side, and what they leave behind.

use netlab::lab::catalog;
use netlab::lab::experiment::Parameters;
use netlab::lab::observation::Observation;
use netlab::lab::stage::{Nobody, Stage};

crate::tests![labs_run_side_by_side_without_touching_each_other, a_lab_leaves_the_settings_of_its_surroundings_alone,];

fn observe(name: &str) -> Observation {
    let mut nobody = Nobody;
    let mut stage = Stage::new(&mut nobody).unwrap();
    (catalog::find(name).unwrap().run)(&mut stage, &Parameters::default()).unwrap();
    stage.observation
}

fn assert_holds(name: &str, observation: &Observation) {
    for finding in &observation.findings {
        assert!(finding.seen, "{name}: not seen: {} ({})", finding.statement.en, finding.measured);
    }
    assert!(!observation.findings.is_empty(), "{name} teaches nothing");
}

fn labs_run_side_by_side_without_touching_each_other() {
    let runs: Vec<_> = (0..4).map(|_| std::thread::spawn(|| observe("handshake"))).collect();
    for run in runs {
        let observation = run.join().unwrap();
        assert_holds("handshake", &observation);
        assert_eq!(observation.frames().count(), 3);
    }
}

fn a_lab_leaves_the_settings_of_its_surroundings_alone() {
    let settings = ["net.ipv4.tcp_congestion_control", "net.ipv4.ip_forward", "net.ipv4.tcp_syncookies"];
    let read = || settings.map(|name| netlab::kernel::sysctl::read(name).unwrap());
    let before = read();
    observe("handshake");
    assert_eq!(read(), before);
}
