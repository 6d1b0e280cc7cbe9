//! The body of an answer, whole or broken off in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// How long the first half of a broken body is given to leave the machine.
const FLUSH_TIME: Duration = Duration::from_millis(20);

/// A body in at most one piece.
#[derive(Debug)]
pub(crate) struct Outgoing {
    chunk: Option<Bytes>,
    /// What the client is told to expect.
    announced: u64,
    breaks: Option<Pin<Box<Sleep>>>,
}

impl Outgoing {
    pub(crate) fn whole(body: Bytes) -> Self {
        Self {
            announced: body.len() as u64,
            chunk: Some(body).filter(|body| !body.is_empty()),
            breaks: None,
        }
    }

    /// Announces the whole body, gives half of it, then fails, which ends the connection.
    pub(crate) fn broken(body: &Bytes) -> Self {
        let half = body.slice(..body.len() / 2);
        Self {
            announced: body.len().max(1) as u64,
            chunk: Some(half),
            breaks: Some(Box::pin(sleep(FLUSH_TIME))),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if let Some(chunk) = this.chunk.take() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match &mut this.breaks {
            None => Poll::Ready(None),
            Some(flushed) => flushed.as_mut().poll(context).map(|()| {
                Some(Err(io::Error::new(
                    io::ErrorKind::ConnectionReset,
                    "a fault breaks this answer off",
                )))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_none() && self.breaks.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
