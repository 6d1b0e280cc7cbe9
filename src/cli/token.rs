//! `lakevault token`: an access token of whoever signed in, or of an identity in a file.

use std::sync::Arc;

use serde::Serialize;
use zeroize::Zeroizing;

use super::Failure;
use super::azure::{Reach, resource};
use super::cluster::ClusterArgs;
use super::kept::{Kept, LoginFile};
use super::lender::Lender;
use super::login;
use super::objects;
use super::terminal;
use crate::azure::auth::{Credential, Token, Want};
use crate::azure::http::Http;
use crate::azure::resource::Resource;

/// For what, and in which form.
#[derive(Debug, clap::Args)]
pub(super) struct TokenArgs {
    /// What the token is for: an application's id or URI. Example: <https://vault.azure.net>.
    #[arg(long)]
    resource: String,

    /// The token alone, or a document that also says when it ends.
    #[arg(long, short, value_enum, default_value = "json")]
    output: Form,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    /// A document with accessToken, expiresOn and tokenType.
    Json,
    /// The token and a line break.
    Value,
}

/// Prints a token.
pub(super) async fn run(args: TokenArgs) -> Result<(), Failure> {
    let resource = resource(&args.resource)?;
    let http = args.reach.http()?;
    let token = if args.cluster.has_file() {
        of_identity(&args.cluster, http, resource).await?
    } else {
        Arc::new(of_person(&http, &resource).await?)
    };
    terminal::print(&shown(&token, args.output)?)
}

/// A token by the refresh token that was kept. Where a newer one comes with it, that is kept from now on.
async fn of_person(http: &Http, resource: &Resource) -> Result<Token, Failure> {
    let file = LoginFile::of_user()?;
    let kept = file.read()?;
    let credential = Credential::RefreshToken(kept.refresh.clone());
    let granted = login::granted(http, &kept.profile, &credential, resource).await?;
    if let Some(refresh) = granted.refresh_token.filter(|newer| *newer != kept.refresh) {
        file.write(&Kept { refresh, ..kept })?;
    }
    Ok(granted.token)
}

/// A token of the one identity of a file.
async fn of_identity(
    args: &ClusterArgs,
    http: Http,
    resource: Resource,
) -> Result<Arc<Token>, Failure> {
    let cluster = args.open().await?;
    let keys = cluster
        .manifests
        .as_ref()
        .map(|manifests| manifests.identities());
    let keys = keys.unwrap_or_default();
    let [key] = keys.as_slice() else {
        return Err(Failure::usage(format!(
            "the file must have one identity, and it has {}",
            keys.len()
        )));
    };
    let found = objects::identity(&cluster.client, key).await?;
    let found = found.ok_or_else(|| Failure::usage(format!("there is no {key}")))?;
    let lender = Lender::new(&cluster, http);
    let valid = lender.parse(&found)?;
    let identities = lender.identities(Some(found), None);
    let usable = identities.usable(valid).await?;
    let want = Want::handed_out(resource);
    Ok(identities.token(&usable, &want).await?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    access_token: &'a str,
    expires_on: String,
    token_type: &'static str,
}

fn shown(token: &Token, form: Form) -> Result<Zeroizing<String>, Failure> {
    let value = token.value.expose_str();
    let access_token = value.ok_or_else(|| Failure::failed("the token is not text"))?;
    let text = match form {
        Form::Value => format!("{access_token}\n"),
        Form::Json => {
            let document = Document {
                access_token,
                expires_on: token.expires_at.to_string(),
                token_type: "Bearer",
            };
            let json = serde_json::to_string_pretty(&document)
                .map_err(|error| Failure::failed(format!("failed to write JSON: {error}")))?;
            json + "\n"
        }
    };
    Ok(Zeroizing::new(text))
}
