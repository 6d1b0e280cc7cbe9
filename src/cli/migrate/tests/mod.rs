//! What is made of other operators' objects is what Lakevault takes, and all that is not made is told.

mod corpus;
mod external;
mod handovers;
mod others;
mod stores;

use serde_json::Value;

use super::*;

/// The files of the corpus.
pub(super) const CORPUS: [(&str, &str); 7] = [
    (
        "secretstore.yaml",
        include_str!("../../../../tests/fixtures/migrate/secretstore.yaml"),
    ),
    (
        "clustersecretstore.yaml",
        include_str!("../../../../tests/fixtures/migrate/clustersecretstore.yaml"),
    ),
    (
        "externalsecret.yaml",
        include_str!("../../../../tests/fixtures/migrate/externalsecret.yaml"),
    ),
    (
        "pushsecret.yaml",
        include_str!("../../../../tests/fixtures/migrate/pushsecret.yaml"),
    ),
    (
        "azurekeyvaultsecret.yaml",
        include_str!("../../../../tests/fixtures/migrate/azurekeyvaultsecret.yaml"),
    ),
    (
        "secretproviderclass.yaml",
        include_str!("../../../../tests/fixtures/migrate/secretproviderclass.yaml"),
    ),
    (
        "around.yaml",
        include_str!("../../../../tests/fixtures/migrate/around.yaml"),
    ),
];

pub(super) const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
pub(super) const TENANT: &str = "11111111-1111-1111-1111-111111111111";

/// What came of the files.
pub(super) struct Came(pub(super) Migration);

impl Came {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let mut input = Input::default();
        for (file, text) in files {
            input.add(file, text, "team").unwrap();
        }
        Self::from(&input)
    }

    pub(super) fn from(input: &Input) -> Self {
        Self(converted(input, None, None))
    }

    pub(super) fn text(text: &str) -> Self {
        let around = CORPUS[6];
        Self::of(&[("given.yaml", text), around])
    }

    /// The object of a kind and a name.
    pub(super) fn made(&self, kind: &str, name: &str) -> &Made {
        let mut all = self.0.made.iter();
        all.find(|made| made.object["kind"] == kind && made.name() == name)
            .unwrap_or_else(|| panic!("no {kind} {name}: {:?}", self.names()))
    }

    pub(super) fn sync(&self, name: &str) -> &Value {
        &self.made("VaultSecretSync", name).object["spec"]
    }

    pub(super) fn names(&self) -> Vec<String> {
        let all = self.0.made.iter();
        all.map(|made| format!("{} {}", made.object["kind"].as_str().unwrap(), made.name()))
            .collect()
    }

    /// All remarks, as they are told.
    pub(super) fn remarks(&self) -> Vec<String> {
        let made = self.0.made.iter().flat_map(|made| &made.remarks);
        let all = self.0.left.iter().chain(made);
        all.map(|remark| format!("{}: {}", remark.of, remark.note))
            .collect()
    }

    pub(super) fn tells(&self, words: &[&str]) {
        let remarks = self.remarks();
        let told = remarks
            .iter()
            .any(|remark| words.iter().all(|word| remark.contains(word)));
        assert!(told, "{words:?} in {remarks:#?}");
    }

    pub(super) fn printed(&self) -> String {
        written::all(&self.0).unwrap()
    }
}
