//! What is in files: written and read ("Path - Update", "Path - Read"). Pure.
//!
//! A file is made empty, filled, and then its content is shown to all at once by a flush. Until then readers see what was there
//! before.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, Method, header};
use md5::{Digest, Md5};

use super::{Call, Place, etag, incomplete};
use crate::azure::http::Answer;
use crate::problem::Problem;
use crate::secret::SecretValue;

/// The MD5 of a content in base64, as Azure keeps it beside a file. It tells whether a file is another one, and protects nothing.
/// It is Azure's to keep and compare; of a Secret's value it goes nowhere else.
pub fn md5(content: &SecretValue) -> String {
    STANDARD.encode(Md5::digest(content.expose()))
}

/// Adds the whole content to an empty file. Nobody sees it before it is flushed. Azure checks that it came whole.
pub fn append(place: Place, content: &SecretValue) -> Result<Call, Problem> {
    let call = Call::new("AppendFile", Method::PATCH, place)
        .with("action", "append")
        .with("position", "0")
        .header(HeaderName::from_static("content-md5"), &md5(content))?
        .header(header::CONTENT_TYPE, "application/octet-stream")?;
    Ok(Call {
        body: Some(content.clone()),
        ..call
    })
}

/// Shows what was added as the file's content, of so many bytes, with the MD5 that is kept beside it.
pub fn flush(place: Place, length: usize, md5: &str) -> Result<Call, Problem> {
    Call::new("FlushFile", Method::PATCH, place)
        .with("action", "flush")
        .with("position", length.to_string())
        .with("close", "true")
        .header(HeaderName::from_static("x-ms-content-md5"), md5)
}

/// The file's new `ETag`, in the answer to [`flush`] and to the creation of something.
pub fn read_written(call: &Call, answer: &Answer) -> Result<String, Problem> {
    etag(answer).ok_or_else(|| incomplete(&call.place, "an ETag", answer))
}

/// Reads a file.
pub fn get(place: Place) -> Call {
    Call::new("ReadFile", Method::GET, place)
}

/// The content in the answer to [`get`].
pub fn read(answer: &Answer) -> SecretValue {
    SecretValue::new(answer.body.bytes().to_vec())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
