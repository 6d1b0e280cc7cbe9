//! Where a stack says its services are.

use serde_json::{Value, json};

use super::{EDGE_ADFS, get, metadata, start};
use crate::{
    common::{HostsFile, Sim},
    entra::claims_of,
};

#[tokio::test]
async fn the_first_api_version_gives_an_object() {
    let sim = start().await;
    let local = metadata(&sim, "local", "2015-01-01").await;
    assert_eq!(
        local["authentication"]["loginEndpoint"],
        "https://login.sim.test/"
    );
    assert_eq!(local["graphEndpoint"], "https://graph.sim.test/");
    let audience = local["authentication"]["audiences"][0].as_str().unwrap();
    assert!(
        audience.starts_with("https://management.contoso.onmicrosoft.com/"),
        "{audience}"
    );
    let edge = metadata(&sim, "edge", "2015-01-01").await;
    assert_eq!(edge["authentication"]["loginEndpoint"], EDGE_ADFS);
    assert_eq!(
        edge["graphEndpoint"],
        "https://graph.edge.azurestack.sim.test/"
    );
    let audience = edge["authentication"]["audiences"][0].as_str().unwrap();
    assert!(
        audience.starts_with("https://management.adfs.azurestack.sim.test/"),
        "{audience}"
    );
}

/// The one entry of an answer.
fn entry_of<'a>(document: &'a Value, version: &str) -> &'a Value {
    if version == "2022-09-01" {
        assert!(document.is_object(), "{document}");
        return document;
    }
    assert_eq!(document.as_array().unwrap().len(), 1);
    &document[0]
}

#[tokio::test]
async fn later_api_versions_give_an_array_and_the_last_its_entry() {
    let sim = start().await;
    for version in ["2019-10-01", "2022-09-01"] {
        for (region, provider) in [("local", "AAD"), ("edge", "ADFS")] {
            let document = metadata(&sim, region, version).await;
            let object = metadata(&sim, region, "2015-01-01").await;
            let entry = entry_of(&document, version);
            assert_eq!(entry["authentication"]["identityProvider"], provider);
            for same in ["loginEndpoint", "audiences"] {
                assert_eq!(
                    entry["authentication"][same],
                    object["authentication"][same]
                );
            }
            let suffix = format!("vault.{region}.azurestack.sim.test");
            assert_eq!(entry["suffixes"]["keyVaultDns"], suffix);
        }
    }
}

#[tokio::test]
async fn the_simulators_own_cloud_is_in_an_array() {
    let sim = Sim::start().await;
    let url =
        |version| format!("https://management.sim.test/metadata/endpoints?api-version={version}");
    for version in ["2019-05-01", "2022-09-01"] {
        let (status, document) = get(&sim, &url(version)).await;
        assert_eq!(status, 200, "{document}");
        let entry = entry_of(&document, version);
        assert_eq!(
            entry["authentication"]["loginEndpoint"],
            "https://login.sim.test/"
        );
        assert_eq!(entry["suffixes"]["keyVaultDns"], "vault.sim.test");
        let audience = entry["authentication"]["audiences"][0].as_str().unwrap();
        let scope = format!("{audience}/.default");
        assert_eq!(claims_of(&sim.token_for(&scope).await)["aud"], audience);
    }
    let (status, _) = get(&sim, "https://management.sim.test/nothing").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_bad_api_version_is_told() {
    let sim = start().await;
    let base = "https://management.local.azurestack.sim.test/metadata/endpoints";
    for (query, code) in [
        ("", "MissingApiVersionParameter"),
        ("?api-version=2019-05-01", "InvalidApiVersionParameter"),
    ] {
        let (status, body) = get(&sim, &format!("{base}{query}")).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(code)));
    }
}

#[tokio::test]
async fn the_document_names_hosts_as_its_reader_does() {
    let sim = start().await;
    let base = format!("{}/_host", sim.endpoints().azure);
    let url = format!(
        "{base}/management.edge.azurestack.sim.test/metadata/endpoints?api-version=2015-01-01"
    );
    let (_, document) = get(&sim, &url).await;
    let login = document["authentication"]["loginEndpoint"]
        .as_str()
        .unwrap();
    assert_eq!(login, format!("{base}/adfs.edge.azurestack.sim.test/adfs"));
    let (status, openid) = get(&sim, &format!("{login}/.well-known/openid-configuration")).await;
    assert_eq!(status, 200);
    assert!(
        openid["token_endpoint"]
            .as_str()
            .unwrap()
            .starts_with(login),
        "{openid}"
    );
}

#[tokio::test]
async fn a_stacks_hosts_resolve_and_its_vaults_have_no_other_name() {
    let sim = start().await;
    let hosts = HostsFile(sim.endpoints().hosts_file.clone());
    for name in [
        "management.local.azurestack.sim.test",
        "management.edge.azurestack.sim.test",
        "adfs.edge.azurestack.sim.test",
        "kv-local.vault.local.azurestack.sim.test",
        "kv-edge.vault.edge.azurestack.sim.test",
    ] {
        assert!(hosts.find(name).is_some(), "{name}");
    }
    for name in ["adfs.local.azurestack.sim.test", "kv-local.vault.sim.test"] {
        assert!(hosts.find(name).is_none(), "{name}");
    }
    let base = format!("{}/_host", sim.endpoints().azure);
    for host in [
        "kv-local.vault.sim.test",
        "kv-demo.vault.local.azurestack.sim.test",
    ] {
        let (status, _) = get(&sim, &format!("{base}/{host}/secrets?api-version=7.5")).await;
        assert_eq!(status, 404, "{host}");
    }
}
