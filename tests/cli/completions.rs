//! `lakevault completions`, asked as shells ask.

use std::process::Command;

use testbed::binaries;

fn lakevault() -> String {
    binaries::operator().unwrap().display().to_string()
}

/// What bash offers for these words, of which the last is being typed.
fn bash_offers(words: &[&str]) -> Vec<String> {
    let script = r#"
        source <("$0" completions bash)
        COMP_WORDS=(lakevault "$@")
        COMP_CWORD=$#
        _lakevault lakevault "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", script, &lakevault()])
        .args(words)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(bash_offers(&["di"]), ["diagnose"]);
    assert_eq!(bash_offers(&["status", "--prob"]), ["--problems"]);
    assert_eq!(
        bash_offers(&["import", "k"]),
        ["keyvault", "kv"],
        "a command below a command"
    );
    let forms = ["table", "wide", "json", "yaml"];
    assert_eq!(bash_offers(&["status", "--output", ""]), forms);
}

#[test]
fn bash_asks_the_function_for_the_program() {
    let script = r#"source <("$0" completions bash); complete -p lakevault"#;
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", script, &lakevault()])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("-F _lakevault"), "{told}");
}

#[test]
fn kubectl_is_answered_in_its_own_form() {
    let folder = testbed::Scratch::new("cli-completions").unwrap();
    let script = folder.path().join("kubectl_complete-lakevault");
    let printed = Command::new(lakevault())
        .args(["completions", "kubectl"])
        .output()
        .unwrap();
    std::fs::write(&script, &printed.stdout).unwrap();
    let offers = |words: &[&str]| {
        let output = Command::new("bash").arg(&script).args(words).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(offers(&["status", "--prob"]), "--problems\n:4\n");
    assert_eq!(offers(&["nothing-of-this-name"]), ":4\n");
}

#[test]
fn a_shell_that_is_not_known_is_wrong_usage() {
    let output = Command::new(lakevault())
        .args(["completions", "sh"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("bash") && told.contains("kubectl"), "{told}");
}
