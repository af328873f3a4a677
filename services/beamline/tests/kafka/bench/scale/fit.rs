//! Least squares: what each term of a sum costs, from values of the sum.

/// A pivot below this share of its column's largest value is none: the column follows from others.
const LEAST_PIVOT: f64 = 1e-9;

/// Factors of the terms by which each row's sum is as near to its value as can be, as a share of the value: a point that
/// costs a thousand times as much counts as much as the others. A cost does not shrink where more is asked for: a term
/// whose factor would be negative is left out, as is one that follows from those before it.
pub(super) fn fit(rows: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let count = rows.first().map_or(0, Vec::len);
    let mut kept: Vec<usize> = (0..count).collect();
    loop {
        let factors = solve(rows, values, &kept);
        let least = kept.iter().copied().min_by(|one, other| factors[*one].total_cmp(&factors[*other]));
        match least {
            Some(term) if factors[term] < 0.0 => kept.retain(|other| *other != term),
            _ => return factors,
        }
    }
}

/// The sum of a row's terms.
pub(super) fn sum(row: &[f64], factors: &[f64]) -> f64 {
    row.iter().zip(factors).map(|(term, factor)| term * factor).sum()
}

/// The normal equations of the terms that are kept, by Gauss and Jordan; the factors of the others are 0.
fn solve(rows: &[Vec<f64>], values: &[f64], kept: &[usize]) -> Vec<f64> {
    let weighed = || rows.iter().zip(values).filter(|(_, value)| **value > 0.0);
    // Terms of a like size, so that one limit for pivots serves all.
    let size = |term: usize| weighed().map(|(row, value)| (row[term] / value).powi(2)).sum::<f64>().sqrt();
    let sizes: Vec<f64> = kept.iter().map(|term| size(*term)).collect();
    let of = |row: &[f64], value: f64, place: usize| row[kept[place]] / value / sizes[place].max(f64::MIN_POSITIVE);
    let width = kept.len();
    let mut system = vec![vec![0.0; width + 1]; width];
    for (row, value) in weighed() {
        for (line, sums) in system.iter_mut().enumerate() {
            let term = of(row, *value, line);
            (0..width).for_each(|column| sums[column] += term * of(row, *value, column));
            sums[width] += term;
        }
    }
    let mut is_free = vec![false; width];
    for pivot in 0..width {
        if system[pivot][pivot] < LEAST_PIVOT {
            is_free[pivot] = true;
            continue;
        }
        let line: Vec<f64> = system[pivot].iter().map(|value| value / system[pivot][pivot]).collect();
        for (_, sums) in system.iter_mut().enumerate().filter(|(other, _)| *other != pivot) {
            let share = sums[pivot];
            sums.iter_mut().zip(&line).for_each(|(sum, value)| *sum -= share * value);
        }
        system[pivot] = line;
    }
    let mut factors = vec![0.0; rows.first().map_or(0, Vec::len)];
    for (place, term) in kept.iter().enumerate().filter(|(place, _)| !is_free[*place]) {
        factors[*term] = system[place][width] / sizes[place];
    }
    factors
}

#[test]
fn what_terms_cost_is_found_again() {
    let rows: Vec<Vec<f64>> =
        [[1.0, 60.0, 0.0], [1.0, 150.0, 2.0], [1.0, 100_000.0, 1.0], [1.0, 900.0, 3.0], [1.0, 150.0, 0.0]]
            .map(Vec::from)
            .into();
    let wanted = [1.5e-6, 2e-9, 3e-7];
    let values: Vec<f64> = rows.iter().map(|row| sum(row, &wanted)).collect();
    for (found, wanted) in fit(&rows, &values).iter().zip(wanted) {
        assert!((found / wanted - 1.0).abs() < 1e-6, "{found} {wanted}");
    }
}

#[test]
fn a_term_that_says_nothing_or_would_earn_something_is_left_out() {
    // The second follows from the first; more of the third makes the sum less.
    let rows: Vec<Vec<f64>> = [[1.0, 8.0, 1.0], [1.0, 8.0, 2.0], [1.0, 8.0, 3.0]].map(Vec::from).into();
    let factors = fit(&rows, &[10.2, 10.0, 9.8]);
    assert_eq!(factors[1..], [0.0, 0.0]);
    assert!((factors[0] - 10.0).abs() < 0.01, "{factors:?}");
    assert!(fit(&[], &[]).is_empty());
}
