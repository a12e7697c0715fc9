//! Sets of code indices: a bit for each, so that even that of a large program stays in the cache.

/// A set that may hold the code indices of one program.
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    /// The empty set, for code indices up to `last`.
    pub(crate) fn new(last: usize) -> Marks {
        Marks(vec![0; last / 64 + 1])
    }

    pub(crate) fn has(&self, code: usize) -> bool {
        self.0[code / 64] >> (code % 64) & 1 != 0
    }

    /// Adds it; false if it was there.
    pub(crate) fn add(&mut self, code: usize) -> bool {
        let fresh = !self.has(code);
        self.0[code / 64] |= 1 << (code % 64);
        fresh
    }

    pub(crate) fn remove(&mut self, code: usize) {
        self.0[code / 64] &= !(1 << (code % 64));
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn holds_what_was_added() {
        let mut marks = Marks::new(128);
        assert!(marks.add(0) && marks.add(63) && marks.add(128) && !marks.add(63));
        marks.remove(63);
        let held: Vec<usize> = (0..=128).filter(|&code| marks.has(code)).collect();
        assert_eq!(held, [0, 128]);
    }
}
