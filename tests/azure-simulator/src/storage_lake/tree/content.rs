//! What is in files.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::{
    Tree,
    caller::{Caller, Rights},
    conditions::Conditions,
    lease,
    node::{Body, ContentHeaders, Node},
    permissions::Perm,
    refusal::Refusal,
};
use crate::world::moment::Moment;

/// What a flush is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flush {
    /// The length that the file has then.
    pub(crate) position: u64,
    /// What lies behind that stays for a later flush.
    pub(crate) retain: bool,
    /// Those that are given take the place of those that are there.
    pub(crate) headers: ContentHeaders,
    pub(crate) conditions: Conditions,
    pub(crate) lease: Option<String>,
}

impl Tree {
    /// The file, if it is one that a caller may write to.
    fn writable(
        &self,
        caller: &Caller,
        key: &str,
        lease: Option<&str>,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        self.check(caller, Rights::WRITE | Rights::ADD, key, Perm::WRITE)?;
        let node = self.get(key)?;
        if node.is_directory() {
            return Err(Refusal::PathConflict);
        }
        lease::check_write(node.lease(), lease, now)?;
        Ok(node)
    }

    /// Keeps data for a later flush.
    pub(crate) fn append(
        &mut self,
        caller: &Caller,
        key: &str,
        position: u64,
        data: Bytes,
        lease: Option<&str>,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        self.writable(caller, key, lease, now)?;
        let node = self.get_mut(key)?;
        if let Some(body) = node.body_mut().filter(|_| !data.is_empty()) {
            body.staged.insert(position, data);
        }
        Ok(node)
    }

    /// Makes what was appended part of the file.
    pub(crate) fn flush(
        &mut self,
        caller: &Caller,
        key: &str,
        flush: &Flush,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        let node = self.writable(caller, key, flush.lease.as_deref(), now)?;
        flush.conditions.check(node)?;
        let data = joined(node.body(), flush.position)?;
        let version = self.next_version(now);
        let node = self.get_mut(key)?;
        if let Some(body) = node.body_mut() {
            body.data = data;
            let kept = body.staged.split_off(&flush.position);
            body.staged = if flush.retain { kept } else { BTreeMap::new() };
            body.headers.take_in(&flush.headers);
        }
        node.version = version;
        node.modified = now;
        Ok(node)
    }

    /// Appends to a file at once.
    pub(crate) fn extend(
        &mut self,
        caller: &Caller,
        key: &str,
        data: &Bytes,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        self.writable(caller, key, None, now)?;
        let version = self.next_version(now);
        let node = self.get_mut(key)?;
        if let Some(body) = node.body_mut() {
            let mut whole = BytesMut::from(&*body.data);
            whole.extend_from_slice(data);
            body.data = whole.freeze();
        }
        node.version = version;
        node.modified = now;
        Ok(node)
    }

    /// Writes a whole file at once, and makes it when it is not there.
    pub(crate) fn write(
        &mut self,
        caller: &Caller,
        key: &str,
        wish: &super::Wish,
        data: Bytes,
        now: Moment,
    ) -> Result<&Node, Refusal> {
        self.create(caller, key, wish, now)?;
        let node = self.get_mut(key)?;
        if let Some(body) = node.body_mut() {
            body.data = data;
        }
        Ok(node)
    }

    /// The file, for a caller who may read it.
    pub(crate) fn read(
        &self,
        caller: &Caller,
        key: &str,
        conditions: &Conditions,
    ) -> Result<&Node, Refusal> {
        self.check(caller, Rights::READ, key, Perm::READ)?;
        let node = self.get(key)?;
        conditions.check_read(node)?;
        Ok(node)
    }
}

/// The file with what was appended to it, up to that length.
fn joined(body: Option<&Body>, length: u64) -> Result<Bytes, Refusal> {
    let empty = Body::default();
    let body = body.unwrap_or(&empty);
    let mut whole = BytesMut::from(&*body.data);
    while (whole.len() as u64) < length {
        let at = whole.len() as u64;
        let next = body.staged.get(&at).ok_or(Refusal::InvalidFlushPosition)?;
        whole.extend_from_slice(next);
    }
    if whole.len() as u64 == length {
        Ok(whole.freeze())
    } else {
        Err(Refusal::InvalidFlushPosition)
    }
}

impl ContentHeaders {
    fn take_in(&mut self, given: &Self) {
        let fields = [
            (&mut self.content_type, &given.content_type),
            (&mut self.encoding, &given.encoding),
            (&mut self.language, &given.language),
            (&mut self.disposition, &given.disposition),
            (&mut self.cache_control, &given.cache_control),
            (&mut self.md5, &given.md5),
        ];
        for (here, given) in fields {
            if given.is_some() {
                here.clone_from(given);
            }
        }
    }
}
