//! The Helm chart: what it refuses, what it renders, and what a real API server says to it.
//!
//! The real helm renders. Where an API server is needed, all tests share one control plane and have namespaces of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "tables of cases are long"
)]
#![allow(unreachable_pub, missing_docs, reason = "a test binary has no callers")]

mod admission;
mod helm;
mod namespaced;
mod parts;
mod release;
mod rendered;
mod server;
mod telling;
mod values;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use testbed::{ControlPlane, ControlPlaneOptions, Scratch, binaries};

/// What the tests share.
pub struct World {
    pub control_plane: ControlPlane,
    pub client: kube::Client,
    /// Last: the folder is removed when the processes have ended.
    pub scratch: Scratch,
}

impl World {
    async fn start() -> Result<Self> {
        let scratch = Scratch::new("chart")?;
        let options = ControlPlaneOptions {
            // Those of the chart come with it.
            crds: vec![binaries::repository().join("tests/chart/prometheus-operator")],
            ..Default::default()
        };
        let folder = scratch.path().join("control-plane");
        let control_plane = ControlPlane::start(&folder, options).await?;
        let client = control_plane.client().await?;
        Ok(Self {
            control_plane,
            client,
            scratch,
        })
    }
}

/// A test: a name, and what it does.
pub struct Case {
    name: &'static str,
    run: Run,
}

/// What a test needs.
pub enum Run {
    /// Helm alone.
    Alone(fn() -> Result<()>),
    /// The API server, too.
    Served(fn(Arc<World>) -> LocalBoxFuture<'static, Result<()>>),
}

/// Lists functions as tests.
#[macro_export]
macro_rules! alone {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: $crate::Run::Alone($name),
        }),*]
    };
}

/// Lists async functions as tests on the API server.
#[macro_export]
macro_rules! served {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: $crate::Run::Served(|world| Box::pin($name(world))),
        }),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The definitions are of the whole cluster, and one test has a release that owns them.
    arguments.test_threads = Some(1);
    let cases: Vec<Case> = [
        values::cases(),
        rendered::cases(),
        parts::cases(),
        telling::cases(),
        server::cases(),
        admission::cases(),
        release::cases(),
        namespaced::cases(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let chosen = |case: &Case| {
        let wanted = arguments.filter.as_deref();
        wanted.is_none_or(|wanted| case.name.contains(wanted))
    };
    let served = |case: &Case| matches!(case.run, Run::Served(_)) && chosen(case);
    let world = (!arguments.list && cases.iter().any(served)).then(|| {
        let world = runtime.block_on(World::start());
        Arc::new(world.unwrap_or_else(|error| panic!("{error:#}")))
    });
    let trials = cases
        .into_iter()
        .map(|case| {
            let (world, handle) = (world.clone(), runtime.handle().clone());
            Trial::test(case.name, move || {
                let outcome = match (case.run, world) {
                    (Run::Alone(run), _) => run(),
                    (Run::Served(run), Some(world)) => handle.block_on(run(world)),
                    (Run::Served(_), None) => Ok(()),
                };
                outcome.map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(world);
    if conclusion.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
