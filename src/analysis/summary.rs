//! How an exam went as a whole, and where one person stands in a group (`PSYCHOMETRICS.md` 7 and 8).
//!
//! Figures are computed over the sorted totals, so they do not depend on the order of rows, not even in the last bit.
//! Percentiles are those of R's type 7 (linear between order statistics, position 1 + (n − 1)p).

use super::statistic::{Reason, Statistic};

/// The distribution of the totals of an exam.
#[derive(Clone, Debug)]
pub struct Summary {
    sorted: Vec<f64>,
}

/// Counts between edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// One count a bin; bin i holds edge i ≤ total < edge i + 1, the last one also its upper edge.
    pub counts: Vec<u64>,
    /// Totals below the first edge.
    pub below: u64,
    /// Totals above the last edge.
    pub above: u64,
}

/// Where a total stands in a norm group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Size of the norm group.
    pub n: usize,
    /// (x − mean) / sd.
    pub z: Statistic,
    /// 50 + 10z.
    pub t_score: Statistic,
    /// clamp(⌊2z + 5.5⌋, 1, 9).
    pub stanine: Result<u8, Reason>,
    /// 100·(below + ½·equal) / n.
    pub percentile_rank: Statistic,
}

impl Summary {
    /// Of these totals; NaN and infinities are left out.
    ///
    /// ```
    /// use assessd::analysis::summary::Summary;
    /// let four = Summary::new([4.0, 1.0, 2.0, 3.0]);
    /// assert_eq!(four.mean(), Ok(2.5));
    /// assert_eq!(four.variance(), Ok(5.0 / 3.0));
    /// assert_eq!(four.median(), Ok(2.5));
    /// assert_eq!(four.percentile(0.25), Ok(1.75));
    /// assert_eq!(four.pass_rate(3.0), Ok(0.5));
    /// ```
    pub fn new(totals: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = totals.into_iter().filter(|t| t.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted }
    }

    /// How many totals.
    pub fn n(&self) -> usize {
        self.sorted.len()
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> Statistic {
        let first = self.sorted.first().ok_or(Reason::TooFewPersons)?;
        // Around the first total, so that large totals lose nothing.
        Ok(first + self.sorted.iter().map(|t| t - first).sum::<f64>() / self.n() as f64)
    }

    /// Σ (x − mean)² / (n − 1).
    pub fn variance(&self) -> Statistic {
        if self.n() < 2 {
            return Err(Reason::TooFewPersons);
        }
        Ok(self.power_sum(2)? / (self.n() - 1) as f64)
    }

    /// The square root of the variance.
    pub fn sd(&self) -> Statistic {
        self.variance().map(f64::sqrt)
    }

    /// The lowest total.
    pub fn min(&self) -> Statistic {
        self.sorted.first().copied().ok_or(Reason::TooFewPersons)
    }

    /// The highest total.
    pub fn max(&self) -> Statistic {
        self.sorted.last().copied().ok_or(Reason::TooFewPersons)
    }

    /// The middle total.
    pub fn median(&self) -> Statistic {
        self.percentile(0.5)
    }

    /// The first and the third quartile.
    pub fn quartiles(&self) -> Result<(f64, f64), Reason> {
        Ok((self.percentile(0.25)?, self.percentile(0.75)?))
    }

    /// The percentile of a share p of 0 to 1 by R's type 7.
    pub fn percentile(&self, p: f64) -> Statistic {
        let last = self.n().checked_sub(1).ok_or(Reason::TooFewPersons)?;
        if !(0.0..=1.0).contains(&p) {
            return Err(Reason::OutOfRange);
        }
        let position = p * last as f64;
        let (low, high) = (self.sorted[position.floor() as usize], self.sorted[position.ceil() as usize]);
        Ok(low + (high - low) * position.fract())
    }

    /// The share of totals at or above the cut.
    pub fn pass_rate(&self, cut: f64) -> Statistic {
        if self.n() == 0 {
            return Err(Reason::TooFewPersons);
        }
        Ok((self.n() - self.sorted.partition_point(|t| *t < cut)) as f64 / self.n() as f64)
    }

    /// Skewness k3 / k2^1.5 of the k-statistics.
    ///
    /// ```
    /// use assessd::analysis::summary::Summary;
    /// // mean 2, Σd³ = 6, k2 = 3, k3 = 3·6/(2·1) = 9
    /// assert!((Summary::new([1.0, 1.0, 4.0]).skewness().unwrap() - 9.0 / 3f64.powf(1.5)).abs() < 1e-12);
    /// ```
    pub fn skewness(&self) -> Statistic {
        let n = self.n() as f64;
        if self.n() < 3 {
            return Err(Reason::TooFewPersons);
        }
        Ok(n * self.power_sum(3)? / ((n - 1.0) * (n - 2.0)) / self.spread()?.powf(1.5))
    }

    /// Kurtosis k4 / k2² of the k-statistics: 0 for a normal distribution.
    pub fn kurtosis(&self) -> Statistic {
        let n = self.n() as f64;
        if self.n() < 4 {
            return Err(Reason::TooFewPersons);
        }
        let (two, four) = (self.power_sum(2)?, self.power_sum(4)?);
        let k4 =
            n * ((n + 1.0) * four - 3.0 * (n - 1.0) / n * two * two) / ((n - 1.0) * (n - 2.0) * (n - 3.0));
        Ok(k4 / self.spread()?.powi(2))
    }

    /// Counts between ascending edges; no bins for fewer than two edges or edges out of order.
    ///
    /// ```
    /// use assessd::analysis::summary::Summary;
    /// let bins = Summary::new([0.0, 59.5, 60.0, 80.0, 100.0, 101.0]).histogram(&[0.0, 60.0, 80.0, 100.0]);
    /// assert_eq!((bins.counts, bins.below, bins.above), (vec![2, 1, 2], 0, 1));
    /// ```
    pub fn histogram(&self, edges: &[f64]) -> Histogram {
        let ascending = edges.windows(2).all(|pair| pair[0] < pair[1]);
        let (true, [first, .., last]) = (ascending, edges) else {
            return Histogram { counts: Vec::new(), below: 0, above: 0 };
        };
        let before = |edge: f64| self.sorted.partition_point(|t| *t < edge) as u64;
        let through = self.sorted.partition_point(|t| t <= last) as u64;
        let mut counts: Vec<u64> = edges.windows(2).map(|pair| before(pair[1]) - before(pair[0])).collect();
        if let Some(bin) = counts.last_mut() {
            *bin += through - before(*last);
        }
        Histogram { counts, below: before(*first), above: self.n() as u64 - through }
    }

    /// Where a total stands in this group.
    ///
    /// ```
    /// use assessd::analysis::summary::Summary;
    /// let group = Summary::new([1.0, 2.0, 2.0, 3.0]);
    /// let standing = group.standing(2.0);
    /// assert_eq!((standing.z, standing.stanine), (Ok(0.0), Ok(5)));
    /// assert_eq!(standing.percentile_rank, Ok(50.0)); // one below, two equal, of four
    /// ```
    pub fn standing(&self, total: f64) -> Standing {
        let z = self.mean().and_then(|mean| Ok((total - mean) / self.spread()?.sqrt()));
        let below = self.sorted.partition_point(|t| *t < total) as f64;
        let through = self.sorted.partition_point(|t| *t <= total) as f64;
        let percentile_rank = match self.n() {
            0 => Err(Reason::TooFewPersons),
            n => Ok(100.0 * (below + through) / 2.0 / n as f64),
        };
        let stanine = z.map(|z| (2.0 * z + 5.5).floor().clamp(1.0, 9.0) as u8);
        Standing { n: self.n(), z, t_score: z.map(|z| 50.0 + 10.0 * z), stanine, percentile_rank }
    }

    /// The variance, where there is any.
    fn spread(&self) -> Statistic {
        let variance = self.variance()?;
        // Equal totals that were computed differently may differ in the last bits.
        let still = self.max()? - self.min()? <= 1e-9;
        if still { Err(Reason::NoVariance) } else { Ok(variance) }
    }

    /// Σ (x − mean)^power.
    fn power_sum(&self, power: i32) -> Statistic {
        let mean = self.mean()?;
        Ok(self.sorted.iter().map(|t| (t - mean).powi(power)).sum())
    }
}

/// The value below which a share p of the F distribution lies; by bisection of the incomplete beta function.
pub(super) fn f_quantile(p: f64, one: f64, two: f64) -> f64 {
    // x = one·F / (one·F + two) is beta distributed with one/2 and two/2.
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if beta_share(middle, one / 2.0, two / 2.0) < p { low = middle } else { high = middle }
    }
    let x = (low + high) / 2.0;
    if x >= 1.0 { f64::INFINITY } else { two * x / (one * (1.0 - x)) }
}

/// The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (Numerical Recipes, 6.4).
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share_below(1.0 - x, b, a);
    }
    beta_share_below(x, a, b)
}

fn beta_share_below(x: f64, a: f64, b: f64) -> f64 {
    let front = a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let away = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    front.exp() * fraction / a
}

/// ln Γ(x) for x > 0: Stirling's series above 10, brought there by Γ(x + 1) = xΓ(x).
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::super::reference::{self, close, json};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_undefined_says_why() {
        let none = Summary::new([f64::NAN]);
        assert_eq!((none.mean(), none.median()), (Err(Reason::TooFewPersons), Err(Reason::TooFewPersons)));
        assert_eq!(
            (none.pass_rate(1.0), none.min()),
            (Err(Reason::TooFewPersons), Err(Reason::TooFewPersons))
        );
        let one = Summary::new([3.0]);
        assert_eq!((one.median(), one.sd()), (Ok(3.0), Err(Reason::TooFewPersons)));
        let still = Summary::new([0.1 + 0.2, 0.3, 0.3, 0.3]);
        assert_eq!((still.skewness(), still.kurtosis()), (Err(Reason::NoVariance), Err(Reason::NoVariance)));
        assert_eq!(
            (still.standing(0.3).z, still.standing(0.2).percentile_rank),
            (Err(Reason::NoVariance), Ok(0.0))
        );
        assert_eq!(one.percentile(1.5), Err(Reason::OutOfRange));
        assert!(one.histogram(&[1.0, 1.0]).counts.is_empty());
    }

    #[test]
    fn stanines_end_at_one_and_nine() {
        let group = Summary::new((0..100).map(f64::from));
        let stanine = |x: f64| group.standing(x).stanine;
        assert_eq!((stanine(-500.0), stanine(49.5), stanine(500.0)), (Ok(1), Ok(5), Ok(9)));
    }

    /// Against printed tables.
    #[test]
    fn quantiles_of_f() {
        for (p, one, two, value) in [
            (0.95, 5.0, 10.0, 3.3258),
            (0.975, 10.0, 20.0, 2.7737),
            (0.99, 1.0, 1.0, 4052.18),
            (0.95, 120.0, 120.0, 1.3519),
        ] {
            let got = f_quantile(p, one, two);
            assert!((got - value).abs() < 1e-4 * value, "{got} for {value}");
        }
        let million = f_quantile(0.5, 1e6, 4.9e7);
        assert!((million - 1.0).abs() < 1e-5, "{million}");
    }

    #[test]
    fn totals_as_r_has_them() {
        for (name, file, skip) in
            [("lsat6", "lsat6_scored", 0), ("hci", "hci_scored", 0), ("verbagg", "verbagg", 2)]
        {
            let matrix = reference::matrix(&format!("psychometrics/{file}.csv"), skip, 2.0);
            let (Some(matrix), Some(want)) = (matrix, json(&format!("psychometrics/{name}.ctt.json"))) else {
                eprintln!("SKIPPED: no reference data for {name}");
                continue;
            };
            let summary = Summary::new(matrix.totals());
            close(summary.mean(), &want["mean"]);
            close(summary.sd(), &want["sd_n1"]);
            close(summary.median(), &want["median"]);
            close(summary.skewness(), &want["skew_k"]);
            close(summary.kurtosis(), &want["kurt_k"]);
            for row in want["score_table"].as_array().unwrap() {
                let standing = summary.standing(row["score"].as_f64().unwrap());
                close(standing.percentile_rank, &row["percentile_rank_mid"]);
                close(standing.z, &row["z"]);
            }
        }
    }

    #[test]
    fn totals_as_moodle_has_them() {
        let (Some(rows), Some(want)) = (
            reference::rows("statistics/stats00_results.csv"),
            json("statistics/stats00_quizstats_expected.json"),
        ) else {
            return eprintln!("SKIPPED: no statistics/stats00");
        };
        let summary = Summary::new(rows.iter().map(|row| row[8]));
        let figures = [
            (summary.mean(), "allattemptsavg"),
            (summary.median(), "median"),
            (summary.sd(), "standarddeviation"),
            (summary.skewness(), "skewness"),
            (summary.kurtosis(), "kurtosis"),
        ];
        for (got, name) in figures {
            let (got, want) = (got.unwrap(), want[name].as_f64().unwrap());
            assert!((got - want).abs() <= 1.5e-5 * want.abs(), "{name}: {got} for {want}");
        }
    }

    proptest! {
        #[test]
        fn order_does_not_matter(mut totals in proptest::collection::vec(0u8..100, 0..30)) {
            let of = |totals: &[u8]| {
                let s = Summary::new(totals.iter().map(|t| f64::from(*t) / 10.0));
                [s.mean(), s.sd(), s.median(), s.skewness(), s.kurtosis(), s.pass_rate(6.0), s.percentile(0.9)]
            };
            let before = of(&totals);
            totals.reverse();
            prop_assert_eq!(before, of(&totals));
            prop_assert!(before.iter().flatten().all(|f| f.is_finite()));
        }

        #[test]
        fn every_total_is_in_a_bin_or_beside_them(totals in proptest::collection::vec(-5i8..15, 0..30)) {
            let bins = Summary::new(totals.iter().map(|t| f64::from(*t))).histogram(&[0.0, 3.0, 6.0, 10.0]);
            prop_assert_eq!(bins.counts.iter().sum::<u64>() + bins.below + bins.above, totals.len() as u64);
        }
    }
}
