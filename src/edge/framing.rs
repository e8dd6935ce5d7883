//! Where one message of a call ends and the next begins: five bytes before each tell its length.

/// Bytes before each message.
const HEAD: usize = 5;

/// How far a call's bytes have come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framing {
    head: [u8; HEAD],
    /// Bytes of the head that are there.
    have: usize,
    /// Bytes of the message that are still to come, once the head is whole.
    left: usize,
    /// Bytes so far of what is not whole yet.
    partial: usize,
}

/// What a piece of the bytes brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages that became whole.
    pub messages: usize,
    /// A message that is to be larger than it may be.
    pub too_large: bool,
}

impl Framing {
    /// Looks at the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8], largest: usize) -> Progress {
        let mut progress = Progress::default();
        while !bytes.is_empty() {
            if self.have < HEAD {
                let (new, rest) = bytes.split_at((HEAD - self.have).min(bytes.len()));
                self.head[self.have..self.have + new.len()].copy_from_slice(new);
                self.have += new.len();
                self.partial += new.len();
                bytes = rest;
                if self.have < HEAD {
                    return progress;
                }
                let [_, length @ ..] = self.head;
                self.left = u32::from_be_bytes(length) as usize;
                if self.left > largest {
                    progress.too_large = true;
                    return progress;
                }
            }
            let of_this = self.left.min(bytes.len());
            self.left -= of_this;
            self.partial += of_this;
            bytes = &bytes[of_this..];
            if self.left == 0 {
                progress.messages += 1;
                (self.have, self.partial) = (0, 0);
            }
        }
        progress
    }

    /// Bytes so far of the message that is not whole yet.
    pub fn partial(&self) -> usize {
        self.partial
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.resize(HEAD + length, 7);
        bytes
    }

    proptest! {
        #[test]
        fn messages_are_found_however_their_bytes_are_cut(
            lengths in prop::collection::vec(0_usize..40, 0..8),
            cuts in prop::collection::vec(1_usize..20, 1..60),
            missing in 0_usize..30,
        ) {
            let mut bytes: Vec<u8> = lengths.iter().flat_map(|n| message(*n)).collect();
            let whole = bytes.len();
            bytes.truncate(whole.saturating_sub(missing));
            let mut ends = Vec::new();
            for length in &lengths {
                ends.push(ends.last().copied().unwrap_or(0) + HEAD + length);
            }
            let (mut framing, mut at, mut seen) = (Framing::default(), 0, 0);
            for cut in cuts.into_iter().cycle() {
                if at == bytes.len() {
                    break;
                }
                let to = (at + cut).min(bytes.len());
                let progress = framing.feed(&bytes[at..to], 40);
                prop_assert!(!progress.too_large);
                seen += progress.messages;
                at = to;
                prop_assert_eq!(seen, ends.iter().filter(|end| **end <= at).count());
                let begun = ends.iter().rev().find(|end| **end <= at).copied().unwrap_or(0);
                prop_assert_eq!(framing.partial(), at - begun);
            }
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_known_by_its_head() {
        let mut framing = Framing::default();
        let bytes = message(41);
        assert_eq!(framing.feed(&bytes[..4], 40), Progress::default());
        assert!(framing.feed(&bytes[4..5], 40).too_large);
        let mut framing = Framing::default();
        assert_eq!(framing.feed(&[message(40), message(0)].concat(), 40).messages, 2);
    }
}
