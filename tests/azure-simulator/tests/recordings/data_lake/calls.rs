//! Recorded calls, and how a client with the account's key signs them.

use std::{collections::HashMap, path::Path};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::super::{Record, Recording, folder};

pub(super) const ACCOUNT: &str = "lake1";
pub(super) const KEY: &str =
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw==";
/// A call and its answer.
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) status: u16,
    pub(super) answer: HashMap<String, String>,
    pub(super) body: String,
}

pub(super) fn authorization(exchange: &Exchange, headers: &[(String, String)]) -> String {
    let value = |name: &str| {
        let found = headers.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let fixed = [
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        "date",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ];
    let fixed: Vec<&str> = fixed.iter().map(|name| value(name)).collect();
    let mut own: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .collect();
    own.sort_unstable();
    let own: String = own
        .iter()
        .flat_map(|(name, value)| {
            [
                name.as_str(),
                ":",
                value,
                "
",
            ]
        })
        .collect();
    let mut query: Vec<(String, String)> = exchange.url.query_pairs().into_owned().collect();
    query.sort_unstable();
    let query: String = query
        .iter()
        .flat_map(|(name, value)| {
            [
                "
",
                name.as_str(),
                ":",
                value,
            ]
        })
        .collect();
    let text = format!(
        "{}\n{}\n{own}/{ACCOUNT}{}{query}",
        exchange.method,
        fixed.join("\n"),
        exchange.url.path()
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).unwrap());
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    format!("SharedKey {ACCOUNT}:{signature}")
}

/// The calls of a C++ recording; `sent` gives the headers that the test sent with a call.
pub(super) fn cpp(
    name: &str,
    sent: impl Fn(usize) -> Vec<(&'static str, String)>,
) -> Option<Vec<Exchange>> {
    let file = folder("azure-sdk-for-cpp")?.join(format!("{name}.json"));
    let recording: Recording = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let records = recording.network_call_records.into_iter().enumerate();
    let exchange = |(number, record): (usize, Record)| {
        let mut answer = record.response;
        let status = answer.remove("STATUS_CODE").unwrap().parse().unwrap();
        let body = answer.remove("BODY").unwrap();
        answer.remove("REASON_PHRASE");
        let mut headers: Vec<(String, String)> = record
            .headers
            .into_iter()
            .filter(|(name, _)| name != "user-agent")
            .collect();
        let more = sent(number).into_iter();
        headers.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Exchange {
            method: record.method.parse().unwrap(),
            url: record.url.replace("REDACTED", ACCOUNT).parse().unwrap(),
            headers,
            status,
            answer,
            body,
        }
    };
    Some(records.map(exchange).collect())
}

#[derive(Deserialize)]
struct Asked {
    uri: String,
    method: String,
    headers: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

/// The calls of a Rust recording.
pub(super) fn rust(name: &str) -> Option<Vec<Exchange>> {
    let folder = folder("azure-sdk-for-rust")?.join(name);
    let read = |number: usize, kind: &str| {
        std::fs::read(folder.join(Path::new(&format!("{number}_{kind}.json")))).ok()
    };
    let mut exchanges = Vec::new();
    while let (Some(asked), Some(answered)) = (
        read(exchanges.len(), "request"),
        read(exchanges.len(), "response"),
    ) {
        let asked: Asked = serde_json::from_slice(&asked).unwrap();
        let answered: Answered = serde_json::from_slice(&answered).unwrap();
        let left_out = ["authorization", "content-length", "user-agent", "x-ms-date"];
        let headers = asked.headers.into_iter();
        let body = STANDARD.decode(answered.body).unwrap();
        exchanges.push(Exchange {
            method: asked.method.parse().unwrap(),
            url: format!("https://{ACCOUNT}.dfs.core.windows.net{}", asked.uri)
                .parse()
                .unwrap(),
            headers: headers
                .filter(|(name, _)| !left_out.contains(&name.as_str()))
                .collect(),
            status: answered.status,
            answer: answered.headers,
            body: String::from_utf8(body).unwrap(),
        });
    }
    Some(exchanges)
}
