//! Which key is expected, and how it is recognised.

use super::{MAX_PASSED, MAX_PASSED_BYTES, NO_KEY, Order};

fn order(names: &[&str]) -> Order {
    let mut order = Order::default();
    names.iter().for_each(|name| order.add_member(name));
    order
}

fn rest<'a>(order: &Order, number: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
    order.strip(number, bytes).map(|(rest, _)| rest)
}

#[test]
fn a_key_is_recognised_as_it_is_written() {
    let names = [
        "",
        "a",
        "amount",
        "transaction",
        "transaction_id",
        "é",
        "xxxxx",
        "xxxxxxxxxxxxx",
        "a_name_of_twenty_nine_letters",
        "a_name_which_has_thirty_letters",
        "a_name_that_has_as_many_as_forty_letters",
    ];
    let order = order(&names);
    for (number, name) in names.iter().enumerate() {
        // As near to the end as may be, and farther from it.
        for after in ["", "1", "1}", "12345678", "1234567890123456789012345678901234567890"] {
            let text = format!("\"{name}\":{after}");
            assert_eq!(rest(&order, number, text.as_bytes()), Some(after.as_bytes()), "{text}");
            for other in (0..names.len()).filter(|other| *other != number) {
                assert_eq!(rest(&order, other, text.as_bytes()), None, "{other} in {text}");
            }
            for at in 0..text.len() - after.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                assert_eq!(rest(&order, number, &bytes), None, "byte {at} of {text}");
                assert_eq!(rest(&order, number, &text.as_bytes()[..at]), None, "{at} bytes");
            }
        }
    }
}

#[test]
fn a_key_that_needs_escapes_is_not_recognised() {
    let names = ["a\"b", "a\\b", "a\nb"];
    let order = order(&names);
    for (number, name) in names.iter().enumerate() {
        assert_eq!(rest(&order, number, format!("\"{name}\":12345678").as_bytes()), None);
        assert_eq!(rest(&order, number, b""), None);
        assert_eq!(order.find(name.as_bytes(), 0), Some(number));
    }
}

#[test]
fn keys_are_expected_as_they_came() {
    let mut order = order(&["a", "b", "c"]);
    assert_eq!((order.first(), order.after(0), order.after(1)), (0, 1, 2));
    order.follow(NO_KEY, 2);
    order.follow(2, 0);
    assert_eq!((order.first(), order.after(2), order.after(0)), (2, 0, 1));
    let other = order.find_or_learn(b"other", 1).unwrap();
    assert_eq!((order.member(1), order.member(other)), (Some(1), None));
    order.follow(0, other);
    assert_eq!(rest(&order, order.after(0), b"\"other\":1"), Some(b"1".as_slice()));
    assert_eq!(order.find_or_learn(b"other", 0), Some(other));
}

#[test]
fn only_so_many_keys_are_remembered() {
    let mut order = order(&["a"]);
    assert_eq!(order.find_or_learn(&[b'x'; MAX_PASSED_BYTES + 1], 0), None);
    for number in 0..MAX_PASSED {
        assert_eq!(order.find_or_learn(number.to_string().as_bytes(), 0), Some(number + 1));
    }
    assert_eq!(order.find_or_learn(b"more", 0), None);
    assert_eq!(order.find_or_learn(b"a", 5), Some(0));
    assert_eq!(order.find_or_learn(b"0", 5), Some(1));
}

#[test]
fn white_space_is_learned() {
    let mut order = order(&["a", "\"", "a_name_of_twenty_nine_letters"]);
    for number in [0, 1, 2] {
        for written in ["\"a\": ", " \"a\" : ", "\"a\":", " \"a\":                               "]
        {
            order.learn(number, written.as_bytes());
            for after in ["", "1", "1234567890123456789012345678901234567890"] {
                let text = format!("{written}{after}");
                assert_eq!(rest(&order, number, text.as_bytes()), Some(after.as_bytes()), "{text}");
                let other = text.replacen(':', ";", 1);
                assert_eq!(rest(&order, number, other.as_bytes()), None, "{other}");
            }
        }
    }
    order.learn(NO_KEY, b"nothing");
}
