//! Headers: cards of 80 letters in blocks of 2,880 bytes (section 4 of the standard).

use std::collections::HashMap;

use crate::FitsError;

/// Bytes of a block; headers and data fill whole ones.
pub const BLOCK_BYTES: usize = 2_880;

const CARD_BYTES: usize = 80;

/// Blocks of a header at most: 72,000 cards.
const BLOCKS_MAX: usize = 2_000;

/// The cards of a header, by keyword. The first card of a keyword counts.
#[derive(Debug, Clone, Default)]
pub struct Header {
    cards: HashMap<String, Value>,
    blocks: usize,
    /// The keyword whose text the next card may continue.
    open: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Logical(bool),
    /// As it is written.
    Number(String),
}

impl Header {
    /// Takes the next block; `true` where the header ends with it.
    ///
    /// # Errors
    /// Where the block has other bytes than a header may have, or no block of so many is the last.
    pub fn push(&mut self, block: &[u8]) -> Result<bool, FitsError> {
        self.blocks += 1;
        if self.blocks > BLOCKS_MAX {
            return Err(FitsError::Header(format!("it has no END in {BLOCKS_MAX} blocks")));
        }
        for card in block.chunks(CARD_BYTES) {
            let text = std::str::from_utf8(card).ok().filter(|text| text.is_ascii());
            let text = text.ok_or_else(|| FitsError::Header("a card has bytes that are not ASCII".to_owned()))?;
            let keyword = text.get(..8).unwrap_or(text).trim_end();
            match keyword {
                "END" => return Ok(true),
                "CONTINUE" => self.go_on(text),
                _ => self.card(keyword, text),
            }
        }
        Ok(false)
    }

    fn card(&mut self, keyword: &str, card: &str) {
        self.open = None;
        let Some(value) = card.get(8..).and_then(|rest| rest.strip_prefix("= ")).and_then(value) else { return };
        if matches!(&value, Value::Text(text) if text.ends_with('&')) {
            self.open = Some(keyword.to_owned());
        }
        self.cards.entry(keyword.to_owned()).or_insert(value);
    }

    /// A text of more than one card: what goes on ends with `&`.
    fn go_on(&mut self, card: &str) {
        let Some(keyword) = self.open.take() else { return };
        let (Some(Value::Text(text)), Some(Value::Text(more))) =
            (self.cards.get_mut(&keyword), card.get(8..).and_then(value))
        else {
            return;
        };
        text.pop();
        text.push_str(&more);
        self.open = more.ends_with('&').then_some(keyword);
    }

    /// The text of a keyword, without blanks at its end.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        match self.cards.get(keyword) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number of a keyword.
    pub fn integer(&self, keyword: &str) -> Option<i64> {
        match self.cards.get(keyword) {
            Some(Value::Number(text)) => text.parse().ok(),
            _ => None,
        }
    }

    /// The number of a keyword.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        match self.cards.get(keyword) {
            Some(Value::Number(text)) => text.replace(['D', 'd'], "E").parse().ok(),
            _ => None,
        }
    }

    /// Whether a keyword says `T`.
    pub fn is_set(&self, keyword: &str) -> bool {
        self.cards.get(keyword) == Some(&Value::Logical(true))
    }

    /// Bytes of the data behind the header, without what fills the last block.
    ///
    /// # Errors
    /// Where a size is missing or negative, or their product is beyond 64 bits.
    pub fn data_bytes(&self) -> Result<u64, FitsError> {
        let size = |keyword: &str| {
            let value = self.integer(keyword).and_then(|value| u64::try_from(value).ok());
            value.ok_or_else(|| FitsError::Header(format!("{keyword} is missing or is not a size")))
        };
        let beyond = || FitsError::Header("its data are beyond 64 bits".to_owned());
        let bits = self.integer("BITPIX").ok_or_else(|| FitsError::Header("BITPIX is missing".to_owned()))?;
        let axes = size("NAXIS")?;
        if axes == 0 {
            return Ok(0);
        }
        let mut elements = 1_u64;
        for axis in 1..=axes.min(999) {
            elements = elements.checked_mul(size(&format!("NAXIS{axis}"))?).ok_or_else(beyond)?;
        }
        let further = self.integer("PCOUNT").and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
        let groups = self.integer("GCOUNT").and_then(|count| u64::try_from(count).ok()).unwrap_or(1);
        let values = elements.checked_add(further).and_then(|values| values.checked_mul(groups)).ok_or_else(beyond)?;
        values.checked_mul(bits.unsigned_abs() / 8).ok_or_else(beyond)
    }
}

/// The value of a card, without its comment.
fn value(text: &str) -> Option<Value> {
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('\'') {
        let mut found = String::new();
        let mut letters = rest.chars().peekable();
        while let Some(letter) = letters.next() {
            // A quote within a text is written twice.
            if letter == '\'' && letters.next_if_eq(&'\'').is_none() {
                break;
            }
            found.push(letter);
        }
        return Some(Value::Text(found.trim_end().to_owned()));
    }
    match text.split('/').next().unwrap_or_default().trim() {
        "" => None,
        "T" => Some(Value::Logical(true)),
        "F" => Some(Value::Logical(false)),
        number => Some(Value::Number(number.to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header of some cards.
    pub(crate) fn header(cards: &[&str]) -> Header {
        let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:80}").into_bytes()).collect();
        bytes.extend(format!("{:80}", "END").into_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), b' ');
        let mut header = Header::default();
        let ends: Vec<bool> = bytes.chunks(BLOCK_BYTES).map(|block| header.push(block).unwrap()).collect();
        assert_eq!(ends.iter().position(|end| *end), Some(ends.len() - 1));
        header
    }

    #[test]
    fn cards_are_read_as_the_standard_writes_them() {
        let found = header(&[
            "SIMPLE  =                    T / a comment",
            "NAXIS   =                    0",
            "TTYPE1  = 'it''s / one '       / and this is a comment",
            "TSCAL1  =              1.5D-03 / Fortran's exponent",
            "LONGTEXT= 'the beginning, &'",
            "CONTINUE  'the middle, &'      / with a comment",
            "CONTINUE  'the end'",
            "COMMENT = 'not a value",
            "EMPTY   =",
            "NAXIS   =                    7",
        ]);
        assert!(found.is_set("SIMPLE") && !found.is_set("NAXIS"));
        assert_eq!(found.text("TTYPE1"), Some("it's / one"));
        assert_eq!(found.number("TSCAL1"), Some(0.0015));
        assert_eq!(found.text("LONGTEXT"), Some("the beginning, the middle, the end"));
        assert_eq!(found.integer("NAXIS"), Some(0));
        assert_eq!(found.integer("EMPTY"), None);
    }

    #[test]
    fn the_size_of_the_data_follows_from_the_axes() {
        let table = ["BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 12", "NAXIS2  = 10", "PCOUNT  = 30", "GCOUNT  = 1"];
        assert_eq!(header(&table).data_bytes(), Ok(150));
        assert_eq!(header(&["BITPIX  = -32", "NAXIS   = 1", "NAXIS1  = 3"]).data_bytes(), Ok(12));
        assert_eq!(header(&["BITPIX  = 8", "NAXIS   = 0"]).data_bytes(), Ok(0));
        let huge = ["BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 9000000000000000000", "NAXIS2  = 9"];
        assert!(header(&huge).data_bytes().is_err());
        assert!(header(&["BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -1"]).data_bytes().is_err());
    }

    #[test]
    fn a_header_without_an_end_is_given_up() {
        let mut header = Header::default();
        let blank = [b' '; BLOCK_BYTES];
        let found = (0..=BLOCKS_MAX).map(|_| header.push(&blank)).find(Result::is_err);
        assert!(found.unwrap().unwrap_err().to_string().contains("no END"));
        assert!(Header::default().push(&[0xff; BLOCK_BYTES]).is_err());
    }
}
