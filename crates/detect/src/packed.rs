//! Words as bytes without their zeros: most counters of a state are small, and many are nothing.
//!
//! Of each word a byte says which of its eight bytes are not zero, the lowest first, and those follow. Behind a word that is zero
//! a byte says how many more of them come.

/// Bytes of a word.
const WORD_BYTES: usize = size_of::<u64>();

/// Appends words to `bytes`.
pub(crate) fn pack(words: &[u64], bytes: &mut Vec<u8>) {
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        rest = behind;
        if *word == 0 {
            let zeros = rest.iter().take(usize::from(u8::MAX)).take_while(|word| **word == 0).count();
            bytes.extend([0, zeros as u8]);
            rest = &rest[zeros..];
            continue;
        }
        let there = word.to_le_bytes();
        bytes.push(there.iter().rev().fold(0, |mask, byte| mask << 1 | u8::from(*byte != 0)));
        bytes.extend(there.iter().filter(|byte| **byte != 0));
    }
}

/// So many words, of which nothing is left over; `None` where `bytes` are something else.
pub(crate) fn unpack(mut bytes: &[u8], count: usize) -> Option<Box<[u64]>> {
    let mut words = Vec::with_capacity(count);
    while words.len() < count {
        let mask = take(&mut bytes)?;
        if mask == 0 {
            let zeros = 1 + usize::from(take(&mut bytes)?);
            words.resize(words.len() + zeros, 0);
            continue;
        }
        let mut word = [0; WORD_BYTES];
        for (_, byte) in word.iter_mut().enumerate().filter(|(place, _)| mask >> place & 1 == 1) {
            *byte = take(&mut bytes)?;
        }
        words.push(u64::from_le_bytes(word));
    }
    (words.len() == count && bytes.is_empty()).then(|| words.into())
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(words: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(words, &mut bytes);
        bytes
    }

    fn any_word() -> impl Strategy<Value = u64> {
        prop_oneof![3 => Just(0), 2 => 0..300_u64, 1 => any::<u64>(), 1 => (0..64_u32).prop_map(|bit| 1 << bit)]
    }

    proptest! {
        #[test]
        fn words_come_back_as_they_were(words in prop::collection::vec(any_word(), 0..700)) {
            let bytes = packed(&words);
            let unpacked = unpack(&bytes, words.len());
            prop_assert_eq!(unpacked.as_deref(), Some(words.as_slice()));
            prop_assert!(bytes.len() <= words.len() * (WORD_BYTES + 1));
        }

        #[test]
        fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), count in 0..64_usize) {
            if let Some(words) = unpack(&bytes, count) {
                prop_assert_eq!(words.len(), count);
            }
        }
    }

    #[test]
    fn zeros_take_next_to_nothing() {
        assert_eq!(packed(&[0; 300]), [0, 255, 0, 43]);
        assert_eq!(packed(&[0x0200_0001, 0]), [0b1001, 1, 2, 0, 0]);
        let mut long = packed(&[7, 0, 0]);
        assert!(unpack(&long, 2).is_none() && unpack(&long, 4).is_none(), "another number of words");
        long.push(0);
        assert!(unpack(&long, 3).is_none(), "something is left over");
    }
}
