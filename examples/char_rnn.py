"""An LSTM learns a poem by heart, one character after the other: python examples/char_rnn.py.

The state is carried from one stretch of the text to the next, detached, so that gradients reach
back over one stretch only (truncated backpropagation through time).
"""

import numpy as np

import nn
from autograd_core import Tensor, manual_seed, no_grad

# William Shakespeare, Sonnet 18.
TEXT = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.
"""
ALPHABET = sorted(set(TEXT))
STRETCH = 32

State = tuple[Tensor, Tensor]


class Writer(nn.Module):
    """Characters (T, N) and a state to scores (T, N, alphabet) for the next ones, and the state."""

    def __init__(self, size: int = 96) -> None:
        self.embedding = nn.Embedding(len(ALPHABET), 24)
        self.lstm = nn.LSTM(24, size)
        self.head = nn.Linear(size, len(ALPHABET))

    def forward(self, characters: np.ndarray, state: State | None) -> tuple[Tensor, State]:
        outputs, state = self.lstm(self.embedding(characters), state)
        return self.head(outputs), state


def write(model: Writer, start: str, length: int) -> str:
    """Continue a text with the likeliest characters."""
    text, state = start, None
    unread = [ALPHABET.index(character) for character in start]
    with no_grad():
        for _ in range(length):
            scores, state = model(np.array(unread)[:, None], state)
            unread = [int(scores[-1, 0].data.argmax())]
            text += ALPHABET[unread[0]]
    return text


def main(text: str = TEXT, epochs: int = 100, seed: int = 0) -> tuple[float, str]:
    manual_seed(seed)
    model = Writer()
    optimizer = nn.Adam(model.parameters(), lr=2e-3)
    codes = np.array([ALPHABET.index(character) for character in text])
    average = np.inf
    for epoch in range(1, epochs + 1):
        losses, state = [], None
        for start in range(0, len(codes) - 1, STRETCH):
            read = codes[start : start + STRETCH + 1]
            scores, (h, c) = model(read[:-1, None], state)
            loss = nn.functional.cross_entropy(scores[:, 0], read[1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            state = h.detach(), c.detach()
            losses.append(loss.item())
        average = float(np.mean(losses))
        if epoch % max(epochs // 6, 1) == 0:
            print(f"Epoch {epoch:3d}: loss = {average:.4f} per character")
    written = write(model, text[:6], min(len(text), 160) - 6)
    print(written)
    return average, written


if __name__ == "__main__":
    main()
