//! What a release is made of, without the images: the scripts of `release/` on this checkout and on small ones.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testbed::binaries;

use crate::helm::{documents, helm, of_kind, the};
use crate::{Case, alone};

pub fn cases() -> Vec<Case> {
    alone![
        parts_come_out_the_same_twice,
        parts_hold_what_users_need,
        a_version_is_set_everywhere,
        a_version_that_cannot_be_is_refused,
        what_is_not_ready_is_not_released,
    ]
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn script(name: &str) -> PathBuf {
    binaries::repository().join("release").join(name)
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {told}");
    Ok(output)
}

/// The parts of this checkout. A few lines that run the program stand for it, since packing it would take most of the time.
fn make(mask: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("lakevault");
    let operator = binaries::operator()?;
    fs::write(
        &program,
        format!("#!/bin/sh\nexec {} \"$@\"\n", operator.display()),
    )?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let line = format!("umask {mask} && exec \"$@\"");
    let mut command = Command::new("bash");
    command
        .args(["-c", &line, "bash"])
        .arg(script("parts.sh"))
        .arg(folder.path().join("out"))
        .arg(&program)
        // Two checkouts have different paths; the stand-in is one file.
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("LAKEVAULT_IMAGE", "registry.example/lakevault");
    run(&mut command)?;
    Ok(folder)
}

fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().context("a name")?;
        all.insert(name.to_string_lossy().into_owned(), fs::read(&path)?);
    }
    Ok(all)
}

fn parts_come_out_the_same_twice() -> Result<()> {
    let (first, second) = (make("022")?, make("077")?);
    let (first, second) = (
        files(&first.path().join("out"))?,
        files(&second.path().join("out"))?,
    );
    ensure!(first.len() == 4, "{:?}", first.keys());
    for (name, bytes) in &first {
        ensure!(second.get(name) == Some(bytes), "{name} differs");
    }
    Ok(())
}

fn listed(archive: &Path) -> Result<String> {
    let mut command = Command::new("tar");
    let output = run(command.arg("--list").arg("--file").arg(archive))?;
    Ok(String::from_utf8(output.stdout)?)
}

fn parts_hold_what_users_need() -> Result<()> {
    let made = make("022")?;
    let out = made.path().join("out");
    let chart = out.join(format!("lakevault-{VERSION}.tgz"));
    let rendered = helm(None, &["template", "lakevault", &chart.to_string_lossy()])?;
    let crds = of_kind(&documents(&rendered)?, "CustomResourceDefinition").len();
    let alone = fs::read_to_string(out.join(format!("lakevault-crds-{VERSION}.yaml")))?;
    ensure!(crds > 0 && documents(&alone)?.len() == crds, "{crds}");
    let install = fs::read_to_string(out.join(format!("lakevault-install-{VERSION}.yaml")))?;
    let install = documents(&install)?;
    let container = &the(&install, "Deployment")?["spec"]["template"]["spec"]["containers"][0];
    let image = format!("registry.example/lakevault:{VERSION}");
    ensure!(container["image"] == image.as_str(), "{container}");
    let all = listed(&out.join(format!("lakevault-{VERSION}-linux-amd64.tar.gz")))?;
    for name in [
        "/lakevault\n",
        "/kubectl-lakevault\n",
        "/completions/_lakevault\n",
        "/completions/kubectl_complete-lakevault\n",
        "/man/man1/lakevault-status.1\n",
        "/LICENSE\n",
    ] {
        ensure!(all.contains(name), "no {name} in {all}");
    }
    Ok(())
}

/// As much of a checkout as has the version in it.
fn checkout() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let root = binaries::repository();
    let mut copy = Command::new("cp");
    copy.arg("--recursive");
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "CHANGELOG.md",
        "charts",
        "crds",
        "deploy",
    ] {
        copy.arg(root.join(name));
    }
    run(copy.arg(folder.path()))?;
    let changelog = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Something.\n\n## 0.0.1 - 2020-01-01\n\n- First.\n";
    fs::write(folder.path().join("CHANGELOG.md"), changelog)?;
    Ok(folder)
}

fn set_version(version: &str, root: &Path) -> Command {
    let mut command = Command::new(script("version.sh"));
    command
        .arg(version)
        .arg(root)
        // The render script of the copy has no programs beside it.
        .env("KUBEBUILDER_ASSETS", helm_folder())
        .env("SOURCE_DATE_EPOCH", "1700000000");
    command
}

fn helm_folder() -> PathBuf {
    let program = binaries::kubernetes("helm").unwrap_or_default();
    program.parent().map(Path::to_owned).unwrap_or_default()
}

fn a_version_is_set_everywhere() -> Result<()> {
    let checkout = checkout()?;
    let root = checkout.path();
    run(&mut set_version("7.8.9", root))?;
    let read = |name: &str| fs::read_to_string(root.join(name));
    let manifest = read("Cargo.toml")?;
    ensure!(manifest.contains("\nversion = \"7.8.9\"\n"), "{manifest}");
    let lock = read("Cargo.lock")?;
    let members = ["lakevault", "azure-simulator", "testbed"];
    for name in members {
        let entry = format!("name = \"{name}\"\nversion = \"7.8.9\"\n");
        ensure!(lock.contains(&entry), "{name} in Cargo.lock");
    }
    ensure!(lock.matches("\"7.8.9\"").count() == members.len());
    let about = read("charts/lakevault/Chart.yaml")?;
    ensure!(
        about.contains("\nversion: 7.8.9\nappVersion: 7.8.9\n"),
        "{about}"
    );
    let install = read("deploy/install.yaml")?;
    ensure!(install.contains("lakevault:7.8.9") && !install.contains(VERSION));
    let changelog = read("CHANGELOG.md")?;
    ensure!(
        changelog.contains("## Unreleased\n\n## 7.8.9 - 2023-11-14\n\n### Added\n\n- Something."),
        "{changelog}"
    );
    Ok(())
}

/// What a script said, where it refused.
fn refusal(mut command: Command) -> Result<String> {
    let output = command.output()?;
    ensure!(!output.status.success(), "{command:?} was not refused");
    Ok(String::from_utf8(output.stderr)?)
}

fn a_version_that_cannot_be_is_refused() -> Result<()> {
    let checkout = checkout()?;
    for (version, why) in [
        ("v1.2.3", "Semantic Versioning"),
        ("1.2", "Semantic Versioning"),
        ("01.2.3", "Semantic Versioning"),
        ("0.0.1", "has a section '## 0.0.1' already"),
    ] {
        let said = refusal(set_version(version, checkout.path()))?;
        ensure!(said.contains(why), "{version}: {said}");
    }
    let empty = "# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2020-01-01\n\n- First.\n";
    fs::write(checkout.path().join("CHANGELOG.md"), empty)?;
    let said = refusal(set_version("7.8.9", checkout.path()))?;
    ensure!(said.contains("nothing under '## Unreleased'"), "{said}");
    Ok(())
}

fn git(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
        .args(arguments);
    run(&mut command).map(drop)
}

fn what_is_not_ready_is_not_released() -> Result<()> {
    let checkout = checkout()?;
    let root = checkout.path();
    let check = || {
        let mut command = Command::new(script("check.sh"));
        command.arg(root);
        command
    };
    git(root, &["init", "--quiet"])?;
    git(root, &["add", "."])?;
    git(root, &["commit", "--quiet", "--message", "first"])?;
    let said = refusal(check())?;
    let section = format!("no section '## {VERSION}'");
    ensure!(said.contains(&section), "{said}");

    run(&mut set_version("7.8.9", root))?;
    let said = refusal(check())?;
    ensure!(said.contains("the tree is not clean"), "{said}");
    git(root, &["commit", "--quiet", "--all", "--message", "second"])?;
    run(&mut check())?;

    git(root, &["tag", "v7.8.9", "HEAD~1"])?;
    let said = refusal(check())?;
    ensure!(said.contains("was released already"), "{said}");
    git(root, &["tag", "--delete", "v7.8.9"])?;

    let about = root.join("charts/lakevault/Chart.yaml");
    let text = fs::read_to_string(&about)?.replace("appVersion: 7.8.9", "appVersion: 7.8.8");
    fs::write(&about, text)?;
    let said = refusal(check())?;
    ensure!(said.contains("Chart.yaml has appVersion 7.8.8"), "{said}");
    Ok(())
}
