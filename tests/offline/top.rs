//! The live screen where there is no terminal.

use assert_cmd::Command;

#[test]
fn without_a_terminal_a_screen_is_refused_and_the_table_is_named() {
    for more in [&[][..], &["--json"]] {
        let mut command = Command::cargo_bin("netlab").unwrap();
        command.args(["capture", "-r", "docs/example.pcapng", "--top"]).args(more);
        let output = command.assert().code(2).get_output().clone();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with("netlab: --top "), "{errors}");
        assert!(errors.contains("\nhint: --flows "), "{errors}");
        assert_eq!(output.stdout, b"");
    }
}
