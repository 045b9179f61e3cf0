"""Writes anytime_reference.json: intervals of the confidence sequence, by sums of logarithms and a root finder.

Run: python anytime_reference.py > anytime_reference.json   (numpy, scipy)
"""

import json

import numpy as np
from scipy.optimize import brentq

BETS = np.array([0.5, 1.0, 2.0, 4.0])
WEIGHTS = np.array([0.2, 0.5, 0.2, 0.1])
BOLDEST = 0.75


def log_mean(logs):
    top = logs.max()
    return top + np.log(np.sum(WEIGHTS * np.exp(logs - top)))


def ends(estimate, log_product, limit):
    low = high = None
    eps = 1e-13
    excess = lambda m, sign: log_mean(np.array([log_product(m, bet, sign) for bet in BETS])) - np.log(limit)
    low = brentq(excess, eps, estimate, args=(1,), xtol=1e-14) if estimate > eps and excess(eps, 1) > 0 else 0.0
    high = brentq(excess, max(estimate, eps), 1 - eps, args=(-1,), xtol=1e-14) if excess(1 - eps, -1) > 0 else 1.0
    return [low, high]


def case(margin, relative, weight, most, alpha, trials, hits):
    w = np.array([row[0] for row in hits])
    sdc = np.array([row[1] for row in hits], dtype=float)
    scm = np.array([row[2] for row in hits], dtype=float)
    step, limit = margin / weight, 2 / alpha

    def rate(m, bet, sign):
        lam = bet * step if relative else bet * step / m
        lam = min(lam, BOLDEST / (m if sign > 0 else most - m))
        return (trials - sdc.sum()) * np.log1p(-sign * lam * m) + np.sum(sdc * np.log1p(sign * lam * (w - m)))

    def share(m, bet, sign):
        lam = bet * step / (1 - m) / (1 if relative else m)
        lam = min(lam, BOLDEST / most / (m if sign > 0 else 1 - m))
        return np.sum(scm * np.log1p(sign * lam * w * (1 - m))) + np.sum((sdc - scm) * np.log1p(-sign * lam * w * m))

    p = float(np.sum(w * sdc)) / trials
    r = float(np.sum(w * scm) / np.sum(w * sdc)) if sdc.sum() else 0.5
    return {
        "margin": margin, "relative": relative, "weight": weight, "most": most, "alpha": alpha, "trials": trials,
        "hits": hits, "rate": ends(p, rate, limit),
        "share": ends(r, share, limit) if sdc.sum() else [0.0, 1.0],
    }


cases = [
    case(0.01, False, 1.0, 1.0, 0.05, 10_000, [[1.0, 187, 130]]),
    case(0.10, True, 1.0, 1.0, 0.05, 40_000, [[1.0, 760, 500]]),
    case(0.001, False, 0.15, 2.5, 0.05, 15_000, [[0.05, 2400, 1800], [0.3, 400, 200], [2.1, 6, 2]]),
    case(0.10, True, 0.2, 2.5, 0.01, 8_000, [[0.04, 900, 700], [0.5, 90, 40], [1.7, 12, 1]]),
    case(0.05, False, 1.0, 1.0, 0.05, 300, []),
    case(0.05, False, 1.0, 1.0, 0.01, 200, [[1.0, 200, 200]]),
    case(0.02, False, 1.0, 1.0, 0.05, 3_000, [[1.0, 1500, 10]]),
]
print(json.dumps(cases, indent=1))
