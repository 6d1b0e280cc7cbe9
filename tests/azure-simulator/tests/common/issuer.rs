//! A small OIDC issuer for tests, and an application that trusts it.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use reqwest::Method;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{
    CLIENT, OBJECT, Sim, TENANT,
    assertions::{Identity, seconds},
};

pub(crate) const SUBJECT: &str = "system:serviceaccount:ns:sa";
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";

/// An issuer as Kubernetes is one: discovery and keys over TLS by a CA of its own.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    identity: Identity,
    /// The keys that it publishes.
    pub(crate) keys: Arc<Mutex<Value>>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = rcgen::CertifiedIssuer::self_signed(params, ca_key).unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let identity = Identity::new();
        let keys = Arc::new(Mutex::new(json!({"keys": [identity.jwk("k1")]})));
        let document = json!({"issuer": url, "jwks_uri": format!("{url}/openid/v1/jwks")});
        let published = Arc::clone(&keys);
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async move || Json(document.clone())),
            )
            .route(
                "/openid/v1/jwks",
                get(async move || Json(published.lock().clone())),
            );
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), router));
        Self {
            url,
            ca_pem: ca.pem(),
            identity,
            keys,
        }
    }

    pub(crate) fn claims(&self) -> Value {
        json!({"iss": self.url, "sub": SUBJECT, "aud": [AUDIENCE], "nbf": seconds(0), "exp": seconds(600)})
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.identity.sign(
            Algorithm::RS256,
            &json!({"alg": "RS256", "kid": "k1"}),
            claims,
        )
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            // A client that does not trust the CA ends the handshake: that is some tests' point.
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = hyper_util::service::TowerToHyperService::new(router);
                let io = hyper_util::rt::TokioIo::new(stream);
                drop(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .await,
                );
            }
        });
    }
}

/// A simulator whose application trusts the issuer's tokens for [`SUBJECT`].
pub(crate) async fn trusting(issuer: &Issuer, with_ca: bool) -> Sim {
    let sim = Sim::start().await;
    let credential =
        json!({"name": "k8s", "issuer": issuer.url, "subject": SUBJECT, "audience": AUDIENCE});
    let spec = json!({"objectId": OBJECT, "federatedCredentials": [credential]});
    sim.admin(
        Method::PUT,
        &format!("/tenants/{TENANT}/applications/{CLIENT}"),
        &spec,
    )
    .await;
    if with_ca {
        let file = sim.dir.path().join("issuer-ca.pem");
        std::fs::write(&file, &issuer.ca_pem).unwrap();
        sim.admin(
            Method::POST,
            "/issuers",
            &json!([{"issuer": issuer.url, "caFile": file}]),
        )
        .await;
    }
    sim
}
