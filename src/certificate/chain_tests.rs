use super::super::pki::Party;
use super::*;

/// The way from the first of these, as places in the list.
fn way(certificates: &[&Certificate]) -> (Vec<usize>, bool, usize) {
    let others: Vec<Certificate> = certificates[1..].iter().copied().cloned().collect();
    let chain = build(certificates[0], &others).unwrap();
    let place = |issuer| certificates.iter().position(|known| *known == issuer);
    let way = chain.issuers.iter().map(|issuer| place(issuer).unwrap());
    (way.collect(), chain.complete, chain.strangers.len())
}

#[test]
fn order_does_not_matter() {
    let (root, upper, lower) = (
        Party::authority("root"),
        Party::authority("upper"),
        Party::authority("lower"),
    );
    let leaf = Party::server("leaf").by(&lower);
    let issuers = [lower.by(&upper), upper.by(&root), root.by_itself()];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let others = order.map(|place| issuers[place].clone());
        assert_eq!(build(&leaf, &others).unwrap().issuers, issuers, "{order:?}");
    }
}

#[test]
fn an_authority_with_a_new_key_is_told_from_the_old_one_by_its_key_id() {
    let (root, old, new) = (
        Party::authority("root"),
        Party::authority("middle"),
        Party::authority("middle"),
    );
    let leaf = Party::server("leaf").by(&new);
    let (old, new, root) = (old.by(&root), new.by(&root), root.by_itself());
    assert_eq!(way(&[&leaf, &old, &new, &root]), (vec![2, 3], true, 1));
}

#[test]
fn without_key_ids_the_signature_decides() {
    let (old, new) = (
        Party::authority("root").without_ids(),
        Party::authority("root").without_ids(),
    );
    let leaf = Party::server("leaf").without_ids().by(&new);
    let (old, new) = (old.by_itself(), new.by_itself());
    assert_eq!(way(&[&leaf, &old, &new]), (vec![2], true, 1));
    assert_eq!(way(&[&leaf, &old]), (vec![], false, 1));
}

/// A new root that an old one vouches for is there twice: as a root, and as an intermediate.
#[test]
fn of_cross_signed_ways_the_nearest_root_is_taken() {
    let (old, new, middle) = (
        Party::authority("old root"),
        Party::authority("new root"),
        Party::authority("middle"),
    );
    let leaf = Party::server("leaf").by(&middle);
    let (middle, crossed) = (middle.by(&new), new.by(&old));
    let (old, new) = (old.by_itself(), new.by_itself());
    assert_eq!(
        way(&[&leaf, &crossed, &old, &middle, &new]),
        (vec![3, 4], true, 0)
    );
    assert_eq!(
        way(&[&leaf, &crossed, &old, &middle]),
        (vec![3, 1, 2], true, 0)
    );
    assert_eq!(way(&[&leaf, &crossed, &middle]), (vec![2, 1], false, 0));
}

/// As it was with Let's Encrypt's R3 when its first root ended.
#[test]
fn an_issuer_that_ends_before_the_leaf_is_avoided() {
    let (mut old, new, mut middle) = (
        Party::authority("old root"),
        Party::authority("new root"),
        Party::authority("middle"),
    );
    let mut server = Party::server("leaf");
    let leaf = server.until(2030).by(&middle);
    let (lasting, ending) = (middle.by(&new), middle.until(2025).by(&old));
    let old = old.until(2025).by_itself();
    assert_eq!(way(&[&leaf, &ending, &old, &lasting]), (vec![3], false, 0));
    assert_eq!(way(&[&leaf, &ending, &old]), (vec![1, 2], true, 0));
}

#[test]
fn certificates_that_issued_each_other_end() {
    let (one, other) = (Party::authority("one"), Party::authority("other"));
    let leaf = Party::server("leaf").by(&one);
    let (first, second) = (one.by(&other), other.by(&one));
    assert_eq!(way(&[&leaf, &second, &first]), (vec![2, 1], false, 0));
}

/// Of a root that changed its key: the new key signed with the old one has the same name as subject and issuer.
#[test]
fn a_new_key_signed_with_the_old_one_is_no_root() {
    let (old, new) = (Party::authority("root"), Party::authority("root"));
    let leaf = Party::server("leaf").by(&new);
    let (handover, old) = (new.by(&old), old.by_itself());
    assert!(!is_root(&handover) && is_root(&old));
    assert_eq!(way(&[&leaf, &handover, &old]), (vec![1, 2], true, 0));
}

#[test]
fn a_name_in_another_case_is_taken_with_the_same_key_id_only() {
    let key = Party::authority("Root CA");
    let leaf = Party::server("leaf").by(&key);
    let renamed = key.renamed("ROOT ca").by_itself();
    assert_eq!(way(&[&leaf, &renamed]), (vec![1], true, 0));
    let other = Party::authority("ROOT ca").by_itself();
    assert_eq!(way(&[&leaf, &other]), (vec![], false, 1));
}

#[test]
fn a_file_with_hundreds_of_namesakes_is_refused() {
    let issuer = Party::authority("same").without_ids();
    let other = Party::authority("same").without_ids();
    let many = (1..60).map(|nth| {
        let mut again = issuer.renamed("same");
        again.until(2040 + nth).by(&other)
    });
    let leaf = Party::server("leaf").without_ids().by(&issuer);
    let message = build(&leaf, &many.collect::<Vec<_>>()).unwrap_err();
    assert!(message.contains("of the same name"), "{message}");
}
