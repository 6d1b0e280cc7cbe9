use super::*;
use crate::azure::lake::fixtures::{answer, place, profile, told};
use crate::azure::lake::request;

#[test]
fn a_file_is_filled_and_then_shown() {
    let content = SecretValue::from("abc".to_owned());
    assert_eq!(md5(&content), "kAFQmDzST7DWlj99KOF/cg==");
    let append = append(place("a"), &content).unwrap();
    assert_eq!(
        told(&append),
        "PATCH /raw/a?action=append&position=0 content-md5=kAFQmDzST7DWlj99KOF/cg== content-type=application/octet-stream"
    );
    let token = SecretValue::from("t".to_owned());
    let sent = request(&profile(), &append, &token).unwrap();
    assert_eq!(sent.body.as_ref().unwrap().as_slice(), b"abc");
    let flush = flush(place("a"), content.len(), &md5(&content)).unwrap();
    assert_eq!(
        told(&flush.if_match("\"0x1\"").unwrap()),
        "PATCH /raw/a?action=flush&position=3&close=true x-ms-content-md5=kAFQmDzST7DWlj99KOF/cg== if-match=\"0x1\""
    );
}

#[test]
fn a_content_is_not_printed() {
    let content = SecretValue::from("hunter2".to_owned());
    let call = append(place("a"), &content).unwrap();
    assert!(!format!("{call:?}").contains("hunter2"));
}

#[test]
fn a_file_is_read_as_it_is() {
    let got = read(&answer(200, &[], "abc"));
    assert_eq!(got.expose(), b"abc");
    assert_eq!(told(&get(place("a"))), "GET /raw/a");
}
