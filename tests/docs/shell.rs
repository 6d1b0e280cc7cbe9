//! What a reader types: the first hour is run as it is written, or says why it is not, and what is not run is at least understood.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::{documents, files, parts, read, root};

/// The documents whose every block of shell is run, or says why not.
const RUN: [&str; 2] = ["README.md", "docs/getting-started.md"];

/// Where a block may be run: tests/docs/run.sh, tests/e2e, and the image's own build.
const PLACES: [&str; 4] = ["machine", "machine, stays", "cluster", "image"];

/// What stands on the last line of prose before each block of shell.
fn marks(text: &str) -> Vec<String> {
    let (mut marks, mut before, mut inside) = (Vec::new(), "", false);
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside;
            if inside && language == "sh" {
                marks.push(before.to_owned());
            }
        } else if !inside && !line.trim().is_empty() {
            before = line;
        }
    }
    marks
}

#[test]
fn every_block_of_the_first_hour_is_run_or_says_why_not() {
    let indented = Regex::new("(?m)^ +```sh").unwrap();
    for document in RUN {
        let marks = marks(&read(&root().join(document)));
        let mut places = BTreeSet::new();
        for mark in &marks {
            let told = mark
                .strip_prefix("<!-- ")
                .and_then(|mark| mark.strip_suffix(" -->"))
                .and_then(|mark| mark.split_once("run: "));
            match told {
                Some(("", place)) if PLACES.contains(&place) => {
                    places.insert(place.to_owned());
                }
                Some(("not ", reason)) => assert!(reason.len() > 10, "{document}: {mark}"),
                _ => panic!(
                    "{document}: a block of shell stands after {mark:?}; see tests/docs/commands.sh"
                ),
            }
        }
        assert!(
            places.contains("machine") && places.contains("cluster"),
            "{document}: {places:?}"
        );
        assert!(
            !indented.is_match(&read(&root().join(document))),
            "{document}: commands.sh does not see indented blocks"
        );
    }
}

/// The shell of all documents, each line whole and without what is fed to its programs.
fn lines() -> Vec<(String, String)> {
    let fed = Regex::new(r"(?ms)^([^\n]*)<<-?'?(\w+)'?([^\n]*)\n.*?^\s*(END|EOF)$").unwrap();
    let mut all = Vec::new();
    for document in documents() {
        for (_, block) in parts(&read(&document))
            .blocks
            .iter()
            .filter(|(language, _)| language == "sh")
        {
            let block = fed.replace_all(block, "$1$3").replace("\\\n", " ");
            all.extend(
                block
                    .lines()
                    .map(|line| (document.display().to_string(), line.to_owned())),
            );
        }
    }
    all
}

/// Programs with their arguments in a line of shell. Quotes are taken off; what they hold is one word.
fn commands(line: &str) -> Vec<Vec<String>> {
    let word =
        Regex::new(r#"\s#.*$|\$\([^()]*\)|"[^"]*"|'[^']*'|\|\||&&|[|;&<>]|[^\s|;&<>"']+"#).unwrap();
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut end = 0;
    for found in word.find_iter(line) {
        let text = found.as_str();
        if text.trim_start().starts_with('#') {
            break;
        }
        let glued = found.start() == end && end > 0;
        end = found.end();
        match text {
            "|" | "||" | ";" | "&&" | "&" => all.push(Vec::new()),
            _ => {
                let bare = text.trim_matches(['"', '\'']).to_owned();
                let command = all.last_mut().unwrap();
                match command
                    .last_mut()
                    .filter(|last| glued && !"<>".contains(last.as_str()) && !"<>".contains(text))
                {
                    Some(last) => last.push_str(&bare),
                    None => command.push(bare),
                }
            }
        }
    }
    all
}

/// The arguments of our own program, if the command is it; without redirections and what stands for something long.
fn ours(command: &[String]) -> Option<Vec<String>> {
    let at = usize::from(command.first()? == "kubectl");
    let program = command.get(at)?;
    (program == "lakevault" || program.ends_with("/lakevault")).then(|| {
        let arguments = command[at..].iter().map(String::as_str);
        let arguments = arguments.take_while(|word| !["<", ">"].contains(word));
        let whole = "/subscriptions/44444444-4444-4444-4444-444444444444";
        arguments
            .map(|word| word.replace("/subscriptions/…", whole))
            .collect()
    })
}

#[test]
fn every_line_for_lakevault_is_understood_by_it() {
    let mut seen = 0;
    for (document, line) in lines() {
        for arguments in commands(&line).iter().filter_map(|command| ours(command)) {
            let parsed = lakevault::cli::command().try_get_matches_from(&arguments);
            assert!(
                parsed.is_ok(),
                "{document}: {line}\n{}",
                parsed.unwrap_err()
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} lines were found");
}

/// What is said in passing may lack arguments, but names no command or flag that is not there.
#[test]
fn every_mention_of_lakevault_names_what_there_is() {
    let mention = Regex::new("`(?:kubectl )?lakevault ([a-z][^`]*)`").unwrap();
    let mut seen = 0;
    for document in documents() {
        let prose = parts(&read(&document)).prose.join("\n");
        for found in mention.captures_iter(&prose) {
            let mut command = lakevault::cli::command();
            let words = found[1].split_whitespace();
            for word in words.take_while(|word| *word != "|") {
                if let Some(deeper) = command.find_subcommand(word) {
                    command = deeper.clone();
                } else if word.starts_with('-') {
                    let flag = word.trim_start_matches('-').split('=').next().unwrap();
                    let short = (flag.len() == 1).then(|| flag.chars().next().unwrap());
                    let known = |argument: &clap::Arg| {
                        argument.get_long() == Some(flag)
                            || argument.get_short() == short.or(Some('\0'))
                    };
                    let standing = ["help", "h", "version", "V"].contains(&flag);
                    assert!(
                        standing || command.get_arguments().any(known),
                        "{}: {}",
                        document.display(),
                        &found[0]
                    );
                } else if command.get_name() == "lakevault" {
                    panic!("{}: no command in {}", document.display(), &found[0]);
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} mentions were found");
}

fn definitions() -> Vec<Value> {
    let all = lakevault::cli::crds().unwrap().into_iter();
    all.map(|(_, yaml)| serde_saphyr::from_str(&yaml).unwrap())
        .collect()
}

#[test]
fn every_path_for_explain_exists() {
    let explain = Regex::new(r"kubectl explain ([a-z]+)\.([A-Za-z.]+)").unwrap();
    let crds = definitions();
    let mut seen = 0;
    for document in documents() {
        for found in explain.captures_iter(&read(&document)) {
            let crd = crds.iter().find(|crd| {
                let names = &crd["spec"]["names"];
                let short = names["shortNames"].as_array().into_iter().flatten();
                let mut all = short.chain([&names["singular"], &names["plural"]]);
                all.any(|name| name == &found[1])
            });
            let crd =
                crd.unwrap_or_else(|| panic!("{}: no kind {}", document.display(), &found[1]));
            let mut schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            for field in found[2].trim_end_matches('.').split('.') {
                schema = &schema["properties"][field];
                assert!(schema.is_object(), "{}: {}", document.display(), &found[0]);
                if schema["items"].is_object() {
                    schema = &schema["items"];
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 3, "only {seen} were found");
}

#[test]
fn every_kind_leads_to_its_reference() {
    for (page, references) in [
        ("vaultsecretsync.md", &["vaultsecretsync.md"][..]),
        ("keyvault.md", &["keyvault.md"]),
        ("datalakeaccount.md", &["datalakeaccount.md"]),
        (
            "identity.md",
            &["azureidentity.md", "clusterazureidentity.md"],
        ),
    ] {
        let text = read(&root().join("docs").join(page));
        for reference in references {
            assert!(
                text.contains(&format!("](reference/{reference})")),
                "{page}: {reference}"
            );
        }
    }
}

/// The archive of `make image`, the tag of the simulator and the chart are of one version.
#[test]
fn every_image_is_of_this_version() {
    let named = Regex::new(r"lakevault(?:-simulator)?[-:]([0-9]+\.[0-9]+\.[0-9]+)").unwrap();
    let mut places = documents();
    places.extend(files(&root().join("deploy"), ".yaml"));
    let mut seen = 0;
    for place in places
        .iter()
        .filter(|place| !place.ends_with("CHANGELOG.md"))
    {
        for found in named.captures_iter(&read(place)) {
            assert_eq!(
                &found[1],
                env!("CARGO_PKG_VERSION"),
                "{}: {}",
                place.display(),
                &found[0]
            );
            seen += 1;
        }
    }
    assert!(seen > 3, "only {seen} were found");
}

#[test]
fn every_alert_has_its_runbook() {
    let alert = Regex::new(r"(?m)^\s*- alert: (\w+)$").unwrap();
    let heading = Regex::new(r"(?m)^### (Lakevault\w+)$").unwrap();
    let of = |pattern: &Regex, text: &str| -> BTreeSet<String> {
        pattern
            .captures_iter(text)
            .map(|found| found[1].to_owned())
            .collect()
    };
    let alerts = of(
        &alert,
        &read(&root().join("charts/lakevault/templates/prometheusrule.yaml")),
    );
    let told = of(&heading, &read(&root().join("docs/operations.md")));
    assert!(alerts.len() > 5, "{alerts:?}");
    assert_eq!(
        alerts, told,
        "left: alerts of the chart; right: headings of docs/operations.md"
    );
}
