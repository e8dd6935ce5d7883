//! What the pairs of a matching question earn. Integers only: a rule gives a share of the whole, the one division is
//! made where points are known.

use crate::bank::matching::{Matching, MatchingRule};

/// Stands for "no pair" where a response or a key is kept by prompt.
pub const NONE: u8 = u8::MAX;

/// The key of a matching question, ready to compare.
#[derive(Clone, Debug)]
pub struct MatchingKey {
    /// For each prompt the index of its right option.
    pub pairs: Box<[u8]>,
    /// How many options there are.
    pub options: usize,
    /// How pairs become points.
    pub rule: MatchingRule,
}

/// How a response fares, pair by pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Prompts that are paired rightly.
    pub right: u32,
    /// Prompts that are paired wrongly.
    pub wrong: u32,
    /// Prompts without a pair.
    pub missed: u32,
}

impl MatchingKey {
    /// The key of a question; an error in words where it is missing or does not fit.
    pub fn new(matching: &Matching) -> Result<Self, String> {
        if matching.key.is_empty() {
            return Err("has no key".into());
        }
        if !matching.is_keyed() {
            return Err("has a key that does not fit its prompts and options".into());
        }
        let (pairs, options) = (matching.key.clone().into(), matching.options.len());
        Ok(Self { pairs, options, rule: matching.rule })
    }

    /// Refuses pairs of the wrong shape, in words that continue "the response …".
    pub fn check(&self, given: &[u8]) -> Result<(), String> {
        if given.len() > self.pairs.len() {
            return Err(format!("pairs {} prompts of a question with {}", given.len(), self.pairs.len()));
        }
        match given.iter().find(|option| **option != NONE && usize::from(**option) >= self.options) {
            Some(option) => {
                let (named, options) = (usize::from(*option) + 1, self.options);
                Err(format!("names option {named} of a question with {options} options"))
            }
            None => Ok(()),
        }
    }

    /// The number of prompts.
    pub fn prompts(&self) -> usize {
        self.pairs.len()
    }

    /// Counts right, wrong and missed prompts. `given` has by prompt the index of its option, or [`NONE`].
    pub fn tally(&self, given: &[u8]) -> Tally {
        let given = given.iter().copied().chain(std::iter::repeat(NONE));
        self.pairs.iter().zip(given).fold(Tally::default(), |tally, (right, given)| match given {
            NONE => Tally { missed: tally.missed + 1, ..tally },
            given if given == *right => Tally { right: tally.right + 1, ..tally },
            _ => Tally { wrong: tally.wrong + 1, ..tally },
        })
    }

    /// What pairs earn, as `(part, whole)`.
    ///
    /// ```
    /// use assessd::{bank::matching::MatchingRule, scoring::matching::MatchingKey};
    /// let key = |rule| MatchingKey { pairs: [2, 0, 1].into(), options: 4, rule };
    /// assert_eq!(key(MatchingRule::PerPair).earned(&[2, 0, 3]), (2, 3));
    /// assert_eq!(key(MatchingRule::PerPairWithDeduction).earned(&[2, 0, 3]), (1, 3));
    /// assert_eq!(key(MatchingRule::AllOrNothing).earned(&[2, 0, 3]), (0, 1));
    /// ```
    pub fn earned(&self, given: &[u8]) -> (u32, u32) {
        let tally = self.tally(given);
        let prompts = self.pairs.len() as u32;
        match self.rule {
            MatchingRule::PerPair => (tally.right, prompts),
            MatchingRule::AllOrNothing => (u32::from(tally.right == prompts), 1),
            MatchingRule::PerPairWithDeduction => (tally.right.saturating_sub(tally.wrong), prompts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(pairs: &[u8], rule: MatchingRule) -> MatchingKey {
        MatchingKey { pairs: pairs.into(), options: 5, rule }
    }

    #[test]
    fn every_rule_by_table() {
        use MatchingRule::*;
        // (given, per pair, all or nothing, per pair with deduction), of four prompts.
        let table: [(&[u8], u32, u32, u32); 7] = [
            (&[0, 1, 2, 2], 4, 1, 4),
            (&[0, 1, 2, 4], 3, 0, 2),
            (&[0, 1, 4, 4], 2, 0, 0),
            (&[0, 4, 4, 4], 1, 0, 0),
            (&[0, 1, 2], 3, 0, 3),
            (&[NONE, 1, NONE, 4], 1, 0, 0),
            (&[2, 2, 2, 2], 2, 0, 0),
        ];
        for (given, pair, all, deducted) in table {
            let of = |rule| key(&[0, 1, 2, 2], rule).earned(given);
            assert_eq!(of(PerPair), (pair, 4), "{given:?}");
            assert_eq!(of(AllOrNothing), (all, 1), "{given:?}");
            assert_eq!(of(PerPairWithDeduction), (deducted, 4), "{given:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let key = key(&[0, 1], MatchingRule::PerPair);
        assert!(key.check(&[4, NONE]).is_ok());
        assert!(key.check(&[5]).unwrap_err().contains("option 6"));
        assert!(key.check(&[0, 0, 0]).unwrap_err().contains("3 prompts"));
    }

    proptest! {
        #[test]
        fn shares_are_shares(pairs in proptest::collection::vec(0u8..5, 1..27), given in proptest::collection::vec(any::<u8>(), 0..27)) {
            for rule in MatchingRule::ALL {
                let key = key(&pairs, rule);
                let (part, whole) = key.earned(&given);
                prop_assert!(part <= whole && whole > 0);
                prop_assert_eq!(key.earned(&pairs).0, key.earned(&pairs).1);
                let tally = key.tally(&given);
                prop_assert_eq!((tally.right + tally.wrong + tally.missed) as usize, pairs.len());
                prop_assert_eq!(part == whole, tally.right as usize == pairs.len());
            }
        }
    }
}
