use super::*;
use crate::vault_secret_sync::fixtures::{ml_server, sync_with};
use crate::vault_secret_sync::valid;

fn only(entry: &serde_json::Value) -> Result<Item, Problem> {
    let sync = sync_with(|spec| spec["data"] = serde_json::json!([entry]));
    valid::parse(&sync).map(|valid| valid.items.into_iter().next().unwrap())
}

#[test]
fn what_cannot_be_is_refused_by_field() {
    let token = |token: serde_json::Value| serde_json::json!({"key": "K", "accessToken": token});
    let server = |field: &str, value: serde_json::Value| {
        let mut server = ml_server();
        server["mlServer"][field] = value;
        token(server)
    };
    let mut both = ml_server();
    both["resource"] = "api://x".into();
    let cases = [
        (serde_json::json!({"key": "K"}), "data[0]: exactly one"),
        (
            serde_json::json!({"key": "K", "secret": {"name": "s"}, "accessToken": {"resource": "api://x"}}),
            "data[0]: exactly one",
        ),
        (token(serde_json::json!({})), "accessToken: exactly one"),
        (token(both), "accessToken: exactly one"),
        (
            token(serde_json::json!({"resource": "/.default"})),
            "accessToken.resource",
        ),
        (
            token(serde_json::json!({"resource": "api://a b"})),
            "accessToken.resource",
        ),
        (
            server("url", "http://mls.example.net".into()),
            "mlServer.url",
        ),
        (server("username", "".into()), "mlServer.username"),
        (
            server(
                "passwordFrom",
                serde_json::json!({"name": "A_b", "key": "k"}),
            ),
            "mlServer.passwordFrom.name",
        ),
        (
            server(
                "passwordFrom",
                serde_json::json!({"name": "a", "key": "a/b"}),
            ),
            "mlServer.passwordFrom.key",
        ),
    ];
    for (entry, named) in cases {
        let problem = only(&entry).unwrap_err();
        assert_eq!(problem.reason, Reason::InvalidSpec);
        assert!(
            problem.message.contains(named),
            "{problem} does not name {named}"
        );
    }
}
