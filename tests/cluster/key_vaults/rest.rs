//! Vaults that nobody disturbs.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use serde_json::json;

use super::estate::{Estate, asked};
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![undisturbed_vaults_cost_one_read_each_and_no_write]
}

/// How many there are, and how often each is looked at.
const VAULTS: usize = 20;
const LOOKS: usize = 3;

async fn undisturbed_vaults_cost_one_read_each_and_no_write(kit: Kit) -> Result<()> {
    let estate = Estate::new(kit).await?;
    let names = (0..VAULTS).map(|n| format!("{}-q{n}", estate.kit.vault));
    let all: Vec<Estate> = names.map(|name| estate.named(name)).collect();
    try_join_all(all.iter().map(async |one| {
        one.apply(|spec| {
            spec["refreshInterval"] = json!("1h");
            spec["tags"] = json!({"Team": "payments"});
            spec["location"] = json!("West Europe");
            spec["networkRules"] = json!({"defaultAction": "Allow", "ipRules": ["203.0.113.7/32"]});
        })
        .await
    }))
    .await?;
    for one in &all {
        one.is_ready().await?;
    }
    let before = asked(&estate.kit).await?.len();
    for _ in 0..LOOKS {
        try_join_all(all.iter().map(Estate::look)).await?;
    }
    let mut calls: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in asked(&estate.kit).await?.into_iter().skip(before) {
        if entry.path.contains(&estate.subscription) {
            *calls.entry((entry.operation, entry.path)).or_default() += 1;
        }
    }
    ensure!(calls.len() == VAULTS, "{calls:?}");
    for ((operation, path), number) in calls {
        ensure!(
            operation == "GetVault" && number == LOOKS,
            "{operation} {path}: {number} times in {LOOKS} intervals"
        );
    }
    Ok(())
}

impl Estate {
    /// Another KeyVault of the same subscription.
    fn named(&self, name: String) -> Self {
        let mut named = self.of_kit(&self.kit);
        named.name = name;
        named
    }
}
