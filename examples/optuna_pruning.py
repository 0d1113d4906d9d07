"""A search by Optuna that gives up a network after a few epochs if it is behind
=============================================================================

The pruner compares each epoch's validation loss with those of earlier trials. The data
is Japanese Vowels: nine speakers, utterances of unequal length.
"""

import optuna
from sklearn.model_selection import train_test_split

from skseq import LSTMSequenceClassifier
from skseq.callbacks import OptunaPruning
from skseq.datasets import load_japanese_vowels

MAX_EPOCHS = 20
N_TRIALS = 15


def make_model(**settings):
    return LSTMSequenceClassifier(max_epochs=MAX_EPOCHS, random_state=0, **settings)


def main():
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, stratify=y, test_size=0.3, random_state=0
    )

    def objective(trial):
        model = make_model(
            hidden_size=trial.suggest_int("hidden_size", 8, 64, log=True),
            lr=trial.suggest_float("lr", 1e-4, 1e-1, log=True),
            bidirectional=trial.suggest_categorical("bidirectional", [False, True]),
            callbacks=[OptunaPruning(trial)],
        )
        model.fit(X_train, y_train, X_val=X_val, y_val=y_val)
        return model.history_[-1]["valid_loss"]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3),
    )
    study.optimize(objective, n_trials=N_TRIALS)
    for trial in study.trials:
        steps = trial.intermediate_values
        loss = f"{min(steps.values()):.3f}"
        print(f"  {trial.state.name:8} {len(steps):3} epochs, loss {loss}, {trial.params}")
    pruned = sum(trial.state.name == "PRUNED" for trial in study.trials)
    print(f"pruned: {pruned} of {N_TRIALS} trials")

    best = make_model(**study.best_params, validation_fraction=None).fit(X, y)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    print(f"test accuracy: {best.score(X_test, y_test):.4f}")


if __name__ == "__main__":
    main()
