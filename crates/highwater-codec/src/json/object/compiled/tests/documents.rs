//! Records of declared columns: good ones, nearly good ones, and those that were damaged.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::columns::Column;
use crate::{Columns, Type};

/// A record for `columns`, most of the time a good one.
pub(super) fn document(columns: &Columns) -> impl Strategy<Value = Vec<u8>> + use<> {
    let around = select(vec!["", "", "", " ", "\n", "\t \r\n", "\u{b}", "x", "{}", "\0"]);
    let parts = (object(columns), prop::bool::weighted(0.1), around.clone(), around);
    parts.prop_map(|(object, ragged, before, after)| {
        if ragged { format!("{before}{object}{after}") } else { object }.into_bytes()
    })
}

/// The same record after some accidents.
pub(super) fn damaged(document: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    damages.iter().for_each(|damage| damage.apply(&mut bytes));
    bytes
}

#[derive(Clone, Debug)]
pub(super) enum Damage {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Repeat(Index, Index),
}

pub(super) fn damage() -> impl Strategy<Value = Damage> {
    let telling = b"{}[]\":,\\u0123456789e.-+ntfaTZ \t\n\x00\x1f\x7f\xff\xed\xc3\xa9".to_vec();
    let byte = prop_oneof![3 => select(telling), 1 => any::<u8>()];
    prop_oneof![
        3 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => any::<Index>().prop_map(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Self::Set(at, byte) => bytes[at.index(length)] = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(length), *byte),
            Self::Remove(at) => {
                bytes.remove(at.index(length));
            }
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, part);
            }
        }
    }
}

/// An object with the keys of `columns`, mostly in their order, and with some others.
fn object(columns: &Columns) -> BoxedStrategy<String> {
    let mut keys: Vec<&Column> = Vec::new();
    for column in columns.iter() {
        if keys.iter().all(|key| key.fed_by() != column.fed_by()) {
            keys.push(column);
        }
    }
    let members: Vec<BoxedStrategy<Option<String>>> = keys.into_iter().map(member).collect();
    let style = prop_oneof![
        4 => Just((":", ",")),
        3 => Just((": ", ", ")),
        1 => Just((" : ", " ,\n\t")),
        1 => Just((":\r", ",  ")),
    ];
    (members, vec((any::<Index>(), other()), 0..3), changes(), style)
        .prop_map(|(members, others, changes, style)| {
            let mut members: Vec<String> = members.into_iter().flatten().collect();
            for (at, other) in others {
                members.insert(at.index(members.len() + 1), other);
            }
            for (from, to, copied) in changes {
                if members.is_empty() {
                    break;
                }
                let member = members[from.index(members.len())].clone();
                if !copied {
                    members.remove(from.index(members.len()));
                }
                members.insert(to.index(members.len() + 1), member);
            }
            let (colon, comma) = style;
            // The first colon that is none of a string is the one behind the key.
            let members: Vec<String> =
                members.iter().map(|member| member.replacen('\u{1}', colon, 1)).collect();
            format!("{{{}}}", members.join(comma))
        })
        .boxed()
}

/// Members that go to another place, or come there once more.
fn changes() -> impl Strategy<Value = Vec<(Index, Index, bool)>> {
    let change = (any::<Index>(), any::<Index>(), prop::bool::weighted(0.3));
    prop_oneof![5 => Just(Vec::new()), 2 => vec(change, 1..4)]
}

/// A key of a column and its value, with the control character 1 between them.
fn member(column: &Column) -> BoxedStrategy<Option<String>> {
    let key = column.fed_by();
    let first = key.chars().next().map_or(0, u32::from);
    let escaped = format!("\\u{first:04x}{}", key.chars().skip(1).collect::<String>());
    let keys = select(vec![escaped, key.to_uppercase(), format!("{key} "), String::new()]);
    let key = prop_oneof![40 => Just(key.to_owned()), 1 => keys];
    let value = prop_oneof![12 => fitting(&column.kind), 1 => scalar(), 1 => value()];
    let member = (key, value).prop_map(|(key, value)| format!("\"{key}\"\u{1}{value}"));
    option::weighted(0.95, member).boxed()
}

/// A key that feeds no column, as a rule.
fn other() -> impl Strategy<Value = String> {
    let keys = vec!["x", "source", "id2", "", "é", "first", "a\\n", "transaction_of_a_longer_name"];
    (select(keys), value()).prop_map(|(key, value)| format!("\"{key}\"\u{1}{value}"))
}

/// A value that a column takes, as a rule.
fn fitting(kind: &Type) -> BoxedStrategy<String> {
    match kind {
        Type::Text => prop_oneof![
            4 => "\"[ -!#-\\[\\]-~]{0,40}\"",
            1 => "\"[a-zéü€😀]{0,12}\"",
            1 => "\"([a-z]|\\\\n|\\\\u00e9|\\\\\"){0,6}\"",
            1 => number(),
        ]
        .boxed(),
        Type::Int => "-?(0|[1-9][0-9]{0,9})".boxed(),
        Type::Long => "-?(0|[1-9][0-9]{0,18})".boxed(),
        Type::Double => number().boxed(),
        Type::Boolean => select(vec!["true", "false"]).prop_map(str::to_owned).boxed(),
        Type::Decimal(..) => prop_oneof![
            3 => "\"-?[0-9]{1,9}(\\.[0-9]{1,2})?\"",
            1 => "\"[+-]?[0-9]{0,19}\\.?[0-9]{0,6}(e[0-9])?\"",
            1 => "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,4})?",
        ]
        .boxed(),
        Type::Timestamp => prop_oneof![
            3 => "\"20[0-9]{2}-0[1-9]-[0-2][0-9][T ]1[0-9]:[0-5][0-9]:[0-5][0-9]Z?\"",
            1 => "\"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,7})?([+-][0-2][0-9]:[0-6][0-9])?\"",
        ]
        .boxed(),
        Type::Struct(columns) => {
            prop_oneof![8 => object(columns), 1 => Just("null".to_owned())].boxed()
        }
    }
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?"
}

/// A value that is no container, or nearly one.
fn scalar() -> BoxedStrategy<String> {
    let some = vec![
        "null",
        "true",
        "false",
        "nul",
        "tru",
        "True",
        "NaN",
        "0",
        "-0",
        "-",
        "007",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e3",
        "1e400",
        "1.5",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "123456789012345678901234567890",
        "\"\"",
        "\"12.50\"",
        "\"-0.005\"",
        "\"1e3\"",
        "\"+5\"",
        "\".5\"",
        "\"5.\"",
        "\"9999999999999999.99\"",
        "\"2025-02-30T00:00:00Z\"",
        "\"2025-01-16T12:30:00.1234567\"",
        "\"2025-01-16T12:30:00\"",
        "\"2025-01-16T12:30:60\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"\\q\"",
        "\"a\tb\"",
        "\"a\u{7f}b\"",
        "\"open",
        "'a'",
        "",
    ];
    prop_oneof![
        5 => select(some).prop_map(str::to_owned),
        1 => number(),
        1 => "\"[a-z]{0,20}\"",
        1 => "0[0-9]{1,3}",
    ]
    .boxed()
}

/// Any value, or nearly one.
fn value() -> BoxedStrategy<String> {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let containers = prop_oneof![
        1 => (60_usize..66).prop_map(deep),
        4 => vec(scalar(), 0..3).prop_map(|values| format!("[{}]", values.join(","))),
        4 => vec(scalar(), 0..3).prop_map(|values| {
            let members: Vec<String> =
                values.iter().map(|value| format!("\"k\": {value}")).collect();
            format!("{{{}}}", members.join(" , "))
        }),
        1 => scalar().prop_map(|value| format!("{{\"k\":[{{\"id\":{value}}},{{}}]}}")),
    ];
    prop_oneof![2 => scalar(), 1 => containers].boxed()
}
