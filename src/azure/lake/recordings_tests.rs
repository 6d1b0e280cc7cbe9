//! What Azure once answered, read by this code. The recordings are optional data beside the repository.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fixtures::{answer, place, profile, whole};
use super::*;
use crate::azure::fixtures::shared;

struct Exchange {
    method: String,
    url: String,
    answer: Answer,
}

/// Recordings of the C++ clients: one file each.
fn of_cpp(folder: &Path, name: &str) -> Vec<Exchange> {
    let file = folder.join(format!("azure-sdk-for-cpp/{name}.json"));
    let text = std::fs::read_to_string(file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let all = document["networkCallRecords"].as_array().unwrap();
    let each = all.iter().map(|one| {
        let response = one["Response"].as_object().unwrap();
        let text = |name: &str| response[name].as_str().unwrap().to_owned();
        let headers: Vec<(&str, &str)> = response
            .iter()
            .filter(|(name, _)| !["BODY", "REASON_PHRASE", "STATUS_CODE"].contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        Exchange {
            method: one["Method"].as_str().unwrap().to_owned(),
            url: one["Url"].as_str().unwrap().to_owned(),
            answer: answer(
                text("STATUS_CODE").parse().unwrap(),
                &headers,
                &text("BODY"),
            ),
        }
    });
    // The containers of the blob endpoint speak otherwise.
    each.filter(|one| one.url.contains(".dfs.")).collect()
}

/// Recordings of the Rust clients: a folder of requests and responses.
fn of_rust(folder: &Path, name: &str) -> Vec<Exchange> {
    let folder = folder.join("azure-sdk-for-rust").join(name);
    let mut found = Vec::new();
    for number in 0..100 {
        let file = |kind: &str| folder.join(format!("{number}_{kind}.json"));
        if !file("request").is_file() {
            break;
        }
        let read = |kind: &str| -> Value {
            let text = std::fs::read_to_string(file(kind)).unwrap();
            serde_json::from_str(&text).unwrap()
        };
        let (request, response) = (read("request"), read("response"));
        let headers = response["headers"].as_object().unwrap();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let body = STANDARD
            .decode(response["body"].as_str().unwrap_or_default())
            .unwrap();
        found.push(Exchange {
            method: request["method"].as_str().unwrap().to_owned(),
            url: request["uri"].as_str().unwrap().to_owned(),
            answer: answer(
                u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
                &headers,
                std::str::from_utf8(&body).unwrap(),
            ),
        });
    }
    found
}

/// The problem that an exchange came to, or its answer.
fn outcome(one: Exchange) -> Result<Answer, Problem> {
    read(
        &profile(),
        &paths::get(place("a")),
        one.answer,
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn recorded_lists_are_what_they_would_be_written_as() {
    let Some(folder) = shared("azure/recordings") else {
        return;
    };
    let name = "DataLakeDirectoryClientTest.DirectoryAccessControlRecursive";
    let all = of_cpp(&folder, name);
    let (mut lists, mut sweeps) = (0, 0);
    for one in all {
        if one.url.contains("action=getAccessControl") {
            let access = access::read(&access::get(place("a"), false), &one.answer).unwrap();
            assert_eq!(access.acl.to_string(), access.told);
            assert_eq!(access.acl.as_stored(), access.acl);
            assert_eq!(access.acl.permissions(false), access.permissions);
            lists += 1;
        } else if one.url.contains("setAccessControlRecursive") {
            let call = paths::get(place("a"));
            let swept = access::read_swept(&call, &one.answer).unwrap();
            assert_eq!((swept.directories, swept.failures), (3, 0));
            assert_eq!(swept.continuation, None);
            sweeps += 1;
        }
    }
    assert!(lists >= 6 && sweeps >= 3, "{lists} lists, {sweeps} sweeps");
}

#[test]
fn recorded_refusals_have_their_reasons() {
    let Some(folder) = shared("azure/recordings") else {
        return;
    };
    let mut all = of_rust(&folder, "datalake_file_rename");
    for name in [
        "DataLakeDirectoryClientTest.CreateDeleteIfExistsDirectory",
        "DataLakePathClientTest.PathAccessControls",
    ] {
        all.extend(of_cpp(&folder, name));
    }
    let mut seen = std::collections::BTreeSet::new();
    for one in all {
        let what = format!("{} {}", one.method, one.url);
        match outcome(one) {
            Ok(_) => {}
            Err(problem) => {
                assert_ne!(problem.reason, Reason::RequestRefused, "{what}: {problem}");
                assert!(!problem.message.contains("RequestId"), "{problem}");
                seen.insert(format!(
                    "{} {}",
                    problem.azure_code.unwrap(),
                    problem.reason
                ));
            }
        }
    }
    for expected in [
        "ConditionNotMet AzureBusy",
        "FilesystemNotFound AzureResourceNotFound",
        "PathAlreadyExists PathConflict",
        "PathNotFound AzureResourceNotFound",
    ] {
        assert!(seen.contains(expected), "{expected} is not in {seen:#?}");
    }
}

#[test]
fn recorded_filesystems_files_and_pages_are_read() {
    let Some(folder) = shared("azure/recordings") else {
        return;
    };
    let of = |name| of_rust(&folder, name);
    let filesystems = of("datalake_file_system");
    let files = of("datalake_file_properties");
    let pages = of("datalake_file_system_list_paths");
    let heads = |all: Vec<Exchange>| all.into_iter().filter(|one| one.method == "HEAD");
    for one in heads(filesystems) {
        let read = filesystem::read(&filesystem::get(whole()), &one.answer).unwrap();
        assert_eq!(read.properties.all()["AddedVia"], "Azure SDK for Rust");
        assert!(read.hierarchical);
        assert_eq!(
            read.encryption_scope.as_deref(),
            Some("$account-encryption-key")
        );
    }
    let mut met = 0;
    for one in heads(files).filter(|one| !one.url.contains("getAccessControl")) {
        let read = paths::read(&paths::get(place("a")), &one.answer).unwrap();
        assert_eq!((read.thing, read.length), (paths::Thing::File, 0));
        assert_eq!(read.permissions.unwrap().to_string(), "rw-r-----");
        met += 1;
    }
    assert_eq!(met, 2);
    let lists = pages.into_iter().filter(|one| one.method == "GET");
    let counts: Vec<usize> = lists
        .map(|one| {
            let page = list::read(&paths::get(place("a")), &one.answer).unwrap();
            assert!(page.paths.iter().all(|path| path.permissions.is_some()));
            page.paths.len()
        })
        .collect();
    assert_eq!(counts, [6, 2, 2]);
}
