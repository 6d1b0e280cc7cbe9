use super::*;
use crate::azure::cloud::Cloud;
use crate::azure::fixtures::answer;
use crate::azure_identity::api::CloudName;

const ID: &str = "72a3f86f-271f-439e-b031-25678907d381";

pub(super) fn profile() -> Profile {
    Profile {
        cloud: Cloud::shared(CloudName::Public),
        tenant: Some("11111111-1111-1111-1111-111111111111".parse().unwrap()),
        client: Some("22222222-2222-2222-2222-222222222222".parse().unwrap()),
    }
}

pub(super) fn lake() -> Lake {
    Lake {
        uri: uri(&profile(), &"storea".parse().unwrap()).unwrap(),
        id: "/subscriptions/s/storea".to_owned(),
    }
}

pub(super) fn path(text: &str) -> LakePath {
    text.parse().unwrap()
}

fn told(call: &Call) -> String {
    let token = SecretValue::from("t0ken".to_owned());
    let request = request(&profile(), call, &token).unwrap();
    let url = request.url.as_str();
    let rest = url
        .strip_prefix("https://storea.azuredatalakestore.net/webhdfs/v1/")
        .unwrap();
    let rest = rest.strip_suffix("&api-version=2018%2D09%2D01").unwrap();
    format!("{} {rest}", request.method)
}

#[test]
fn calls_are_those_of_the_reference() {
    let (lake, a) = (&lake(), &path("a/b c"));
    let content = SecretValue::from("abc".to_owned());
    let acl = Acl::parse("user::rwx").unwrap();
    let removal = Removal::parse(&format!("user:{ID}")).unwrap();
    let owner: Owner = ID.parse().unwrap();
    let sticky: Permissions = "1750".parse().unwrap();
    for (call, expected) in [
        (
            make_directory(lake, a, Some(sticky)),
            "PUT a/b%20c?op=MKDIRS&permission=1750",
        ),
        (
            create(lake, a, (&content, false), None),
            "PUT a/b%20c?op=CREATE&write=true&overwrite=false&syncFlag=CLOSE",
        ),
        (
            append(lake, a, &content, 3),
            "POST a/b%20c?op=APPEND&append=true&offset=3&syncFlag=CLOSE",
        ),
        (open(lake, a, 12), "GET a/b%20c?op=OPEN&read=true&length=12"),
        (get(lake, &path("")), "GET ?op=GETFILESTATUS"),
        (
            list(lake, a, Some("z")),
            "GET a/b%20c?op=LISTSTATUS&listSize=2000&listAfter=z",
        ),
        (get_acl(lake, a), "GET a/b%20c?op=MSGETACLSTATUS"),
        (
            set_acl(lake, a, &acl),
            "PUT a/b%20c?op=SETACL&aclSpec=user%3A%3Arwx",
        ),
        (
            modify_acl(lake, a, &acl),
            "PUT a/b%20c?op=MODIFYACLENTRIES&aclSpec=user%3A%3Arwx",
        ),
        (
            remove_entries(lake, a, &removal),
            "PUT a/b%20c?op=REMOVEACLENTRIES&aclSpec=user%3A72a3f86f%2D271f%2D439e%2Db031%2D25678907d381",
        ),
        (remove_acl(lake, a), "PUT a/b%20c?op=REMOVEACL"),
        (remove_defaults(lake, a), "PUT a/b%20c?op=REMOVEDEFAULTACL"),
        (
            set_permissions(lake, a, sticky),
            "PUT a/b%20c?op=SETPERMISSION&permission=1750",
        ),
        (
            set_owner(lake, a, None, Some(&owner)),
            "PUT a/b%20c?op=SETOWNER&group=72a3f86f%2D271f%2D439e%2Db031%2D25678907d381",
        ),
        (
            rename(lake, a, &path("x/y")),
            "PUT a/b%20c?op=RENAME&destination=%2Fx%2Fy",
        ),
        (
            delete(lake, a, true),
            "DELETE a/b%20c?op=DELETE&recursive=true",
        ),
    ] {
        assert_eq!(told(&call), expected);
    }
}

#[test]
fn a_token_goes_only_to_stores_of_the_cloud() {
    let mut call = get(&lake(), &path("a"));
    call.lake.uri = "https://storea.dfs.core.windows.net".parse().unwrap();
    let token = SecretValue::from("t0ken".to_owned());
    let refused = request(&profile(), &call, &token).unwrap_err();
    assert_eq!(refused.reason, Reason::LakeNotInCloud);
    let china = Profile {
        cloud: Cloud::shared(CloudName::China),
        ..profile()
    };
    let refused = request(&china, &call, &token).unwrap_err();
    assert_eq!(refused.reason, Reason::StorageUnknown);
}

#[test]
fn the_second_step_is_taken_at_the_same_place_and_nowhere_else() {
    let content = SecretValue::from("abc".to_owned());
    let call = create(&lake(), &path("a"), (&content, true), None);
    let at = |location: &str| elsewhere(&call, &answer(307, &[("location", location)], ""));
    let own = "https://storea.azuredatalakestore.net/webhdfs/v1/a?op=CREATE&write=true&leaseid=x&api-version=2016-11-01";
    let next = at(own).unwrap().unwrap();
    assert_eq!(told(&next), "PUT a?op=CREATE&write=true&leaseid=x");
    assert_eq!(next.body, Some(content.clone()));
    for foreign in [
        "https://evil.test/webhdfs/v1/a?op=CREATE",
        "https://storea.azuredatalakestore.net/webhdfs/v1/b?op=CREATE",
        "http://storea.azuredatalakestore.net/webhdfs/v1/a?op=CREATE",
    ] {
        assert_eq!(
            at(foreign).unwrap_err().reason,
            Reason::ForeignChallenge,
            "{foreign}"
        );
    }
    assert_eq!(elsewhere(&call, &answer(201, &[], "")), Ok(None));
}
