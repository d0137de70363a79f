//! `lab net`: networks from a file, with other programs inside.

use std::process::Output;

crate::tests![
    a_command_runs_inside_a_host_and_its_exit_status_is_the_answer,
    two_networks_are_joined_by_a_router,
    a_plan_that_cannot_be_built_is_refused_at_once,
    what_frames_meet_is_set_by_the_plan_and_told_at_the_end,
    the_network_on_the_page_can_be_built,
];

const ROUTED: &str = r#"
[[host]]
name = "h1"
gateway = "10.0.1.254"
[[host]]
name = "router"
forward = true
[[host]]
name = "h2"
gateway = "10.0.2.254"
[[network]]
attach = ["h1 eth0 10.0.1.1/24", "router left 10.0.1.254/24"]
[[network]]
kind = "switch"
attach = ["h2 eth0 10.0.2.1/24", "router right 10.0.2.254/24"]
"#;

fn net(plan: &str, arguments: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), plan).unwrap();
    crate::netlab().args(["lab", "net"]).arg(file.path()).args(arguments).output().unwrap()
}

fn a_command_runs_inside_a_host_and_its_exit_status_is_the_answer() {
    let output = net(ROUTED, &["--in", "h2", "--", "sh", "-c", "echo $NETLAB_HOST; exit 42"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "h2\n");
    let killed = net(ROUTED, &["--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(killed.status.code(), Some(137));
}

fn two_networks_are_joined_by_a_router() {
    let netlab = crate::netlab().get_program().to_owned();
    let output = net(ROUTED, &["--in", "h1", "--", netlab.to_str().unwrap(), "probe", "10.0.2.1", "-p", "7"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("closed") && text.contains("rst"), "{text}");
    assert_eq!(output.status.code(), Some(1), "nothing is open");
}

fn a_plan_that_cannot_be_built_is_refused_at_once() {
    let output = net(&ROUTED.replace("h2 eth0 10.0.2.1/24", "h2 eth0 10.0.1.1/24"), &["--", "true"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("the address 10.0.1.1 is given to h1 and to h2"), "{error}");
}

fn what_frames_meet_is_set_by_the_plan_and_told_at_the_end() {
    let netlab = crate::netlab().get_program().to_owned();
    let ask = |lines: &str| {
        let plan = ROUTED.replacen("[[network]]", &format!("[[network]]\n{lines}"), 1);
        let output = net(&plan, &["--", netlab.to_str().unwrap(), "arp", "10.0.1.254"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let all_lost = "from.router = { loss = \"100%\" }";
    let (status, told) = ask(all_lost);
    assert_eq!(status, Some(1), "{told}");
    // The questions pass, the answers are lost; how many questions there are is arp's matter.
    assert!(told.contains(" frames ") && told.contains(" lost by chance"), "{told}");
    assert!(told.lines().all(|line| !line.contains("too busy")), "{told}");
    let (status, told) = ask(&format!("line = {{ loss = \"100%\" }}\n{}", all_lost.replace("100%", "0%")));
    assert_eq!(status, Some(1), "{told}");
    let (status, told) = ask("line = { delay = \"5ms\", rate = \"10Mbit/s\" }");
    assert_eq!((status, told.as_str()), (Some(0), ""));
}

fn the_network_on_the_page_can_be_built() {
    let page = include_str!("../../docs/networks.md");
    let plan = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let output = net(plan, &["--in", "h2", "--", "true"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
