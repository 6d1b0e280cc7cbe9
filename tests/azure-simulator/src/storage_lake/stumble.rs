//! Changes of access that fail because a test asks for it.

use serde::{Deserialize, Serialize};

use super::tree::path;

/// Paths whose access cannot be changed, as a test asks for it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stumble {
    /// A path. `/**` at its end: all that is below it, too.
    pub(crate) path: String,
    /// How many more times; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u32>,
}

impl Stumble {
    fn is_of(&self, path: &str) -> bool {
        let own = self.path.trim_matches('/');
        match own.strip_suffix("**") {
            Some(above) => {
                let above = above.trim_end_matches('/');
                path == above
                    || above.is_empty()
                    || path
                        .strip_prefix(above)
                        .is_some_and(|rest| rest.starts_with('/'))
            }
            None => path == own,
        }
    }
}

/// Whether a path's change of access is to fail; counts it.
pub(crate) fn stumbles(list: &mut [Stumble], key: &str) -> bool {
    if list.is_empty() {
        return false;
    }
    let text = path::text(key);
    let hit = |one: &&mut Stumble| one.count != Some(0) && one.is_of(&text);
    let Some(one) = list.iter_mut().find(hit) else {
        return false;
    };
    if let Some(count) = &mut one.count {
        *count -= 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stumble_is_about_its_paths_and_runs_out() {
        let one = |path: &str, count| Stumble {
            path: path.to_owned(),
            count,
        };
        let mut list = vec![one("/a/b", Some(1)), one("c/**", None)];
        assert!(stumbles(&mut list, "a\0b") && !stumbles(&mut list, "a\0b"));
        assert!(
            stumbles(&mut list, "c") && stumbles(&mut list, "c\0d") && !stumbles(&mut list, "cd")
        );
    }
}
