//! The documents are true where a program can tell: links lead somewhere, examples are accepted, every reason has its entry,
//! every make target exists. And one rule of ARCHITECTURE.md about the code: pure files are pure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod hosted;
mod pure;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lakevault::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use lakevault::azure_identity::valid as identity;
use lakevault::data_lake_account::api::DataLakeAccount;
use lakevault::data_lake_account::valid as data_lake_account;
use lakevault::k8s::kstatus::STALLS;
use lakevault::key_vault::api::KeyVault;
use lakevault::key_vault::valid as key_vault;
use lakevault::problem::Reason;
use lakevault::vault_secret_sync::api::VaultSecretSync;
use lakevault::vault_secret_sync::valid as sync;
use regex::Regex;
use serde_json::Value;

/// Words of conditions that tell of success or waiting; they are no `Reason`.
const GOOD: [&str; 25] = [
    "Absent",
    "Answers",
    "AsDeclared",
    "DataLakeStoreRetired",
    "Available",
    "Deleting",
    "Differs",
    "InSync",
    "NotApplied",
    "OnlyPlanned",
    "Permitted",
    "ExpiresSoon",
    "NothingExpires",
    "NothingToRollOut",
    "RolledOut",
    "RollingOut",
    "RolloutByHand",
    "RolloutDeferred",
    "RolloutPaused",
    "UpToDate",
    "AllKeysPresent",
    "TokenAcquired",
    "Suspended",
    "Pending",
    "Healthy",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files under a folder, at any depth, whose name ends so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn documents() -> Vec<PathBuf> {
    let top = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let mut all: Vec<PathBuf> = top.iter().map(|name| root().join(name)).collect();
    for folder in ["docs", "deploy"] {
        all.extend(files(&root().join(folder), ".md"));
    }
    all
}

/// A document taken apart: its prose, and its fenced blocks with their language.
#[derive(Default)]
struct Parts {
    prose: Vec<String>,
    blocks: Vec<(String, String)>,
}

fn parts(text: &str) -> Parts {
    let (mut parts, mut inside) = (Parts::default(), false);
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                parts.blocks.push((language.to_owned(), String::new()));
            }
        } else if inside {
            let block = &mut parts.blocks.last_mut().unwrap().1;
            block.push_str(line);
            block.push('\n');
        } else {
            parts.prose.push(line.to_owned());
        }
    }
    assert!(!inside, "a fence is not closed");
    parts
}

/// What a fragment of a link can name: headings, and anchors that are written out.
fn anchors(path: &Path) -> Vec<String> {
    let (heading, written) = (
        Regex::new("^#+ (.*)$").unwrap(),
        Regex::new("<a id=\"([^\"]+)\"></a>").unwrap(),
    );
    let prose = parts(&read(path)).prose;
    let headings = prose
        .iter()
        .filter_map(|line| Some(anchor(&heading.captures(line)?[1])));
    let written = prose
        .iter()
        .flat_map(|line| written.captures_iter(line).map(|found| found[1].to_owned()));
    headings.chain(written).collect()
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_reason_has_an_entry_and_every_entry_a_reason() {
    let word = Regex::new("^## ([A-Z][A-Za-z]+)$").unwrap();
    let text = read(&root().join("docs/troubleshooting.md"));
    let entries: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(word.captures(line)?.get(1)?.as_str()))
        .collect();
    let documented: BTreeSet<&str> = entries.iter().copied().collect();
    assert_eq!(entries.len(), documented.len(), "a word has two entries");
    let words: BTreeSet<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .chain(GOOD)
        .collect();
    let missing: Vec<_> = words.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&words).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "without an entry: {missing:?}; entries of no reason: {unknown:?}"
    );
}

#[test]
fn every_relative_link_leads_somewhere() {
    let (link, code) = (
        Regex::new(r"\]\(([^)\s]+)\)").unwrap(),
        Regex::new("`[^`]*`").unwrap(),
    );
    let mut broken = Vec::new();
    let mut known: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for document in documents() {
        let prose = parts(&read(&document)).prose.join("\n");
        let prose = code.replace_all(&prose, "code");
        for found in link.captures_iter(&prose) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(file)
            };
            let reached = path.exists()
                && (fragment.is_empty()
                    || known
                        .entry(path.clone())
                        .or_insert_with(|| anchors(&path))
                        .iter()
                        .any(|anchor| anchor == fragment));
            if !reached {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_example_is_accepted() {
    let schemas: BTreeMap<String, Value> = lakevault::cli::crds()
        .unwrap()
        .into_iter()
        .map(|(_, yaml)| {
            let crd: Value = serde_saphyr::from_str(&yaml).unwrap();
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
            let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
            (kind, schema)
        })
        .collect();
    let mut seen = BTreeSet::new();
    for document in documents() {
        for block in manifests(&document) {
            for text in block.split("\n---\n") {
                let place = format!("{}:\n{text}", document.display());
                let object: Value = serde_saphyr::from_str(text)
                    .unwrap_or_else(|error| panic!("{error} in {place}"));
                let version = object["apiVersion"].as_str().unwrap_or_default();
                if version.starts_with("lakevault.dev/") {
                    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
                    let schema = schemas
                        .get(&kind)
                        .unwrap_or_else(|| panic!("unknown kind in {place}"));
                    known_fields(&object["spec"], &schema["properties"]["spec"], &place);
                    accepted(&kind, text).unwrap_or_else(|error| panic!("{error} in {place}"));
                    seen.insert(kind);
                }
            }
        }
    }
    assert_eq!(seen.len(), schemas.len(), "examples only of {seen:?}");
}

/// The YAML of a document: blocks of it, and what its shell feeds to kubectl, with something for each variable.
fn manifests(document: &Path) -> Vec<String> {
    let fed = Regex::new(r"(?ms)<<'?END'?\n(.*?)^END$").unwrap();
    let (id, name) = (
        Regex::new(r"\$(TENANT_ID|CLIENT_ID)\b").unwrap(),
        Regex::new(r"\$[A-Z]+\b").unwrap(),
    );
    let mut all = Vec::new();
    for (language, block) in parts(&read(document)).blocks {
        match language.as_str() {
            "yaml" => all.push(block),
            "sh" => all.extend(fed.captures_iter(&block).map(|found| {
                let text = id.replace_all(&found[1], "11111111-1111-1111-1111-111111111111");
                name.replace_all(&text, "some-name").into_owned()
            })),
            _ => {}
        }
    }
    all
}

/// Parses as the product does.
fn accepted(kind: &str, text: &str) -> Result<(), String> {
    let unread = |error: serde_saphyr::Error| error.to_string();
    let own = "lakevault-system";
    let parsed = match kind {
        "AzureIdentity" => {
            let object: AzureIdentity = serde_saphyr::from_str(text).map_err(unread)?;
            identity::parse(&object, own).map(drop)
        }
        "ClusterAzureIdentity" => {
            let object: ClusterAzureIdentity = serde_saphyr::from_str(text).map_err(unread)?;
            identity::parse(&object, own).map(drop)
        }
        "VaultSecretSync" => {
            let object: VaultSecretSync = serde_saphyr::from_str(text).map_err(unread)?;
            sync::parse(&object).map(drop)
        }
        "DataLakeAccount" => {
            let object: DataLakeAccount = serde_saphyr::from_str(text).map_err(unread)?;
            data_lake_account::parse(&object).map(drop)
        }
        "KeyVault" => {
            let object: KeyVault = serde_saphyr::from_str(text).map_err(unread)?;
            key_vault::parse(&object).map(drop)
        }
        other => return Err(format!("the kind {other} has no parser in this test")),
    };
    parsed.map_err(|problem| problem.to_string())
}

/// A misspelt field is dropped silently by serde and by the API server; an example must have none.
fn known_fields(value: &Value, schema: &Value, place: &str) {
    for item in value.as_array().into_iter().flatten() {
        known_fields(item, &schema["items"], place);
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let known = [&schema["properties"][name], &schema["additionalProperties"]];
        let schema = known.into_iter().find(|schema| !schema.is_null());
        let schema = schema.unwrap_or_else(|| panic!("no field {name:?} in {place}"));
        known_fields(field, schema, place);
    }
}

#[test]
fn every_make_target_exists() {
    let makefile = read(&root().join("Makefile"));
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', ' ', '.']))
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, after)| !after.starts_with('='))
        .flat_map(|(names, _)| names.split_whitespace())
        .collect();
    let (in_prose, in_shell) = (
        Regex::new("`make ([a-z][a-z-]*)").unwrap(),
        Regex::new("(?m)^make ([a-z][a-z-]*)").unwrap(),
    );
    let mut named = BTreeSet::new();
    for document in documents() {
        let parts = parts(&read(&document));
        let shell = parts.blocks.iter().filter(|(language, _)| language == "sh");
        let shell: String = shell.map(|(_, block)| block.as_str()).collect();
        let prose = parts.prose.join("\n");
        let found = in_prose
            .captures_iter(&prose)
            .chain(in_shell.captures_iter(&shell));
        named.extend(found.map(|found| found[1].to_owned()));
    }
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !targets.contains(name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "the documents name {missing:?}; the Makefile has {targets:?}"
    );
}

#[test]
fn every_credential_has_a_cell_for_every_cloud_and_every_test_named_there_exists() {
    let text = read(&root().join("docs/identity.md"));
    let (_, table) = text
        .split_once("\n## Every credential in every cloud\n")
        .unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 1, "no table");
    let name = Regex::new("`([a-z0-9_]+)`").unwrap();
    let function = Regex::new(r"\bfn ([a-z0-9_]+)").unwrap();
    let known: BTreeSet<String> = files(&root().join("tests"), ".rs")
        .iter()
        .flat_map(|path| {
            let code = read(path);
            let found = function.captures_iter(&code);
            found.map(|found| found[1].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    for row in &rows[1..] {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        for cell in &row[1..] {
            let mut names = name.captures_iter(cell).map(|found| found[1].to_owned());
            let missing = names.find(|name| name != "az" && !known.contains(name));
            assert_eq!(missing, None, "no such test, named at {}", row[0]);
            assert!(!cell.is_empty(), "nothing shows {}", row[0]);
        }
    }
}

/// What Flux takes for failed, and Argo CD for degraded.
#[test]
fn the_reasons_that_stall_are_told() {
    let text = read(&root().join("docs/troubleshooting.md"));
    let (_, section) = text.split_once("\n## Who must act\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let link = Regex::new(r"\[([A-Za-z]+)\]\(#[a-z]+\)").unwrap();
    let told: BTreeSet<&str> = link
        .captures_iter(section)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let stalls: BTreeSet<&str> = STALLS.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(told, stalls);
}

#[test]
fn every_sample_is_listed() {
    let folder = root().join("deploy/samples");
    let page = read(&folder.join("README.md"));
    for path in files(&folder, ".yaml") {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
