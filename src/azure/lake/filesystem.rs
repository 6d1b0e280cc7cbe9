//! Filesystems: calls and answers ("Filesystem" in the reference). Pure.

use http::{HeaderName, Method};

use super::{Call, Place, Properties, etag, incomplete, said};
use crate::azure::http::Answer;
use crate::problem::Problem;

/// A filesystem as Azure has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    /// By which its state is told from others.
    pub etag: Option<String>,
    /// Its properties.
    pub properties: Properties,
    /// Whether it has directories, and not only names with slashes.
    pub hierarchical: bool,
    /// By which encryption scope its files are encrypted, where Azure tells; `$account-encryption-key` is the account's own key.
    pub encryption_scope: Option<String>,
}

fn call(operation: &'static str, method: Method, place: Place) -> Call {
    let whole = Place {
        path: None,
        ..place
    };
    Call::new(operation, method, whole).with("resource", "filesystem")
}

/// Makes a filesystem. One that exists is a 409 `FilesystemAlreadyExists`; see [`super::refusal::exists`].
pub fn create(place: Place, properties: &Properties) -> Result<Call, Problem> {
    with(call("CreateFilesystem", Method::PUT, place), properties)
}

/// Reads a filesystem.
pub fn get(place: Place) -> Call {
    call("GetFilesystem", Method::HEAD, place)
}

/// Sets the properties of a filesystem, in place of all that it has.
pub fn set_properties(place: Place, properties: &Properties) -> Result<Call, Problem> {
    let call = call("SetFilesystemProperties", Method::PATCH, place);
    with(call, properties)
}

/// Deletes a filesystem with all that is in it. Its name is free again after half a minute or more.
pub fn delete(place: Place) -> Call {
    call("DeleteFilesystem", Method::DELETE, place)
}

fn with(call: Call, properties: &Properties) -> Result<Call, Problem> {
    if properties.all().is_empty() && call.method == Method::PUT {
        return Ok(call);
    }
    call.header(
        HeaderName::from_static("x-ms-properties"),
        &properties.header(),
    )
}

/// The filesystem in the answer to [`get`], [`create`] and [`set_properties`]; the last two tell less.
pub fn read(call: &Call, answer: &Answer) -> Result<Filesystem, Problem> {
    let etag = etag(answer);
    if etag.is_none() {
        return Err(incomplete(&call.place, "an ETag", answer));
    }
    let hierarchical = said(answer, "x-ms-namespace-enabled");
    Ok(Filesystem {
        etag,
        properties: Properties::told(said(answer, "x-ms-properties").unwrap_or_default()),
        hierarchical: hierarchical.is_some_and(|text| text.eq_ignore_ascii_case("true")),
        encryption_scope: said(answer, "x-ms-default-encryption-scope").map(str::to_owned),
    })
}

#[cfg(test)]
#[path = "filesystem_tests.rs"]
mod tests;
