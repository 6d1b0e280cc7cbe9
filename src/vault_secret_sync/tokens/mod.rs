//! Asks for the tokens of a sync, each with an outcome of its own.

pub mod logins;
pub mod times;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use crate::azure::auth::{Token, Want};
use crate::azure::resource::Resource;
use crate::azure_identity::grant::{self, Borrower};
use crate::azure_identity::observe::{named_secret, trimmed};
use crate::azure_identity::valid::Usable as Identity;
use crate::hub::Outcome;
use crate::problem::Problem;
use crate::vault_secret_sync::ctx::Ctx;
use crate::vault_secret_sync::items::item::{Login, TokenOf};
use crate::vault_secret_sync::tokens::logins::Who;
use crate::vault_secret_sync::tokens::times::bundle;
use crate::vault_secret_sync::valid::Valid;
use crate::vault_secret_sync::wants::wanted::Issued;

/// What is given for the wanted tokens. Without an identity, those of an identity are left out.
pub async fn tokens(
    ctx: &Ctx,
    valid: &Valid,
    identity: Option<&Identity>,
    wanted: BTreeMap<TokenOf, Issued>,
    anew: bool,
) -> BTreeMap<TokenOf, Outcome> {
    let asked = wanted.into_iter().map(async |(token, issued)| {
        let outcome = match (&token, identity) {
            (TokenOf::Identity { resource, .. }, Some(identity)) => {
                of_identity(ctx, valid, identity, resource, issued).await
            }
            (TokenOf::Identity { .. }, None) => return None,
            (TokenOf::MlServer(login), _) => of_server(ctx, valid, login, issued, anew).await,
        };
        let outcome = outcome.and_then(|token| bundle(&token)).map(Arc::new);
        Some((token, outcome))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn of_identity(
    ctx: &Ctx,
    valid: &Valid,
    identity: &Identity,
    resource: &Resource,
    issued: Issued,
) -> Result<Token, Problem> {
    let labels = ctx.identities.namespace_labels(&valid.namespace);
    let borrower = Borrower {
        namespace: &valid.namespace,
        labels: &labels,
    };
    grant::allows_resource(&identity.valid, borrower, resource)?;
    let want = Want::handed_out(resource.clone());
    let fits = |token: &Token| issued.fits(token);
    let token = ctx.identities.token_that(identity, &want, fits).await?;
    Ok(token.as_ref().clone())
}

/// The password is read from its Secret each time, which is seldom: a login lasts.
async fn of_server(
    ctx: &Ctx,
    valid: &Valid,
    login: &Login,
    issued: Issued,
    anew: bool,
) -> Result<Token, Problem> {
    let secret = named_secret(&ctx.kube, &valid.namespace, login.secret.as_str()).await?;
    let field = "data[].accessToken.mlServer.passwordFrom.key";
    let password = secret.bytes(&login.key, "the password", field)?;
    let who = Who {
        sync: valid.uid.clone(),
        login: login.clone(),
        revision: secret.version.clone(),
    };
    let fits = |token: &Token| issued.fits(token);
    ctx.logins.token(who, trimmed(&password), fits, anew).await
}
