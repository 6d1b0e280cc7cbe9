//! Lists in pages.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{wire::call::Call, world::refusal::Refusal};

/// Rows of a page at most, and by default.
const PAGE_ROWS: usize = 25;

/// What `$skiptoken` holds, in the form that Azure gives it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SkipToken {
    next_marker: String,
    target_location: u8,
}

/// A page as it is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) rows: usize,
    /// Key of the last row of the page before.
    pub(crate) marker: Option<String>,
}

/// A list answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    value: Vec<T>,
    next_link: Option<String>,
}

impl Wanted {
    pub(crate) fn of(call: &Call) -> Result<Self, Refusal> {
        let rows = match call.query("maxresults") {
            None | Some("") => PAGE_ROWS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|rows| (1..=PAGE_ROWS).contains(rows))
                .ok_or_else(|| {
                    Refusal::BadParameter(format!(
                        "Property maxresults has invalid value {text}: 1 to {PAGE_ROWS} is needed."
                    ))
                })?,
        };
        let marker = call.query("$skiptoken").map(marker).transpose()?;
        Ok(Self { rows, marker })
    }

    /// Takes one page of the rows; each comes with its key.
    pub(crate) fn page<'a, T>(
        &self,
        rows: impl Iterator<Item = (&'a str, T)>,
        call: &Call,
        scheme: &str,
    ) -> List<T> {
        let mut rows = rows.peekable();
        let mut value = Vec::with_capacity(self.rows);
        let mut last = None;
        while value.len() < self.rows
            && let Some((key, row)) = rows.next()
        {
            last = Some(key);
            value.push(row);
        }
        let next_link = last
            .filter(|_| rows.peek().is_some())
            .map(|key| self.link(key, call, scheme));
        List { value, next_link }
    }

    fn link(&self, key: &str, call: &Call, scheme: &str) -> String {
        let token = SkipToken {
            next_marker: key.to_owned(),
            target_location: 0,
        };
        let token = serde_json::to_vec(&token)
            .map(|json| URL_SAFE_NO_PAD.encode(json))
            .unwrap_or_default();
        // What else was asked for goes on.
        let pending = call
            .query("includePending")
            .map(|wanted| format!("&includePending={wanted}"))
            .unwrap_or_default();
        format!(
            "{}{}?api-version={}&$skiptoken={token}&maxresults={}{pending}",
            call.route.base_with_port(scheme),
            call.route.path,
            call.query("api-version").unwrap_or_default(),
            self.rows
        )
    }
}

fn marker(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok();
    let parsed = bytes.and_then(|bytes| serde_json::from_slice::<SkipToken>(&bytes).ok());
    parsed
        .map(|token| token.next_marker)
        .ok_or_else(|| Refusal::BadParameter("Property $skiptoken has invalid value.".to_owned()))
}
