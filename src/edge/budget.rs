//! The bytes of requests that one process holds at a time: all callers together, and each tenant a share of it, so that
//! no tenant can take all of it. A frame is counted as it arrives and given back when its call is over. Who comes when
//! there is nothing left is refused, and nobody waits: calls that hold a part and wait for more would wait for each other.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::error::{Error, Result};

/// See the module.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    used: AtomicUsize,
}

/// What one tenant uses of a [`Budget`]. Callers without a tenant are not counted apart: what they may send is tiny.
pub type Share = Arc<AtomicUsize>;

impl Budget {
    /// One of so many bytes; half of them are for one tenant at most.
    pub fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0) }
    }

    /// The bytes that are under way.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, share: Option<&Share>, bytes: usize) -> Result<()> {
        if let Some(share) = share
            && !add(share, bytes, self.most / 2)
        {
            return Err(Error::Exhausted(
                "too many bytes of your requests are under way; retry a little later",
            ));
        }
        if add(&self.used, bytes, self.most) {
            return Ok(());
        }
        if let Some(share) = share {
            share.fetch_sub(bytes, Ordering::Relaxed);
        }
        Err(Error::Exhausted("too many bytes of requests are under way; retry a little later"))
    }

    fn give_back(&self, share: Option<&Share>, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(share) = share {
            share.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// Adds, where the sum stays within the bound. A sum that is beyond it for a moment may refuse another one at that moment,
/// and that one would have been the next to be refused anyway.
fn add(sum: &AtomicUsize, bytes: usize, most: usize) -> bool {
    let before = sum.fetch_add(bytes, Ordering::Relaxed);
    let within = before.saturating_add(bytes) <= most;
    if !within {
        sum.fetch_sub(bytes, Ordering::Relaxed);
    }
    within
}

/// What one call holds; given back when the last who knows of it lets it go: the body, or the call itself.
#[derive(Debug)]
pub struct Held {
    budget: Arc<Budget>,
    share: Option<Share>,
    bytes: AtomicUsize,
}

impl Held {
    /// Nothing yet.
    pub fn new(budget: &Arc<Budget>, share: Option<Share>) -> Arc<Self> {
        Arc::new(Self { budget: Arc::clone(budget), share, bytes: AtomicUsize::new(0) })
    }

    /// Takes so many bytes more.
    pub fn take(&self, bytes: usize) -> Result<()> {
        self.budget.take(self.share.as_ref(), bytes)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Gives some of them back before the call is over.
    pub fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.budget.give_back(self.share.as_ref(), bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        if bytes > 0 {
            self.budget.give_back(self.share.as_ref(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_half_and_what_is_over_comes_back() {
        let budget = Arc::new(Budget::new(100));
        let (a, b) = (Share::default(), Share::default());
        let first = Held::new(&budget, Some(Arc::clone(&a)));
        first.take(30).unwrap();
        first.take(20).unwrap();
        assert!(first.take(1).is_err(), "half is the tenant's share");
        let other = Held::new(&budget, Some(Arc::clone(&b)));
        other.take(45).unwrap();
        let open = Held::new(&budget, None);
        open.take(5).unwrap();
        assert!(open.take(1).is_err(), "all is taken");
        assert!(other.take(5).is_err());
        first.give_back(10);
        other.take(5).unwrap();
        drop(first);
        assert_eq!((budget.used(), a.load(Ordering::Relaxed)), (55, 0));
        drop((other, open));
        assert_eq!((budget.used(), b.load(Ordering::Relaxed)), (0, 0));
    }
}
