//! A fixed generator for tests, with the distributions that the layers meet.

/// A linear congruential generator (Knuth's MMIX) whose output is mixed.
pub(crate) struct Random {
    state: u64,
}

#[allow(dead_code, reason = "each test file uses some of the distributions")]
impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def0 }
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.state ^ self.state >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        (((mixed ^ mixed >> 33) >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * libm::log(self.uniform())).sqrt(), self.uniform());
        radius * libm::cos(2.0 * std::f64::consts::PI * angle)
    }

    pub(crate) fn student_3(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.normal()).map(|x| x * x).sum();
        self.normal() / (squares / 3.0).sqrt()
    }

    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    pub(crate) fn poisson(&mut self) -> f64 {
        let (limit, mut product, mut count) = (libm::exp(-4.0), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }
}
