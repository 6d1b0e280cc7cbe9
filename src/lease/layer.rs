//! The fence in the Kubernetes client.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Request;
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use super::effects;
use super::fence::{Fence, Refused};

/// Puts a client behind a fence.
#[derive(Debug, Clone)]
pub struct Fenced(pub Fence);

impl<S> Layer<S> for Fenced {
    type Service = Behind<S>;

    fn layer(&self, inner: S) -> Behind<S> {
        Behind {
            inner,
            fence: self.0.clone(),
        }
    }
}

/// A client behind a fence.
#[derive(Debug)]
pub struct Behind<S> {
    inner: S,
    fence: Fence,
}

impl<S> Service<Request<Body>> for Behind<S>
where
    S: Service<Request<Body>, Error = BoxError>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let effect = effects::in_kubernetes(request.method(), request.uri().path());
        // Nothing is sent before this is polled, which is what the fence watches over.
        let send = self.inner.call(request);
        if !effect {
            return send.boxed();
        }
        let fence = self.fence.clone();
        let carried = async move {
            fence
                .carry(send)
                .await
                .unwrap_or_else(|why| Err(why.into()))
        };
        carried.boxed()
    }
}

/// Whether an error of the client is the fence's own.
pub fn refused(error: &kube::Error) -> Option<Refused> {
    let kube::Error::Service(why) = error else {
        return None;
    };
    why.downcast_ref().copied()
}
