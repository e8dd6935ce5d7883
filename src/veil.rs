//! Bytes that callers carry about without reading them: page tokens, and names that must not say what they name.
//!
//! Sealing is authenticated and deterministic (a synthetic IV, after RFC 5297 with HMAC-SHA256 in both roles): the same
//! bytes give the same text, so a name is stable; other bytes, another purpose or another secret do not open.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes of the tag, which is the synthetic IV as well.
const TAG: usize = 16;

/// Seals bytes for a purpose.
pub fn seal(secret: &[u8], purpose: &[&[u8]], plain: &[u8]) -> Vec<u8> {
    let tag = code(secret, b"tag", purpose, &[plain]);
    let mut sealed = tag[..TAG].to_vec();
    sealed.extend_from_slice(plain);
    let (tag, body) = sealed.split_at_mut(TAG);
    cover(secret, purpose, tag, body);
    sealed
}

/// The bytes that were sealed for that purpose; `None` for whatever else.
pub fn open(secret: &[u8], purpose: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
    let (tag, body) = sealed.split_at_checked(TAG)?;
    let mut plain = body.to_vec();
    cover(secret, purpose, tag, &mut plain);
    mac(secret, b"tag", purpose, &[&plain]).verify_truncated_left(tag).ok()?;
    Some(plain)
}

/// Adds or takes away the key stream of a tag.
fn cover(secret: &[u8], purpose: &[&[u8]], tag: &[u8], body: &mut [u8]) {
    for (block, number) in body.chunks_mut(32).zip(0u32..) {
        let stream = code(secret, b"stream", purpose, &[tag, &number.to_be_bytes()]);
        block.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
    }
}

fn code(secret: &[u8], role: &[u8], purpose: &[&[u8]], parts: &[&[u8]]) -> [u8; 32] {
    mac(secret, role, purpose, parts).finalize().into_bytes().into()
}

/// Every part goes in with its length, so that no two lists of parts read alike.
fn mac(secret: &[u8], role: &[u8], purpose: &[&[u8]], parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; the fallback keeps this total.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
    for part in [role].iter().chain(purpose).chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            plain in proptest::collection::vec(any::<u8>(), 0..100),
            at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let sealed = seal(b"secret", &[b"a", b"b"], &plain);
            prop_assert_eq!(&sealed, &seal(b"secret", &[b"a", b"b"], &plain));
            prop_assert_eq!(open(b"secret", &[b"a", b"b"], &sealed), Some(plain.clone()));
            prop_assert_eq!(open(b"secret", &[b"ab"], &sealed), None);
            prop_assert_eq!(open(b"other", &[b"a", b"b"], &sealed), None);
            let mut altered = sealed.clone();
            altered[at.index(sealed.len())] ^= 1 << bit;
            prop_assert_eq!(open(b"secret", &[b"a", b"b"], &altered), None);
            prop_assert_eq!(open(b"secret", &[b"a", b"b"], &sealed[..sealed.len() - 1]), None);
            // Nothing of the bytes shows.
            if plain.len() > 7 {
                prop_assert!(!sealed.windows(8).any(|w| plain.windows(8).any(|p| p == w)));
            }
        }
    }
}
