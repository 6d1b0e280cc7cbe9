//! What the blob endpoint tells of the account itself.

use http::StatusCode;

use super::xml::{Document, text_of};
use crate::storage_lake::{
    context::{Context, Done, empty, with},
    delegation::Terms,
    errors::Problem,
    identity::ContainerVerb,
    tree::refusal::Refusal,
};

/// Gives a caller with a token a key to sign links with.
pub(super) fn delegation_key(context: &Context<'_>) -> Done {
    let principal = context
        .who
        .may_delegate(context.app, context.account, context.now)?;
    let body = String::from_utf8_lossy(&context.call.body);
    let invalid = || {
        Problem::new(
            400,
            "InvalidXmlDocument",
            "XML specified is not syntactically valid.",
        )
    };
    let version = context.call.header("x-ms-version").unwrap_or_default();
    let terms = Terms {
        object_id: &principal.object_id,
        tenant_id: &principal.tenant_id,
        start: text_of(&body, "Start").ok_or_else(invalid)?,
        expiry: text_of(&body, "Expiry").ok_or_else(invalid)?,
        service: "b",
        version,
    };
    if !terms.fit(context.now) {
        return Err(Problem::new(
            400,
            "InvalidXmlNodeValue",
            "The value for one of the XML nodes is not in the correct format.",
        ));
    }
    let value = context.app.delegation.key(context.account, &terms);
    let mut document = Document::new();
    document.element("UserDelegationKey", |key| {
        for (name, text) in [
            ("SignedOid", terms.object_id),
            ("SignedTid", terms.tenant_id),
            ("SignedStart", terms.start),
            ("SignedExpiry", terms.expiry),
            ("SignedService", terms.service),
            ("SignedVersion", terms.version),
            ("Value", &value),
        ] {
            key.leaf(name, text);
        }
    });
    Ok(document.reply())
}

/// Tells the kind of the account.
pub(super) fn information(context: &Context<'_>) -> Done {
    if context.who.principal.is_some() {
        context.check_containers(None, ContainerVerb::Read)?;
    }
    let spec = &context.account.spec;
    if spec.sku.is_empty() {
        return Err(Refusal::InvalidInput.into());
    }
    let hierarchical = if spec.has_namespace() {
        "true"
    } else {
        "false"
    };
    let all = [
        ("x-ms-sku-name", spec.sku.as_str()),
        ("x-ms-account-kind", &spec.kind),
        ("x-ms-is-hns-enabled", hierarchical),
    ];
    Ok(all
        .into_iter()
        .fold(empty(StatusCode::OK), |reply, (name, value)| {
            with(reply, name, value)
        }))
}
