//! Logins at Machine Learning Servers: one for each sync, user and password, kept while the operator runs.
//!
//! A login gives a token and what renews it. Neither is stored anywhere but in the memory of the operator: after a restart
//! the token on the Secret is used until its time comes, and then the user logs in again.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::azure::auth::Token;
use crate::azure::http::{Http, Request};
use crate::azure::ml_server::{self, Server, Session};
use crate::azure::slots::Slots;
use crate::problem::Problem;
use crate::secret::SecretValue;
use crate::vault_secret_sync::items::item::Login;

/// Everything that decides a login. A changed password is another login, so that it is tried at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Who {
    /// Uid of the sync, which no two have in common, whatever their namespaces and names are.
    pub sync: String,
    /// Server, user, and where the password is.
    pub login: Login,
    /// resourceVersion of the Secret with the password.
    pub revision: Option<String>,
}

/// The logins.
pub struct Logins {
    http: Http,
    sessions: Slots<Who, Session>,
}

impl Logins {
    /// No logins yet.
    pub fn new(http: Http) -> Self {
        Self {
            http,
            sessions: Slots::default(),
        }
    }

    /// The token of a login that `fits`: the one that is there, else one by renewal, else one by the password. A refused
    /// password is not tried again before an hour has passed, unless somebody asks for it (`anew`): repetition locks users
    /// out.
    pub async fn token(
        &self,
        who: Who,
        password: SecretValue,
        fits: impl FnOnce(&Token) -> bool,
        anew: bool,
    ) -> Result<Token, Problem> {
        if anew {
            self.sessions.pardon(&who);
        }
        let before = self.sessions.held(&who);
        let door = Door {
            http: self.http.clone(),
            login: who.login.clone(),
        };
        let ask = || async move { door.session(before, &password).await };
        let fits = |session: &Session| fits(&session.token);
        let now = Timestamp::now();
        let session = self.sessions.get_that(&who, now, fits, ask).await?;
        // With another password it was another login.
        self.end(|other| {
            other.sync == who.sync && other.login == who.login && other.revision != who.revision
        });
        Ok(session.token.clone())
    }

    /// Ends the logins of a sync that it does not want any more.
    pub fn keep<'a>(&self, sync: &str, wanted: impl Iterator<Item = &'a Login>) {
        let wanted: Vec<&Login> = wanted.collect();
        self.end(|who| who.sync == sync && !wanted.contains(&&who.login));
    }

    /// Ends the logins of syncs that are not there any more.
    pub fn keep_syncs(&self, is_there: impl Fn(&str) -> bool) {
        self.end(|who| !is_there(&who.sync));
    }

    /// Logs out in the background. Nobody waits for it: a server that is away must not hold up a deletion, and the login ends
    /// by itself when nobody renews it.
    fn end(&self, fits: impl Fn(&Who) -> bool) {
        for (who, session) in self.sessions.take(fits) {
            let refresh = session.and_then(|session| session.refresh.clone());
            let Some(refresh) = refresh else { continue };
            let door = Door {
                http: self.http.clone(),
                login: who.login,
            };
            tokio::spawn(async move { door.log_out(&refresh).await });
        }
    }
}

/// The way to one server.
struct Door {
    http: Http,
    login: Login,
}

impl Door {
    async fn session(
        &self,
        before: Option<Arc<Session>>,
        password: &SecretValue,
    ) -> Result<Session, Problem> {
        let Login {
            server, username, ..
        } = &self.login;
        let refresh = before.as_ref().and_then(|session| session.refresh.as_ref());
        if let Some(refresh) = refresh {
            let request = ml_server::refresh(server, refresh)?;
            let answer = self
                .http
                .send("RefreshLogin", server.as_str(), request)
                .await?;
            if let Some(session) = ml_server::read_refresh(server, &answer, Timestamp::now())? {
                return Ok(session);
            }
        }
        let request = ml_server::login(server, username, password)?;
        let answer = self.http.send("Login", server.as_str(), request).await?;
        ml_server::read_login(server, username, &answer, Timestamp::now())
    }

    async fn log_out(&self, refresh: &SecretValue) {
        let Login {
            server, username, ..
        } = &self.login;
        match self
            .revoke(server, ml_server::logout(server, refresh))
            .await
        {
            Ok(()) => info!(%server, username, "Logged out"),
            Err(problem) => {
                warn!(%server, username, %problem, "Not logged out: the login ends by itself when its time is over");
            }
        }
    }

    async fn revoke(
        &self,
        server: &Server,
        request: Result<Request, Problem>,
    ) -> Result<(), Problem> {
        let answer = self.http.send("Logout", server.as_str(), request?).await?;
        ml_server::read_logout(server, &answer, Timestamp::now())
    }
}
