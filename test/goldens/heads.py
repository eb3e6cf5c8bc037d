"""Heads trained by Keras (mini-batches) and by scikit-learn (to the minimum) on features drawn from a seed."""
import json
import os

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import sklearn
import tensorflow
from sklearn.linear_model import LogisticRegression

import drawn

ROWS, FEATURES, TAGS = 150, 24, ["clear", "cloudy", "primary", "road", "water"]
EPOCHS, BATCH_SIZE, L2 = 5, 32, 0.02

# Values far from the defaults as well, so that an epsilon or a decay in the wrong place cannot hide.
RUNS = {
    "rmsprop": keras.optimizers.RMSprop(learning_rate=1e-3),
    "rmsprop_momentum": keras.optimizers.RMSprop(learning_rate=1e-2, rho=0.7, momentum=0.6, epsilon=1e-2),
    "adam": keras.optimizers.Adam(learning_rate=1e-2),
    "adam_decays": keras.optimizers.Adam(learning_rate=1e-2, beta_1=0.7, beta_2=0.9, epsilon=1e-2),
    "sgd": keras.optimizers.SGD(learning_rate=0.1),
    "sgd_momentum": keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
    "sgd_nesterov": keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
}
SETTINGS = ["learning_rate", "rho", "momentum", "epsilon", "beta_1", "beta_2", "nesterov"]


def make():
    path = drawn.folder("heads")
    features, labels, start = draw()
    runs = {}
    for name, optimizer in RUNS.items():
        model, history = train(features, labels, start, optimizer)
        config = {key: optimizer.get_config()[key] for key in SETTINGS if key in optimizer.get_config()}
        runs[name] = {"optimizer": optimizer.name, "config": config, "history": history}
        for part, values in zip("Wb", model.get_weights()):
            save(path / f"{name}_{part}.f32", values)
    save(path / "features.f32", features)
    save(path / "W0.f32", start)
    (path / "labels.u8").write_bytes(labels.astype(np.uint8).tobytes())
    weight, bias = minimise(features, labels)
    save(path / "minimum_W.f32", weight)
    save(path / "minimum_b.f32", bias)
    versions = {"keras": keras.__version__, "tensorflow": tensorflow.__version__, "sklearn": sklearn.__version__}
    setup = {"rows": ROWS, "features": FEATURES, "tags": TAGS, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "l2": L2}
    (path / "golden.json").write_text(json.dumps({**versions, **setup, "runs": runs}, indent=1) + "\n")


def draw():
    random = np.random.default_rng(11)
    features = np.maximum(random.normal(0.4, 1, (ROWS, FEATURES)), 0).astype(np.float32)
    truth = random.normal(0, 0.6, (FEATURES, len(TAGS)))
    logits = features @ truth + random.logistic(0, 1, (ROWS, len(TAGS)))
    # From a tag of most tiles to a rare one.
    cuts = np.quantile(logits, [0.2, 0.5, 0.6, 0.8, 0.9], axis=0).diagonal()
    start = random.uniform(-0.3, 0.3, (FEATURES, len(TAGS))).astype(np.float32)
    return features, (logits > cuts).astype(np.float32), start


def train(features, labels, start, optimizer):
    layer = keras.layers.Dense(len(TAGS), activation="sigmoid")
    model = keras.Sequential([keras.Input((FEATURES,)), layer])
    layer.set_weights([start, np.zeros(len(TAGS), np.float32)])
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["binary_accuracy"])
    fitted = model.fit(features, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, shuffle=False, verbose=0)
    return model, {key: [float(value) for value in values] for key, values in fitted.history.items()}


def minimise(features, labels):
    """Per tag the minimum of mean log loss + l2/2 |w|^2; scikit-learn's C multiplies the summed loss instead."""
    tags = [LogisticRegression(C=1 / (L2 * ROWS), tol=1e-10, solver="newton-cholesky").fit(features, y) for y in labels.T]
    return np.stack([tag.coef_[0] for tag in tags], -1), np.array([tag.intercept_[0] for tag in tags])


def save(path, values):
    path.write_bytes(np.asarray(values, dtype="<f4").tobytes())
