"""Is the die always fair? An embedding LSTM against the exact answer
==================================================================

Rolls 1 to 6 in sequences of 20 to 100. Half come from a fair die, half from one that
is swapped for a loaded die now and then. The classes overlap; the forward algorithm
says what the best possible answer is.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from joblib import Parallel, delayed

from skseq import LSTMSequenceClassifier
from skseq.datasets import make_symbol_sequences

N_TRAIN = 60_000


def make_model(seed, pooling):
    return LSTMSequenceClassifier(
        embedding_dim=8,
        hidden_size=16,
        pooling=pooling,
        batch_size=128,
        lr_schedule="cosine",
        validation_fraction=0.15,
        early_stopping=True,  # the weights of the best epoch are restored
        patience=5,
        max_epochs=50,
        random_state=seed,
    )


def main():
    X, y = make_symbol_sequences(N_TRAIN, random_state=0)
    test = make_symbol_sequences(10_000, random_state=1, return_X_y=False)
    models = Parallel(n_jobs=2)(
        delayed(make_model(0, pooling).fit)(X, y) for pooling in ("last", "mean")
    )
    best = ((test.posterior > 0.5) == test.y).mean()
    print(f"accuracy of the exact posterior: {best:.4f}")
    for model in models:
        score = model.score(test.X, test.y)
        print(
            f"pooling={model.pooling!r}: accuracy {score:.4f}, {100 * (score - best):+.2f} "
            f"points from it; best epoch {model.best_epoch_} of {model.n_epochs_}"
        )
    print(f"picture: {draw(models, test)}")


def draw(models, test):
    figure, (curves, *beside) = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
    for model, axes, colour in zip(models, beside, ("tab:blue", "tab:orange"), strict=True):
        epochs = [row["epoch"] for row in model.history_]
        for side, style in (("train", "--"), ("valid", "-")):
            losses = [row[f"{side}_loss"] for row in model.history_]
            label = f"{model.pooling}, {side}"
            curves.plot(epochs, losses, style, color=colour, label=label)
        curves.axvline(model.best_epoch_, color=colour, linestyle=":")
        probability = model.predict_proba(test.X)[:, 1]
        axes.plot(test.posterior, probability, ".", markersize=1, color=colour)
        axes.plot([0, 1], [0, 1], color="0.4", linewidth=1)
        axes.set(
            title=f"pooling={model.pooling!r}", xlabel="exact posterior", aspect="equal"
        )
    beside[0].set(ylabel="probability of the network")
    curves.set(title="Loss (dotted: best epoch)", xlabel="epoch", ylabel="cross-entropy")
    curves.xaxis.get_major_locator().set_params(integer=True)
    curves.legend()
    path = Path("loaded_die.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
