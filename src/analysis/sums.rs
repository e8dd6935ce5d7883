//! The sums from which an [`Analysis`] is computed: persons are folded one at a time (k×k products, so a million persons
//! by fifty questions need no matrix in memory), parts can be merged.
//!
//! *Not presented* is a missing cell; *presented and blank* is 0. Where cells are missing, a person's total is prorated,
//! covariances are pairwise complete, and the rest of item-rest is the person's mean fraction over the other questions
//! presented.

use super::{
    classical::{Analysis, ItemStatistics, alpha, lambda2},
    matrix::total,
    moments::Moments,
    statistic::{Reason, Statistic},
};

/// Sums over persons from which the analysis is computed; marks are shifted by half their maximum, so that nothing
/// large cancels.
#[derive(Clone, Debug)]
pub struct Sums {
    max: Vec<f64>,
    whole: f64,
    complete: Pairs,
    partial: Pairs,
    complete_rows: u64,
    partial_rows: u64,
    items: Vec<Column>,
    total: Moments,
    scratch: Vec<f64>,
}

/// k×k sums over the persons who have both marks: count, sum of the first, sum of products.
#[derive(Clone, Debug)]
struct Pairs {
    count: Vec<u64>,
    first: Vec<f64>,
    product: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Column {
    /// The mark with the total, both as fractions of what can be had.
    total: Moments,
    /// The mark with the total without it, both as fractions.
    rest: Moments,
    /// The mark with the mean fraction of the other questions presented.
    mean_rest: Moments,
    dichotomous: bool,
}

impl Sums {
    /// Of nobody yet.
    pub fn new(max: &[f64]) -> Self {
        let k = max.len();
        let pairs = || Pairs { count: vec![0; k * k], first: vec![0.0; k * k], product: vec![0.0; k * k] };
        let column = Column {
            total: Moments::default(),
            rest: Moments::default(),
            mean_rest: Moments::default(),
            dichotomous: true,
        };
        Self {
            max: max.to_vec(),
            whole: max.iter().sum(),
            // Complete rows share one count and one sum a question, kept on the diagonal.
            complete: pairs(),
            partial: pairs(),
            complete_rows: 0,
            partial_rows: 0,
            items: vec![column; k],
            total: Moments::default(),
            scratch: vec![0.0; k],
        }
    }

    /// Adds a person. Cells that are missing, NaN or infinite were not presented; a person without any is skipped.
    pub fn add(&mut self, row: &[f64]) {
        let k = self.max.len();
        let Some(points) = total(row, &self.max).filter(|_| row.len() == k) else { return };
        let total = fraction(points, self.whole);
        self.total.add(total, 0.0);
        let (mut count, mut fractions) = (0.0, 0.0);
        for (i, (x, max)) in row.iter().zip(&self.max).enumerate() {
            self.scratch[i] = x - max / 2.0;
            if x.is_finite() {
                count += 1.0;
                fractions += fraction(*x, *max);
            }
        }
        for ((x, max), column) in row.iter().zip(&self.max).zip(&mut self.items) {
            if !x.is_finite() {
                continue;
            }
            let own = fraction(*x, *max);
            column.total.add(own, total);
            if count > 1.0 {
                column.rest.add(own, fraction(points - x, self.whole - max));
                column.mean_rest.add(own, (fractions - own) / (count - 1.0));
            }
            column.dichotomous &= *x == 0.0 || x == max;
        }
        let d = &self.scratch;
        if count as usize == k {
            self.complete_rows += 1;
            for i in 0..k {
                self.complete.first[i * k + i] += d[i];
                let (di, sums) = (d[i], &mut self.complete.product[i * k + i..(i + 1) * k]);
                sums.iter_mut().zip(&d[i..]).for_each(|(sum, dj)| *sum += di * dj);
            }
        } else {
            self.partial_rows += 1;
            for i in (0..k).filter(|i| d[*i].is_finite()) {
                for j in (0..k).filter(|j| d[*j].is_finite()) {
                    self.partial.count[i * k + j] += 1;
                    self.partial.first[i * k + j] += d[i];
                    self.partial.product[i * k + j] += d[i] * d[j];
                }
            }
        }
    }

    /// Adds the persons of another part; a part over other questions is not added.
    pub fn merge(&mut self, other: &Self) {
        if self.max != other.max {
            return;
        }
        for (mine, theirs) in [(&mut self.complete, &other.complete), (&mut self.partial, &other.partial)] {
            mine.count.iter_mut().zip(&theirs.count).for_each(|(a, b)| *a += b);
            mine.first.iter_mut().zip(&theirs.first).for_each(|(a, b)| *a += b);
            mine.product.iter_mut().zip(&theirs.product).for_each(|(a, b)| *a += b);
        }
        self.complete_rows += other.complete_rows;
        self.partial_rows += other.partial_rows;
        self.total.merge(&other.total);
        for (mine, theirs) in self.items.iter_mut().zip(&other.items) {
            mine.total.merge(&theirs.total);
            mine.rest.merge(&theirs.rest);
            mine.mean_rest.merge(&theirs.mean_rest);
            mine.dichotomous &= theirs.dichotomous;
        }
    }

    /// Pairs of marks on questions i and j, and their covariance over those who have both.
    pub(super) fn covariance(&self, i: usize, j: usize) -> (u64, Statistic) {
        let k = self.max.len();
        let (low, high) = (i.min(j), i.max(j));
        let count = self.complete_rows + self.partial.count[i * k + j];
        let first = self.complete.first[i * k + i] + self.partial.first[i * k + j];
        let second = self.complete.first[j * k + j] + self.partial.first[j * k + i];
        let product = self.complete.product[low * k + high] + self.partial.product[i * k + j];
        if count < 2 {
            return (count, Err(Reason::TooFewPersons));
        }
        let n = count as f64;
        (count, Ok((product - first * second / n) / (n - 1.0)))
    }

    /// The analysis of everyone added.
    pub fn finish(&self) -> Analysis {
        let k = self.max.len();
        let complete = self.partial_rows == 0;
        let mut smallest_pair = u64::MAX;
        let mut s: Result<Vec<f64>, Reason> = Ok(Vec::with_capacity(k * k));
        for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
            let (count, covariance) = self.covariance(i, j);
            smallest_pair = smallest_pair.min(count);
            // A constant mark has exactly no variance, whatever the last bits of its sums say.
            let still = self.items[i].total.is_still_first() || self.items[j].total.is_still_first();
            match (&mut s, covariance) {
                (Ok(all), Ok(value)) => all.push(if still { 0.0 } else { value }),
                (Ok(_), Err(reason)) => s = Err(reason),
                (Err(_), _) => {}
            }
        }
        let everything: Vec<usize> = (0..k).collect();
        let alpha_of = |items: &[usize]| s.as_ref().map_err(|r| *r).and_then(|s| alpha(s, k, items));
        let mean = self.total.mean().map(|t| (t + 0.5) * self.whole);
        let sd = self.total.variance().map(|v| v.sqrt() * self.whole);
        let alpha = alpha_of(&everything);
        let dichotomous = self.items.iter().all(|c| c.dichotomous);
        let items = (0..k).map(|i| {
            let (column, max) = (&self.items[i], self.max[i]);
            let others: Vec<usize> = (0..k).filter(|j| *j != i).collect();
            let with_total = s.as_ref().map_err(|r| *r).map(|s| s[i * k..(i + 1) * k].iter().sum::<f64>());
            let rest = if complete { &column.rest } else { &column.mean_rest };
            ItemStatistics {
                presented: column.total.n,
                mean: column.total.mean().map(|f| (f + 0.5) * max),
                sd: column.total.variance().map(|v| v.sqrt() * max),
                facility: match column.total.mean() {
                    Ok(_) if max <= 0.0 => Err(Reason::NoPoints),
                    mean => mean.map(|f| f + 0.5),
                },
                item_rest: if k < 2 { Err(Reason::TooFewItems) } else { rest.correlation() },
                item_total: column.total.correlation(),
                alpha_if_deleted: alpha_of(&others),
                covariance_with_total: if complete { with_total } else { Err(Reason::Incomplete) },
            }
        });
        Analysis {
            persons: self.complete_rows + self.partial_rows,
            complete,
            mean,
            sd,
            alpha,
            smallest_pair: if smallest_pair == u64::MAX { 0 } else { smallest_pair },
            kr20: match (complete, dichotomous) {
                (false, _) => Err(Reason::Incomplete),
                (_, false) => Err(Reason::NotDichotomous),
                // p·q·m² and the total's variance, both with n: the quotient is that of the n − 1 variances.
                _ => alpha,
            },
            lambda2: s.as_ref().map_err(|r| *r).and_then(|s| lambda2(s, k)),
            sem: alpha.and_then(|a| Ok(sd? * (1.0 - a).max(0.0).sqrt())),
            items: items.collect(),
        }
    }
}

fn fraction(x: f64, max: f64) -> f64 {
    if max > 0.0 { x / max - 0.5 } else { 0.0 }
}
