//! What the login host remembers between requests: refresh tokens and device codes. In memory, and bounded.

use std::collections::{HashMap, VecDeque};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;

use super::resource::Wanted;
use crate::world::{moment::Moment, spec::SecretText};

/// How long a refresh token lives
/// (<https://learn.microsoft.com/entra/identity-platform/refresh-tokens>: 90 days).
pub(crate) const REFRESH_LIFE_SECONDS: i64 = 90 * 24 * 60 * 60;
/// Refresh tokens and device codes kept, of each.
const CAPACITY: usize = 50_000;
/// Letters and digits of user codes, without those that look alike.
const CODE_LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH: usize = 9;

/// What a refresh token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) tenant_id: String,
    /// As the client wrote it.
    pub(crate) client_id: String,
    pub(crate) username: String,
    /// The password then: another one ends the session.
    pub(crate) password: SecretText,
    pub(crate) wanted: Wanted,
    pub(crate) issued: Moment,
}

/// How far a device code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceState {
    /// Nobody has typed the user code yet.
    Pending,
    /// A user of this tenant has agreed.
    Approved {
        tenant_id: String,
        username: String,
    },
    Declined,
    Expired,
    /// A token was given for it.
    Redeemed,
}

/// A device code.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    /// As the request's path has it.
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) wanted: Wanted,
    /// Seconds since 1970.
    pub(crate) expires: i64,
    pub(crate) state: DeviceState,
}

/// A map that forgets its oldest.
#[derive(Debug)]
struct Bounded<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Bounded<T> {
    fn insert(&mut self, key: String, value: T) {
        if self.order.len() == CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.entries.insert(key, value);
    }
}

/// The memory of the login host.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    refresh: Mutex<Bounded<Session>>,
    devices: Mutex<Bounded<Device>>,
}

impl Sessions {
    /// A new refresh token. Older ones of the session stay good, as Entra leaves them.
    pub(crate) fn new_refresh_token(&self, session: Session) -> String {
        let token = format!("1.{}", random_text(48));
        self.refresh.lock().insert(token.clone(), session);
        token
    }

    pub(crate) fn session(&self, refresh_token: &str) -> Option<Session> {
        self.refresh.lock().entries.get(refresh_token).cloned()
    }

    /// Keeps a device code and gives its name.
    pub(crate) fn new_device(&self, device: Device) -> String {
        let code = random_text(32);
        self.devices.lock().insert(code.clone(), device);
        code
    }

    pub(crate) fn device(&self, device_code: &str) -> Option<Device> {
        self.devices.lock().entries.get(device_code).cloned()
    }

    pub(crate) fn device_by_user_code(&self, user_code: &str) -> Option<Device> {
        let devices = self.devices.lock();
        let mut all = devices.entries.values();
        all.find(|device| device.user_code.eq_ignore_ascii_case(user_code))
            .cloned()
    }

    /// Moves a pending device on; `false` when it is unknown, or was decided before.
    pub(crate) fn decide(&self, user_code: &str, state: DeviceState) -> bool {
        let mut devices = self.devices.lock();
        let pending = devices.entries.values_mut().find(|device| {
            device.user_code.eq_ignore_ascii_case(user_code) && device.state == DeviceState::Pending
        });
        pending.map(|device| device.state = state).is_some()
    }

    /// Takes an approval, which counts once.
    pub(crate) fn redeem(&self, device_code: &str) -> bool {
        let mut devices = self.devices.lock();
        let approved = devices
            .entries
            .get_mut(device_code)
            .filter(|device| matches!(device.state, DeviceState::Approved { .. }));
        approved
            .map(|device| device.state = DeviceState::Redeemed)
            .is_some()
    }
}

/// A code for a person to type.
pub(crate) fn new_user_code() -> String {
    (0..CODE_LENGTH)
        .filter_map(|_| CODE_LETTERS.get(usize::from(rand::random::<u8>()) % CODE_LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

fn random_text(bytes: usize) -> String {
    let random: Vec<u8> = (0..bytes).map(|_| rand::random()).collect();
    URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut bounded = Bounded::default();
        for number in 0..=CAPACITY {
            bounded.insert(number.to_string(), number);
        }
        assert_eq!(bounded.entries.len(), CAPACITY);
        assert!(!bounded.entries.contains_key("0"));
        assert!(bounded.entries.contains_key("1"));
    }

    #[test]
    fn an_approval_counts_once_and_a_decision_stays() {
        let sessions = Sessions::default();
        let approved = DeviceState::Approved {
            tenant_id: "t".into(),
            username: "u".into(),
        };
        let code = sessions.new_device(Device {
            user_code: "AB".into(),
            tenant: "common".into(),
            client_id: "c".into(),
            wanted: Wanted {
                audience: "a".into(),
                scopes: Vec::new(),
                openid: false,
                offline: false,
            },
            expires: 0,
            state: DeviceState::Pending,
        });
        assert!(!sessions.redeem(&code));
        assert!(sessions.decide("ab", approved));
        assert!(!sessions.decide("ab", DeviceState::Declined));
        assert!(sessions.redeem(&code));
        assert!(!sessions.redeem(&code));
    }
}
