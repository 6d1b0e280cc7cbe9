//! Secrets of the machine are shown to nobody but its own endpoints.

use lakevault::azure::auth::managed::{Patience, Which};
use lakevault::problem::Reason;
use testbed::Fault;

use crate::machine::{Machine, environment, resource, system};

#[tokio::test]
async fn a_key_outside_of_the_agents_folder_is_not_sent() {
    let machine = Machine::usual("arc-folder").await;
    let environment = environment(machine.variables("arc"));
    // The folder that the program has without being told another, which is not the simulator's.
    let problem = system(&machine.http(), &environment, &resource(), Patience::Book)
        .await
        .unwrap_err();
    assert_eq!(problem.reason, Reason::AuthenticationFailed, "{problem}");
    assert!(
        problem.message.contains("/var/opt/azcmagent/tokens"),
        "{problem}"
    );
    let foreign = Fault::ForeignChallenge {
        authorization: "/etc/hostname".to_owned(),
        resource: String::new(),
    };
    machine.fault("arc", foreign).await;
    let problem = machine.token("arc", &Which::System).await.unwrap_err();
    assert_eq!(problem.reason, Reason::AuthenticationFailed, "{problem}");
    assert_eq!(machine.requests("arc").await, 2, "a challenge was answered");
}

#[tokio::test]
async fn service_fabrics_certificate_must_be_the_one_of_the_thumbprint() {
    let machine = Machine::usual("fabric").await;
    let mut variables = machine.variables("servicefabric");
    variables[2].1 = "00".repeat(20);
    let environment = environment(variables);
    let problem = system(&machine.http(), &environment, &resource(), Patience::Book)
        .await
        .unwrap_err();
    assert_eq!(problem.reason, Reason::CertificateNotTrusted, "{problem}");
    assert!(
        problem.message.contains("IDENTITY_SERVER_THUMBPRINT"),
        "{problem}"
    );
    assert_eq!(
        machine.requests("servicefabric").await,
        0,
        "the secret was sent"
    );
}
