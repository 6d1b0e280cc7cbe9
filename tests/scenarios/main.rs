//! Five documents about signing in to Azure from Python, followed as they are given, and the same jobs done by Lakevault.
//!
//! The documents' programs are in `documents/`. They run in real Python with the clients of their years, and Azure's own
//! names lead to a simulator that answers to them. Lakevault's part is the YAML of docs/scenarios.md, applied as it stands to
//! a real control plane, and the commands of that page. What both get is compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no callers")]

mod azure_stack;
mod default_chain;
mod end_user;
#[allow(
    dead_code,
    clippy::default_trait_access,
    clippy::needless_pass_by_value,
    clippy::similar_names,
    reason = "the kit is the cluster tests'; the world is all that is used of it"
)]
#[path = "../cluster/kit.rs"]
mod kit;
mod lake;
mod ml_server;
mod page;
mod place;
mod program;
mod python;
mod service_to_service;
mod tokens;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::sync::OnceCell;

use kit::World;

/// What the scenarios share: a world, made when the first of them needs it.
#[derive(Default)]
pub struct Stage(OnceCell<Arc<World>>);

impl Stage {
    pub async fn world(&self) -> Result<Arc<World>> {
        let start = async || Ok(Arc::new(place::world("scenarios").await?));
        self.0.get_or_try_init(start).await.cloned()
    }
}

type Case = (
    &'static str,
    fn(Arc<Stage>) -> LocalBoxFuture<'static, Result<()>>,
);

const CASES: [Case; 8] = [
    ("service_to_service", |stage| {
        Box::pin(service_to_service::an_application_signs_in_with_its_secret(
            stage,
        ))
    }),
    ("end_user::document_and_pod", |stage| {
        Box::pin(end_user::a_person_signs_in_for_a_pod(stage))
    }),
    ("end_user::command_line", |stage| {
        Box::pin(end_user::a_person_signs_in_at_the_command_line(stage))
    }),
    ("default_chain", |_| {
        Box::pin(default_chain::the_first_that_the_machine_offers_wins())
    }),
    ("ml_server::document", |stage| {
        Box::pin(ml_server::the_documents_program_connects(stage))
    }),
    ("ml_server::pod", |stage| {
        Box::pin(ml_server::a_pod_gets_tokens_of_both_kinds(stage))
    }),
    ("azure_stack::aad", |stage| {
        Box::pin(azure_stack::behind_entra(stage))
    }),
    ("azure_stack::adfs", |stage| {
        Box::pin(azure_stack::behind_its_own_federation_service(stage))
    }),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each runs several processes.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let stage = Arc::new(Stage::default());
    let trials = CASES.map(|(name, run)| {
        let (stage, handle) = (Arc::clone(&stage), runtime.handle().clone());
        Trial::test(name, move || {
            let done = handle.block_on(run(stage));
            done.map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    // Its processes end here, within the runtime that they belong to.
    let _guard = runtime.enter();
    drop(stage);
    conclusion.exit_code()
}
