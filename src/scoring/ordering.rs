//! What an order earns. Integers only: a rule gives a share of the whole, the one division is made where points are
//! known. An order is a list of item indices, the first one first; items that it lacks are nowhere.

use crate::bank::ordering::{Ordering, OrderingRule};

/// The key of an ordering question, ready to compare.
#[derive(Clone, Debug)]
pub struct OrderingKey {
    /// The items in their right order.
    pub order: Box<[u8]>,
    /// How an order becomes points.
    pub rule: OrderingRule,
}

impl OrderingKey {
    /// The key of a question; an error in words where it is missing or does not fit.
    pub fn new(ordering: &Ordering) -> Result<Self, String> {
        if ordering.key.is_empty() {
            return Err("has no key".into());
        }
        if !ordering.is_keyed() {
            return Err("has a key that is no order of its options".into());
        }
        Ok(Self { order: ordering.key.clone().into(), rule: ordering.rule })
    }

    /// Refuses an order of the wrong shape, in words that continue "the response …".
    pub fn check(&self, given: &[u8]) -> Result<(), String> {
        let items = self.order.len();
        for (at, item) in given.iter().enumerate() {
            let named = usize::from(*item) + 1;
            if named > items {
                return Err(format!("names option {named} of a question with {items} options"));
            }
            if given[..at].contains(item) {
                return Err(format!("names option {named} twice"));
            }
        }
        Ok(())
    }

    /// Items at their own place.
    pub fn in_place(&self, given: &[u8]) -> u32 {
        self.order.iter().zip(given).filter(|(right, given)| right == given).count() as u32
    }

    /// Neighbours of the key that follow one another in `given`, too.
    pub fn adjacent(&self, given: &[u8]) -> u32 {
        let kept = |pair: &&[u8]| given.windows(2).any(|two| *two == **pair);
        self.order.windows(2).filter(kept).count() as u32
    }

    /// Pairs of items, neighbours or not, that are the right way round.
    pub fn concordant(&self, given: &[u8]) -> u32 {
        let place = |item: &u8| self.order.iter().position(|right| right == item);
        let places: Vec<usize> = given.iter().filter_map(place).collect();
        let behind = places
            .iter()
            .enumerate()
            .map(|(at, first)| places[at + 1..].iter().filter(|second| first < *second).count() as u32);
        behind.sum()
    }

    /// What an order earns, as `(part, whole)`. Kendall's share 1 − 2d/(n(n − 1)) is the share of pairs that are the
    /// right way round, so it lies within 0 and 1 by itself.
    ///
    /// ```
    /// use assessd::{bank::ordering::OrderingRule, scoring::ordering::OrderingKey};
    /// let key = |rule| OrderingKey { order: [2, 0, 3, 1].into(), rule };
    /// let two_swapped = [0, 2, 3, 1];
    /// assert_eq!(key(OrderingRule::AllOrNothing).earned(&two_swapped), (0, 1));
    /// assert_eq!(key(OrderingRule::PerPosition).earned(&two_swapped), (2, 4));
    /// assert_eq!(key(OrderingRule::AdjacentPairs).earned(&two_swapped), (1, 3));
    /// assert_eq!(key(OrderingRule::Kendall).earned(&two_swapped), (5, 6));
    /// ```
    pub fn earned(&self, given: &[u8]) -> (u32, u32) {
        let n = self.order.len() as u32;
        match self.rule {
            OrderingRule::PerPosition => (self.in_place(given), n),
            OrderingRule::AdjacentPairs if n > 1 => (self.adjacent(given), n - 1),
            OrderingRule::Kendall if n > 1 => (self.concordant(given), n * (n - 1) / 2),
            // Of a single item there is one order.
            _ => (u32::from(*self.order == *given), 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(order: &[u8], rule: OrderingRule) -> OrderingKey {
        OrderingKey { order: order.into(), rule }
    }

    #[test]
    fn every_rule_by_table() {
        use OrderingRule::*;
        // (given, in place of 5, adjacent of 4, concordant of 10)
        let table: [(&[u8], u32, u32, u32); 9] = [
            (&[3, 1, 4, 0, 2], 5, 4, 10),
            (&[2, 0, 4, 1, 3], 1, 0, 0),
            (&[1, 3, 4, 0, 2], 3, 2, 9),
            (&[1, 4, 0, 2, 3], 0, 3, 6),
            (&[3, 1], 2, 1, 1),
            (&[1, 4, 0], 0, 2, 3),
            (&[3], 1, 0, 0),
            (&[2], 0, 0, 0),
            (&[3, 1, 4, 0], 4, 3, 6),
        ];
        for (given, place, adjacent, concordant) in table {
            let of = |rule| key(&[3, 1, 4, 0, 2], rule).earned(given);
            assert_eq!(of(PerPosition), (place, 5), "{given:?}");
            assert_eq!(of(AdjacentPairs), (adjacent, 4), "{given:?}");
            assert_eq!(of(Kendall), (concordant, 10), "{given:?}");
            assert_eq!(of(AllOrNothing), (u32::from(place == 5), 1), "{given:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let key = key(&[1, 2, 0], OrderingRule::Kendall);
        assert!(key.check(&[2, 0]).is_ok());
        assert!(key.check(&[3]).unwrap_err().contains("option 4"));
        assert!(key.check(&[1, 1]).unwrap_err().contains("twice"));
    }

    proptest! {
        #[test]
        fn shares_are_shares(
            order in Just((0u8..7).collect::<Vec<_>>()).prop_shuffle(),
            given in Just((0u8..7).collect::<Vec<_>>()).prop_shuffle(), placed in 0usize..=7,
        ) {
            for rule in OrderingRule::ALL {
                let key = key(&order, rule);
                let (part, whole) = key.earned(&given[..placed]);
                prop_assert!(part <= whole && whole > 0);
                prop_assert_eq!(part == whole, order == given[..placed]);
                let right = key.earned(&order);
                prop_assert_eq!(right.0, right.1);
            }
        }

        /// The formula as it is published: 1 − 2d/(n(n − 1)) with d inversions.
        #[test]
        fn kendall_counts_inversions(given in Just((0u8..9).collect::<Vec<_>>()).prop_shuffle()) {
            let key = key(&[0, 1, 2, 3, 4, 5, 6, 7, 8], OrderingRule::Kendall);
            let inversions = (0..9).flat_map(|i| (i + 1..9).map(move |j| (i, j))).filter(|(i, j)| given[*i] > given[*j]);
            let (part, whole) = key.earned(&given);
            prop_assert_eq!(part, whole - inversions.count() as u32);
        }
    }
}
