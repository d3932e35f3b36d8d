//! Remembered hashes are those of the texts.

use proptest::prelude::*;

use super::*;

fn agrees(texts: &[String]) {
    // Cut out of a longer one, so that something lies before and behind.
    let all = ["before"].into_iter().chain(texts.iter().map(String::as_str)).chain(["", "behind"]);
    let array = StringArray::from_iter_values(all).slice(1, texts.len());
    let expected = texts.iter().map(|text| KeyGroups::extend(0, Some(text.as_bytes())));
    let (found, expected): (_, Vec<u64>) = (hashes(&array), expected.collect());
    assert_eq!(found, expected, "{texts:?}");
}

#[test]
fn texts_that_differ_in_length_or_place_are_told_apart() {
    let texts = [
        "",
        "\0",
        "\0\0",
        "a",
        "a\0",
        "aa",
        "aaaaaaaa",
        "aaaaaaaaa",
        "aaaaaaaab",
        "\0\0\0\0\0\0\0\0",
    ];
    let texts: Vec<String> = texts.iter().cycle().take(100).map(|it| (*it).to_owned()).collect();
    agrees(&texts);
}

#[test]
fn many_texts_are_hashed_too() {
    let texts: Vec<String> = (0..1_000).map(|it| (it % 300).to_string()).collect();
    agrees(&texts);
    let few = (0..1_000).map(|it| ["click", "view", "purchase"][it % 3].to_owned());
    agrees(&texts.into_iter().chain(few).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn any_texts_have_their_hashes(texts in prop::collection::vec("[ab\u{0}é]{0,10}", 0..200)) {
        agrees(&texts);
    }
}
