//! `/metadata/endpoints` of a resource manager
//! (<https://learn.microsoft.com/azure-stack/user/azure-stack-python-sdk>): one object under the first api-versions, an
//! array of clouds since 2019, and that cloud's entry alone since 2022, which is what the Azure CLI registers a cloud by. No
//! token is needed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::App,
    key_vault::errors,
    wire::{call::Call, reply::Reply},
    world::{
        stack::{IdentityProvider, StackSpec},
        tenant::derived_uuid,
    },
};

const PATH: &str = "/metadata/endpoints";
/// The form of one object.
const OBJECT_VERSIONS: [&str; 2] = ["2015-01-01", "2015-11-01"];
/// From here on it is an array, in the public clouds and on a stack.
const ARRAY_SINCE: &str = "2019-05-01";
const ARRAY_SINCE_ON_STACK: &str = "2019-10-01";
/// From here on it is the entry of the cloud that is asked.
const ENTRY_SINCE: &str = "2022-09-01";

/// The journal's word for a request.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    if method == Method::GET && is_metadata(path) {
        "GetMetadataEndpoints"
    } else {
        "Unknown"
    }
}

fn is_metadata(path: &str) -> bool {
    path.trim_end_matches('/').eq_ignore_ascii_case(PATH)
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Object,
    Array,
    Entry,
}

/// By api-version; `Err` is the error's code and message.
fn form(version: Option<&str>, array_since: &str) -> Result<Form, (&'static str, String)> {
    let version = version.unwrap_or_default();
    if version.is_empty() {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(("MissingApiVersionParameter", message.to_owned()));
    }
    let is_date = version.parse::<jiff::civil::Date>().is_ok() && version.len() == 10;
    if OBJECT_VERSIONS.contains(&version) {
        Ok(Form::Object)
    } else if is_date && version >= ENTRY_SINCE {
        Ok(Form::Entry)
    } else if is_date && version >= array_since {
        Ok(Form::Array)
    } else {
        let message = format!(
            "The api-version '{version}' is invalid. The supported versions are '{},{array_since}' and later dates.",
            OBJECT_VERSIONS.join(",")
        );
        Err(("InvalidApiVersionParameter", message))
    }
}

/// Answers a request to the resource manager of a stack, or of the simulator's own cloud.
pub(crate) fn answer(app: &App, call: &Call, stack: Option<&StackSpec>) -> Reply {
    if operation(&call.method, &call.route.path) == "Unknown" {
        let message = format!("The resource {} is not served here.", call.route.path);
        return errors::reply(StatusCode::NOT_FOUND, "NotFound", &message, None);
    }
    let array_since = match stack {
        Some(_) => ARRAY_SINCE_ON_STACK,
        None => ARRAY_SINCE,
    };
    let form = match form(call.query("api-version"), array_since) {
        Ok(form) => form,
        Err((code, message)) => {
            return errors::reply(StatusCode::BAD_REQUEST, code, &message, None);
        }
    };
    let place = Place { app, call };
    let document = match (stack, form) {
        (Some(stack), Form::Object) => place.stack_object(stack),
        (Some(stack), Form::Array) => json!([place.stack_entry(stack)]),
        (Some(stack), Form::Entry) => place.stack_entry(stack),
        (None, Form::Object) => place.cloud_object(),
        (None, Form::Array) => json!([place.cloud_entry()]),
        (None, Form::Entry) => place.cloud_entry(),
    };
    Reply::json(StatusCode::OK, &document)
}

/// Makes the documents for one sender, whose way of naming hosts they follow.
struct Place<'a> {
    app: &'a App,
    call: &'a Call,
}

impl Place<'_> {
    fn url(&self, host: &str) -> String {
        self.call.route.beside(self.app.names.scheme, host)
    }

    fn login(&self) -> String {
        format!("{}/", self.url(&self.app.names.login()))
    }

    /// Of a stack: where to sign in.
    fn login_endpoint(&self, stack: &StackSpec) -> String {
        match stack.identity_provider {
            IdentityProvider::Aad => self.login(),
            IdentityProvider::Adfs => {
                format!(
                    "{}/adfs",
                    self.url(&stack.adfs_host(&self.app.names.suffix))
                )
            }
        }
    }

    /// Of a stack: audience of directory calls.
    fn graph(&self, stack: &StackSpec) -> String {
        let suffix = &self.app.names.suffix;
        match stack.identity_provider {
            IdentityProvider::Aad => format!("https://graph.{suffix}/"),
            IdentityProvider::Adfs => format!("https://graph.{}/", stack.domain(suffix)),
        }
    }

    fn audience(&self, stack: &StackSpec) -> String {
        let [management, _] = self
            .app
            .world
            .read()
            .stack_audiences(stack, &self.app.names.suffix);
        management
    }

    fn stack_object(&self, stack: &StackSpec) -> Value {
        let domain = stack.domain(&self.app.names.suffix);
        json!({
            "galleryEndpoint": format!("https://portal.{domain}:30015/"),
            "graphEndpoint": self.graph(stack),
            "portalEndpoint": format!("https://portal.{domain}/"),
            "authentication": {
                "loginEndpoint": self.login_endpoint(stack),
                "audiences": [self.audience(stack)],
            },
        })
    }

    fn stack_entry(&self, stack: &StackSpec) -> Value {
        let suffix = &self.app.names.suffix;
        let domain = stack.domain(suffix);
        let tenant = match stack.identity_provider {
            IdentityProvider::Aad => stack.tenant_id.as_str(),
            IdentityProvider::Adfs => "adfs",
        };
        json!({
            "name": format!("AzureStack-User-{}", derived_uuid(&["stack name", &domain])),
            "portal": format!("https://portal.{domain}/"),
            "authentication": {
                "loginEndpoint": self.login_endpoint(stack),
                "audiences": [self.audience(stack)],
                "tenant": tenant,
                "identityProvider": stack.identity_provider,
            },
            "graphAudience": self.graph(stack),
            "graph": self.graph(stack),
            "gallery": format!("https://portal.{domain}:30015/"),
            "suffixes": {"keyVaultDns": stack.vault_suffix(suffix), "storage": domain},
        })
    }

    /// The audiences of the simulator's own resource manager.
    fn cloud_audiences(&self) -> Value {
        let audiences = self.app.names.management_audiences();
        audiences
            .into_iter()
            .map(|audience| format!("{audience}/"))
            .collect()
    }

    fn cloud_object(&self) -> Value {
        let names = &self.app.names;
        let suffix = &names.suffix;
        json!({
            "galleryEndpoint": format!("https://gallery.{suffix}/"),
            "graphEndpoint": format!("{}/", names.graph()),
            "portalEndpoint": format!("https://portal.{suffix}/"),
            "authentication": {"loginEndpoint": self.login(), "audiences": self.cloud_audiences()},
        })
    }

    fn cloud_entry(&self) -> Value {
        let names = &self.app.names;
        let suffix = &names.suffix;
        json!({
            "name": "AzureCloud",
            "portal": format!("https://portal.{suffix}/"),
            "authentication": {
                "loginEndpoint": self.login(),
                "audiences": self.cloud_audiences(),
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "graphAudience": format!("{}/", names.graph()),
            "graph": format!("{}/", names.graph()),
            "gallery": format!("https://gallery.{suffix}/"),
            "resourceManager": format!("{}/", self.url(&names.management())),
            "microsoftGraphResourceId": format!("{}/", names.graph()),
            "activeDirectoryDataLake": format!("{}/", names.lake_store_audience()),
            "suffixes": {
                "keyVaultDns": names.vault_suffix(),
                "storage": names.storage_suffix(),
                "azureDataLakeStoreFileSystem": names.lake_store_suffix(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_version_decides_the_form() {
        for (version, expected) in [
            ("2015-01-01", Form::Object),
            ("2019-10-01", Form::Array),
            ("2022-09-01", Form::Entry),
        ] {
            assert_eq!(form(Some(version), ARRAY_SINCE_ON_STACK), Ok(expected));
        }
        assert_eq!(form(Some("2019-05-01"), ARRAY_SINCE), Ok(Form::Array));
        for (version, code) in [
            (None, "MissingApiVersionParameter"),
            (Some(""), "MissingApiVersionParameter"),
            (Some("2019-05-01"), "InvalidApiVersionParameter"),
            (Some("latest"), "InvalidApiVersionParameter"),
            (Some("2018-01-01"), "InvalidApiVersionParameter"),
        ] {
            assert_eq!(
                form(version, ARRAY_SINCE_ON_STACK).unwrap_err().0,
                code,
                "{version:?}"
            );
        }
    }

    #[test]
    fn only_a_read_of_the_path_is_the_operation() {
        assert_eq!(
            operation(&Method::GET, "/Metadata/endpoints/"),
            "GetMetadataEndpoints"
        );
        assert_eq!(operation(&Method::POST, PATH), "Unknown");
        assert_eq!(operation(&Method::GET, "/subscriptions"), "Unknown");
    }
}
