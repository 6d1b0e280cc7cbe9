//! `lakevault man`: pages that man reads without a word of complaint.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use testbed::{Scratch, binaries};

/// All pages in a folder.
fn pages() -> (Scratch, Vec<PathBuf>) {
    let folder = Scratch::new("cli-man").unwrap();
    let into = folder.path().join("man1");
    let output = Command::new(binaries::operator().unwrap())
        .arg("man")
        .arg(&into)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed = fs::read_dir(into).unwrap();
    let mut pages: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    (folder, pages)
}

fn is_there(program: &str) -> bool {
    let tried = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok()
}

#[test]
fn there_is_a_page_for_each_command() {
    let (_folder, pages) = pages();
    let name = |page: &PathBuf| page.file_name().unwrap().to_str().unwrap().to_owned();
    let names: Vec<String> = pages.iter().map(name).collect();
    for page in [
        "lakevault.1",
        "lakevault-run.1",
        "lakevault-status.1",
        "lakevault-import-keyvault.1",
    ] {
        assert!(names.iter().any(|name| name == page), "{names:?}");
    }
}

#[test]
fn groff_has_nothing_to_complain_of() {
    if !is_there("groff") {
        println!("SKIPPED: there is no groff on this machine");
        return;
    }
    for page in pages().1 {
        let output = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(&page)
            .output()
            .unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}: {output:?}",
            page.display()
        );
    }
}

#[test]
fn mandoc_has_nothing_to_complain_of() {
    if !is_there("mandoc") {
        println!("SKIPPED: there is no mandoc on this machine");
        return;
    }
    for page in pages().1 {
        let output = Command::new("mandoc")
            .args(["-T", "lint", "-W", "error"])
            .arg(&page)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", page.display());
    }
}

#[test]
fn without_a_folder_the_page_of_the_program_is_printed() {
    let output = Command::new(binaries::operator().unwrap())
        .arg("man")
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains(".TH lakevault 1"), "{page}");
}
