//! Exact sums: no digit lost, whatever the order, and rounded once.

use proptest::prelude::*;

use super::*;

fn sum(values: &[f64]) -> Exact {
    let mut sum = Exact::default();
    values.iter().for_each(|value| sum.add(*value));
    sum
}

#[test]
fn nothing_is_lost() {
    assert_eq!(sum(&[]).round(), 0.0);
    assert_eq!(sum(&[1e308, 1e308, -1e308]).round(), 1e308);
    assert_eq!(sum(&[1e16, 1.0, -1e16]).round(), 1.0);
    assert_eq!(sum(&[0.1; 10]).round(), 1.0);
    assert_eq!(sum(&[1.0, f64::EPSILON / 2.0]).round(), 1.0, "half way goes to the even one");
    assert_eq!(sum(&[1.0, f64::EPSILON / 2.0, 5e-324]).round(), 1.0 + f64::EPSILON);
    assert_eq!(sum(&[5e-324, 5e-324]).round(), 1e-323);
    assert_eq!(sum(&[-5e-324, 2e-308]).round(), 2e-308 - 5e-324);
    assert_eq!(sum(&[f64::MAX, f64::MAX]).round(), f64::INFINITY);
    assert_eq!(sum(&[-2.5, 1.25]).round(), -1.25);
    assert_eq!(sum(&[f64::INFINITY, 1.0]).round(), f64::INFINITY);
    assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).round().is_nan());
}

#[test]
fn many_additions_carry() {
    let mut sum = Exact { additions: ADDITIONS_MAX - 2, ..Exact::default() };
    (0..10).for_each(|_| sum.add(-1e10));
    assert_eq!(sum.round(), -1e11);
}

#[test]
fn a_product_is_exact() {
    let mut sum = Exact::default();
    let value = 1.0 + f64::EPSILON;
    sum.add_product(value, value);
    sum.add(-1.0);
    sum.add(-2.0 * f64::EPSILON);
    assert_eq!(sum.round(), f64::EPSILON * f64::EPSILON);
}

/// A sum as it lies in memory after its carries.
fn carried(limbs: &[i64]) -> Vec<i64> {
    let mut sum = Exact { limbs: limbs.to_vec(), ..Exact::default() };
    sum.carry();
    assert_eq!(sum.additions, 1, "the count of additions starts over");
    sum.limbs
}

#[test]
fn carries_and_borrows_run_through_all_limbs() {
    const TOP: i64 = 1 << 32;
    assert_eq!(carried(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(carried(&[TOP + 5, TOP - 1, 7]), [5, 0, 8]);
    assert_eq!(carried(&[3 * TOP, 0, TOP - 1]), [0, 3, TOP - 1]);
    assert_eq!(carried(&[0, TOP - 1, TOP - 1 + 2 * TOP]), [0, TOP - 1, TOP - 1, 2]);
    // A borrow takes one from the next, and a sign stays in the highest.
    assert_eq!(carried(&[-1, 0, 1]), [TOP - 1, TOP - 1, 0]);
    assert_eq!(carried(&[-1, 0, 0]), [TOP - 1, TOP - 1, -1]);
    assert_eq!(carried(&[0, 0, -TOP]), [0, 0, 0, -1], "a limb of nothing cannot carry a sign");
    assert_eq!(carried(&[0, 0, -2 * TOP + 1]), [0, 0, 1, -2]);
    assert_eq!(carried(&[]), [0; 0]);
}

#[test]
fn carries_are_propagated_before_a_limb_is_full() {
    let mut sum = Exact { additions: ADDITIONS_MAX - 2, ..Exact::default() };
    (0..10).for_each(|_| sum.add(-1e10));
    assert_eq!(sum.additions, 9, "the second addition was the last that fitted");
    let mut merged = Exact { additions: ADDITIONS_MAX - 1, ..Exact::default() };
    merged.add(0.0);
    assert_eq!(merged.additions, ADDITIONS_MAX - 1, "nothing is not an addition");
}

#[test]
fn a_double_is_taken_apart() {
    assert_eq!(decompose(1.0), Some((false, 1 << 52, -52)));
    assert_eq!(decompose(-1.5), Some((true, 3 << 51, -52)));
    assert_eq!(decompose(-5e-324), Some((true, 1, -1074)));
    assert_eq!(decompose(f64::MIN_POSITIVE), Some((false, 1 << 52, -1074)));
    assert_eq!(decompose(f64::MAX), Some((false, (1 << 53) - 1, 971)));
    assert!([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].into_iter().all(|value| decompose(value).is_none()));
}

#[test]
fn half_way_is_rounded_to_the_even_one_and_a_rest_decides() {
    let odd = (1_u128 << 53) + 1;
    assert_eq!(nearest(odd, false, 0), 9_007_199_254_740_992.0, "half way, and below it is even");
    assert_eq!(nearest(odd, true, 0), 9_007_199_254_740_994.0, "a little more than half way");
    assert_eq!(nearest(odd + 2, false, 0), 9_007_199_254_740_996.0, "half way, and above it is even");
    assert_eq!(nearest(odd - 2, false, 0), 9_007_199_254_740_991.0, "nothing is dropped");
    assert_eq!(nearest(odd - 2, true, 0), 9_007_199_254_740_991.0, "a rest alone is less than half");
    assert_eq!(nearest((odd << 2) - 1, true, -2), 9_007_199_254_740_992.0, "less than half way");
    assert_eq!(nearest((odd << 2) + 1, false, -2), 9_007_199_254_740_994.0, "more than half way");
    assert_eq!(nearest(u128::MAX, false, 0), 2_f64.powi(128));
    assert_eq!(nearest(0, true, 0), 0.0);
}

#[test]
fn the_smallest_and_the_largest_are_rounded_too() {
    assert_eq!(nearest(1, false, -1074), 5e-324);
    assert_eq!(nearest(1, false, -1075), 0.0, "half way to nothing, which is even");
    assert_eq!(nearest(1, true, -1075), 5e-324);
    assert_eq!(nearest(3, false, -1075), 1e-323);
    assert_eq!(nearest(1 << 127, false, -1201), 5e-324);
    assert_eq!(nearest(u128::MAX, true, -1216), 0.0, "below half of the smallest");
    assert_eq!(nearest((1 << 53) - 1, false, 971), f64::MAX);
    assert_eq!(nearest(1 << 53, false, 971), f64::INFINITY);
    assert_eq!([power_of_two(1023), power_of_two(-1022)], [8.98846567431158e307, f64::MIN_POSITIVE]);
    assert_eq!([power_of_two(1024), power_of_two(0)], [f64::INFINITY, 1.0]);
}

#[test]
fn digits_that_are_128_bits_and_more_below_still_decide() {
    let half = f64::EPSILON / 2.0;
    for below in [-60, -90, -97, -100, -128, -129, -200, -1000] {
        assert_eq!(sum(&[1.0, half, 2_f64.powi(below)]).round(), 1.0 + f64::EPSILON, "2^{below}");
        assert_eq!(sum(&[1.0, half, -2_f64.powi(below)]).round(), 1.0, "-2^{below}");
        assert_eq!(sum(&[-1.0, -half, -2_f64.powi(below)]).round(), -1.0 - f64::EPSILON, "2^{below}");
    }
}

#[test]
fn a_large_product_keeps_all_of_its_digits_and_its_sign() {
    let large = ((1_i64 << 53) - 1) as f64;
    let square = i128::from((1_i64 << 53) - 1).pow(2);
    for (a, b, expected) in [(large, large, square), (-large, large, -square), (-large, -large, square)] {
        let mut sum = Exact::default();
        sum.add_product(a, b);
        assert_eq!(sum.round(), expected as f64);
        assert_eq!(sum.parts().iter().map(|part| *part as i128).sum::<i128>(), expected);
    }
    let mut sum = Exact::default();
    sum.add_product(f64::INFINITY, -2.0);
    assert_eq!((sum.round(), sum.is_special()), (f64::NEG_INFINITY, true));
    let mut square = Exact::default();
    square.add_product(f64::INFINITY, f64::INFINITY);
    assert_eq!(square.round(), f64::INFINITY);
}

#[test]
fn what_is_not_finite_is_kept_apart_and_written_down() {
    let mut infinite = sum(&[1.0, f64::INFINITY]);
    assert!(infinite.is_special() && !sum(&[1.0]).is_special());
    assert!(infinite.parts().is_empty());
    let mut bytes = Vec::new();
    infinite.encode(&mut bytes);
    let decoded = Exact::decode(&mut Reader(&bytes)).unwrap();
    assert_eq!((decoded.round(), decoded.first, &decoded.limbs), (f64::INFINITY, infinite.first, &infinite.limbs));
    infinite.merge(&sum(&[f64::NEG_INFINITY]));
    assert!(infinite.round().is_nan());
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("finite", |value| value.is_finite()), -1e6..1e6, -1.0..1.0]
}

proptest! {
    #[test]
    fn neither_order_nor_parts_matter(mut values in prop::collection::vec(number(), 0..60), cut in 0..60usize) {
        let whole = sum(&values);
        let cut = cut.min(values.len());
        let mut merged = sum(&values[cut..]);
        merged.merge(&sum(&values[..cut]));
        values.sort_by(f64::total_cmp);
        prop_assert_eq!(whole.round().to_bits(), sum(&values).round().to_bits());
        prop_assert_eq!(whole.round().to_bits(), merged.round().to_bits());
        let mut bytes = Vec::new();
        whole.encode(&mut bytes);
        let decoded = Exact::decode(&mut Reader(&bytes)).unwrap();
        prop_assert_eq!(decoded.round().to_bits(), whole.round().to_bits());
    }

    /// Integers below 2^53 in units of a power of two: what 128-bit integers say.
    #[test]
    fn agrees_with_whole_numbers(values in prop::collection::vec(-(1i64 << 52)..(1i64 << 52), 0..40), exponent in -60..60i32) {
        let scale = power_of_two(exponent);
        let scaled: Vec<f64> = values.iter().map(|value| *value as f64 * scale).collect();
        let expected: i128 = values.iter().map(|value| i128::from(*value)).sum();
        prop_assert_eq!(sum(&scaled).round(), expected as f64 * scale);
    }

    #[test]
    fn two_numbers_round_as_the_processor_does(a in any::<f64>(), b in any::<f64>()) {
        prop_assume!(a.is_finite() && b.is_finite());
        prop_assert_eq!(sum(&[a, b]).round(), a + b);
    }
}
