//! `lakevault migrate`: what the page shows is what is printed, whichever way objects come.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testbed::{Scratch, binaries};

fn page() -> String {
    let page = binaries::repository().join("docs/migration.md");
    std::fs::read_to_string(page).unwrap()
}

/// Runs the command in a folder.
fn migrate(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binaries::operator().unwrap())
        .arg("migrate")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever reads files alone may end before it has read this.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The examples of the page: the name of the file, what stands in it, the command, and what that prints.
fn examples() -> Vec<[String; 4]> {
    let page = page();
    let parts = page.split("### An example\n").skip(1);
    let quoted = |text: &str, from: &str, to: &str| {
        let (_, behind) = text.split_once(from).unwrap();
        let (found, rest) = behind.split_once(to).unwrap();
        (found.to_owned(), rest.to_owned())
    };
    let read = parts.map(|part| {
        let (file, rest) = quoted(part, "`", "`");
        let (given, rest) = quoted(&rest, "```yaml\n", "```\n");
        let (command, rest) = quoted(&rest, "`lakevault migrate ", "` prints");
        let (printed, _) = quoted(&rest, "```yaml\n", "```\n");
        [file, given, command, printed]
    });
    read.collect()
}

#[test]
fn the_pages_examples_are_what_is_printed() {
    let all = examples();
    assert_eq!(all.len(), 3);
    for [file, given, command, printed] in all {
        let scratch = Scratch::new("cli-migrate").unwrap();
        std::fs::write(scratch.path().join(&file), given).unwrap();
        let arguments: Vec<&str> = command.split(' ').collect();
        let output = migrate(scratch.path(), &arguments, "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), printed, "{file}");
    }
}

#[test]
fn a_list_a_file_and_a_folder_give_the_same() {
    let [_, given, ..] = &examples()[0];
    let items: Vec<Value> = serde_saphyr::from_multiple(given).unwrap();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let scratch = Scratch::new("cli-migrate-list").unwrap();
    let folder = scratch.path().join("objects");
    std::fs::create_dir_all(folder.join("deeper")).unwrap();
    std::fs::write(folder.join("deeper/all.yaml"), given).unwrap();
    std::fs::write(folder.join("README.md"), "not YAML: {").unwrap();
    let printed = |arguments: &[&str], input: &str, from: &str| {
        let output = migrate(scratch.path(), arguments, input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).replace(&format!("From {from}"), "From x")
    };
    let listed = printed(&["-f", "-"], &list, "-:");
    assert_eq!(
        listed,
        printed(&["-R", "-f", "objects"], "", "objects/deeper/all.yaml:")
    );
    let shallow = migrate(scratch.path(), &["-f", "objects"], "");
    assert_eq!(shallow.status.code(), Some(1));
    assert!(
        text(&shallow.stderr).contains("-R"),
        "{}",
        text(&shallow.stderr)
    );
}

#[test]
fn what_has_no_equal_is_told_on_standard_error_too() {
    let [file, given, ..] = &examples()[0];
    let scratch = Scratch::new("cli-migrate-told").unwrap();
    std::fs::write(scratch.path().join(file), given).unwrap();
    let output = migrate(scratch.path(), &["-f", file], "");
    let told = text(&output.stderr);
    let line = "app.yaml: ExternalSecret team/app: spec.target.template.data.debug ({{ if .debug }}yes{{ end }}): the key is left out: ";
    assert!(told.lines().any(|told| told.starts_with(line)), "{told}");
    assert!(told.contains("objects made: 2, remarks: 2"), "{told}");
}

#[test]
fn files_without_anything_to_convert_and_broken_ones_end_in_one() {
    let scratch = Scratch::new("cli-migrate-none").unwrap();
    for (input, told) in [
        (
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n",
            "nothing was converted",
        ),
        ("a: [", "not YAML"),
        (
            "kind: Secret\nmetadata: {name: \"{{ .Release.Name }}\"}\n",
            "helm template",
        ),
    ] {
        let output = migrate(scratch.path(), &["-f", "-"], input);
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert!(
            text(&output.stderr).contains(told),
            "{}",
            text(&output.stderr)
        );
    }
    let absent = migrate(scratch.path(), &["-f", "absent.yaml"], "");
    assert_eq!(absent.status.code(), Some(1));
    let usage = migrate(scratch.path(), &[], "");
    assert_eq!(usage.status.code(), Some(2));
}
