"""The other detectors, as their packages have them: each scores a row, then learns it.

All see features in standard deviations from the mean of the first 256 rows, as many as Beamline warms up for, and where a detector
has a window it is Beamline's, 2,048 rows. The settings of each that are tried are those around its package's defaults.
"""

import numpy as np
from pysad.models import LODA, HalfSpaceTrees, RSHash, xStream
from rcf3 import Forest, OnlineIForest

WARM_UP, WINDOW, SEED = 256, 2_048, 5
# What halves the weight of a row after so many more: a row's weights then add up to a window.
DECAY = -np.log2(1 - 1 / WINDOW)


def half_space_trees(rows, num_trees, max_depth):
    """Tan, Ting and Liu, 2011."""
    low, high = bounds(rows)
    return HalfSpaceTrees(low, high, WINDOW, num_trees, max_depth, random_state=SEED).fit_score_partial


def rs_hash(rows, num_components, decay, num_hash_fns=4):
    """Sathe and Aggarwal, 2016."""
    low, high = bounds(rows)
    model = RSHash(low, high, decay, num_components, num_hash_fns, hash_range=100_000, random_state=SEED)
    return model.fit_score_partial


def loda(_, num_bins, num_random_cuts):
    """Pevný, 2016. It has no window."""
    return LODA(num_bins, num_random_cuts, random_state=SEED).fit_score_partial


def xstream(_, n_chains, depth):
    """Manzoor, Lamba and Akoglu, 2018."""
    return xStream(50, n_chains, depth, window_size=WINDOW, random_state=SEED).fit_score_partial


def random_cut_forest(rows, num_trees, capacity):
    """Guha, Mishra, Roy and Schrijvers, 2016."""
    forest = Forest(rows.shape[1], num_trees=num_trees, capacity=capacity, time_decay=1 / WINDOW, seed=SEED)
    return forest.update_and_score


def isolation_forest(rows, num_trees, max_leaf_samples):
    """Leveni, Cassales, Pfahringer, Bifet and Boracchi, 2024."""
    forest = OnlineIForest(rows.shape[1], num_trees, WINDOW, max_leaf_samples, seed=SEED)

    def score(row):
        """A row is scored before it is learned, as everywhere else."""
        odd = forest.score(row) if forest.is_ready() else 0.0
        forest.update(row)
        return odd

    return score


def bounds(rows):
    """The least and the largest value of each feature in the warm-up."""
    return rows[:WARM_UP].min(axis=0), rows[:WARM_UP].max(axis=0)


# Each by its name: how it is made, and the settings that are tried.
OTHERS = {
    "half-space trees (pysad)": (
        half_space_trees,
        [{"num_trees": trees, "max_depth": depth} for trees, depth in ((25, 8), (25, 12), (25, 15), (50, 12))],
    ),
    "RS-Hash (pysad)": (rs_hash, [{"num_components": 50, "decay": decay} for decay in (0.015, 0.003, DECAY)]),
    "LODA (pysad)": (
        loda,
        [{"num_bins": bins, "num_random_cuts": cuts} for bins, cuts in ((10, 100), (32, 50), (32, 200), (100, 100))],
    ),
    "xStream (pysad)": (
        xstream,
        [{"n_chains": chains, "depth": depth} for chains, depth in ((25, 6), (25, 12), (50, 8))],
    ),
    "robust random cut forest (rcf3)": (
        random_cut_forest,
        [{"num_trees": trees, "capacity": capacity} for trees, capacity in ((50, 256), (100, 256), (50, 512), (50, 1_024))],
    ),
    "online isolation forest (rcf3)": (
        isolation_forest,
        [{"num_trees": trees, "max_leaf_samples": leaf} for trees, leaf in ((32, 32), (100, 32), (100, 8), (100, 2))],
    ),
}


def scores(name, settings, rows):
    """The scores of a stream's rows by one detector."""
    make, _ = OTHERS[name]
    warm_up = rows[:WARM_UP]
    spread = warm_up.std(axis=0)
    standard = (rows - warm_up.mean(axis=0)) / np.where(spread > 0, spread, 1)
    # A value far out would overflow the counters' cells of some.
    standard = np.clip(standard, -1e6, 1e6)
    score = make(standard, **settings)
    return np.array([float(np.squeeze(score(row))) for row in standard])
