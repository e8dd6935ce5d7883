//! The one source of chance of a draw. Numbers are drawn from ChaCha8 here, not by a library that may change its ways, so
//! that a seed means the same on every machine and for ever.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Dice that fall as their seed says.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Dice for a seed and the algorithm that throws them: another algorithm gets other numbers of the same seed.
    pub(super) fn new(seed: u64, algorithm: &str) -> Self {
        let mut key = [0; 32];
        let bytes = seed.to_le_bytes().into_iter().chain(algorithm.bytes());
        key.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `bound`, all equally likely (Lemire 2019, "Fast random integer generation in an interval");
    /// 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u32;
        let mut wide = u64::from(self.0.next_u32()) * u64::from(bound);
        if (wide as u32) < bound {
            let least = bound.wrapping_neg() % bound;
            while (wide as u32) < least {
                wide = u64::from(self.0.next_u32()) * u64::from(bound);
            }
        }
        (wide >> 32) as usize
    }

    /// Puts a slice in random order (Fisher–Yates).
    pub(super) fn shuffle<T>(&mut self, slice: &mut [T]) {
        for last in (1..slice.len()).rev() {
            let other = self.below(last + 1);
            slice.swap(last, other);
        }
    }
}
