//! What the processor and the allocator are told about memory. It changes how long things take and how much memory they take,
//! and nothing else.
//!
//! Both are functions of the platform that Rust knows as `unsafe` only. Neither can do harm here: [`prefetch`] takes a reference, which
//! is always a valid address, and [`give_back`] takes nothing.

/// Has the processor fetch the cache line that the value begins in, without waiting for it. On processors other than x86-64 the value
/// is read.
///
/// A loop that goes from one place in memory to another, and knows the next one, waits less. To read a word of the line does nearly
/// the same, but an instruction behind a read has to wait once the processor's window is full; one behind a prefetch does not
/// (`docs/performance.md` has both measured).
#[inline]
pub fn prefetch<T: Copy>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[allow(unsafe_code, reason = "the instruction is only there as a function that takes an address")]
        // SAFETY: the instruction is part of every x86-64 processor, neither reads nor writes what the program can see, and the
        // address is that of a live value.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        std::hint::black_box(*value);
    }
}

/// Gives the system back memory that the allocator keeps though the program has freed it. Elsewhere than with glibc it does nothing.
///
/// glibc gives back by itself only what lies at the end of a heap. A program of several threads that frees much and keeps little
/// ends up with every page that any burst ever touched. The call takes some milliseconds, in which other threads may wait for memory: it
/// is for now and then.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[allow(unsafe_code, reason = "a function of the C library")]
        // SAFETY: it takes no pointer, touches only memory that is free, and holds the lock of each heap meanwhile.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_as_it_was() {
        let values: Vec<u64> = (0..1_000).collect();
        values.iter().for_each(prefetch);
        prefetch(&Some(7_i64));
        prefetch(&());
        assert!(values.iter().copied().eq(0..1_000));
    }

    /// MiB that the process has in memory.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn resident() -> f64 {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4.0 / 1024.0
    }

    /// Of a thousand small pieces one stays, the last of each thousand too, so that no heap has its end free.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn memory_below_what_is_still_used_goes_back() {
        let mut pieces: Vec<Vec<u8>> = (0..64_000).map(|_| vec![1; 1024]).collect();
        let full = resident();
        let kept: Vec<Vec<u8>> =
            pieces.drain(..).enumerate().filter(|(n, _)| n % 1000 == 999).map(|(_, p)| p).collect();
        drop(pieces);
        let freed = resident();
        give_back();
        let given_back = resident();
        assert!(freed > full - 20.0, "the allocator keeps most of {full} MiB by itself: {freed}");
        assert!(given_back < full - 40.0, "{full}, {freed}, {given_back} MiB");
        assert!(kept.iter().all(|piece| piece.iter().all(|byte| *byte == 1)));
    }
}
