//! Sums of floats against whole numbers, and against themselves in another order.

use proptest::prelude::*;

use super::*;

fn sum(values: &[f64]) -> Digits {
    let mut sum = Digits::unpack(i256::ZERO);
    values.iter().for_each(|value| sum.add(*value));
    sum
}

#[test]
fn a_sum_is_rounded_once() {
    for (values, expected) in [
        (vec![], 0.0),
        (vec![0.1; 10], 1.0),
        (vec![1.0, 1e100, 1.0, -1e100], 0.0),
        (vec![1e16, 1.0, -1e16], 1.0),
        (vec![1e308, 1e308], f64::INFINITY),
        (vec![1e308, 1e308, -1e308], 1e308),
        (vec![f64::MAX], f64::MAX),
        (vec![-f64::MIN_POSITIVE, 5e-324], -f64::MIN_POSITIVE + 5e-324),
        (vec![5e-324], 5e-324),
        (vec![5e-324, -5e-324], 0.0),
        (vec![f64::INFINITY, 1.0], f64::INFINITY),
        (vec![f64::NEG_INFINITY, f64::MAX], f64::NEG_INFINITY),
    ] {
        let found = sum(&values).value();
        assert_eq!(found.to_bits(), expected.to_bits(), "{values:?}: {found} {expected}");
    }
    assert!(sum(&[f64::NAN, 1.0]).value().is_nan());
    assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).value().is_nan());
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        -1e6..1e6,
        (-60..60_i32, -1e3..1e3).prop_map(|(power, value)| value * 2_f64.powi(power)),
    ]
}

proptest! {
    #[test]
    fn one_value_is_its_own_sum(value in float()) {
        let found = sum(&[value]).value();
        // There is one zero.
        let same = found.to_bits() == (value + 0.0).to_bits() || found.is_nan() && value.is_nan();
        prop_assert!(same, "{} {}", found, value);
    }

    #[test]
    fn order_and_pieces_do_not_show(
        values in proptest::collection::vec(float(), 0..40), cut in 0_usize..40, seed in any::<u64>(),
    ) {
        let whole = sum(&values);
        let mut other = values.clone();
        other.sort_by_key(|value| value.to_bits().wrapping_mul(seed | 1));
        let (one, two) = other.split_at(cut.min(other.len()));
        let mut merged = Digits::unpack(sum(one).pack());
        merged.merge(sum(two));
        prop_assert_eq!(merged, whole);
        prop_assert_eq!(Digits::unpack(whole.pack()), whole);
    }

    /// Whole numbers below 2^40 are added up exactly.
    #[test]
    fn whole_numbers_are_exact(values in proptest::collection::vec(-1_i64 << 40..1_i64 << 40, 0..60)) {
        let floats: Vec<_> = values.iter().map(|value| *value as f64).collect();
        let expected = values.iter().sum::<i64>() as f64;
        prop_assert_eq!(sum(&floats).value().to_bits(), expected.to_bits());
    }
}
