//! Each fault, met by each write of an account and of its lake.

mod deaths;
mod lakes;
mod states;

use anyhow::Result;

use self::states::State;
use crate::faults::each;
use crate::kit::Kit;
use crate::{Case, cases};

pub fn cases() -> Vec<Case> {
    let own = cases![faults_of_accounts, faults_of_their_keys];
    [own, lakes::cases(), deaths::cases()]
        .into_iter()
        .flatten()
        .collect()
}

async fn faults_of_accounts(kit: Kit) -> Result<()> {
    each(kit, [State::Create, State::Update, State::Delete]).await
}

async fn faults_of_their_keys(kit: Kit) -> Result<()> {
    each(kit, [State::Rotate]).await
}
