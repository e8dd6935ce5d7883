//! The scoring policies as data: which rule turns picked options into points, with its parameters. The rules
//! themselves stand in `score.rs`; formulas and names are those of the field (see each variant).

use serde::{Deserialize, Serialize};

use super::{
    amount::{Amount, common},
    exact::Exact,
};
use crate::{
    bank::content::{Kind, OptionSet},
    points::Points,
};

/// How a choice or true/false question scores. K keys, N options, h keys picked, w wrong ones picked, m keys missed,
/// P points of the question. A blank response is 0 under every policy; every mark is clamped to `[floor, P]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Policy {
    /// P if w = m = 0, else 0 (全对得分; QTI match_correct).
    AllOrNothing,
    /// w > 0 → 0; m = 0 → P; h > 0 → P/2; else 0 (少选得一半分, 错选不得分).
    SubsetHalf,
    /// w > 0 → 0; m = 0 → P; h > 0 → s, where s < P (漏选固定分).
    SubsetFixed {
        /// s
        points: Amount,
    },
    /// w > 0 → 0; m = 0 → P; else min(x·h, P) (每选对一项得 x 分).
    PerKeyFixed {
        /// x
        points: Amount,
    },
    /// w > 0 → 0; m = 0 → P; else the sum of the values of the picked keys, at most P.
    PerOptionValue {
        /// One value an option, in the question's order.
        values: Vec<Amount>,
    },
    /// w > 0 → 0; else P·h/K (按比例).
    SubsetProportional,
    /// x·h − x·w; needs a floor.
    PerKeyWithDeduction {
        /// x
        points: Amount,
    },
    /// P·clamp(Σ f of the picked, 0, 1) (Moodle multichoice).
    OptionFractions {
        /// One fraction an option, −1 to 1, in the question's order.
        fractions: Vec<Amount>,
    },
    /// P·max(min(h, K − w), 0)/K (Moodle OU multiple response).
    CapToKeyCount,
    /// P·max(0, (h − w)/K) (Canvas classic).
    NetCorrect,
    /// P·(right decisions)/N (Open edX EDC, PrairieLearn each-answer).
    EachDecision,
    /// e = w + m: 0 → P; 1 → P/2 if N > 2; 2 → P/4 if N > 4; else 0 (Open edX halves).
    Halves,
    /// P·(h/K)·(h/(h + w)) (PrairieLearn coverage).
    Coverage,
    /// P·max(0, h − w − m)/K.
    HitsMinusWrongMinusMissed,
    /// clamp(Σ map of distinct picks, lower, upper); an unmapped pick counts `default` (QTI map_response).
    Map {
        /// One entry an option, in the question's order; `None` is unmapped.
        values: Vec<Option<Amount>>,
        /// What an unmapped pick counts.
        default: Amount,
        /// Lower bound, if any.
        lower: Option<Amount>,
        /// Upper bound, if any.
        upper: Option<Amount>,
    },
    /// Right → P, wrong → −d, blank → 0 (倒扣分); single choice and true/false only; needs a floor below 0.
    Negative {
        /// d
        deduction: Amount,
    },
}

impl Policy {
    /// The word that names the policy everywhere.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AllOrNothing => "ALL_OR_NOTHING",
            Self::SubsetHalf => "SUBSET_HALF",
            Self::SubsetFixed { .. } => "SUBSET_FIXED",
            Self::PerKeyFixed { .. } => "PER_KEY_FIXED",
            Self::PerOptionValue { .. } => "PER_OPTION_VALUE",
            Self::SubsetProportional => "SUBSET_PROPORTIONAL",
            Self::PerKeyWithDeduction { .. } => "PER_KEY_WITH_DEDUCTION",
            Self::OptionFractions { .. } => "OPTION_FRACTIONS",
            Self::CapToKeyCount => "CAP_TO_KEY_COUNT",
            Self::NetCorrect => "NET_CORRECT",
            Self::EachDecision => "EACH_DECISION",
            Self::Halves => "HALVES",
            Self::Coverage => "COVERAGE",
            Self::HitsMinusWrongMinusMissed => "HITS_MINUS_WRONG_MINUS_MISSED",
            Self::Map { .. } => "MAP",
            Self::Negative { .. } => "NEGATIVE",
        }
    }

    /// Every amount among its parameters.
    fn amounts(&self) -> impl Iterator<Item = Amount> {
        let (one, list): (Option<Amount>, &[Amount]) = match self {
            Self::SubsetFixed { points }
            | Self::PerKeyFixed { points }
            | Self::PerKeyWithDeduction { points } => (Some(*points), &[]),
            Self::Negative { deduction } => (Some(*deduction), &[]),
            Self::PerOptionValue { values } => (None, values),
            Self::OptionFractions { fractions } => (None, fractions),
            _ => (None, &[]),
        };
        let map = match self {
            Self::Map { values, default, lower, upper } => Some((values, default, lower, upper)),
            _ => None,
        };
        let mapped = map.into_iter().flat_map(|(values, default, lower, upper)| {
            values.iter().flatten().chain([default]).chain(lower).chain(upper)
        });
        one.into_iter().chain(list.iter().copied()).chain(mapped.copied())
    }

    /// Whether the policy fits a question of that kind, number of options and key, worth that many points; else why
    /// not, in words that continue "the policy …".
    pub fn check(&self, kind: Kind, options: usize, key: OptionSet, points: Points) -> Result<(), String> {
        self.check_shape(kind, options)?;
        match self {
            Self::SubsetFixed { points: s } if *s >= Amount::from(points) => Err(format!(
                "SUBSET_FIXED gives {s} for a partial answer, which is not less than the {points} of the question"
            )),
            Self::PerOptionValue { values } => {
                let sum = Amount::sum(key.iter().filter_map(|i| values.get(i).copied()));
                let Some(sum) = sum.filter(|sum| *sum > Exact::from(points.decimal())) else { return Ok(()) };
                Err(format!(
                    "PER_OPTION_VALUE gives {sum} for all keys, more than the {points} of the question"
                ))
            }
            _ => Ok(()),
        }
    }

    /// The part of [`check`](Self::check) that needs neither key nor points: for a draft.
    pub fn check_shape(&self, kind: Kind, options: usize) -> Result<(), String> {
        let name = self.name();
        let fits = match kind {
            Kind::SingleChoice => true,
            Kind::MultipleChoice | Kind::IndeterminateChoice => !matches!(self, Self::Negative { .. }),
            Kind::TrueFalse => matches!(self, Self::AllOrNothing | Self::Negative { .. }),
            Kind::FillBlank | Kind::ShortAnswer | Kind::Case => false,
            Kind::Numeric | Kind::Matching | Kind::Ordering | Kind::Essay => false,
        };
        if !fits {
            return Err(format!("{name} does not apply to {} questions", kind.as_str()));
        }
        let sized = |len: usize| match len == options {
            true => Ok(()),
            false => Err(format!("{name} has {len} values for {options} options")),
        };
        let within = |value: Amount, low: Amount, high: Amount| match low <= value && value <= high {
            true => Ok(()),
            false => Err(format!("{name} has the value {value}, which is not within {low} to {high}")),
        };
        let (zero, one, most) = (Amount::ZERO, Amount::ONE, Amount::from(Points::MAX));
        let (least, minus_one) =
            (Amount::from(Points::ZERO - Points::MAX), Amount::from(Points::ZERO - Points::from(1)));
        if common(self.amounts()).is_none() {
            return Err(format!("{name} has fractions whose common denominator is beyond a million"));
        }
        match self {
            Self::SubsetFixed { points } => within(*points, zero, most),
            Self::PerKeyFixed { points: x }
            | Self::PerKeyWithDeduction { points: x }
            | Self::Negative { deduction: x } => {
                if x.is_zero() {
                    return Err(format!("{name} needs a value above 0"));
                }
                within(*x, zero, most)
            }
            Self::PerOptionValue { values } => {
                sized(values.len())?;
                values.iter().try_for_each(|v| within(*v, zero, most))
            }
            Self::OptionFractions { fractions } => {
                sized(fractions.len())?;
                fractions.iter().try_for_each(|f| within(*f, minus_one, one))
            }
            Self::Map { values, default, lower, upper } => {
                sized(values.len())?;
                let all = values.iter().flatten().chain([default]).chain(lower).chain(upper);
                all.copied().try_for_each(|v| within(v, least, most))?;
                match (lower, upper) {
                    (Some(l), Some(u)) if l > u => {
                        Err(format!("MAP has a lower bound {l} above its upper bound {u}"))
                    }
                    _ => Ok(()),
                }
            }
            Self::AllOrNothing
            | Self::SubsetHalf
            | Self::SubsetProportional
            | Self::CapToKeyCount
            | Self::NetCorrect
            | Self::EachDecision
            | Self::Halves
            | Self::Coverage
            | Self::HitsMinusWrongMinusMissed => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn a(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn check(policy: Policy, kind: Kind) -> Result<(), String> {
        policy.check(kind, 4, OptionSet::from_bits(0b0011), p("2"))
    }

    #[test]
    fn parameters_are_checked() {
        let multiple = Kind::MultipleChoice;
        assert!(check(Policy::SubsetFixed { points: a("1") }, multiple).is_ok());
        assert!(check(Policy::SubsetFixed { points: a("2") }, multiple).is_err());
        assert!(check(Policy::SubsetFixed { points: a("-1") }, multiple).is_err());
        assert!(check(Policy::PerKeyFixed { points: a("0") }, multiple).is_err());
        let values = |v: [&str; 4]| v.map(a).to_vec();
        assert!(check(Policy::PerOptionValue { values: values(["1", "1", "9", "9"]) }, multiple).is_ok());
        assert!(check(Policy::PerOptionValue { values: values(["1", "1.5", "0", "0"]) }, multiple).is_err());
        assert!(check(Policy::PerOptionValue { values: vec![a("1")] }, multiple).is_err());
        assert!(
            check(Policy::OptionFractions { fractions: values(["1", "0.5", "-1", "0"]) }, multiple).is_ok()
        );
        assert!(
            check(Policy::OptionFractions { fractions: values(["1", "1.1", "-1", "0"]) }, multiple).is_err()
        );
        let map = |lower, upper| Policy::Map { values: vec![None; 4], default: a("0"), lower, upper };
        assert!(check(map(Some(a("0")), Some(a("2"))), multiple).is_ok());
        assert!(check(map(Some(a("3")), Some(a("2"))), multiple).is_err());
    }

    #[test]
    fn policies_fit_kinds() {
        let negative = || Policy::Negative { deduction: a("1") };
        assert!(check(negative(), Kind::SingleChoice).is_ok());
        assert!(check(negative(), Kind::TrueFalse).is_ok());
        assert!(check(negative(), Kind::MultipleChoice).is_err());
        assert!(check(Policy::SubsetHalf, Kind::TrueFalse).is_err());
        assert!(check(Policy::SubsetHalf, Kind::IndeterminateChoice).is_ok());
        assert!(check(Policy::AllOrNothing, Kind::FillBlank).is_err());
    }

    #[test]
    fn the_name_is_the_name_in_json() {
        let json = serde_json::to_value(Policy::SubsetFixed { points: a("1") }).unwrap();
        assert_eq!(json["name"], Policy::SubsetFixed { points: a("1") }.name());
        let json = serde_json::to_value(Policy::HitsMinusWrongMinusMissed).unwrap();
        assert_eq!(json["name"], Policy::HitsMinusWrongMinusMissed.name());
    }
}
