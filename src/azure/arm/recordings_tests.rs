//! What Azure once answered, read by this code. The recordings are optional data beside the repository.

use std::fmt::Write;
use std::path::Path;

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::fixtures::{answer, call, profile};
use super::{Call, Form, Polled, Reply, operation, read};
use crate::azure::fixtures::shared;
use crate::problem::{Problem, Reason};

struct Exchange {
    name: String,
    method: Method,
    url: url::Url,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

fn exchanges(folder: &Path) -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let document: Value =
            serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for (at, one) in document["interactions"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let (request, response) = (&one["request"], &one["response"]);
            let url: url::Url = request["url"].as_str().unwrap().parse().unwrap();
            // Key Vault's and Storage's own hosts speak otherwise.
            if url.host_str() != Some("management.azure.com") {
                continue;
            }
            let headers = response["headers"].as_object().into_iter().flatten();
            found.push(Exchange {
                name: format!("{} {at}", path.file_stem().unwrap().to_string_lossy()),
                method: request["method"].as_str().unwrap().parse().unwrap(),
                url,
                status: u16::try_from(response["code"].as_u64().unwrap()).unwrap(),
                headers: headers
                    .map(|(name, all)| {
                        (name.clone(), all[0].as_str().unwrap_or_default().to_owned())
                    })
                    .collect(),
                body: response["body"].as_str().unwrap_or_default().to_owned(),
            });
        }
    }
    found
}

impl Exchange {
    fn call(&self) -> Call {
        Call {
            path: self.url.path().to_owned(),
            ..call(self.method.clone())
        }
    }

    fn answer(&self) -> crate::azure::http::Answer {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        answer(self.status, &headers, &self.body)
    }

    fn read(&self) -> Result<Reply, Problem> {
        read(
            &profile(),
            &self.call(),
            &self.answer(),
            Timestamp::UNIX_EPOCH,
        )
    }
}

#[test]
fn recorded_answers_are_understood() {
    let Some(folder) = shared("azure/recordings/aso") else {
        return;
    };
    let all = exchanges(&folder);
    assert!(all.len() > 100, "only {} exchanges were found", all.len());
    let mut wrong = String::new();
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for one in &all {
        let read = one.read();
        let fits = match (one.status, &read) {
            (200..=299, Ok(_)) => true,
            (404, Err(problem)) if one.body.is_empty() => problem.azure_code.is_none(),
            (400.., Err(problem)) => {
                *seen
                    .entry(format!("{:?} {}", problem.azure_code, problem.reason))
                    .or_default() += 1;
                problem.azure_code.is_some() && problem.reason != Reason::RequestRefused
                    || problem.azure_code.as_deref() == Some("InvalidValuesForRequestParameters")
            }
            _ => false,
        };
        if !fits {
            writeln!(
                wrong,
                "{} {} {}: {read:?}",
                one.name, one.method, one.status
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    for expected in [
        "Some(\"PrincipalNotFound\") PrincipalNotFound",
        "Some(\"ResourceGroupNotFound\") ResourceGroupNotFound",
        "Some(\"ResourceNotFound\") AzureResourceNotFound",
        "Some(\"AccountNameInvalid\") NameInvalid",
        "Some(\"StorageAccountIsNotProvisioned\") AzureBusy",
        "Some(\"RoleAssignmentNotFound\") AzureResourceNotFound",
    ] {
        assert!(
            seen.contains_key(expected),
            "{expected} is not in {seen:#?}"
        );
    }
}

/// What began an operation is followed to its end in what was recorded after it.
#[test]
fn recorded_operations_are_followed_to_their_end() {
    let Some(folder) = shared("azure/recordings/aso") else {
        return;
    };
    let all = exchanges(&folder);
    let mut ended = std::collections::BTreeMap::<String, u32>::new();
    for (at, one) in all.iter().enumerate() {
        let Some(poll) = one.read().ok().and_then(|reply| reply.operation) else {
            continue;
        };
        let subject = one.call().subject();
        let asked = all[at + 1..]
            .iter()
            .filter(|later| later.method == Method::GET && later.url.as_str() == poll.url);
        for later in asked {
            let polled = operation::read(
                &profile(),
                &subject,
                &poll,
                &later.answer(),
                Timestamp::UNIX_EPOCH,
            );
            let how = match polled {
                Ok(Polled::Running { .. }) => continue,
                Ok(Polled::Succeeded(_)) => "succeeded",
                Ok(Polled::Failed(_)) => "failed",
                Ok(Polled::Lost) => "lost",
                Err(_) => "unknown",
            };
            *ended.entry(format!("{:?} {how}", poll.form)).or_default() += 1;
            break;
        }
    }
    for form in [Form::AsyncOperation, Form::Location] {
        assert!(
            ended.contains_key(&format!("{form:?} succeeded")),
            "{ended:?}"
        );
    }
    assert!(
        !ended.keys().any(|how| how.ends_with("unknown")),
        "{ended:?}"
    );
}
