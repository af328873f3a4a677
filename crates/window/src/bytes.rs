//! States as bytes: little-endian numbers, and lengths before what varies in length.

use crate::WindowError;

/// Reads what the `put_` functions have written.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], WindowError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(WindowError::State("it ends too early"))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WindowError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WindowError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WindowError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, WindowError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, WindowError> {
        self.array().map(i128::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, WindowError> {
        self.array().map(f64::from_le_bytes)
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], WindowError> {
        let length = self.u32()? as usize;
        let (head, rest) = self.0.split_at_checked(length).ok_or(WindowError::State("it ends too early"))?;
        self.0 = rest;
        Ok(head)
    }

    /// Text behind its length.
    pub(crate) fn text(&mut self) -> Result<&'a str, WindowError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| WindowError::State("its text is not UTF-8"))
    }
}

/// Bytes behind their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}
