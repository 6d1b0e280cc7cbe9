//! The operator on a real API server against the simulator, all as real processes.
//!
//! One control plane, one simulator and one operator serve all tests; each test has a namespace, an application and a vault
//! of its own. When all have run, the operator is ended by SIGTERM, and everything that it printed, said or stored outside
//! Secrets is searched for the values that the tests planted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]
#![allow(
    clippy::default_trait_access,
    clippy::needless_pass_by_value,
    clippy::similar_names,
    clippy::too_many_lines,
    reason = "tables of cases are long, and the API takes many parameters that stay as they are"
)]
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no callers")]

mod audit;
mod basics;
mod cel;
mod clouds;
mod conventions;
mod credentials;
mod data_lake_accounts;
mod diagnose;
mod documents;
mod drift;
mod environments;
mod estate;
mod examples;
mod faults;
mod hands;
mod hub;
mod identity_faults;
mod identity_grants;
mod isolation;
mod key_vaults;
mod kit;
mod kubectl;
mod lane;
mod leaders;
mod leaks;
mod lifecycle;
mod logins;
mod matrix;
mod merge;
mod migration;
mod ownership;
mod plans;
mod push;
mod restarts;
mod rollouts;
mod scene;
mod several_vaults;
mod sources;
mod stands;
mod storage_accounts;
mod stress;
mod templates;
mod times;
mod tokens;
mod told;
mod traces;
mod vault_faults;
mod vault_objects;
mod vault_ref;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

use kit::{Kit, World};

/// A test: a name, and what it does in a namespace of its own.
pub struct Case {
    name: &'static str,
    run: fn(Kit) -> LocalBoxFuture<'static, Result<()>>,
}

/// Lists async functions as tests.
#[macro_export]
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: |kit| Box::pin($name(kit)),
        }),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Tests wait far more than they compute.
    arguments.test_threads = arguments.test_threads.or(Some(6));
    let cases = [
        audit::cases(),
        basics::cases(),
        cel::cases(),
        clouds::cases(),
        conventions::cases(),
        diagnose::cases(),
        credentials::cases(),
        data_lake_accounts::cases(),
        documents::cases(),
        drift::cases(),
        environments::cases(),
        examples::cases(),
        hub::cases(),
        identity_faults::cases(),
        identity_grants::cases(),
        isolation::cases(),
        key_vaults::cases(),
        kubectl::cases(),
        leaders::cases(),
        lifecycle::cases(),
        logins::cases(),
        matrix::cases(),
        merge::cases(),
        migration::cases(),
        ownership::cases(),
        plans::cases(),
        push::cases(),
        restarts::cases(),
        rollouts::cases(),
        several_vaults::cases(),
        sources::cases(),
        stands::cases(),
        storage_accounts::cases(),
        stress::cases(),
        vault_faults::cases(),
        vault_objects::cases(),
        vault_ref::cases(),
        templates::cases(),
        times::cases(),
        told::cases(),
        traces::cases(),
        tokens::cases(),
    ]
    .into_iter()
    .flatten();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if arguments.list {
        let trials = cases
            .map(|case| Trial::test(case.name, || Ok(())))
            .collect();
        return exit_code(&libtest_mimic::run(&arguments, trials));
    }
    let world = Arc::new(
        runtime
            .block_on(World::start())
            .unwrap_or_else(|error| panic!("{error:#}")),
    );
    let trials = cases
        .map(|case| {
            let (world, handle) = (Arc::clone(&world), runtime.handle().clone());
            Trial::test(case.name, move || {
                let run = async { (case.run)(Kit::new(world, case.name).await?).await };
                handle
                    .block_on(run)
                    .map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let refused = runtime.block_on(audit::nothing_was_refused(&world));
    let leaks = runtime.block_on(leaks::afterwards(world));
    let outcomes = [
        (
            "afterwards::operator_asked_for_nothing_that_it_may_not",
            refused,
        ),
        (
            "afterwards::operator_ends_cleanly_and_has_printed_no_secret",
            leaks,
        ),
    ];
    let last = outcomes.map(|(name, outcome)| {
        let outcome = outcome.map_err(|error| format!("{error:#}"));
        Trial::test(name, move || outcome.map_err(Failed::from))
    });
    let last = libtest_mimic::run(&Arguments::default(), last.into());
    if conclusion.has_failed() {
        ExitCode::FAILURE
    } else {
        exit_code(&last)
    }
}

fn exit_code(conclusion: &Conclusion) -> ExitCode {
    if conclusion.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
