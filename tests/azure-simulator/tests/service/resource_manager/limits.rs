//! Limits on requests.

use super::*;

#[tokio::test]
async fn an_empty_bucket_answers_with_the_time_to_wait() {
    let arm = Arm::owner().await;
    let bucket = json!({"size": 2, "refillPerSecond": 0.001});
    arm.settings(json!({"throttle": {"reads": bucket}})).await;
    let left = async || {
        let answer = arm
            .send(Method::GET, &subscription(""), GROUPS, &Value::Null)
            .await;
        let name = "x-ms-ratelimit-remaining-subscription-reads";
        let left = answer
            .headers()
            .get(name)
            .map(|left| left.to_str().unwrap().to_owned());
        let wait = answer.headers().get("retry-after").cloned();
        (answer.status().as_u16(), left, wait, split(answer).await.1)
    };
    assert_eq!(left().await.1.as_deref(), Some("1"));
    assert_eq!(left().await.1.as_deref(), Some("0"));
    let (status, _, wait, body) = left().await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (429, &json!("SubscriptionRequestsThrottled"))
    );
    assert!(wait.unwrap().to_str().unwrap().parse::<u64>().unwrap() > 900);
    assert_eq!(
        arm.put_vault("kv-new", json!({})).await.0,
        200,
        "writes have a bucket of their own"
    );
}
