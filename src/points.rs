//! Exact points. A mark, a maximum, a pass mark and every sum of them is a decimal, never a binary float:
//! sums equal their parts, and 0.1 + 0.2 is 0.3. Rounding happens once, by a [`Rounding`] that an exam declares.

use std::{fmt, iter::Sum, ops, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Points of a question, a mark or a total: an exact decimal, at most [`Points::MAX`] in size and with at most
/// [`Points::SCALE`] decimals where it came from a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(Decimal);

/// Why a text is no number of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    /// Not a decimal number such as `2` or `0.5`.
    #[error("is not a decimal number such as 2 or 0.5")]
    Syntax,
    /// More decimals than are kept.
    #[error("has more than 4 decimals")]
    Scale,
    /// Larger than any paper needs.
    #[error("is beyond ±100000")]
    Range,
}

impl Points {
    /// No points.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// The largest number of points that a caller may give to anything.
    pub const MAX: Self = Self(Decimal::from_parts(100_000, 0, 0, false, 0));
    /// Decimals that a caller may give.
    pub const SCALE: u32 = 4;

    /// Points from an exact decimal, normalised so that `2.0` and `2` are one value everywhere.
    pub fn new(value: Decimal) -> Self {
        Self(value.normalize())
    }

    /// The exact decimal.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// The nearest binary float, for statistics only.
    pub fn to_f64(self) -> f64 {
        use rust_decimal::prelude::ToPrimitive;
        self.0.to_f64().unwrap_or(0.0)
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// Exactly zero.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// This many points `count` times.
    pub fn times(self, count: u32) -> Self {
        Self::new(self.0 * Decimal::from(count))
    }

    /// Splits these points by the given weights, so that the shares add up to the whole and equal weights get shares that
    /// differ by one step at most: by largest remainder, the earlier first where remainders are equal. The step is 0.01,
    /// or the last decimal of these points where they have more. Weights that are all zero count as equal.
    ///
    /// ```
    /// use assessd::points::Points;
    /// let shares = Points::from(1).apportion(&[1; 40]);
    /// assert_eq!((shares[0].to_string(), shares[39].to_string()), ("0.03".to_owned(), "0.02".to_owned()));
    /// assert_eq!(shares.into_iter().sum::<Points>(), Points::from(1));
    /// ```
    pub fn apportion(self, weights: &[u32]) -> Vec<Self> {
        let scale = self.0.normalize().scale().max(2);
        let equal = weights.iter().all(|w| *w == 0);
        let weight = |w: &u32| if equal { 1 } else { i128::from(*w) };
        let whole: i128 = weights.iter().map(weight).sum();
        let mut rescaled = self.0;
        rescaled.rescale(scale);
        let steps = rescaled.mantissa();
        let mut shares: Vec<i128> = weights.iter().map(|w| steps * weight(w) / whole).collect();
        let rest = (steps - shares.iter().sum::<i128>()).unsigned_abs() as usize;
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse((steps * weight(&weights[*at]) % whole).abs()));
        order.iter().take(rest).for_each(|at| shares[*at] += steps.signum());
        shares.into_iter().map(|share| Self::new(Decimal::from_i128_with_scale(share, scale))).collect()
    }

    /// How forms shared the points of a case before they recorded the shares: each share rounded down to 0.01 and the rest given to the last
    /// share with a weight, so that the shares add up to the whole. Weights that are all zero count as equal.
    ///
    /// ```
    /// use assessd::points::Points;
    /// let ten: Points = "10".parse().unwrap();
    /// let shares: Vec<String> = ten.split(&[1, 1, 1]).iter().map(ToString::to_string).collect();
    /// assert_eq!(shares, ["3.33", "3.33", "3.34"]);
    /// ```
    pub fn split(self, weights: &[u32]) -> Vec<Self> {
        let equal = weights.iter().all(|w| *w == 0);
        let weight = |w: u32| Decimal::from(if equal { 1 } else { w });
        let whole: Decimal = weights.iter().map(|w| weight(*w)).sum();
        let mut shares: Vec<Self> = weights
            .iter()
            .map(|w| {
                Self::new((self.0 * weight(*w) / whole).round_dp_with_strategy(2, RoundingStrategy::ToZero))
            })
            .collect();
        let given: Self = shares.iter().copied().sum();
        if let Some(last) = (0..weights.len()).rev().find(|i| equal || weights[*i] > 0) {
            shares[last] += self - given;
        }
        shares
    }
}

impl From<u32> for Points {
    fn from(whole: u32) -> Self {
        Self(Decimal::from(whole))
    }
}

impl FromStr for Points {
    type Err = PointsError;

    fn from_str(text: &str) -> Result<Self, PointsError> {
        let plain = !text.is_empty()
            && text.len() <= 32
            && text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !plain {
            return Err(PointsError::Syntax);
        }
        let value = Self::new(Decimal::from_str_exact(text).map_err(|_| PointsError::Syntax)?);
        if value.0.scale() > Self::SCALE {
            return Err(PointsError::Scale);
        }
        if value.0.abs() > Self::MAX.0 {
            return Err(PointsError::Range);
        }
        Ok(value)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl ops::Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.0 + other.0)
    }
}

impl ops::Sub for Points {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.0 - other.0)
    }
}

impl ops::AddAssign for Points {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, ops::Add::add)
    }
}

/// How a computed mark becomes one that is kept: the one rounding rule of an exam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rounding {
    /// What happens to a value between two steps.
    pub mode: RoundingMode,
    /// The step, above zero; 0.01 by default.
    pub step: Points,
}

/// What happens to a value between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// To the nearer step, the middle away from zero (四舍五入).
    HalfUp,
    /// To the nearer step, the middle to the even one.
    HalfEven,
    /// Toward zero (舍去).
    Down,
    /// Away from zero (进位).
    Up,
}

impl Default for Rounding {
    fn default() -> Self {
        Self { mode: RoundingMode::HalfUp, step: Points(Decimal::from_parts(1, 0, 0, false, 2)) }
    }
}

impl Rounding {
    /// Applies the rule.
    pub fn apply(self, value: Decimal) -> Points {
        let strategy = match self.mode {
            RoundingMode::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            RoundingMode::HalfEven => RoundingStrategy::MidpointNearestEven,
            RoundingMode::Down => RoundingStrategy::ToZero,
            RoundingMode::Up => RoundingStrategy::AwayFromZero,
        };
        let step = if self.step.0 > Decimal::ZERO { self.step.0 } else { Self::default().step.0 };
        Points::new((value / step).round_dp_with_strategy(0, strategy) * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    #[test]
    fn only_plain_decimals_are_points() {
        assert_eq!(p("2.50").to_string(), "2.5");
        assert_eq!("".parse::<Points>(), Err(PointsError::Syntax));
        assert_eq!("1e3".parse::<Points>(), Err(PointsError::Syntax));
        assert_eq!("--1".parse::<Points>(), Err(PointsError::Syntax));
        assert_eq!("0.00001".parse::<Points>(), Err(PointsError::Scale));
        assert_eq!("100000.1".parse::<Points>(), Err(PointsError::Range));
    }

    #[test]
    fn rounding_follows_the_declared_rule() {
        let third = Decimal::from(2) / Decimal::from(3);
        assert_eq!(Rounding::default().apply(third), p("0.67"));
        let half = Rounding { mode: RoundingMode::Down, step: p("0.5") };
        assert_eq!(half.apply(p("1.9").decimal()), p("1.5"));
        let even = Rounding { mode: RoundingMode::HalfEven, step: p("1") };
        assert_eq!(even.apply(p("2.5").decimal()), p("2"));
        let up = Rounding { mode: RoundingMode::Up, step: p("1") };
        assert_eq!(up.apply(p("2.1").decimal()), p("3"));
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(p("7").split(&[2, 0, 1]).into_iter().sum::<Points>(), p("7"));
        assert_eq!(p("7").split(&[2, 0, 1])[1], Points::ZERO);
        assert!(p("7").split(&[]).is_empty());
    }

    #[test]
    fn equal_parts_differ_by_one_step() {
        let shown = |points: &str, weights: &[u32]| {
            p(points).apportion(weights).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown("10", &[1, 1, 1]), ["3.34", "3.33", "3.33"]);
        assert_eq!(shown("0.0005", &[1, 1]), ["0.0003", "0.0002"]);
        assert_eq!(shown("7", &[2, 0, 1]), ["4.67", "0", "2.33"]);
        assert_eq!(shown("1", &[0, 0]), ["0.5", "0.5"]);
        assert!(shown("1", &[]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn shares_are_fair(cents in 0i64..100_000, scale in 0u32..5, weights in proptest::collection::vec(0u32..1000, 1..60)) {
            let whole = Points::new(Decimal::new(cents, scale));
            let shares = whole.apportion(&weights);
            proptest::prop_assert_eq!(shares.iter().copied().sum::<Points>(), whole);
            let step = Points::new(Decimal::new(1, whole.decimal().scale().max(2)));
            let total: u32 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(&weights) {
                let due = match total {
                    0 => whole.decimal() / Decimal::from(weights.len() as u64),
                    total => whole.decimal() * Decimal::from(*weight) / Decimal::from(total),
                };
                proptest::prop_assert!((share.decimal() - due).abs() < step.decimal());
            }
        }
    }
}
