"""Data-parallel training, written out: the UCI digits on any number of ranks.

Run it: python examples/mpi_digits.py
or:     mpiexec -n 2 python examples/mpi_digits.py

Any number of ranks makes the same steps: each rank computes its shard of every batch, and
DataParallel turns the gradients of the shards into the gradient of the whole batch.
"""

import distributed
import nn

BATCH_SIZE, EPOCHS, LEARNING_RATE = 32, 20, 1e-3


def main(epochs: int = EPOCHS, seed: int = 0) -> float:
    """Train, report on rank 0, and return the test accuracy."""
    world = distributed.world()
    shard = (world.rank, world.size)

    digits = nn.data.load_digits()
    x_train, y_train, x_test, y_test = nn.data.split(digits.x, digits.y, seed=seed, stratify=True)
    standardize = nn.data.Standardize.fit(x_train)
    train = nn.DataLoader(
        standardize(x_train).astype("float32"),
        y_train,
        batch_size=BATCH_SIZE,
        shuffle=True,
        seed=seed,
        shard=shard,
    )
    test = nn.DataLoader(standardize(x_test).astype("float32"), y_test, shard=shard)

    # The ranks need not start alike: all receive the parameters of rank 0.
    model = distributed.DataParallel(nn.MLP([64, 128, 64, 10], seed=seed + world.rank))
    optimizer = nn.Adam(model.parameters(), lr=LEARNING_RATE)
    accuracy = 0.0
    for epoch in range(epochs):
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        hits = sum(nn.metrics.accuracy.add_up(model(x), y) for x, y in test)
        world.allreduce(hits)
        accuracy = nn.metrics.accuracy.value(hits)
        if world.rank == 0:
            print(f"Epoch {epoch + 1:2}/{epochs}: test accuracy = {accuracy:.4f}", flush=True)
    return accuracy


if __name__ == "__main__":
    main()
