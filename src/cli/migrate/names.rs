//! Names of syncs, each once in a namespace. Pure.

use std::collections::BTreeSet;

/// Those that are taken: namespace and name.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(BTreeSet<(String, String)>);

impl Names {
    /// The name, or one that is free and begins with it: what reads and what pushes may have one name there.
    pub(super) fn free(&mut self, namespace: &str, name: &str, ending: &str) -> String {
        let first = std::iter::once(name.to_owned());
        let second = std::iter::once(format!("{name}{ending}"));
        let more = (2..).map(|number| format!("{name}{ending}-{number}"));
        let mut all = first.chain(second).chain(more);
        let free = all.find(|name| self.0.insert((namespace.to_owned(), name.clone())));
        free.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_given_once() {
        let mut names = Names::default();
        let mut free = |namespace, ending| names.free(namespace, "app", ending);
        assert_eq!(free("a", ""), "app");
        assert_eq!(free("b", ""), "app");
        assert_eq!(free("a", "-push"), "app-push");
        assert_eq!(free("a", "-push"), "app-push-2");
    }
}
