"""Writes clusters_reference.json: design effects by image from the cluster-robust variances of statsmodels.

Run: python clusters_reference.py > clusters_reference.json   (numpy, statsmodels)
"""

import json

import numpy as np
import statsmodels.api as sm
import statsmodels.formula.api as smf


def variance(values, images, weights=None):
    """The mean of the values, and the variance of the mean with images as clusters."""
    one = np.ones(len(values))
    model = sm.OLS(values, one) if weights is None else sm.WLS(values, one, weights=weights)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": images, "use_correction": True})
    return fit.params[0], fit.cov_params()[0, 0]


def effect(images, values, weights=None, uniform=True, rate=None, trials=None):
    values = np.asarray(values, float)
    images = np.asarray(images)
    if len(values) < 2 or len(set(images)) < 2:
        return None
    mean, clustered = variance(values, images, weights)
    rate = mean if rate is None else rate
    trials = len(values) if trials is None else trials
    if not 0 < rate < 1 or clustered <= 0:
        return None
    deff = clustered / (rate * (1 - rate) / (trials - 1))
    correlation = intraclass(values, images) if uniform else None
    return {"deff": float(deff), "effective": float(trials / deff), "correlation": correlation}


def intraclass(values, images):
    """From the mean squares of a one-way analysis of variance; None where each image has one value."""
    sizes = np.unique(images, return_counts=True)[1]
    if len(sizes) == len(values):
        return None
    fit = smf.ols("value ~ C(image)", data={"value": values, "image": images}).fit()
    between = fit.mse_model
    within = fit.mse_resid
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    return float((between - within) / (between + (size - 1) * within))


def uniform(name, trials):
    trials = np.array(trials)
    image, sdc, scm, due = trials.T
    changed = sdc == 1
    return {
        "name": name,
        "trials": trials.tolist(),
        "sdc": effect(image, sdc),
        "scm": effect(image, scm),
        "scm_of_sdc": effect(image[changed], scm[changed]),
        "due": effect(image, due),
    }


def weighted(name, trials):
    image, weight, sdc, scm = (np.array(column) for column in zip(*trials))
    changed = sdc == 1
    return {
        "name": name,
        "trials": [[int(i), float(w), int(a), int(b)] for i, w, a, b in trials],
        "sdc": effect(image, weight * sdc, uniform=False),
        "scm_of_sdc": effect(image[changed], scm[changed], weight[changed], uniform=False),
    }


def draw(rng, sizes, spread):
    """Images of different rates."""
    for image, size in enumerate(sizes):
        rate = np.clip(0.2 + spread * rng.standard_normal(), 0, 1)
        for _ in range(size):
            sdc = int(rng.random() < rate)
            yield image, sdc, int(sdc and rng.random() < 0.3 + 0.5 * (image % 2)), int(rng.random() < 0.05)


def main():
    rng = np.random.default_rng(18)
    cases = [
        uniform("alike", list(draw(rng, [10] * 20, 0.0))),
        uniform("different images", list(draw(rng, [10] * 20, 0.2))),
        uniform("images of different sizes", list(draw(rng, list(range(1, 25)), 0.2))),
        uniform("one fault an image", list(draw(rng, [1] * 60, 0.2))),
        uniform("two images", list(draw(rng, [15, 25], 0.1))),
        uniform("no outcome", [(image, 0, 0, 0) for image in range(6) for _ in range(3)]),
        uniform("one image", [(4, at % 2, 0, 0) for at in range(8)]),
    ]
    weights = np.array([0.05, 0.4, 1.5, 2.5])
    pairs = []
    for name, sizes in [("weights", [12] * 25), ("weights, sizes", list(range(3, 20)))]:
        trials = [(i, float(rng.choice(weights)), a, b) for i, a, b, _ in draw(rng, sizes, 0.15)]
        pairs.append(weighted(name, trials))
    print(json.dumps({"uniform": cases, "weighted": pairs}))


main()
