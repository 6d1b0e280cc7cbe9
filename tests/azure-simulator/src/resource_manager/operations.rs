//! Long-running operations: how they start, and what their polls answer
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations>).

use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{context::Context, data_lake_store, storage, vault_document};
use crate::{
    wire::reply::Reply,
    world::{
        World,
        failure::Failure,
        long_operation::{LongOperation, Outcome},
        manager_settings::{LroForm, LroPlan},
        moment::Moment,
    },
};

const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");

const MONITOR: &str = "monitor=true&";

/// Headers by which a client is told of an operation.
pub(super) type Told = Vec<(HeaderName, String)>;

/// Where an operation is polled: at a provider in a location, or in the subscription.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Subscription,
    Vaults(&'a str),
    Storage(&'a str),
    LakeStores(&'a str),
}

impl Place<'_> {
    /// Below the subscription. `word` is what most providers call it.
    fn path(self, word: &str, id: &str) -> String {
        match self {
            Self::Subscription => format!("operationresults/{id}"),
            Self::Vaults(location) => {
                format!("providers/Microsoft.KeyVault/locations/{location}/{word}/{id}")
            }
            Self::Storage(location) => {
                format!("providers/Microsoft.Storage/locations/{location}/asyncoperations/{id}")
            }
            Self::LakeStores(location) => {
                format!("providers/Microsoft.DataLakeStore/locations/{location}/{word}/{id}")
            }
        }
    }
}

/// Starts an operation; gives when it ends.
pub(super) fn start(
    context: &Context<'_>,
    world: &mut World,
    plan: &LroPlan,
    millis: u32,
    outcome: Outcome,
    place: Place<'_>,
) -> (Moment, Told) {
    let id = Uuid::new_v4().to_string();
    let operation = LongOperation::start(
        id.clone(),
        context.subscription,
        plan,
        context.now,
        millis,
        outcome,
    );
    let ends = operation.ends;
    let (header, segment) = match plan.form {
        LroForm::Body => return (ends, pause(plan.retry_after, millis > 0)),
        LroForm::AzureAsyncOperation => (ASYNC_OPERATION, "operations"),
        LroForm::Location => (header::LOCATION, "operationResults"),
    };
    world.operations.insert(id.clone(), operation);
    let subscription = context.subscription;
    let path = place.path(segment, &id);
    // Storage tells its two ways of polling apart by a parameter.
    let monitor = match (place, plan.form) {
        (Place::Storage(_), LroForm::Location) => MONITOR,
        _ => "",
    };
    let url = context.url(&format!(
        "/subscriptions/{subscription}/{path}?{monitor}api-version={}",
        context.version
    ));
    let mut told = vec![(header, url)];
    told.extend(pause(plan.retry_after, true));
    (ends, told)
}

fn pause(seconds: u64, wanted: bool) -> Told {
    if seconds == 0 || !wanted {
        return Vec::new();
    }
    vec![(header::RETRY_AFTER, seconds.to_string())]
}

/// Adds the headers.
pub(super) fn told(reply: Reply, headers: Told) -> Reply {
    headers
        .into_iter()
        .fold(reply, |reply, (name, value)| reply.with(name, &value))
}

/// Answers a poll.
pub(super) fn poll(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let world = context.app.world.read();
    let operation = world
        .operations
        .get(&id.to_ascii_lowercase())
        .filter(|one| one.subscription.eq_ignore_ascii_case(context.subscription))
        .ok_or_else(|| {
            let message = format!("The operation '{id}' could not be found.");
            Failure::new(404, "OperationNotFound", message)
        })?;
    let running = context.now < operation.ends;
    let pause = pause(operation.retry_after, running);
    if operation.form == LroForm::AzureAsyncOperation {
        let reply = Reply::json(StatusCode::OK, &status(context, operation));
        return Ok(told(reply, pause));
    }
    if running {
        let monitor = context.call.query("monitor").map_or("", |_| MONITOR);
        let query = format!(
            "{}?{monitor}api-version={}",
            context.call.route.path, context.version
        );
        let mut headers = vec![(header::LOCATION, context.url(&query))];
        headers.extend(pause);
        return Ok(told(Reply::empty(StatusCode::ACCEPTED), headers));
    }
    if let Some(error) = &operation.error {
        return Err(Failure::new(error.status, &error.code, &error.message));
    }
    match &operation.outcome {
        Outcome::Done => Ok(Reply::empty(StatusCode::OK)),
        Outcome::Vault(name) => match world.vault(&name.to_ascii_lowercase()) {
            Some(vault) => {
                let document = vault_document::of(context, &world, vault);
                Ok(Reply::json(StatusCode::OK, &document))
            }
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        },
        Outcome::StorageAccount(name) => match world.storage_account(name) {
            Some(account) => {
                let document = storage::document::of(context, account);
                Ok(Reply::json(StatusCode::OK, &document))
            }
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        },
        Outcome::LakeStore(name) => match world.lake_store(name) {
            Some(store) => {
                let document = data_lake_store::document(context, store);
                Ok(Reply::json(StatusCode::OK, &document))
            }
            None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        },
    }
}

fn status(context: &Context<'_>, operation: &LongOperation) -> Value {
    let running = context.now < operation.ends;
    let mut status = json!({
        "id": context.call.route.path,
        "name": operation.id,
        "status": operation.status(context.now),
        "startTime": operation.started.timestamp().to_string(),
        "percentComplete": if running { 50.0 } else { 100.0 },
    });
    if let (false, Some(fields)) = (running, status.as_object_mut()) {
        let end = operation.ends.timestamp().to_string();
        fields.insert("endTime".to_owned(), json!(end));
        if let Some(error) = &operation.error {
            let error = json!({"code": error.code, "message": error.message});
            fields.insert("error".to_owned(), error);
        }
    }
    status
}
