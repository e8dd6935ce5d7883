//! How the questions of a form worked: classical item analysis after `PSYCHOMETRICS.md` 1–3 and 5–7.
//!
//! [`Sums`](super::sums::Sums) folds persons one at a time and ends in an [`Analysis`]. What needs all persons at once (the
//! 27 % groups, sorted covariances) works on a [`Matrix`](super::matrix::Matrix) and stands in [`groups`](super::groups).
//!
//! Whatever is undefined says why: a [`Statistic`] is a figure or a [`Reason`], never 0 or NaN in disguise. Variances
//! divide by n − 1.

use super::statistic::{Reason, Statistic};

/// What is known of a form after many attempts.
///
/// ```
/// use assessd::analysis::matrix::Matrix;
/// // Three persons, two questions of 1 point: (0, 0), (1, 0), (1, 1), so T = 0, 1, 2.
/// let matrix = Matrix::try_new(vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0], vec![1.0, 1.0]).unwrap();
/// let analysis = matrix.analyse();
/// assert!((analysis.items[0].facility.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// // s₁₁ = s₂₂ = 1/3, s₁₂ = 1/6, var(T) = 1: alpha = 2·(1 − 2/3), item-rest = (1/6)/(1/3).
/// assert!((analysis.alpha.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// assert!((analysis.items[0].item_rest.unwrap() - 0.5).abs() < 1e-12);
/// // λ2 = (2/6 + √(2·2/36)) / 1, which for two questions is alpha.
/// assert!((analysis.lambda2.unwrap() - 2.0 / 3.0).abs() < 1e-12);
/// assert!((analysis.sem.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Persons to whom anything was presented.
    pub persons: u64,
    /// Whether everything was presented to everyone.
    pub complete: bool,
    /// Mean of the totals.
    pub mean: Statistic,
    /// Standard deviation of the totals.
    pub sd: Statistic,
    /// Cronbach's alpha: k/(k−1)·(1 − Σ s_ii / Σ s_ij); can be negative and is not clipped.
    pub alpha: Statistic,
    /// The smallest number of persons that any covariance rests on.
    pub smallest_pair: u64,
    /// KR-20 with the population variance, which is alpha for marks that are nothing or everything.
    pub kr20: Statistic,
    /// Guttman's λ2: (Σ_{i≠j} s_ij + √(k/(k−1)·Σ_{i≠j} s_ij²)) / Σ s_ij.
    pub lambda2: Statistic,
    /// Standard error of measurement: s_T·√(1 − alpha).
    pub sem: Statistic,
    /// One entry a question.
    pub items: Vec<ItemStatistics>,
}

/// What is known of a question after many attempts.
#[derive(Clone, Debug)]
pub struct ItemStatistics {
    /// Persons to whom it was presented.
    pub presented: u64,
    /// Mean mark.
    pub mean: Statistic,
    /// Standard deviation of the mark.
    pub sd: Statistic,
    /// Facility: mean / maximum.
    pub facility: Statistic,
    /// Discrimination: the correlation of the mark with the total without it.
    pub item_rest: Statistic,
    /// The correlation of the mark with the total.
    pub item_total: Statistic,
    /// Alpha of the form without this question.
    pub alpha_if_deleted: Statistic,
    /// cov(x, T), where everything was presented to everyone.
    pub covariance_with_total: Statistic,
}

impl Analysis {
    /// Moodle's effective weight of each question: 100·√cov(x, T) / Σ √cov(x_j, T) over those with cov ≥ 0.
    pub fn effective_weights(&self) -> Vec<Statistic> {
        let covariances = || self.items.iter().map(|item| item.covariance_with_total);
        let sum: f64 = covariances().flatten().filter(|c| *c >= 0.0).map(f64::sqrt).sum();
        let weight = |covariance: Statistic| match covariance? {
            c if c < 0.0 => Err(Reason::NegativeCovariance),
            _ if sum <= 0.0 => Err(Reason::NoVariance),
            c => Ok(100.0 * c.sqrt() / sum),
        };
        covariances().map(weight).collect()
    }

    /// Moodle's coefficient of internal consistency: 100·alpha.
    pub fn cic(&self) -> Statistic {
        self.alpha.map(|a| 100.0 * a)
    }

    /// Moodle's error ratio: 100·√(1 − alpha).
    pub fn error_ratio(&self) -> Statistic {
        self.alpha.map(|a| 100.0 * (1.0 - a).max(0.0).sqrt())
    }
}

/// Alpha of some of the k questions from all their covariances.
pub(super) fn alpha(s: &[f64], k: usize, items: &[usize]) -> Statistic {
    if items.len() < 2 {
        return Err(Reason::TooFewItems);
    }
    let own: f64 = items.iter().map(|i| s[i * k + i]).sum();
    let all: f64 = items.iter().flat_map(|i| items.iter().map(move |j| s[i * k + j])).sum();
    // Below this the total stands still and the sum is only the last bits of its parts.
    if all <= 1e-12 * own || all <= 0.0 {
        return Err(Reason::NoVariance);
    }
    let count = items.len() as f64;
    Ok(count / (count - 1.0) * (1.0 - own / all))
}

/// Guttman's λ2 of all k questions from their covariances.
pub(super) fn lambda2(s: &[f64], k: usize) -> Statistic {
    alpha(s, k, &(0..k).collect::<Vec<_>>())?;
    let (all, own): (f64, f64) = (s.iter().sum(), (0..k).map(|i| s[i * k + i]).sum());
    let squares: f64 =
        s.iter().map(|c| c * c).sum::<f64>() - (0..k).map(|i| s[i * k + i].powi(2)).sum::<f64>();
    let count = k as f64;
    Ok((all - own + (count / (count - 1.0) * squares.max(0.0)).sqrt()) / all)
}

/// The standard error of measurement at a number of right answers T out of k: √(T(k − T)/(k − 1)) (Lord).
///
/// ```
/// use assessd::analysis::{classical::conditional_sem, statistic::Reason};
/// assert_eq!(conditional_sem(5.0, 10), Ok((25.0f64 / 9.0).sqrt()));
/// assert_eq!(conditional_sem(10.0, 10), Ok(0.0));
/// assert_eq!(conditional_sem(0.0, 1), Err(Reason::TooFewItems));
/// ```
pub fn conditional_sem(right: f64, items: usize) -> Statistic {
    let k = items as f64;
    match items {
        0 | 1 => Err(Reason::TooFewItems),
        _ if (0.0..=k).contains(&right) => Ok((right * (k - right) / (k - 1.0)).sqrt()),
        _ => Err(Reason::OutOfRange),
    }
}

/// The confidence interval of alpha (Feldt 1965): 1 − (1 − alpha)·F at 1 − q and q, q = (1 − level)/2, with n − 1 and
/// (n − 1)(k − 1) degrees of freedom.
///
/// ```
/// use assessd::analysis::classical::alpha_interval;
/// // From a table: F of 0.975 with 10 and 10 degrees of freedom is 3.7168, that of 0.025 its inverse.
/// let (low, high) = alpha_interval(0.8, 11, 2, 0.95).unwrap();
/// assert!((low - (1.0 - 0.2 * 3.7168)).abs() < 1e-4 && (high - (1.0 - 0.2 / 3.7168)).abs() < 1e-4);
/// ```
pub fn alpha_interval(alpha: f64, persons: u64, items: usize, level: f64) -> Result<(f64, f64), Reason> {
    if persons < 2 {
        return Err(Reason::TooFewPersons);
    }
    if items < 2 {
        return Err(Reason::TooFewItems);
    }
    if !(0.5..1.0).contains(&level) || !alpha.is_finite() {
        return Err(Reason::OutOfRange);
    }
    let one = (persons - 1) as f64;
    let two = one * (items - 1) as f64;
    let q = (1.0 - level) / 2.0;
    // Of nothing left over, however large the quantile is.
    let bound = |p: f64| match 1.0 - alpha {
        0.0 => 1.0,
        rest => 1.0 - rest * super::summary::f_quantile(p, one, two),
    };
    Ok((bound(1.0 - q), bound(q)))
}

#[cfg(test)]
mod tests {
    use super::super::{
        groups::{Groups, discriminative_efficiency},
        matrix::Matrix,
        reference::{self, close, json},
        sums::Sums,
    };
    use super::*;
    use proptest::prelude::*;

    fn figures(matrix: &Matrix) -> Vec<Statistic> {
        let a = matrix.analyse();
        let mut all = vec![a.mean, a.sd, a.alpha, a.kr20, a.lambda2, a.sem];
        for (i, item) in a.items.iter().enumerate() {
            all.extend([
                item.mean,
                item.sd,
                item.facility,
                item.item_rest,
                item.item_total,
                item.alpha_if_deleted,
            ]);
            all.push(discriminative_efficiency(matrix, i));
            let groups = Groups::by_totals(&matrix.totals());
            all.push(groups.and_then(|g| g.discrimination(&matrix.column(i), matrix.max()[i])));
        }
        all.extend(a.effective_weights());
        all
    }

    #[test]
    fn what_is_undefined_says_why() {
        let of = |cells: Vec<f64>, k: usize| Matrix::try_new(cells, vec![1.0; k]).unwrap().analyse();
        assert_eq!(of(vec![], 2).alpha, Err(Reason::TooFewPersons));
        assert_eq!(of(vec![], 2).mean, Err(Reason::TooFewPersons));
        assert_eq!(of(vec![1.0, 0.0], 2).sd, Err(Reason::TooFewPersons));
        let same = of(vec![0.1, 0.7, 0.1, 0.7, 0.1, 0.7], 2);
        assert_eq!((same.alpha, same.items[0].item_rest), (Err(Reason::NoVariance), Err(Reason::NoVariance)));
        assert_eq!(same.items[0].sd, Ok(0.0));
        let one = of(vec![0.0, 1.0, 1.0], 1);
        assert_eq!((one.alpha, one.items[0].item_rest), (Err(Reason::TooFewItems), Err(Reason::TooFewItems)));
        // x and 1 − x: the total stands still.
        let against = of(vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 2);
        assert_eq!(
            (against.alpha, against.items[0].item_total),
            (Err(Reason::NoVariance), Err(Reason::NoVariance))
        );
        assert!((against.items[0].item_rest.unwrap() + 1.0).abs() < 1e-12);
        let worthless = Matrix::try_new(vec![0.0, 0.0], vec![0.0]).unwrap().analyse();
        assert_eq!(worthless.items[0].facility, Err(Reason::NoPoints));
        let apart = of(vec![1.0, f64::NAN, 0.0, f64::NAN, f64::NAN, 1.0, f64::NAN, 0.0], 2);
        assert_eq!((apart.alpha, apart.smallest_pair), (Err(Reason::TooFewPersons), 0));
        assert_eq!(apart.items[0].facility, Ok(0.5));
        assert!(Matrix::try_new(vec![1.0; 3], vec![1.0; 2]).is_none());
    }

    #[test]
    fn alpha_can_be_negative() {
        let matrix = Matrix::try_new(vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], vec![1.0; 2]).unwrap();
        assert!(matrix.analyse().alpha.unwrap() < 0.0);
    }

    /// The reference (psych) computes λ2 from correlations.
    fn standardised_lambda2(matrix: &Matrix) -> Statistic {
        let (mut sums, k) = (Sums::new(matrix.max()), matrix.items());
        matrix.rows().for_each(|row| sums.add(row));
        let s = |i: usize, j: usize| sums.covariance(i, j).1.unwrap();
        let r = (0..k * k).map(|at| s(at / k, at % k) / (s(at / k, at / k) * s(at % k, at % k)).sqrt());
        lambda2(&r.collect::<Vec<_>>(), k)
    }

    fn against_r(name: &str, file: &str, skip: usize, max: f64) {
        let (Some(matrix), Some(expected)) =
            (reference::matrix(file, skip, max), json(&format!("psychometrics/{name}.ctt.json")))
        else {
            return eprintln!("SKIPPED: no reference data for {name}");
        };
        let a = matrix.analyse();
        close(a.mean, &expected["mean"]);
        close(a.sd, &expected["sd_n1"]);
        close(a.alpha, &expected["alpha_raw"]);
        close(standardised_lambda2(&matrix), &expected["guttman_lambda"]["l2"]);
        close(a.sem, &expected["sem"]);
        close(a.cic(), &expected["moodle_cic"]);
        close(a.error_ratio(), &expected["moodle_error_ratio"]);
        match expected["kr20_popvar"].as_f64() {
            Some(_) => close(a.kr20, &expected["kr20_popvar"]),
            None => assert_eq!(a.kr20, Err(Reason::NotDichotomous)),
        }
        let weights = a.effective_weights();
        let groups = Groups::by_totals(&matrix.totals()).unwrap();
        let d27 = &expected["D27_inclusive_ties"];
        close(Ok(groups.cut_low), &d27["cut_low"]);
        close(Ok(groups.cut_high), &d27["cut_high"]);
        close(Ok(groups.sizes().0 as f64), &d27["n_low"]);
        close(Ok(groups.sizes().1 as f64), &d27["n_high"]);
        assert_eq!(a.items.len(), expected["items"].as_array().unwrap().len());
        for (i, item) in a.items.iter().enumerate() {
            let (one, moodle) = (&expected["items"][i], &expected["moodle"][i]);
            close(item.facility, &one["p"]);
            close(item.sd, &one["sd"]);
            close(item.item_total, &one["item_total"]);
            close(item.item_rest, &one["item_rest"]);
            close(item.alpha_if_deleted, &one["alpha_if_deleted"]);
            // The reference leaves out the division by the maximum.
            close(groups.discrimination(&matrix.column(i), max).map(|d| d * max), &d27["D"][i]);
            close(item.item_rest.map(|r| 100.0 * r), &moodle["disc_index"]);
            close(discriminative_efficiency(&matrix, i), &moodle["disc_eff"]);
            close(weights[i], &moodle["eff_weight"]);
        }
    }

    #[test]
    fn lsat6_as_r_has_it() {
        against_r("lsat6", "psychometrics/lsat6_scored.csv", 0, 1.0);
    }

    #[test]
    fn hci_as_r_has_it() {
        against_r("hci", "psychometrics/hci_scored.csv", 0, 1.0);
    }

    #[test]
    fn verbal_aggression_as_r_has_it() {
        against_r("verbagg", "psychometrics/verbagg.csv", 2, 2.0);
    }

    #[test]
    fn missing_cells_as_r_has_them() {
        let file = "psychometrics/hci_na_scored.csv";
        let (Some(matrix), Some(expected)) =
            (reference::matrix(file, 0, 1.0), json("psychometrics/hci_na.ctt.json"))
        else {
            return eprintln!("SKIPPED: no reference data for hci_na");
        };
        let a = matrix.analyse();
        assert!(!a.complete && a.kr20 == Err(Reason::Incomplete));
        close(a.alpha, &expected["alpha_pairwise"]);
        for (i, item) in a.items.iter().enumerate() {
            close(item.facility, &expected["p"][i]);
            close(item.item_rest, &expected["item_rest_proratedmean"][i]);
        }
    }

    #[test]
    fn moodle_as_its_own_tests_have_it() {
        let Some(rows) = reference::rows("statistics/stats00_results.csv") else {
            return eprintln!("SKIPPED: no statistics/stats00");
        };
        let cells = rows.iter().flat_map(|row| row[1..8].to_vec()).collect();
        let matrix = Matrix::try_new(cells, vec![1.0; 7]).unwrap();
        let (a, expected) =
            (matrix.analyse(), reference::rows("statistics/stats00_qstats_expected.csv").unwrap());
        let near = |got: Statistic, want: f64| {
            let got = got.unwrap();
            assert!((got - want).abs() <= 1.5e-5 * want.abs().max(1e-3), "{got} for {want}");
        };
        for (i, want) in expected.iter().enumerate() {
            let item = &a.items[i];
            near(item.facility, want[1]);
            near(item.sd, want[2]);
            near(a.effective_weights()[i], want[3]);
            near(item.item_rest.map(|r| 100.0 * r), want[7]);
            near(discriminative_efficiency(&matrix, i), want[9]);
        }
        let exam = json("statistics/stats00_quizstats_expected.json").unwrap();
        let figure = |name: &str| exam[name].as_f64().unwrap();
        near(a.cic(), figure("cic"));
        near(a.error_ratio(), figure("errorratio"));
        near(a.sem, figure("standarderror"));
    }

    /// Feldt's interval, by the quantiles of F that SciPy 1.x (scipy.stats.f.ppf) gives for the alphas of R.
    #[test]
    fn intervals_of_alpha() {
        for (alpha, persons, items, low, high) in [
            (0.29499719222, 1000, 5, 0.22347378786720018, 0.3618025317299012),
            (0.71545347861, 651, 20, 0.6827526042509673, 0.7462292424241548),
            (0.88760556547, 316, 24, 0.8689121787669113, 0.9047678739037782),
        ] {
            let got = alpha_interval(alpha, persons, items, 0.95).unwrap();
            assert!((got.0 - low).abs() < 1e-9 && (got.1 - high).abs() < 1e-9, "{got:?}");
        }
        assert_eq!(alpha_interval(0.5, 1, 5, 0.95), Err(Reason::TooFewPersons));
        assert_eq!(alpha_interval(0.5, 100, 1, 0.95), Err(Reason::TooFewItems));
        assert_eq!(alpha_interval(f64::NAN, 100, 2, 0.95), Err(Reason::OutOfRange));
        // Two persons on a perfect test: the quantile of F is beyond all bounds, and nothing pretends to be a figure.
        let (low, high) = alpha_interval(1.0, 2, 2, 0.95).unwrap();
        assert!((low, high) == (1.0, 1.0), "{low} {high}");
    }

    fn any_matrix() -> impl Strategy<Value = (Matrix, Vec<Vec<f64>>)> {
        let cell = prop_oneof![8 => (0u8..=4).prop_map(|x| f64::from(x) / 2.0), 1 => Just(f64::NAN)];
        (2usize..5).prop_flat_map(move |k| {
            proptest::collection::vec(proptest::collection::vec(cell.clone(), k), 0..12)
                .prop_map(move |rows| (Matrix::try_new(rows.concat(), vec![2.0; k]).unwrap(), rows))
        })
    }

    proptest! {
        #[test]
        fn order_of_rows_does_not_matter((matrix, mut rows) in any_matrix(), turn in 0usize..12, at in 0usize..12) {
            let before = figures(&matrix);
            prop_assert!(before.iter().flatten().all(|f| f.is_finite()));
            if !rows.is_empty() {
                let turn = turn % rows.len();
                rows.rotate_left(turn);
                rows.reverse();
            }
            let turned = Matrix::try_new(rows.concat(), matrix.max().to_vec()).unwrap();
            for (a, b) in before.iter().zip(figures(&turned)) {
                match (a, b) {
                    (Ok(a), Ok(b)) => prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0)),
                    (a, b) => prop_assert_eq!(*a, b),
                }
            }
            let (mut left, mut right) = (Sums::new(matrix.max()), Sums::new(matrix.max()));
            rows.iter().enumerate().for_each(|(i, row)| if i < at { left.add(row) } else { right.add(row) });
            left.merge(&right);
            prop_assert_eq!(left.finish().alpha.is_ok(), matrix.analyse().alpha.is_ok());
        }
    }
}
