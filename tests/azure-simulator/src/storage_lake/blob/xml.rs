//! XML as the blob endpoint writes and reads it.

use http::{StatusCode, header};

use crate::wire::reply::Reply;

/// Text that stands in an element or an attribute.
pub(in crate::storage_lake) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A document that is being written.
#[derive(Debug)]
pub(super) struct Document(String);

impl Document {
    pub(super) fn new() -> Self {
        Self("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_owned())
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.0
            .extend(["<", name, ">", &escaped(text), "</", name, ">"]);
    }

    /// An element with what is written in it.
    pub(super) fn element(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.element_with(name, "", write);
    }

    /// The same, with attributes, each with a space before it.
    pub(super) fn element_with(
        &mut self,
        name: &str,
        attributes: &str,
        write: impl FnOnce(&mut Self),
    ) {
        self.0.extend(["<", name, attributes, ">"]);
        write(self);
        self.0.extend(["</", name, ">"]);
    }

    pub(super) fn reply(self) -> Reply {
        Reply::text(StatusCode::OK, self.0).with(header::CONTENT_TYPE, "application/xml")
    }
}

/// The text of the first element of a name, which has no attributes.
pub(super) fn text_of<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_escaped() {
        let mut document = Document::new();
        document.element_with("A", " b=\"c\"", |document| document.leaf("D", "<&>\""));
        assert!(
            document
                .0
                .ends_with("<A b=\"c\"><D>&lt;&amp;&gt;&quot;</D></A>")
        );
    }

    #[test]
    fn a_text_is_found() {
        let document = "<KeyInfo><Start>a</Start>\n<Expiry> b </Expiry></KeyInfo>";
        assert_eq!(text_of(document, "Expiry"), Some("b"));
        assert_eq!(text_of(document, "End"), None);
    }
}
