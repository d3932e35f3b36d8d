//! Which functions there are, by name.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_functions::{core, datetime, math, regex, string, unicode};

use crate::own;
use crate::translate::by_likeness;

/// A function of DataFusion or of ours.
pub(crate) type Make = fn() -> Arc<ScalarUDF>;

/// Functions that a call is passed to as it stands. Each gives the same for the same arguments, whenever and wherever.
const PASSED: &[(&str, Make)] = &[
    ("abs", math::abs),
    ("acos", math::acos),
    ("ascii", string::ascii),
    ("asin", math::asin),
    ("atan", math::atan),
    ("atan2", math::atan2),
    ("bit_length", string::bit_length),
    ("btrim", string::btrim),
    ("cbrt", math::cbrt),
    ("ceil", math::ceil),
    ("char_length", unicode::character_length),
    ("character_length", unicode::character_length),
    ("chr", string::chr),
    ("concat_ws", string::concat_ws),
    ("contains", string::contains),
    ("cos", math::cos),
    ("cosh", math::cosh),
    ("current_date", own::current_date),
    ("current_timestamp", own::now),
    ("date_part", datetime::date_part),
    ("date_trunc", datetime::date_trunc),
    ("degrees", math::degrees),
    ("endswith", string::ends_with),
    ("exp", math::exp),
    ("factorial", math::factorial),
    ("find_in_set", unicode::find_in_set),
    ("floor", math::floor),
    ("greatest", core::greatest),
    ("initcap", unicode::initcap),
    ("instr", unicode::strpos),
    ("isnan", math::isnan),
    ("least", core::least),
    ("left", unicode::left),
    ("length", unicode::character_length),
    ("levenshtein", string::levenshtein),
    ("ln", math::ln),
    ("log10", math::log10),
    ("log2", math::log2),
    ("lower", string::lower),
    ("lpad", unicode::lpad),
    ("ltrim", string::ltrim),
    ("make_date", datetime::make_date),
    ("nanvl", math::nanvl),
    ("now", own::now),
    ("nullif", core::nullif),
    ("octet_length", string::octet_length),
    ("overlay", core::overlay),
    ("pi", math::pi),
    ("radians", math::radians),
    ("regexp_count", regex::regexp_count),
    ("regexp_like", regex::regexp_like),
    ("repeat", string::repeat),
    ("replace", string::replace),
    ("reverse", unicode::reverse),
    ("right", unicode::right),
    ("round", math::round),
    ("rpad", unicode::rpad),
    ("rtrim", string::rtrim),
    ("sign", math::signum),
    ("signum", math::signum),
    ("sin", math::sin),
    ("sinh", math::sinh),
    ("split_part", string::split_part),
    ("sqrt", math::sqrt),
    ("startswith", string::starts_with),
    ("substr", unicode::substr),
    ("substring", unicode::substr),
    ("substring_index", unicode::substr_index),
    ("tan", math::tan),
    ("tanh", math::tanh),
    ("to_char", datetime::to_char),
    ("to_hex", string::to_hex),
    ("to_unixtime", datetime::to_unixtime),
    ("translate", unicode::translate),
    ("trim", string::btrim),
    ("upper", string::upper),
];

/// Functions that a call is written anew for, because DataFusion has none or another one of the name.
pub(crate) const WRITTEN: &[&str] = &[
    "coalesce",
    "concat",
    "day",
    "dayofmonth",
    "dayofyear",
    "hour",
    "if",
    "ifnull",
    "minute",
    "month",
    "nvl",
    "nvl2",
    "pow",
    "power",
    "quarter",
    "regexp_replace",
    "second",
    "timestamp_micros",
    "timestamp_millis",
    "timestamp_seconds",
    "to_date",
    "to_timestamp",
    "weekofyear",
    "year",
];

/// Functions whose answer is another one each time.
const CHANGING: &[&str] =
    &["gen_random_uuid", "rand", "randn", "random", "randstr", "uniform", "uuid"];

/// Functions that add rows up.
const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "avg",
    "collect_list",
    "collect_set",
    "count",
    "first",
    "last",
    "max",
    "mean",
    "median",
    "min",
    "percentile",
    "stddev",
    "sum",
    "variance",
];

/// The functions by which names two systems know different things, and what to write.
const AMBIGUOUS: &[(&str, &str)] = &[
    ("date_format", "write to_char(time, '%Y-%m-%d'), with a pattern of strftime"),
    ("from_unixtime", "write timestamp_seconds(n), or to_char of it"),
    ("log", "write ln(x), log2(x) or log10(x)"),
    ("trunc", "write date_trunc('month', time), or round(x, digits)"),
    ("unix_timestamp", "write to_unixtime(time)"),
];

/// What a name stands for.
pub(crate) enum Named {
    /// A function that a call is passed to.
    Passed(Arc<ScalarUDF>),
    /// One of [`WRITTEN`].
    Written(&'static str),
    /// A function whose answer is another one each time.
    Changing,
    /// A function that adds rows up.
    Aggregate,
    /// A name with more than one meaning, and what to write.
    Ambiguous(&'static str),
    /// No function; those with similar names.
    Unknown(Vec<String>),
}

/// What a name stands for, in whatever case.
pub(crate) fn find(name: &str) -> Named {
    let name = name.to_lowercase();
    let among = |names: &[&'static str]| names.iter().copied().find(|found| *found == name);
    if let Some((_, make)) = PASSED.iter().find(|(found, _)| *found == name) {
        return Named::Passed(make());
    }
    if let Some(found) = among(WRITTEN) {
        return Named::Written(found);
    }
    if let Some((_, instead)) = AMBIGUOUS.iter().find(|(found, _)| *found == name) {
        return Named::Ambiguous(instead);
    }
    match (among(CHANGING), among(AGGREGATES)) {
        (Some(_), _) => Named::Changing,
        (_, Some(_)) => Named::Aggregate,
        _ => Named::Unknown(by_likeness(&name, all()).into_iter().take(2).collect()),
    }
}

/// The names of all functions.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    PASSED.iter().map(|(name, _)| *name).chain(WRITTEN.iter().copied())
}

#[cfg(test)]
mod tests;
