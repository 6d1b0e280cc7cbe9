//! Which filesystems an account has, page by page ("Filesystem - List"). Pure.

use http::Method;
use serde::Deserialize;

use super::{Call, Lake, continuation, incomplete};
use crate::azure::http::Answer;
use crate::problem::Problem;

/// What Azure itself writes, and nobody else: it is no reason to keep an account.
pub const OF_AZURE: &[&str] = &["$logs", "$blobchangefeed"];

/// Lists filesystems, from where an earlier page ended.
pub fn list(lake: &Lake, from: Option<&str>) -> Call {
    Call::new("ListFilesystems", Method::GET, lake.whole())
        .with("resource", "account")
        .with_some("continuation", from)
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Names, Azure's own among them.
    pub names: Vec<String>,
    /// Where the next page begins; none where this is the last.
    pub continuation: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    filesystems: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The answer to [`list`].
pub fn read(call: &Call, answer: &Answer) -> Result<Page, Problem> {
    let body: Option<Body> = serde_json::from_slice(answer.body.bytes()).ok();
    let body = body.ok_or_else(|| incomplete(&call.place, "a list of filesystems", answer))?;
    Ok(Page {
        names: body.filesystems.into_iter().map(|one| one.name).collect(),
        continuation: continuation(answer),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::lake::fixtures::{answer, lake, told};

    #[test]
    fn calls_are_those_of_the_reference() {
        assert_eq!(told(&list(&lake(), None)), "GET /?resource=account");
        assert_eq!(
            told(&list(&lake(), Some("raw"))),
            "GET /?resource=account&continuation=raw"
        );
        assert_eq!(lake().whole().to_string(), "storage account \"lakea\"");
    }

    #[test]
    fn a_page_tells_names_and_where_it_goes_on() {
        let body =
            r#"{"filesystems":[{"name":"$logs","etag":"0x1"},{"name":"raw","lastModified":"x"}]}"#;
        let call = list(&lake(), None);
        let page = read(&call, &answer(200, &[("x-ms-continuation", "next")], body)).unwrap();
        assert_eq!(page.names, ["$logs", "raw"]);
        assert_eq!(page.continuation.as_deref(), Some("next"));
        assert!(read(&call, &answer(200, &[], "{}")).is_err());
    }
}
