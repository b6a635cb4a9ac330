"""A small convolutional network, after LeCun's LeNet-5 (1998), on 8 × 8 handwritten digits.

Run it: python examples/lenet_digits.py
"""

import numpy as np

import nn

BATCH_SIZE, EPOCHS, LEARNING_RATE = 64, 8, 3e-3


def lenet(seed: int) -> nn.Module:
    """Two convolutions with pooling, then two fully connected layers."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.4, rng=rng),
        nn.Linear(512, 64, rng=rng),
        nn.ReLU(),
        nn.Linear(64, 10, rng=rng),
    )


def shifted(images: np.ndarray) -> np.ndarray:
    """The images, and the same moved by a pixel to each side: a digit is where one writes it."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return np.concatenate([padded[:, :, i : i + 8, j : j + 8] for i, j in places])


class Report(nn.Callback):
    """Prints how far training is."""

    def on_epoch(self, progress: nn.Progress) -> None:
        if progress.epoch % 4 == 0 or progress.epoch == progress.epochs:
            row = progress.history.rows[-1]
            print(
                f"epoch {progress.epoch:2}/{progress.epochs}: loss = {row['loss']:.4f}, "
                f"validation accuracy = {row['val_accuracy']:.4f}",
                flush=True,
            )


def main(epochs: int = EPOCHS, seed: int = 0) -> float:
    """Train, report how well that goes, and return the test accuracy."""
    digits = nn.data.load_digits()
    images = (digits.x / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    parts = nn.data.train_validation_test(len(images), 0.1, 0.2, seed=seed, stratify=digits.y)
    x_train, x_validation, x_test = (images[part] for part in parts)
    y_train, y_validation, y_test = (digits.y[part] for part in parts)
    train = nn.DataLoader(
        shifted(x_train), np.tile(y_train, 5), batch_size=BATCH_SIZE, shuffle=True, seed=seed
    )
    validation = nn.DataLoader(x_validation, y_validation, batch_size=BATCH_SIZE)
    test = nn.DataLoader(x_test, y_test, batch_size=BATCH_SIZE)
    model = lenet(seed)
    print(model.summary((1, 1, 8, 8)))
    optimizer = nn.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = nn.schedules.CosineAnnealingLR(optimizer, T_max=epochs * len(train))
    nn.fit(
        model,
        train,
        loss=nn.functional.cross_entropy,
        optimizer=optimizer,
        epochs=epochs,
        validation=validation,
        metrics=[nn.metrics.accuracy],
        callbacks=[Report(), nn.Scheduled(schedule, "step")],
    )
    found = nn.evaluate(model, test, metrics=[nn.metrics.accuracy, nn.metrics.f1()])
    print(f"test accuracy = {found['accuracy']:.4f}, macro F1 = {found['f1_macro']:.4f}")
    return found["accuracy"]


if __name__ == "__main__":
    main()
