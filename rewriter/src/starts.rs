//! Where instructions start: a bit for each byte of text, with counts, so that an address becomes a code index at once.

use zvm_abi::layout::TEXT_BASE;

/// A set of addresses in text, numbered in rising order.
pub(crate) struct Starts {
    /// Bit `o % 64` of word `o / 64`: an instruction starts at offset `o`.
    words: Vec<u64>,
    /// How many start before each word.
    before: Vec<u32>,
}

impl Starts {
    /// For `text` bytes of text.
    pub(crate) fn new(text: usize) -> Starts {
        Starts {
            words: vec![0; text / 64 + 1],
            before: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, address: u64) {
        let offset = (address - TEXT_BASE) as usize;
        self.words[offset / 64] |= 1 << (offset % 64);
    }

    /// Counts; no `add` may follow.
    pub(crate) fn finish(&mut self) {
        let mut count = 0;
        self.before = (self.words.iter())
            .map(|word| {
                count += word.count_ones();
                count - word.count_ones()
            })
            .collect();
    }

    /// How many start before `address`, and whether one starts right there.
    pub(crate) fn rank(&self, address: u64) -> (usize, bool) {
        let Some(offset) = address.checked_sub(TEXT_BASE) else {
            return (0, false);
        };
        let at = (offset / 64) as usize;
        let Some(&word) = self.words.get(at) else {
            let (last, count) = (self.words.last(), self.before.last());
            let count = count.map_or(0, |c| c + last.map_or(0, |w| w.count_ones()));
            return (count as usize, false);
        };
        let bit = 1 << (offset % 64);
        let below = (word & (bit - 1)).count_ones();
        ((self.before[at] + below) as usize, word & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let mut starts = Starts::new(200);
        let addresses = [0, 1, 5, 63, 64, 127, 130, 199];
        for offset in addresses {
            starts.add(TEXT_BASE + offset);
        }
        starts.finish();
        for offset in 0..400 {
            let before = addresses.iter().filter(|&&a| a < offset).count();
            let expected = (before, addresses.contains(&offset));
            assert_eq!(starts.rank(TEXT_BASE + offset), expected, "{offset}");
        }
        assert_eq!(starts.rank(5), (0, false));
    }
}
