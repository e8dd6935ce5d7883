//! Sums of two values over persons: means, variances and the correlation of one pair.

use super::statistic::{Reason, Statistic};

/// Sums of two values over persons; both are of the order of 1 and centred by the caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) n: u64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
    range_a: (f64, f64),
    range_b: (f64, f64),
}

/// Sums of squares and products of two values around their means.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scatter {
    pub(super) first: f64,
    pub(super) second: f64,
    pub(super) both: f64,
}

impl std::ops::Add for Scatter {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            first: self.first + other.first,
            second: self.second + other.second,
            both: self.both + other.both,
        }
    }
}

impl Default for Moments {
    fn default() -> Self {
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        Self { n: 0, a: 0.0, b: 0.0, aa: 0.0, bb: 0.0, ab: 0.0, range_a: nothing, range_b: nothing }
    }
}

impl Moments {
    pub(super) fn add(&mut self, a: f64, b: f64) {
        self.n += 1;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
        self.range_a = (self.range_a.0.min(a), self.range_a.1.max(a));
        self.range_b = (self.range_b.0.min(b), self.range_b.1.max(b));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.a += other.a;
        self.b += other.b;
        self.aa += other.aa;
        self.bb += other.bb;
        self.ab += other.ab;
        self.range_a = (self.range_a.0.min(other.range_a.0), self.range_a.1.max(other.range_a.1));
        self.range_b = (self.range_b.0.min(other.range_b.0), self.range_b.1.max(other.range_b.1));
    }

    /// The first value never changes (but for the last bits of its computation).
    pub(super) fn is_still_first(&self) -> bool {
        self.range_a.1 - self.range_a.0 <= 1e-9
    }

    pub(super) fn is_still(&self) -> bool {
        self.is_still_first() || self.range_b.1 - self.range_b.0 <= 1e-9
    }

    pub(super) fn mean(&self) -> Statistic {
        if self.n == 0 { Err(Reason::TooFewPersons) } else { Ok(self.a / self.n as f64) }
    }

    pub(super) fn variance(&self) -> Statistic {
        match self.n {
            0 | 1 => Err(Reason::TooFewPersons),
            _ if self.is_still_first() => Ok(0.0),
            n => Ok(((self.aa - self.a * self.a / n as f64) / (n - 1) as f64).max(0.0)),
        }
    }

    pub(super) fn covariance(&self) -> Statistic {
        match self.n {
            0 | 1 => Err(Reason::TooFewPersons),
            n => Ok((self.ab - self.a * self.b / n as f64) / (n - 1) as f64),
        }
    }

    /// The sums around the means: none of a value that never changes.
    pub(super) fn scatter(&self) -> Scatter {
        if self.n == 0 {
            return Scatter::default();
        }
        let n = self.n as f64;
        let squares = |range: (f64, f64), squares: f64, sum: f64| {
            if range.1 - range.0 <= 1e-9 { 0.0 } else { (squares - sum * sum / n).max(0.0) }
        };
        Scatter {
            first: squares(self.range_a, self.aa, self.a),
            second: squares(self.range_b, self.bb, self.b),
            both: if self.is_still() { 0.0 } else { self.ab - self.a * self.b / n },
        }
    }

    pub(super) fn correlation(&self) -> Statistic {
        let covariance = self.covariance()?;
        if self.is_still() {
            return Err(Reason::NoVariance);
        }
        let n = self.n as f64;
        let other = (self.bb - self.b * self.b / n) / (n - 1.0);
        ratio(covariance, self.variance()? * other)
    }
}

fn ratio(above: f64, below: f64) -> Statistic {
    if below > 0.0 { Ok((above / below.sqrt()).clamp(-1.0, 1.0)) } else { Err(Reason::NoVariance) }
}
