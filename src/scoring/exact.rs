//! A value before rounding, exactly: 8/3 points are 8/3, not 2.6666666666666666666666666667. It is divided once, when a
//! mark is made of it, and written as a decimal where that ends, else as a fraction.

use std::{cmp::Ordering, fmt};

use rust_decimal::Decimal;

/// A decimal over a whole number.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    above: Decimal,
    below: u32,
}

impl Exact {
    /// `whole` · `part` / `of`; nothing of nothing.
    pub fn share(whole: Decimal, part: u32, of: u32) -> Self {
        match of {
            0 => Self::from(Decimal::ZERO),
            _ => Self { above: whole * Decimal::from(part), below: of },
        }
    }

    /// `above`/`below`, where `below` is not 0.
    pub fn ratio(above: Decimal, below: u32) -> Self {
        Self { above, below: below.max(1) }
    }

    /// So many times this; a decimal or a whole number of times keeps it exact.
    #[must_use]
    pub fn times(self, factor: Decimal) -> Self {
        Self { above: self.above * factor, ..self }
    }

    /// This, but not less than `least` and not more than `most`.
    #[must_use]
    pub fn within(self, least: Option<Self>, most: Option<Self>) -> Self {
        let raised = least.filter(|least| self < *least).unwrap_or(self);
        most.filter(|most| raised > *most).unwrap_or(raised)
    }

    /// The value by one division, as near as a decimal comes.
    pub fn value(self) -> Decimal {
        self.above / Decimal::from(self.below)
    }

    /// Numerator and denominator, reduced.
    fn fraction(self) -> (i128, i128) {
        // A decimal has at most 28 decimals and 96 bits, so neither product leaves 128 bits.
        let (above, below) = (self.above.mantissa(), 10i128.pow(self.above.scale()) * i128::from(self.below));
        let common = common_divisor(above.unsigned_abs(), below.unsigned_abs()) as i128;
        (above / common, below / common)
    }
}

impl From<Decimal> for Exact {
    fn from(value: Decimal) -> Self {
        Self { above: value, below: 1 }
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (Decimal::from(self.below), Decimal::from(other.below));
        match (self.above.checked_mul(others), other.above.checked_mul(own)) {
            (Some(one), Some(two)) => one.cmp(&two),
            // Too large for both products: then the quotients tell them apart as well.
            _ => self.value().cmp(&other.value()),
        }
    }
}

pub(super) fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl fmt::Display for Exact {
    /// `2.5`, or `8/3` where a decimal would not end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (above, below) = self.fraction();
        let mut rest = below;
        for prime in [2, 5] {
            while rest % prime == 0 {
                rest /= prime;
            }
        }
        if rest == 1 { self.value().normalize().fmt(f) } else { write!(f, "{above}/{below}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_end_or_are_fractions() {
        let of = |whole: &str, part, of| Exact::share(whole.parse().unwrap(), part, of).to_string();
        assert_eq!(of("4", 1, 2), "2");
        assert_eq!(of("2.5", 1, 2), "1.25");
        assert_eq!(of("4", 2, 3), "8/3");
        assert_eq!(of("0.5", 1, 3), "1/6");
        assert_eq!(of("-4", 2, 6), "-4/3");
        assert_eq!(of("1.2", 2, 3), "0.8");
        assert_eq!(of("6", 100, 300), "2");
        assert_eq!(of("6", 0, 7), "0");
        assert_eq!(of("6", 3, 0), "0");
        assert_eq!(of("0.0000000000000000000000000001", u32::MAX, u32::MAX - 1).matches('/').count(), 1);
        assert_eq!(Exact::from("2.50".parse::<Decimal>().unwrap()).to_string(), "2.5");
    }
}
