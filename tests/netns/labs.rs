//! Every lab, on this kernel: what it teaches was seen.

use netlab::lab::catalog::{self, LABS};
use netlab::lab::experiment::Parameters;
use netlab::lab::observation::{Language, Observation};
use netlab::lab::stage::{Nobody, Stage};

crate::tests![
    every_lab_sees_what_it_teaches,
    labs_run_side_by_side_without_touching_each_other,
    every_text_is_there_in_both_languages,
    a_lab_leaves_the_settings_of_its_surroundings_alone,
];

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

fn every_lab_sees_what_it_teaches() {
    for lab in LABS {
        assert_holds(lab.name, &observe(lab.name));
    }
}

fn labs_run_side_by_side_without_touching_each_other() {
    let runs: Vec<_> = (0..4).map(|_| std::thread::spawn(|| observe("handshake"))).collect();
    for run in runs {
        let observation = run.join().unwrap();
        assert_holds("handshake", &observation);
        assert_eq!(observation.frames().count(), 3);
    }
}

fn every_text_is_there_in_both_languages() {
    for lab in LABS {
        let observation = observe(lab.name);
        let texts = observation.findings.iter().map(|finding| finding.statement);
        for text in texts.chain([lab.title, lab.explanation]) {
            assert!(!text.get(Language::English).is_empty() && text.get(Language::English).is_ascii(), "{text:?}");
            assert!(!text.get(Language::Chinese).is_ascii(), "{} has no Chinese: {text:?}", lab.name);
        }
    }
}

fn a_lab_leaves_the_settings_of_its_surroundings_alone() {
    let settings = ["net.ipv4.tcp_congestion_control", "net.ipv4.ip_forward", "net.ipv4.tcp_syncookies"];
    let read = || settings.map(|name| netlab::kernel::sysctl::read(name).unwrap());
    let before = read();
    observe("handshake");
    assert_eq!(read(), before);
}
