"""The installed package works, with what it depends on and nothing else.

python -I tests/release/installed.py    # where nothing but the wheel is installed
"""

import importlib
import pkgutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


def main():
    import skseq
    from skseq import GRUSequenceClassifier
    from skseq.datasets import load_japanese_vowels

    package = Path(skseq.__file__).parent
    assert package.parent.name == "site-packages", package
    assert (package / "py.typed").exists()
    assert version("skseq") == skseq.__version__
    for extra in ("matplotlib", "pandas", "polars", "safetensors", "onnx", "optuna"):
        assert find_spec(extra) is None, f"{extra} is installed: this proves nothing"
    modules = [m.name for m in pkgutil.walk_packages(skseq.__path__, "skseq.")]
    modules.remove("skseq._files.onnx")  # which needs an extra
    for name in modules:
        importlib.import_module(name)

    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = GRUSequenceClassifier(max_epochs=20, random_state=0).fit(X, y)
    accuracy = model.score(X_test, y_test)
    assert accuracy > 0.9, accuracy
    print(
        f"Python {sys.version.split()[0]}: {len(modules)} modules, accuracy {accuracy:.3f}"
    )


if __name__ == "__main__":
    main()
