//! Continuation tokens: where a list or a long change goes on. They are of one filesystem and one kind of request, and are
//! over when a test says so.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{lake::Filesystem, tree::refusal::Refusal};

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Paths,
    Lists,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Paths => "p",
            Self::Lists => "l",
        }
    }
}

pub(super) fn token(kind: Kind, filesystem: &Filesystem, key: &str) -> String {
    let text = format!("{} {} {key}", kind.word(), filesystem.generation);
    URL_SAFE_NO_PAD.encode(text)
}

/// The key to go on with; none where there is no token.
pub(super) fn key(
    kind: Kind,
    filesystem: &Filesystem,
    token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let rest = text.strip_prefix(kind.word())?.strip_prefix(' ')?;
        let (generation, key) = rest.split_once(' ')?;
        (generation == filesystem.generation.to_string()).then(|| key.to_owned())
    };
    read().map(Some).ok_or(Refusal::InvalidQueryParameterValue)
}
