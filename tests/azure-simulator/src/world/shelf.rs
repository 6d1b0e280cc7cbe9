//! All objects of one kind in a vault, and their life: live, deleted, recovered, gone.

use std::collections::BTreeMap;

use super::{
    moment::Moment,
    object::{Changes, Deletion, Object, Phase, Versioned, check_name},
    refusal::Refusal,
};

/// How long deletion, recovery and purge take to show, and how long the deleted stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) now: Moment,
    pub(crate) delay_ms: u32,
}

/// The objects of one kind, by lower-case name; some may be gone: ask through the methods.
#[derive(Clone, Debug)]
pub(crate) struct Shelf<V: Versioned>(BTreeMap<String, Object<V>>);

impl<V: Versioned> Default for Shelf<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: Versioned> Shelf<V> {
    /// Live objects by name, those after `marker` (lower-case name).
    pub(crate) fn live_after(
        &self,
        marker: Option<&str>,
        now: Moment,
    ) -> impl Iterator<Item = (&String, &Object<V>)> {
        self.after(marker)
            .filter(move |(_, object)| object.is_live(now))
    }

    /// Deleted objects by name, those after `marker` (lower-case name).
    pub(crate) fn deleted_after(
        &self,
        marker: Option<&str>,
        now: Moment,
    ) -> impl Iterator<Item = (&String, &Object<V>, Deletion)> {
        self.after(marker)
            .filter(move |(_, object)| !object.is_gone(now))
            .filter_map(move |(key, object)| {
                object
                    .shown_deletion(now)
                    .map(|deletion| (key, object, deletion))
            })
    }

    fn after(&self, marker: Option<&str>) -> impl Iterator<Item = (&String, &Object<V>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = marker.map_or(Unbounded, Excluded);
        self.0.range::<str, _>((from, Unbounded))
    }

    /// An object, whatever its state.
    pub(crate) fn any(&self, name: &str) -> Option<&Object<V>> {
        self.0.get(&name.to_ascii_lowercase())
    }

    /// An object that is live and shows.
    pub(crate) fn live(&self, name: &str, now: Moment) -> Result<&Object<V>, Refusal> {
        self.0
            .get(&name.to_ascii_lowercase())
            .filter(|object| object.is_live(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    /// As [`Self::live`].
    pub(crate) fn live_mut(&mut self, name: &str, now: Moment) -> Result<&mut Object<V>, Refusal> {
        self.0
            .get_mut(&name.to_ascii_lowercase())
            .filter(|object| object.is_live(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    /// A deleted object that shows.
    pub(crate) fn deleted(
        &self,
        name: &str,
        now: Moment,
    ) -> Result<(&Object<V>, Deletion), Refusal> {
        self.0
            .get(&name.to_ascii_lowercase())
            .filter(|object| !object.is_gone(now))
            .and_then(|object| {
                object
                    .shown_deletion(now)
                    .map(|deletion| (object, deletion))
            })
            .ok_or_else(|| Refusal::DeletedNotFound(name.to_owned()))
    }

    /// The named version of a live object, disabled ones too.
    pub(crate) fn version(
        &self,
        name: &str,
        id: Option<&str>,
        now: Moment,
    ) -> Result<(&Object<V>, &V), Refusal> {
        let object = self
            .live(name, now)
            .map_err(|refusal| with_version(refusal, id))?;
        Ok((object, object.version(id)?))
    }

    /// Why no version of that name can be written now, when that is so.
    pub(crate) fn refuse_unless_writable(&self, name: &str, now: Moment) -> Result<(), Refusal> {
        match self.0.get(&name.to_ascii_lowercase()) {
            Some(object) if !object.is_gone(now) => object.refuse_unless_live(now),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes a new version, managed or not.
    pub(crate) fn plant(
        &mut self,
        name: &str,
        version: V,
        now: Moment,
    ) -> Result<&mut Object<V>, Refusal> {
        check_name(name)?;
        self.refuse_unless_writable(name, now)?;
        let key = name.to_ascii_lowercase();
        if self.0.get(&key).is_some_and(|object| object.is_gone(now)) {
            self.0.remove(&key);
        }
        let object = self.0.entry(key).or_insert_with(|| Object {
            name: name.to_owned(),
            versions: Vec::new(),
            phase: Phase::Live { from: now },
            extra: V::Extra::default(),
        });
        object.versions.push(version);
        Ok(object)
    }

    /// Changes the attributes of a version.
    pub(crate) fn change(
        &mut self,
        name: &str,
        id: Option<&str>,
        changes: Changes,
        now: Moment,
    ) -> Result<(), Refusal> {
        let object = self
            .live_mut(name, now)
            .map_err(|refusal| with_version(refusal, id))?;
        object.version_mut(id)?.meta_mut().change(changes, now)
    }

    /// Deletes softly; it shows after the delay.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        pace: Pace,
        retention_millis: i64,
    ) -> Result<(&Object<V>, Deletion), Refusal> {
        let object = self.live_mut(name, pace.now)?;
        let deletion = Deletion {
            at: pace.now,
            from: pace.now.plus_millis(i64::from(pace.delay_ms)),
            scheduled_purge: pace.now.plus_millis(retention_millis),
            gone: None,
        };
        object.phase = Phase::Deleted(deletion);
        Ok((object, deletion))
    }

    /// Brings a deleted object back; it shows after the delay.
    pub(crate) fn recover(&mut self, name: &str, pace: Pace) -> Result<&Object<V>, Refusal> {
        let object = self.deleted_mut(name, pace.now)?;
        object.phase = Phase::Live {
            from: pace.now.plus_millis(i64::from(pace.delay_ms)),
        };
        Ok(object)
    }

    /// Ends a deleted object for good; its name is free after the delay.
    pub(crate) fn purge(&mut self, name: &str, pace: Pace, protected: bool) -> Result<(), Refusal> {
        let object = self.deleted_mut(name, pace.now)?;
        if protected {
            return Err(Refusal::PurgeProtected);
        }
        if let Phase::Deleted(deletion) = &mut object.phase {
            deletion.gone = Some(pace.now.plus_millis(i64::from(pace.delay_ms)));
        }
        Ok(())
    }

    /// Takes an object away as if it had never been, whatever its state.
    pub(crate) fn remove(&mut self, name: &str) -> Result<Object<V>, Refusal> {
        self.0
            .remove(&name.to_ascii_lowercase())
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))
    }

    /// Puts a whole object back from a backup.
    pub(crate) fn restore(&mut self, object: Object<V>, now: Moment) -> Result<(), Refusal> {
        check_name(&object.name)?;
        self.refuse_unless_free(&object.name, now)?;
        self.0.insert(object.name.to_ascii_lowercase(), object);
        Ok(())
    }

    /// Why a name cannot be restored, when that is so.
    pub(crate) fn refuse_unless_free(&self, name: &str, now: Moment) -> Result<(), Refusal> {
        match self.0.get(&name.to_ascii_lowercase()) {
            Some(present) if !present.is_gone(now) => {
                present.refuse_unless_live(now)?;
                Err(Refusal::Exists(present.name.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn deleted_mut(&mut self, name: &str, now: Moment) -> Result<&mut Object<V>, Refusal> {
        let object = self
            .0
            .get_mut(&name.to_ascii_lowercase())
            .filter(|object| !object.is_gone(now))
            .ok_or_else(|| Refusal::NotFound(name.to_owned()))?;
        match object.phase {
            Phase::Live { .. } => Err(Refusal::NotFound(name.to_owned())),
            Phase::Deleted(deletion) if deletion.from > now || deletion.gone.is_some() => {
                Err(Refusal::BeingDeleted(name.to_owned()))
            }
            Phase::Deleted(_) => Ok(object),
        }
    }
}

fn with_version(refusal: Refusal, id: Option<&str>) -> Refusal {
    match (refusal, id) {
        (Refusal::NotFound(name), Some(id)) => Refusal::NotFound(format!("{name}/{id}")),
        (refusal, _) => refusal,
    }
}
