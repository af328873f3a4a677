"""Labelled sets, made by published recipes from seeds, and real ones that packages bring.

The recipes are those of ADBench (Han, Hu, Huang, Jiang and Zhao: ADBench, Anomaly Detection Benchmark, NeurIPS 2022, section 3.2,
after Steinbuss and Böhm, 2021). Ordinary rows are drawn from a Gaussian mixture that is fitted to a real set, with as many
components, up to nine, as the Bayesian criterion asks for. Anomalies are drawn from it

- local: with the covariances times 5,
- clustered: with the means times 5,
- global: not at all, but evenly between the least and the largest value of each feature, a tenth further out,

and for dependency ordinary rows are drawn from a vine copula with the features' smoothed distributions, and anomalies from these
distributions alone, each feature by itself.

A set is two streams of 6,000 ordinary rows: with 120 anomalies at random places, and with a burst, 600 clustered anomalies in one
run. Real sets have the rarer class as anomalies, 3 % of the rows, at random places and in one run. Nothing is odd in the first 512
rows.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyvinecopulib as vines
from river import datasets as river_sets
from scipy.stats import gaussian_kde
from sklearn import datasets as bundled
from sklearn.mixture import GaussianMixture

ORDINARY, ANOMALIES, BURST = 6_000, 120, 600
# No anomaly is in these first rows, and none of them is measured.
START = 512
# Where a burst begins, at the earliest and at the latest.
BURST_FROM = (3_000, 4_500)
SCALE, FURTHER_OUT = 5, 0.1
COMPONENTS_MAX = 9
# The share of anomalies in real sets.
RARER = 0.03
FAMILIES = [vines.indep, vines.gaussian, vines.clayton, vines.gumbel, vines.frank]


@dataclass(frozen=True)
class Stream:
    """Rows in their order, and which of them are anomalies."""

    rows: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Recipe:
    """A set that is made: `kind` of anomalies, the real set that it is after, and how many of that one's features it has."""

    kind: str
    base: str
    features: int
    seed: int

    @property
    def name(self):
        """What the set is called in tables."""
        return f"{self.kind}, {self.base} {self.features}"

    @cache
    def scattered(self):
        """Anomalies at random places."""
        rng = np.random.default_rng(self.seed)
        ordinary, anomalies, _ = self._drawn()
        places = np.sort(rng.choice(np.arange(START, ORDINARY), ANOMALIES, replace=False))
        return placed(ordinary, rng.permutation(anomalies), places)

    @cache
    def burst(self):
        """One long run of anomalies."""
        rng = np.random.default_rng(self.seed + 1)
        ordinary, _, clustered = self._drawn()
        return placed(ordinary, clustered, np.full(BURST, rng.integers(*BURST_FROM)))

    @cache
    def _drawn(self):
        base = BASES[self.base]()[:, : self.features]
        mixture = fitted(base, self.seed)
        clustered = changed(mixture, means=SCALE * mixture.means_).sample(BURST)[0]
        rng = np.random.default_rng(self.seed + 2)
        if self.kind == "dependency":
            return *dependent(base, self.seed, rng), clustered
        ordinary = rng.permutation(mixture.sample(ORDINARY)[0])
        if self.kind == "local":
            return ordinary, changed(mixture, covariances=SCALE * mixture.covariances_).sample(ANOMALIES)[0], clustered
        if self.kind == "clustered":
            return ordinary, clustered[rng.choice(BURST, ANOMALIES, replace=False)], clustered
        low, high = ordinary.min(axis=0) * (1 + FURTHER_OUT), ordinary.max(axis=0) * (1 + FURTHER_OUT)
        return ordinary, rng.uniform(low, high, (ANOMALIES, base.shape[1])), rng.permutation(clustered)


def placed(ordinary, anomalies, places):
    """The ordinary rows with the anomalies before those at `places`."""
    labels = np.insert(np.zeros(len(ordinary), bool), places, True)
    return Stream(np.insert(ordinary, places, anomalies, axis=0), labels)


def fitted(base, seed):
    """The mixture that the Bayesian criterion likes best."""
    counts = range(1, COMPONENTS_MAX + 1)
    return min((GaussianMixture(count, random_state=seed).fit(base) for count in counts), key=lambda fit: fit.bic(base))


def changed(mixture, means=None, covariances=None):
    """The same mixture with other means or covariances."""
    other = GaussianMixture(mixture.n_components, random_state=mixture.random_state + 1)
    other.weights_ = mixture.weights_
    other.means_ = mixture.means_ if means is None else means
    other.covariances_ = mixture.covariances_ if covariances is None else covariances
    return other


def dependent(base, seed, rng):
    """Rows whose features depend on each other as those of `base` do, and rows whose features do not."""
    ranks = vines.to_pseudo_obs(base)
    controls = vines.FitControlsVinecop(family_set=FAMILIES)
    copula = vines.Vinecop.from_data(ranks, controls=controls)
    together = np.asarray(copula.simulate(ORDINARY, seeds=[seed]))
    alone = rng.uniform(size=(ANOMALIES, base.shape[1]))
    features = [smoothed_quantiles(base[:, feature]) for feature in range(base.shape[1])]
    return [np.column_stack([f(shares[:, i]) for i, f in enumerate(features)]) for shares in (together, alone)]


def smoothed_quantiles(values):
    """The inverse of the distribution that a Gaussian kernel estimate gives."""
    estimate = gaussian_kde(values)
    width = 4 * values.std()
    grid = np.linspace(values.min() - width, values.max() + width, 2_000)
    below = np.cumsum(estimate(grid))
    return lambda shares: np.interp(shares, below / below[-1], grid)


def blocks_of_digits():
    """The images of digits, 8 by 8, as 4 by 4 means."""
    images = bundled.load_digits().images.reshape(-1, 4, 2, 4, 2)
    return images.mean(axis=(2, 4)).reshape(-1, 16)


def benign():
    """The benign tumours of the breast cancer set."""
    cancer = bundled.load_breast_cancer()
    return cancer.data[cancer.target == 1]


# Of `diabetes` without the column that has two values.
BASES = {
    "iris": lambda: bundled.load_iris().data,
    "wine": lambda: bundled.load_wine().data,
    "diabetes": lambda: np.delete(bundled.load_diabetes(scaled=False).data, 1, axis=1),
    "cancer": benign,
    "digits": blocks_of_digits,
}

CHOOSING = [
    Recipe("local", "iris", 4, 11),
    Recipe("global", "diabetes", 5, 12),
    Recipe("clustered", "wine", 13, 13),
    Recipe("dependency", "cancer", 8, 14),
]
HELD_OUT = [
    Recipe("local", "digits", 16, 21),
    Recipe("global", "wine", 6, 22),
    Recipe("clustered", "cancer", 10, 23),
    Recipe("dependency", "iris", 3, 24),
]


@dataclass(frozen=True)
class Real:
    """A set as it was measured by others: its rows, and which of them are of the rarer class."""

    name: str
    rows: np.ndarray
    odd: np.ndarray
    seed: int

    def scattered(self):
        """Anomalies at random places."""
        rng = np.random.default_rng(self.seed)
        ordinary, anomalies = self._drawn(rng)
        return placed(ordinary, anomalies, np.sort(rng.choice(np.arange(START, len(ordinary)), len(anomalies), replace=False)))

    def burst(self):
        """The same anomalies in one run."""
        rng = np.random.default_rng(self.seed)
        ordinary, anomalies = self._drawn(rng)
        return placed(ordinary, anomalies, np.full(len(anomalies), rng.integers(START, len(ordinary))))

    def _drawn(self, rng):
        ordinary = rng.permutation(self.rows[~self.odd])[:ORDINARY]
        return ordinary, rng.permutation(self.rows[self.odd])[: round(RARER * len(ordinary))]


def real():
    """The shuttle as ODDS has it, segments of images and phishing pages (river), digits (scikit-learn)."""
    shuttle, segments, phishing = (list(of()) for of in (river_sets.Shuttle, river_sets.ImageSegments, river_sets.Phishing))
    return [
        Real("shuttle 9", values(shuttle), np.array([bool(y) for _, y in shuttle]), 31),
        Real("digits, 0 16", blocks_of_digits(), bundled.load_digits().target == 0, 32),
        Real("segments, foliage 16", values(segments)[:, 2:18], np.array([y == "foliage" for _, y in segments]), 33),
        Real("phishing 9", values(phishing), np.array([bool(y) for _, y in phishing]), 34),
    ]


def values(examples):
    """The features of river's examples, in the order of their names."""
    return np.array([[float(x[name]) for name in sorted(x)] for x, _ in examples])
