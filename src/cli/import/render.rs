//! A manifest as YAML, with what it does not say before it. Pure.

use crate::azure_resource::import::Manifest;

/// The YAML of a manifest, and comments. The error says why it cannot be written.
pub(in crate::cli) fn render(manifest: &Manifest) -> Result<String, String> {
    let yaml = serde_saphyr::to_string(&manifest.object).map_err(|error| error.to_string())?;
    let notes = manifest.notes.iter().map(|note| {
        // Names and tags are somebody else's text, and a comment ends with its line.
        let plain = |c: char| {
            if c.is_control() || "\u{85}\u{2028}\u{2029}".contains(c) {
                ' '
            } else {
                c
            }
        };
        format!("# {}\n", note.chars().map(plain).collect::<String>())
    });
    Ok(notes.chain([yaml]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_in_comments() {
        let manifest = Manifest {
            object: serde_json::json!({"kind": "KeyVault"}),
            notes: vec!["one\nkind: Other".to_owned(), "two".to_owned()],
        };
        let text = render(&manifest).unwrap();
        assert_eq!(text, "# one kind: Other\n# two\nkind: KeyVault\n");
    }
}
