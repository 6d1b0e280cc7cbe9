use super::*;
use crate::azure::cloud::Cloud;
use crate::azure_identity::api::CloudName;

#[test]
fn names_follow_azure() {
    for (name, good) in [
        ("raw", true),
        ("raw-2026", true),
        ("ra", false),
        ("Raw", false),
        ("-raw", false),
        ("raw-", false),
        ("ra--w", false),
        ("$web", false),
        ("a/b", false),
    ] {
        assert_eq!(name.parse::<FilesystemName>().is_ok(), good, "{name}");
    }
    for (name, good) in [
        ("lake1", true),
        ("la", false),
        ("Lake", false),
        ("la-ke", false),
    ] {
        assert_eq!(name.parse::<AccountName>().is_ok(), good, "{name}");
    }
}

#[test]
fn paths_have_parts_that_lead_nowhere_else() {
    let deep = vec!["a"; 64].join("/");
    let long_part = "x".repeat(256);
    let long = vec!["x".repeat(200); 6].join("/");
    for bad in [
        "a//b", "a/", "a/./b", "../b", "a/..", "a.", "a\nb", &deep, &long_part, &long,
    ] {
        assert!(bad.parse::<LakePath>().is_err(), "{bad:?} was accepted");
    }
    for root in ["", "/"] {
        assert!(root.parse::<LakePath>().unwrap().is_root());
    }
    let path: LakePath = "/raw/year=2026/%2e%2e/ä b".parse().unwrap();
    assert_eq!(path.to_string(), "raw/year=2026/%2e%2e/ä b");
    assert_eq!(path.encoded(), "raw/year%3D2026/%252e%252e/%C3%A4%20b");
    let url: Url = format!("https://x.test/fs/{}", path.encoded())
        .parse()
        .unwrap();
    assert_eq!(url.path(), format!("/fs/{}", path.encoded()));
}

#[test]
fn paths_know_what_they_lie_in() {
    let path = |text: &str| text.parse::<LakePath>().unwrap();
    assert_eq!(path("a/b").parent(), Some(path("a")));
    assert_eq!(path("a").parent(), Some(LakePath::root()));
    assert_eq!(LakePath::root().parent(), None);
    assert!(path("a/b").is_in(&path("a")) && !path("ab").is_in(&path("a")));
    assert_eq!(path("a").join("b/c").unwrap(), path("a/b/c"));
    assert!(path("a").join("../c").is_err());
    let mut some = [path("b"), path("a/c"), path("a"), path("a-b")];
    some.sort();
    assert!(some[0] == path("a") && some[1] == path("a/c"));
}

#[test]
fn a_lake_belongs_to_a_cloud_by_its_whole_suffix() {
    let public = Cloud::named(CloudName::Public).storage.unwrap();
    let china = Cloud::named(CloudName::China).storage.unwrap();
    let lake = |text: &str| text.parse::<LakeUri>().unwrap();
    let own = LakeUri::of(&"lake1".parse().unwrap(), &public);
    assert_eq!(own, lake("https://lake1.dfs.core.windows.net/"));
    assert!(own.is_in(&public) && !own.is_in(&china));
    assert!(lake("https://lake1.z17.dfs.storage.azure.net").is_in(&public));
    assert!(!lake("https://lake1.z17.dfs.storage.azure.net").is_in(&china));
    for foreign in [
        "https://lake1.dfs.core.windows.net.evil.test",
        "https://lake1.x.dfs.core.windows.net",
        "https://lake1.blob.core.windows.net",
        "https://lake1.dfs.core.windows.net:444",
        "https://lake1.zx.dfs.storage.azure.net",
    ] {
        assert!(!lake(foreign).is_in(&public), "{foreign}");
    }
    for bad in [
        "http://lake1.dfs.core.windows.net",
        "https://u@lake1.dfs.core.windows.net",
        "https://lake1.dfs.core.windows.net/fs",
        "https://10.0.0.1",
    ] {
        assert!(bad.parse::<LakeUri>().is_err(), "{bad}");
    }
    let local = Storage::new("core.localhost:8443");
    assert!(lake("https://lake1.dfs.core.localhost:8443").is_in(&local));
    let store = Storage::first_generation("azuredatalakestore.net");
    assert!(lake("https://lake1.azuredatalakestore.net").is_first_generation_in(&store));
    assert!(!own.is_first_generation_in(&store));
}
