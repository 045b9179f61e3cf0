"""Confidences, margins and ranks of random scores by numpy: confidence_reference.json, beside this script.

    pip install numpy==2.3.5
    python confidence_reference.py > confidence_reference.json
"""

import json

import numpy as np

draw = np.random.default_rng(17)


def softmax(scores):
    weights = np.exp(scores.astype(np.float64) - scores.max())
    return weights / weights.sum()


cases = []
for number in range(40):
    classes = int(draw.integers(2, 12))
    golden = (draw.normal(size=classes) * 4).astype(np.float32)
    faulty = golden + (draw.normal(size=classes) * draw.choice([0.01, 1, 30])).astype(np.float32)
    share = softmax
    if number % 2:
        golden, faulty = (softmax(scores).astype(np.float32) for scores in (golden, faulty))
        share = lambda scores: scores
    best, worst = int(np.argmax(golden)), int(np.argmax(faulty))
    cases.append({
        "golden": [float(score) for score in golden],
        "faulty": [float(score) for score in faulty],
        "classes": [best, worst],
        "confidence": [float(share(scores)[best]) for scores in (golden, faulty)],
        "margin": [float(scores[best] - np.delete(scores, best).max()) for scores in (golden, faulty)],
        "rank": int(np.flatnonzero(np.argsort(-golden, kind="stable") == worst)[0]) + 1,
    })
print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
