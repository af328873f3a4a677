//! The bytes of a message, read with every length and number checked.
//!
//! Follows the Avro 1.12 specification, "Binary Encoding". Nothing here allocates by what a message claims.

/// Why a message is not a row of its schema, with the field it happened in.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Innermost first.
    path: Vec<String>,
    what: String,
}

impl Problem {
    #[cold]
    pub(crate) fn new(what: impl Into<String>) -> Box<Self> {
        Box::new(Self { path: Vec::new(), what: what.into() })
    }

    /// The same, in a field of this name.
    #[cold]
    pub(crate) fn within(mut self: Box<Self>, field: &str) -> Box<Self> {
        self.path.push(field.to_owned());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
            write!(formatter, "field `{}`: ", path.join("."))?;
        }
        formatter.write_str(&self.what)
    }
}

/// What reading gives. The box keeps the good case within a register.
pub(crate) type Read<T> = Result<T, Box<Problem>>;

/// What is left of a message.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// How much more memory its arrays and maps may take, in units of eight bytes.
    budget: u64,
    /// Whether text is checked here, or by the array that it becomes.
    check_text: bool,
    /// Whether text is checked that becomes no array.
    check_skipped: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], budget: u64) -> Self {
        Self { bytes, budget, check_text: true, check_skipped: true }
    }

    /// The same, where whoever makes an array of the text checks it.
    pub(crate) fn with_text_unchecked(self) -> Self {
        Self { check_text: false, ..self }
    }

    /// The same, where only the end of the value is looked for.
    pub(crate) fn without_text_checks(self) -> Self {
        Self { check_text: false, check_skipped: false, ..self }
    }

    /// Bytes left.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is left of the memory it may take, in units of eight bytes.
    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    #[inline(always)]
    pub(crate) fn take(&mut self, length: usize, what: &str) -> Read<&'a [u8]> {
        match self.bytes.split_at_checked(length) {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(taken)
            }
            None => Err(self.ends(what)),
        }
    }

    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Read<[u8; N]> {
        match self.bytes.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(*taken)
            }
            None => Err(self.ends(what)),
        }
    }

    #[inline]
    pub(crate) fn boolean(&mut self) -> Read<bool> {
        match self.array::<1>("boolean")? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(no_boolean(other)),
        }
    }

    #[inline]
    pub(crate) fn int(&mut self) -> Read<i32> {
        let value = self.long("int")?;
        i32::try_from(value).map_err(|_| no_int(value))
    }

    #[inline(always)]
    pub(crate) fn long(&mut self, what: &str) -> Read<i64> {
        let zigzag = self.varint(what)?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    #[inline(always)]
    fn varint(&mut self, what: &str) -> Read<u64> {
        if let [first, rest @ ..] = self.bytes
            && *first < 0x80
        {
            self.bytes = rest;
            return Ok(u64::from(*first));
        }
        self.long_varint(what)
    }

    /// Eight bytes at once where there are as many: a time in microseconds takes eight.
    fn long_varint(&mut self, what: &str) -> Read<u64> {
        if let Some(bytes) = self.bytes.first_chunk::<8>() {
            let word = u64::from_le_bytes(*bytes);
            let ends = !word & 0x8080_8080_8080_8080;
            if ends != 0 {
                let bits = ends.trailing_zeros() + 1;
                self.bytes = &self.bytes[bits as usize / 8..];
                return Ok(squeeze(word & (u64::MAX >> (64 - bits))));
            }
        }
        self.any_varint(what)
    }

    fn any_varint(&mut self, what: &str) -> Read<u64> {
        let mut value = 0;
        for (index, byte) in self.bytes.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                if index == 9 && *byte > 1 {
                    break;
                }
                self.bytes = &self.bytes[index + 1..];
                return Ok(value);
            }
        }
        match self.bytes.len() < 10 {
            true => Err(self.ends(what)),
            false => Err(Problem::new(format!("{what} has more than 64 bits"))),
        }
    }

    /// A length, and as many bytes.
    #[inline(always)]
    pub(crate) fn prefixed(&mut self, what: &str) -> Read<&'a [u8]> {
        let length = self.length(what)?;
        self.take(length, what)
    }

    /// A length that is at most what is left.
    #[inline(always)]
    fn length(&mut self, what: &str) -> Read<usize> {
        let length = self.long(what)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok(length),
            _ => Err(self.no_length(length, what)),
        }
    }

    /// Text, which must be UTF-8.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Read<&'a [u8]> {
        let bytes = self.prefixed("string")?;
        if self.check_text {
            check_text(bytes)?;
        }
        Ok(bytes)
    }

    /// Text that becomes no array.
    pub(crate) fn skip_text(&mut self) -> Read<()> {
        let bytes = self.prefixed("string")?;
        if self.check_skipped { check_text(bytes) } else { Ok(()) }
    }

    /// An index of so many symbols.
    #[inline]
    pub(crate) fn symbol(&mut self, symbols: usize) -> Read<usize> {
        let index = self.long("enum")?;
        match usize::try_from(index) {
            Ok(index) if index < symbols => Ok(index),
            _ => Err(no_symbol(index, symbols)),
        }
    }

    /// Which branch of a union of null and a type: true for null.
    #[inline]
    pub(crate) fn is_null(&mut self, null: u8) -> Read<bool> {
        match self.long("union branch")? {
            branch @ (0 | 1) => Ok(branch == i64::from(null)),
            branch => Err(no_branch(branch)),
        }
    }

    /// Which of so many branches of a union.
    pub(crate) fn branch(&mut self, branches: usize) -> Read<usize> {
        let index = self.long("union branch")?;
        match usize::try_from(index) {
            Ok(index) if index < branches => Ok(index),
            _ => Err(Problem::new(format!("union branch {index}, but there are {branches}, from 0 on"))),
        }
    }

    /// The blocks of an array or map. `weight` is the memory that an item may take whatever its bytes.
    pub(crate) fn blocks(&mut self, what: &str, weight: u64, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        loop {
            let (count, end) = match self.long(what)? {
                0 => return Ok(()),
                count @ 1.. => (count.unsigned_abs(), None),
                // A negative count stands before the block's size in bytes.
                count => {
                    let size = self.length("block")?;
                    (count.unsigned_abs(), Some(self.bytes.len() - size))
                }
            };
            // An item takes at least one byte.
            if count > self.bytes.len() as u64 {
                return Err(Problem::new(format!(
                    "{what} of {count} items, but only {} bytes are left",
                    self.bytes.len()
                )));
            }
            self.spend(count.saturating_mul(weight), what)?;
            for _ in 0..count {
                item(self)?;
            }
            if let Some(end) = end
                && end != self.bytes.len()
            {
                return Err(Problem::new(format!("a block of the {what} does not take as many bytes as it says")));
            }
        }
    }

    fn spend(&mut self, units: u64, what: &str) -> Read<()> {
        match self.budget.checked_sub(units) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Problem::new(format!("{what} would take more memory than a message may"))),
        }
    }

    #[cold]
    fn no_length(&self, length: i64, what: &str) -> Box<Problem> {
        match length {
            ..0 => Problem::new(format!("{what} has the negative length {length}")),
            _ => Problem::new(format!("{what} has a length of {length}, but only {} bytes are left", self.bytes.len())),
        }
    }

    #[cold]
    fn ends(&self, what: &str) -> Box<Problem> {
        Problem::new(format!("the message ends within a value ({what}), {} bytes are left", self.bytes.len()))
    }
}

#[cold]
fn no_boolean(byte: u8) -> Box<Problem> {
    Problem::new(format!("byte {byte} is not a boolean, which is 0 or 1"))
}

#[cold]
fn no_int(value: i64) -> Box<Problem> {
    Problem::new(format!("{value} does not fit an int"))
}

#[cold]
fn no_symbol(index: i64, symbols: usize) -> Box<Problem> {
    Problem::new(format!("enum index {index}, but there are {symbols} symbols, from 0 on"))
}

#[cold]
fn no_branch(branch: i64) -> Box<Problem> {
    Problem::new(format!("union branch {branch}, but there are two, 0 and 1"))
}

fn check_text(bytes: &[u8]) -> Read<()> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::new(format!("string is not UTF-8 from its byte {} on", error.valid_up_to()))),
    }
}

/// Seven bits of each byte, side by side.
#[inline]
fn squeeze(word: u64) -> u64 {
    let pairs = (word & 0x007f_007f_007f_007f) + ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let fours = (pairs & 0x0000_3fff_0000_3fff) + ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    (fours & 0x0fff_ffff) + ((fours & 0x0fff_ffff_0000_0000) >> 4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::default;

    /// Every length of number, at the end of a message and before other bytes: three ways to read them.
    #[test]
    fn numbers_of_every_length_are_read_alike() {
        let powers = (0..64).map(|bit| 1_i64.wrapping_shl(bit));
        for value in powers.flat_map(|power| [power, power.wrapping_neg(), power.wrapping_sub(1)]) {
            let mut bytes = Vec::new();
            default::long(value, &mut bytes);
            let length = bytes.len();
            for rest in 0..10 {
                bytes.resize(length + rest, 0xff);
                let mut cursor = Cursor::new(&bytes, 0);
                assert_eq!((cursor.long("long").unwrap(), cursor.len()), (value, rest));
            }
        }
    }

    #[test]
    fn a_branch_that_a_union_does_not_have_is_an_error() {
        let branch = |number: i64| {
            let mut bytes = Vec::new();
            default::long(number, &mut bytes);
            Cursor::new(&bytes, 0).branch(3).ok()
        };
        assert_eq!([-1, 0, 2, 3, 4].map(branch), [None, Some(0), Some(2), None, None]);
    }

    #[test]
    fn a_block_may_have_as_many_items_as_bytes_are_left() {
        let read = |items: i64, bytes: usize| {
            let mut message = Vec::new();
            default::long(items, &mut message);
            message.resize(message.len() + bytes, 2);
            let mut taken = 0;
            let mut cursor = Cursor::new(&message, 100);
            let item = |cursor: &mut Cursor<'_>| {
                taken += 1;
                cursor.long("item").map(drop)
            };
            let problem = cursor.blocks("array", 1, item).err().map(|problem| problem.to_string());
            (taken, problem.unwrap_or_default())
        };
        let (taken, problem) = read(3, 3);
        assert!(taken == 3 && problem.contains("ends"), "only the end of the blocks is missing: {problem}");
        let (taken, problem) = read(4, 3);
        assert!(taken == 0 && problem.contains("array of 4 items, but only 3 bytes are left"), "{problem}");
    }

    #[test]
    fn text_is_checked_unless_somebody_else_does() {
        let wrong = [2, 0xff];
        let cursor = || Cursor::new(&wrong, 0);
        let taken = |mut cursor: Cursor<'_>| (cursor.clone().text().is_ok(), cursor.skip_text().is_ok());
        assert_eq!(taken(cursor()), (false, false));
        assert_eq!(taken(cursor().with_text_unchecked()), (true, false), "what is skipped becomes no array");
        assert_eq!(taken(cursor().without_text_checks()), (true, true));
    }

    #[test]
    fn the_tenth_byte_of_a_number_has_one_bit() {
        let read = |last: u8| Cursor::new(&[&[0x80; 9][..], &[last]].concat(), 0).long("long");
        assert_eq!((read(0).unwrap(), read(1).unwrap()), (0, 1 << 62));
        assert!(read(2).unwrap_err().to_string().contains("more than 64 bits"));
    }

    #[test]
    fn what_items_take_is_spent() {
        let bytes = [4, 2, 2, 2, 2, 0];
        let mut cursor = Cursor::new(&bytes, 10);
        cursor.blocks("array", 3, |cursor| cursor.long("item").map(drop)).unwrap();
        assert_eq!(cursor.budget(), 1);
        let problem = Cursor::new(&bytes, 8).blocks("array", 3, |cursor| cursor.long("item").map(drop)).unwrap_err();
        assert_eq!(problem.to_string(), "array would take more memory than a message may");
    }

    #[test]
    fn a_number_that_never_ends_has_more_than_64_bits() {
        let problem = |bytes: usize| Cursor::new(&vec![0xff; bytes], 0).long("long").unwrap_err().to_string();
        assert!(problem(10).contains("more than 64 bits") && problem(11).contains("more than 64 bits"));
        assert!(!problem(9).contains("more than 64 bits"), "it is cut off");
    }
}
