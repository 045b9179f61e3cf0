"""Writes paired_reference.json: differences of paired shares, McNemar's exact test and Holm's correction.

Wilson's intervals and Holm's correction are those of statsmodels 0.15.0, the exact test is that of scipy 1.17.1 where
statsmodels' mcnemar agrees; of more than 2,000 pairs it is the sum of whole numbers over 2^n.

Run: python paired_reference.py > paired_reference.json   (statsmodels, scipy)
"""

import json
from fractions import Fraction
from math import comb, sqrt

from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


def newcombe(a, b, c, d):
    """Method 10 for the share (a + b) / n less the share (a + c) / n."""
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    l1, u1 = proportion_confint(a + b, n, method="wilson")
    l2, u2 = proportion_confint(a + c, n, method="wilson")
    product = a * d - b * c
    if product > 0:
        product = max(product - n / 2, 0)
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    phi = product / sqrt(scale) if scale else 0.0
    low = p1 - p2 - sqrt((p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2)
    high = p1 - p2 + sqrt((u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2)
    return p1 - p2, max(low, -1), min(high, 1)


def exact(first, second):
    n, most = first + second, max(first, second)
    if n == 0:
        return 1.0
    if n <= 2000:
        p = binomtest(most, n, 0.5).pvalue
        other = mcnemar([[0, first], [second, 0]], exact=True).pvalue
        assert abs(p - other) <= 1e-9 * p, (first, second, p, other)
        return p
    if 2 * most == n:
        return 1.0
    # The rest of the sum is below the last digit.
    term = comb(n, most)
    total = 0
    for k in range(most, min(n, most + 4000) + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return float(min(Fraction(1), Fraction(2 * total, 2**n)))


def case(both, first, second, neither):
    difference, low, high = newcombe(both, second, first, neither)
    pairs = {"both": both, "first": first, "second": second, "neither": neither}
    return {"pairs": pairs, "difference": difference, "low": low, "high": high, "p": exact(first, second)}


tables = [
    (14, 0, 5, 22), (1, 7, 1, 12), (59, 16, 6, 80), (0, 0, 0, 1), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0),
    (0, 0, 0, 1000), (1000, 0, 0, 0), (0, 20, 0, 0), (0, 10, 10, 0), (5, 0, 0, 5), (0, 6, 0, 994), (0, 0, 9, 991),
    (3, 40, 2, 955), (120, 431, 17, 9432), (2, 1, 1, 2), (30, 12, 12, 46), (7, 3, 29, 61), (0, 1, 1, 98),
    (50, 700, 650, 98600), (400, 3000, 2800, 993800), (10, 12000, 11700, 4000000), (1, 900, 1, 98), (17, 1, 0, 2),
]
values = [
    [0.01], [0.01, 0.04, 0.03, 0.005], [1.0, 1.0], [0.02, 0.02, 0.02], [0.6, 1e-9, 0.011, 0.049, 0.3, 0.011],
    [1e-300, 0.0, 0.5, 0.04, 0.03, 0.02, 0.01, 0.9],
]
corrected = [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in values]
print(json.dumps({"cases": [case(*table) for table in tables], "holm": corrected}, indent=1))
