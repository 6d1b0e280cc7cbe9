use super::*;
use crate::vault_secret_sync::fixtures::{ml_server, sync_with};
use crate::vault_secret_sync::valid;

fn only(entry: &serde_json::Value) -> Item {
    let sync = sync_with(|spec| spec["data"] = serde_json::json!([entry]));
    valid::parse(&sync).unwrap().items.remove(0)
}

fn line(item: &Item, updated: Option<i64>) -> String {
    let held = Held {
        version: "v1".parse().unwrap(),
        updated: updated.map(|second| Timestamp::from_second(second).unwrap()),
    };
    let states = vec![held; item.needs().len()];
    let line = origin(item, &states);
    assert_eq!(super::states(item, &line), Some(states), "{line}");
    assert_eq!(version_of(&line), "v1");
    line
}

#[test]
fn a_line_tells_all_that_decides_a_value() {
    let secret = serde_json::json!({"name": "db-password", "property": "a.b", "decode": "Base64"});
    let secret = only(&serde_json::json!({"key": "K", "secret": secret}));
    assert_eq!(
        line(&secret, Some(1_493_938_410)),
        "db-password/v1@1493938410#a.b|Base64"
    );
    let other = serde_json::json!({"key": "K", "secret": {"name": "s"}, "vaultUri": "https://kv2.vault.azure.net"});
    assert_eq!(line(&only(&other), None), "kv2.vault.azure.net!s/v1");
    let token = serde_json::json!({"key": "K", "accessToken": {"resource": "api://x/y|z#"}});
    assert_eq!(
        line(&only(&token), None),
        "token:/v1#token of AzureIdentity team/payments for api://x/y|z#"
    );
    let login = serde_json::json!({"key": "K", "accessToken": ml_server()});
    assert_eq!(
        line(&only(&login), None),
        "token:/v1#token of user \"ada\" of https://mls.example.net:12800"
    );
}
