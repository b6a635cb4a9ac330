"""Freeze a PyTorch state dict as safetensors: python tests/reference/make_state_dict.py.

Needs torch and safetensors. Writes state_dict.safetensors beside this script, and an input with the
output of the model for it in evaluation mode to state_dict.json.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.PReLU(4),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, stride=2, bias=False),
            nn.GroupNorm(2, 8),
            nn.GELU(),
        )
        self.rnn = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.block = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 5), nn.LogSoftmax(-1))

    def forward(self, x):
        x = self.features(x).flatten(2).transpose(1, 2)
        x, _ = self.rnn(x)
        return self.head(self.block(x).mean(1))


def main():
    model = Network()
    for _ in range(3):  # so that running statistics are not those of the start
        model(torch.randn(8, 1, 10, 10) * 2 + 1)
    model.eval()
    x = torch.randn(3, 1, 10, 10)
    with torch.no_grad():
        y = model(x)
    folder = Path(__file__).parent
    save_file(model.state_dict(), folder / "state_dict.safetensors")
    frozen = {"torch": torch.__version__, "x": x.tolist(), "y": y.tolist()}
    (folder / "state_dict.json").write_text(json.dumps(frozen))


if __name__ == "__main__":
    main()
