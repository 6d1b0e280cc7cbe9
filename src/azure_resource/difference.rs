//! Differences between a spec and a resource. Pure.

use crate::azure_resource::api::DifferenceStatus;

/// Values in a status are cut at this many characters.
const LONGEST: usize = 256;

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as the spec names it.
    pub path: String,
    /// What the spec says.
    pub desired: String,
    /// What the resource has.
    pub observed: String,
    /// Why nobody can make the resource as the spec says; none where it can be written.
    pub stuck: Option<&'static str>,
}

impl Difference {
    /// A difference that can be written.
    pub fn new(
        path: impl Into<String>,
        desired: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            desired: desired.into(),
            observed: observed.into(),
            stuck: None,
        }
    }

    /// One that stays, and why.
    #[must_use]
    pub fn stuck(self, why: &'static str) -> Self {
        Self {
            stuck: Some(why),
            ..self
        }
    }

    /// As a status says it.
    pub fn told(&self) -> DifferenceStatus {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        DifferenceStatus {
            path: self.path.clone(),
            desired: cut(&self.desired),
            observed: cut(&self.observed),
        }
    }
}

/// Whether differences are at a field, or below it.
pub fn touches(differences: &[Difference], path: &str) -> bool {
    let mut paths = differences.iter().map(|one| one.path.as_str());
    paths.any(|one| {
        one.strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// Compares what the spec says, where it says something, with what the resource has.
pub fn differs<T: PartialEq + ToString>(
    path: &str,
    desired: Option<&T>,
    observed: &T,
) -> Option<Difference> {
    let desired = desired.filter(|desired| *desired != observed)?;
    Some(Difference::new(
        path,
        desired.to_string(),
        observed.to_string(),
    ))
}
