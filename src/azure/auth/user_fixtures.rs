//! A public client of an authority, and what its requests say, for tests.

use super::user::{Form, SignIn};
use crate::azure::http::{Request, Route};

/// A sign-in at `https://login.example/t`.
pub(super) fn sign_in(form: Form) -> SignIn {
    SignIn {
        form,
        base: "https://login.example/t".to_owned(),
        client: "04b07795-8ddb-461a-bbee-02f9e1bf7b46".parse().unwrap(),
        route: Route::Default,
    }
}

/// What a request's form says, in its order.
pub(super) fn pairs(request: &Request) -> Vec<(String, String)> {
    let body = request.body.as_ref().unwrap();
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}
