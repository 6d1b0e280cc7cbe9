//! Claims challenges of continuous access evaluation: a vault that wants a token made for certain claims
//! (<https://learn.microsoft.com/entra/identity-platform/claims-challenge>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Whether a token was made for a request that carried the wanted claims; others beside them do no harm, since clients
/// add their capabilities.
pub(crate) fn are_met(requested: Option<&Value>, wanted: &str) -> bool {
    let wanted: Option<Value> = serde_json::from_str(wanted).ok();
    match (requested, wanted) {
        (Some(requested), Some(wanted)) => holds(requested, &wanted),
        _ => false,
    }
}

/// Objects are compared by the members that are wanted, all else whole.
fn holds(given: &Value, wanted: &Value) -> bool {
    match (given, wanted) {
        (Value::Object(given), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| given.get(name).is_some_and(|one| holds(one, value))),
        _ => given == wanted,
    }
}

/// The challenge's parameters beyond authority and resource.
pub(crate) fn parameters(wanted: &str) -> String {
    format!(
        "error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(wanted)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_meets_what_it_holds() {
        let wanted = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let exact = json!({"access_token": {"nbf": {"essential": true, "value": "1"}}});
        let merged = json!({"access_token": {
            "nbf": {"essential": true, "value": "1"}, "xms_cc": {"values": ["CP1"]},
        }});
        let other = json!({"access_token": {"nbf": {"essential": true, "value": "2"}}});
        let only_capable = json!({"access_token": {"xms_cc": {"values": ["CP1"]}}});
        assert!(are_met(Some(&exact), wanted) && are_met(Some(&merged), wanted));
        assert!(!are_met(Some(&other), wanted));
        assert!(!are_met(Some(&only_capable), wanted));
        assert!(!are_met(None, wanted));
    }
}
