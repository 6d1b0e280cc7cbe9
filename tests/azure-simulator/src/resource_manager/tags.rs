//! Tags of resources
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations>).

use crate::world::{failure::Failure, object::Tags};

const MAX: usize = 50;
pub(super) const MAX_NAME: usize = 512;
/// Of storage accounts.
pub(super) const MAX_NAME_OF_STORAGE: usize = 128;
const MAX_VALUE: usize = 256;

/// At most 50 tags, of the lengths and letters that the resource manager takes.
pub(super) fn check_tags(tags: Option<&Tags>, longest: usize) -> Result<(), Failure> {
    let Some(tags) = tags else { return Ok(()) };
    if tags.len() > MAX {
        let message = format!("The number of tags exceeds the limit of {MAX}.");
        return Err(Failure::gateway(400, "TooManyTags", message));
    }
    for (name, value) in tags {
        if name.is_empty() || name.chars().count() > longest {
            let message = format!("The tag name '{name}' must have 1 to {longest} characters.");
            return Err(Failure::gateway(400, "InvalidTagNameLength", message));
        }
        if name.contains(['<', '>', '%', '&', '\\', '?', '/']) {
            let message = format!(
                "The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters."
            );
            return Err(Failure::gateway(400, "InvalidTagNameCharacters", message));
        }
        if value.chars().count() > MAX_VALUE {
            let message = format!("The value of the tag '{name}' exceeds {MAX_VALUE} characters.");
            return Err(Failure::gateway(400, "InvalidTagValueLength", message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_limits() {
        let tags = |count: usize| {
            (0..count)
                .map(|n| (format!("t{n}"), String::new()))
                .collect()
        };
        let one = |name: String| [(name, String::new())].into();
        assert!(check_tags(Some(&tags(50)), MAX_NAME).is_ok());
        assert!(check_tags(Some(&tags(51)), MAX_NAME).is_err());
        assert!(check_tags(Some(&one("a/b".to_owned())), MAX_NAME).is_err());
        let long = one("n".repeat(129));
        assert!(check_tags(Some(&long), MAX_NAME).is_ok());
        assert!(check_tags(Some(&long), MAX_NAME_OF_STORAGE).is_err());
    }
}
