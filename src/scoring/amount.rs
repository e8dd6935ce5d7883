//! The parameter of a scoring policy: an exact decimal such as `0.5`, or a fraction such as `1/3`. Three keys of a third
//! are worth the whole, not 0.9999 of it.

use std::{cmp::Ordering, fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::exact::{Exact, common_divisor};
use crate::points::{Points, PointsError};

/// The largest denominator that a caller may give.
const MAX_BELOW: u32 = 1000;
/// The largest common denominator of the fractions of one policy.
const MAX_COMMON: u64 = 1_000_000;

/// An exact decimal or fraction. Equal values are one value: `2/4` is `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    /// The value times `below`; whole where `below` is not 1.
    above: Decimal,
    /// 1 for decimals.
    below: u32,
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Neither a decimal nor a fraction.
    #[error("is not a decimal number such as 0.5 or a fraction such as 1/3")]
    Syntax,
    /// A denominator that is not within 1 to 1000.
    #[error("is a fraction whose denominator is not within 1 to 1000")]
    Below,
    /// A decimal beyond what points may be.
    #[error(transparent)]
    Points(PointsError),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { above: Decimal::ZERO, below: 1 };
    /// One.
    pub const ONE: Self = Self { above: Decimal::ONE, below: 1 };

    /// `above`/`below`, reduced; a decimal where it is one of at most four decimals.
    fn ratio(above: i64, below: u32) -> Self {
        let common = common_divisor(u128::from(above.unsigned_abs()), u128::from(below)) as i64;
        let (above, below) = (above / common, below / common as u32);
        match 10_000 % below {
            0 => {
                let value = Decimal::new(above * i64::from(10_000 / below), Points::SCALE);
                Self { above: value.normalize(), below: 1 }
            }
            _ => Self { above: Decimal::from(above), below },
        }
    }

    /// The exact value.
    pub fn exact(self) -> Exact {
        Exact::ratio(self.above, self.below)
    }

    /// Exactly zero.
    pub fn is_zero(self) -> bool {
        self.above.is_zero()
    }

    /// The sum of amounts, exactly; `None` where their fractions have no common denominator up to a million, which
    /// [`common`] has refused.
    pub fn sum(amounts: impl Iterator<Item = Self>) -> Option<Exact> {
        let amounts: Vec<Self> = amounts.collect();
        let below = common(amounts.iter().copied())?;
        let above = amounts.iter().map(|amount| amount.above * Decimal::from(below / amount.below)).sum();
        Some(Exact::ratio(above, below))
    }
}

/// The least common denominator of amounts; `None` where it is beyond a million.
pub fn common(amounts: impl Iterator<Item = Amount>) -> Option<u32> {
    let common = amounts.map(|a| u64::from(a.below)).try_fold(1, |common: u64, below| {
        let product = common / common_divisor(u128::from(common), u128::from(below)) as u64 * below;
        (product <= MAX_COMMON).then_some(product)
    });
    common.and_then(|common| u32::try_from(common).ok())
}

impl Default for Amount {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<Points> for Amount {
    fn from(points: Points) -> Self {
        Self { above: points.decimal(), below: 1 }
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let Some((above, below)) = text.split_once('/') else {
            return text.parse::<Points>().map(Self::from).map_err(|error| match error {
                PointsError::Syntax => AmountError::Syntax,
                error => AmountError::Points(error),
            });
        };
        let digits = |text: &str| (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(above.strip_prefix('-').unwrap_or(above)) || !digits(below) {
            return Err(AmountError::Syntax);
        }
        let above: i64 = above.parse().map_err(|_| AmountError::Syntax)?;
        let below: u32 = below.parse().map_err(|_| AmountError::Below)?;
        if !(1..=MAX_BELOW).contains(&below) {
            return Err(AmountError::Below);
        }
        let amount = Self::ratio(above, below);
        let (most, least) = (Self::from(Points::MAX), Self::from(Points::ZERO - Points::MAX));
        if amount < least || amount > most {
            return Err(AmountError::Points(PointsError::Range));
        }
        Ok(amount)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.below {
            1 => self.above.normalize().fmt(f),
            below => write!(f, "{}/{below}", self.above),
        }
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.above * Decimal::from(other.below)).cmp(&(other.above * Decimal::from(self.below)))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = |error| serde::de::Error::custom(format!("{text:?} {error}"));
        match text.contains('/') {
            true => text.parse().map_err(refused),
            // What was stored as points before there were fractions is not looked at twice.
            false => Decimal::from_str_exact(&text)
                .map(|value| Self::from(Points::new(value)))
                .map_err(|_| refused(AmountError::Syntax)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_and_fractions_are_read_and_shown() {
        for (text, shown) in [
            ("0.5", "0.5"),
            ("2.50", "2.5"),
            ("1/3", "1/3"),
            ("-2/3", "-2/3"),
            ("2/6", "1/3"),
            ("2/4", "0.5"),
            ("6/3", "2"),
            ("1/1000", "0.001"),
            ("1/512", "1/512"),
            ("0/7", "0"),
        ] {
            assert_eq!(a(text).to_string(), shown);
            assert_eq!(a(shown), a(text));
            let json = serde_json::to_string(&a(text)).unwrap();
            assert_eq!(json, format!("\"{shown}\""), "as points were stored");
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), a(text));
        }
        for bad in [
            "",
            "/",
            "1/",
            "/3",
            "1/0",
            "1/1001",
            "1.5/3",
            "--1/3",
            "1/-3",
            "1/3/3",
            "0.33333",
            "1e3",
            "2000000/3",
        ] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_are_exact_and_order_is_of_values() {
        let sum = |texts: &[&str]| Amount::sum(texts.iter().map(|t| a(t))).unwrap().to_string();
        assert_eq!(sum(&["1/3", "1/3", "1/3"]), "1");
        assert_eq!(sum(&["1/3", "1/6", "0.25"]), "0.75");
        assert_eq!(sum(&["-2/3", "-2/3", "-2/3"]), "-2");
        assert_eq!(sum(&[]), "0");
        assert!(a("1/3") < a("0.3334") && a("1/3") > a("0.3333") && a("-1/3") < Amount::ZERO);
        assert_eq!(common(["1/997", "1/991", "1/983"].map(a).into_iter()), None);
    }
}
