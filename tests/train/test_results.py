import json

import numpy as np

from darts_tf import genotypes
from darts_tf.runs.run_folder import RunFolder
from train import results


def test_numbers_that_are_not_finite_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results.plots, "plot_genotype", lambda *args, **options: None)
    monkeypatch.setattr(results.reports, "write", lambda folder: None)
    folder = RunFolder(tmp_path, {})
    result = {"method": "darts-v1", "val_loss": np.nan, "loss": 2.0, "epochs": 3}
    results.write(genotypes.get("RNN_DARTS_V2"), folder, result)
    assert capsys.readouterr().out == (
        "val_loss is not a finite number; in result.json it is null\n"
    )
    read = json.loads((tmp_path / "result.json").read_text())
    assert read == {**result, "val_loss": None}
    assert genotypes.get(str(tmp_path / "genotype.json")) == genotypes.get("RNN_DARTS_V2")
