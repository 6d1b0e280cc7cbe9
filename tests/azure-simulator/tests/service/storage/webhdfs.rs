//! A Data Lake Store (Gen1).

use reqwest::Method;
use serde_json::{Value, json};

use super::{ANN, ANN_CLIENT, Lake, STORE, Told, token_of, told};
use crate::common::OBJECT;

const SCOPE: &str = "https://datalake.azure.net//.default";

struct Store {
    lake: Lake,
    owner: String,
    ann: String,
}

impl Store {
    async fn start() -> Self {
        let lake = Lake::start().await;
        let owner = lake.sim.token_for(SCOPE).await;
        let ann = token_of(&lake.sim, ANN_CLIENT, SCOPE).await;
        Self { lake, owner, ann }
    }

    async fn by(
        &self,
        token: &str,
        method: Method,
        path: &str,
        op: &str,
        body: &'static str,
    ) -> Told {
        let url = format!("{STORE}/webhdfs/v1/{path}?OP={op}&api-version=2018-09-01");
        let client = self
            .lake
            .sim
            .client_builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        told(
            client.request(method, url).bearer_auth(token).body(body),
            &[],
        )
        .await
    }

    async fn call(&self, method: Method, path: &str, op: &str) -> Told {
        self.by(&self.owner, method, path, op, "").await
    }

    async fn get(&self, path: &str, op: &str) -> Value {
        self.call(Method::GET, path, op).await.json()
    }
}

fn exception(told: &Told) -> (u16, String) {
    let body = told.json();
    let name = body["RemoteException"]["exception"]
        .as_str()
        .unwrap_or_default();
    (told.status, name.to_owned())
}

#[tokio::test]
async fn a_file_is_created_in_two_steps() {
    let store = Store::start().await;
    let first = store
        .call(Method::PUT, "a/f", "CREATE&overwrite=true")
        .await;
    assert_eq!(first.status, 307);
    let location = first.header("location");
    assert!(location.ends_with("&write=true"), "{location}");
    let request = store
        .lake
        .client
        .put(location)
        .bearer_auth(&store.owner)
        .body("hello");
    assert_eq!(told(request, &[]).await.status, 201);
    let append = store
        .by(
            &store.owner,
            Method::POST,
            "a/f",
            "APPEND&append=true&offset=5",
            " you",
        )
        .await;
    assert_eq!(append.status, 200);
    let wrong = store
        .by(
            &store.owner,
            Method::POST,
            "a/f",
            "APPEND&append=true&offset=5",
            "x",
        )
        .await;
    assert_eq!(exception(&wrong), (400, "BadOffsetException".into()));
    let open = store
        .call(Method::GET, "a/f", "OPEN&read=true&offset=1&length=4")
        .await;
    assert_eq!(open.text, "ello");
    let there = store
        .call(Method::PUT, "a/f", "CREATE&overwrite=false&write=true")
        .await;
    assert_eq!(
        exception(&there),
        (403, "FileAlreadyExistsException".into())
    );
    let status = store.get("a/f", "GETFILESTATUS").await;
    let status = &status["FileStatus"];
    assert_eq!(
        (
            &status["length"],
            &status["type"],
            &status["permission"],
            &status["owner"]
        ),
        (&json!(9), &json!("FILE"), &json!("770"), &json!(OBJECT))
    );
}

#[tokio::test]
async fn directories_are_made_listed_moved_and_deleted() {
    let store = Store::start().await;
    let truth = |told: Told| told.json()["boolean"].as_bool();
    for path in ["a/b", "a/c", "a/d"] {
        assert_eq!(
            truth(store.call(Method::PUT, path, "MKDIRS").await),
            Some(true)
        );
    }
    let names = |body: Value| {
        let list = body["FileStatuses"]["FileStatus"]
            .as_array()
            .unwrap()
            .clone();
        list.iter()
            .map(|one| one["pathSuffix"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(store.get("a", "LISTSTATUS&listSize=2").await),
        ["b", "c"]
    );
    assert_eq!(names(store.get("a", "LISTSTATUS&listAfter=c").await), ["d"]);
    let moved = store
        .call(Method::PUT, "a/b", "RENAME&destination=/z")
        .await;
    assert_eq!(truth(moved), Some(true));
    let into = store
        .call(Method::PUT, "a/c", "RENAME&destination=/z")
        .await;
    assert_eq!(truth(into), Some(true));
    assert_eq!(names(store.get("z", "LISTSTATUS").await), ["c"]);
    let full = store
        .call(Method::DELETE, "z", "DELETE&recursive=false")
        .await;
    assert_eq!(
        exception(&full),
        (403, "PathIsNotEmptyDirectoryException".into())
    );
    assert_eq!(
        truth(
            store
                .call(Method::DELETE, "z", "DELETE&recursive=true")
                .await
        ),
        Some(true)
    );
    assert_eq!(
        truth(store.call(Method::DELETE, "z", "DELETE").await),
        Some(false)
    );
    let gone = store.call(Method::GET, "z", "GETFILESTATUS").await;
    assert_eq!(exception(&gone), (404, "FileNotFoundException".into()));
    assert_eq!(gone.header("status"), "0x8309000A");
    let summary = store.get("", "GETCONTENTSUMMARY").await;
    assert_eq!(summary["ContentSummary"]["directoryCount"], 3);
}

#[tokio::test]
async fn lists_are_set_modified_and_removed() {
    let store = Store::start().await;
    store.call(Method::PUT, "a", "MKDIRS").await;
    let put = |op: String| {
        let store = &store;
        async move { store.call(Method::PUT, "a", &op).await.status }
    };
    let base = "user::rwx,group::r-x,other::---";
    assert_eq!(
        put(format!("SETACL&aclSpec={base},default:user:{ANN}:r-x")).await,
        200
    );
    assert_eq!(
        put(format!("MODIFYACLENTRIES&aclSpec=user:{ANN}:-wx")).await,
        200
    );
    let status = store.get("a", "MSGETACLSTATUS").await;
    let status = &status["AclStatus"];
    assert_eq!(
        status["entries"],
        json!([
            "user::rwx",
            format!("user:{ANN}:-wx"),
            "group::r-x",
            "mask::rwx",
            "other::---",
            "default:user::rwx",
            format!("default:user:{ANN}:r-x"),
            "default:group::r-x",
            "default:mask::r-x",
            "default:other::---",
        ])
    );
    assert_eq!(
        (&status["permission"], &status["stickyBit"]),
        (&json!("770"), &json!(false))
    );
    assert_eq!(put("REMOVEDEFAULTACL".to_owned()).await, 200);
    assert_eq!(put("SETPERMISSION&permission=1750".to_owned()).await, 200);
    assert_eq!(put("REMOVEACL".to_owned()).await, 200);
    assert_eq!(put(format!("SETOWNER&owner={ANN}")).await, 200);
    let status = store.get("a", "MSGETACLSTATUS").await;
    assert_eq!(
        status["AclStatus"],
        json!({"entries": ["user::rwx", "group::r-x", "other::---"], "owner": ANN, "group": "$superuser",
               "permission": "750", "stickyBit": true})
    );
    let bad = store
        .call(Method::PUT, "a", "SETACL&aclSpec=user::rwx")
        .await;
    assert_eq!(exception(&bad), (400, "AclException".into()));
}

#[tokio::test]
async fn lists_decide_about_who_does_not_own_the_store() {
    let store = Store::start().await;
    store.call(Method::PUT, "a", "MKDIRS").await;
    let look = || store.by(&store.ann, Method::GET, "a", "LISTSTATUS", "");
    assert_eq!(
        exception(&look().await),
        (403, "AccessControlException".into())
    );
    for path in ["", "a"] {
        let op = format!("MODIFYACLENTRIES&aclSpec=user:{ANN}:r-x");
        assert_eq!(store.call(Method::PUT, path, &op).await.status, 200);
    }
    assert_eq!(look().await.status, 200);
    let check = |action: &'static str| {
        let op = format!("CHECKACCESS&fsaction={action}");
        let store = &store;
        async move { store.by(&store.ann, Method::GET, "a", &op, "").await.status }
    };
    assert_eq!((check("r-x").await, check("-w-").await), (200, 403));
}

#[tokio::test]
async fn a_token_for_storage_is_none_for_a_store() {
    let store = Store::start().await;
    let told = store
        .by(&store.lake.owner, Method::GET, "", "LISTSTATUS", "")
        .await;
    assert_eq!(told.status, 401);
    assert!(
        told.header("www-authenticate")
            .contains("authorization_uri=")
    );
    let odd = store.call(Method::GET, "", "DANCE").await;
    assert_eq!(exception(&odd), (400, "IllegalArgumentException".into()));
}
