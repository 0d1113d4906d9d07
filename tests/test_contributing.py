"""The pages for contributors: what they add works as all else does."""

import io
import math
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.utils.estimator_checks import check_estimator

import skseq
from skseq.nn import cells
from skseq.nn.lanes import Lanes

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def added(request, monkeypatch, capsys):
    """What a page defines; no other test sees it."""
    monkeypatch.setattr(cells, "CELLS", {**cells.CELLS})
    (code,) = BLOCK.findall((DOCS / f"{request.param}.md").read_text())
    module = ModuleType("added")  # of which `pickle` can take the classes
    monkeypatch.setitem(sys.modules, "added", module)
    exec(compile(code, request.param, "exec"), vars(module))
    return vars(module)


@pytest.mark.parametrize("added", ["add_a_cell"], indirect=True)
class TestCell:
    def test_it_learns_what_the_page_says(self, added, capsys):
        assert added["model"].predict([[1, 0, 0], [1, 1, 1, 1]]).tolist() == [
            "mixed",
            "ones",
        ]

    @pytest.mark.parametrize("layers", [1, 2])
    def test_padding_never_matters(self, added, layers):
        rng = np.random.default_rng(0)
        X = [rng.normal(size=(n, 2)) for n in rng.integers(1, 12, size=24)]
        model = added["MGUSequenceClassifier"](
            hidden_size=4,
            bidirectional=True,
            num_layers=layers,
            max_epochs=2,
            validation_fraction=None,
            random_state=0,
        ).fit(X, np.arange(24) % 2)
        together = model.predict_proba(X)
        alone = np.concatenate([model.predict_proba([x]) for x in X])
        np.testing.assert_allclose(together, alone, rtol=1e-9)

    @pytest.mark.parametrize("directions", [1, 2])
    def test_sequences_in_one_lane_do_not_see_each_other(self, added, directions):
        cell, generator = cells.CELLS["mgu"], torch.Generator().manual_seed(0)
        layers = [cell.make(2, 3, dtype=torch.float64) for _ in range(directions)]
        with torch.no_grad():
            for parameter in (p for layer in layers for p in layer.parameters()):
                parameter.normal_(generator=generator)
        lengths = torch.tensor([30, 2, 9, 4, 17, 1])
        x = torch.randn(int(lengths.sum()), 2, dtype=torch.float64, generator=generator)
        found = []
        for share in (True, False):
            lanes = Lanes(lengths, share=share)
            steps = cell.run(layers, lanes.fill(x), lanes).flatten(0, 1)[lanes.steps]
            parameters = [p for layer in layers for p in layer.parameters()]
            found.append([steps, *torch.autograd.grad(steps.square().sum(), parameters)])
        assert Lanes(lengths).n_lanes < len(lengths)
        torch.testing.assert_close(*found)

    def test_files_and_export(self, added, tmp_path):
        model, cls = added["model"], added["MGUSequenceClassifier"]
        with pytest.raises(ValueError, match="MinimalGatedUnit has no operators of ONNX"):
            skseq.to_onnx(model, tmp_path / "model.onnx")
        with pytest.raises(TypeError, match=r"MGUSequenceClassifier, which skseq\.save"):
            skseq.save(model, io.BytesIO())
        path = tmp_path / "model.skseq"
        skseq.save(model, path, trusted=[cls])
        again = skseq.load(path, trusted=[cls])
        X = [[1, 0, 0], [1, 1]]
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))

    @pytest.mark.filterwarnings("ignore:All rows train", "ignore:The number of unique")
    def test_all_checks_of_scikit_learn(self, added):
        check_estimator(added["MGUSequenceClassifier"](hidden_size=8))


def test_an_unknown_cell_is_named():
    with pytest.raises(ValueError, match=r"no cell 'rnn'; there are \['gru', 'lstm'\]"):
        skseq.nn.RecurrentNet("rnn", 1, 1)


@pytest.mark.parametrize("added", ["add_a_task"], indirect=True)
class TestTask:
    def test_it_computes_its_loss(self, added):
        raw, target = torch.tensor([[0.0, 1.0], [400.0, -2.0]]), torch.zeros(2, 2)
        expected = torch.tensor([math.log(math.cosh(1)) / 2, (400 - math.log(2)) / 2])
        expected[1] += math.log(math.cosh(2)) / 2
        torch.testing.assert_close(added["LogCosh"]().per_row(raw, target), expected)
        assert isinstance(added["model"].net_.criterion_, added["LogCosh"])

    def test_files_and_export(self, added, tmp_path):
        model, cls = added["model"], added["LogCoshSequenceRegressor"]
        path, X = tmp_path / "model.skseq", [[0.5, 0.2, 0.1], [0.3, 0.3]]
        skseq.save(model, path, trusted=[cls])
        again = skseq.load(path, trusted=[cls])
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert isinstance(again.net_.criterion_, added["LogCosh"])
        skseq.to_onnx(model, tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        padded, lengths = skseq.pad_collate(X)
        inputs = {"X": padded[:, :, None].numpy(), "lengths": lengths.numpy()}
        (served,) = session.run(None, inputs)
        np.testing.assert_allclose(served, model.predict(X), atol=1e-5)

    def test_all_checks_of_scikit_learn(self, added):
        check_estimator(added["LogCoshSequenceRegressor"]())
